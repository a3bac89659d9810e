// What an allocator of tensors' memory counts, the CPU's and a device's alike.
#pragma once

#include <cstdint>

namespace mr {

struct AllocatorStats {
  uint64_t in_use_bytes = 0;  // held by tensors now
  uint64_t peak_in_use_bytes = 0;
  uint64_t reserved_bytes = 0;      // taken from the system: in use and free
  uint64_t requests = 0;            // calls of allocate
  uint64_t system_allocations = 0;  // requests that made a range grow
};

}  // namespace mr
