// Memory: where it lives, and the allocator it comes from, one a device.
//
// A device has one range of addresses for small blocks and one for large ones, each run by a heap (tensor/heap.h), and gives nothing back to
// the system: a training step in steady state asks it for nothing, and a 60 MB map is not paged in again each time. `allocator_stats`
// shows it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "tensor/allocator_stats.h"

namespace mr {

enum class DeviceType : uint8_t { cpu, cuda, emulated };

struct Device {
  DeviceType type = DeviceType::cpu;
  int index = 0;
  bool operator==(const Device&) const = default;
};
void append(std::string& out, Device device);  // cpu, cuda:0, emulated

Device gpu_device();  // the device that this build has beside the CPU; the CPU where it has none

// One block of memory, aligned to 64 bytes; goes back to its allocator when the last tensor on it goes.
using Storage = std::shared_ptr<std::byte>;
Storage allocate(size_t bytes, Device device);  // not initialised; errors: out of memory (with the statistics)

AllocatorStats allocator_stats(Device device);
// Makes sure that the device's ranges can grow by this share without asking the system.
void reserve_headroom(Device device, double share);

}  // namespace mr
