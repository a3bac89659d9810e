// How much memory this process may still take.
#pragma once

#include <cstdint>

namespace mr {

// The least of what the machine has free, what its container (cgroup) allows and what `ulimit -v` leaves; a very large number where the system
// tells none of them.
int64_t available_memory();

}  // namespace mr
