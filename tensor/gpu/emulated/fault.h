// Names a host's access of closed device memory, and ends the program.
#pragma once

namespace mr::gpu::emulated {

// Makes sure that a fault in device memory is ours to report; every other fault goes to who reported it before.
void watch_faults();

}  // namespace mr::gpu::emulated
