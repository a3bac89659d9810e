// Host memory on its way to the device.
#pragma once

#include <cstddef>

#include "tensor/gpu/runtime.h"

namespace mr::gpu {

// `from` is copied into pinned memory at once and may change; the rest of the way is queued, and nothing waits. The pinned memory is kept, and
// used again when the device is done with it: as much as was ever under way at one time.
void upload(void* to, const void* from, size_t bytes, Stream& stream);

}  // namespace mr::gpu
