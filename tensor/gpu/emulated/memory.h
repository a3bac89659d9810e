// The emulated device's memory: one range of addresses that only kernels and copies may touch. At all other times the pages are closed, and
// a host that reads or writes them ends with a message that names the address and the allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "tensor/gpu/emulated/order.h"
#include "tensor/gpu/emulated/thread.h"
#include "tensor/heap.h"

namespace mr::gpu::emulated {

class DeviceMemory {
 public:
  struct Allocation {
    std::byte* begin = nullptr;
    size_t bytes = 0, whole = 0;  // asked for, and with the red zone behind it
    Location at;
  };

  DeviceMemory();
  std::byte* take(size_t bytes, const Location& at);  // filled with poison; errors: out of memory
  void give_back(void* p);                            // errors: not the start of an allocation

  const Allocation* find(const void* p) const;    // the one that holds the byte at p, or null
  bool holds(const void* p, size_t bytes) const;  // all of [p, p + bytes) in one allocation
  bool in_range(const void* p) const { return p >= base_ && p < base_ + capacity_; }
  std::string describe(const void* p) const;  // the address and what lies there

  // Opened as often as closed; open while kernels and copies run.
  void open();
  void close() noexcept;
  void check_red_zones(const std::string& op) const;  // errors: something wrote behind an allocation

 private:
  bool protect(int protection);

  size_t capacity_ = 0;
  std::byte* base_ = nullptr;
  Heap heap_;
  std::map<uintptr_t, Allocation> allocations_;
  int opened_ = 0;
};

class OpenMemory {
 public:
  explicit OpenMemory(DeviceMemory& memory) : memory_(memory) { memory_.open(); }
  ~OpenMemory() { memory_.close(); }
  OpenMemory(const OpenMemory&) = delete;
  OpenMemory& operator=(const OpenMemory&) = delete;

 private:
  DeviceMemory& memory_;
};

// An access of device memory by the thread of a kernel that runs. Errors: not aligned to its size, outside every allocation.
void check_device_access(const void* p, size_t bytes, const char* what, Touch how, const Location& at);
void load_device(const void* p, size_t bytes, void* to, const Location& at);
void store_device(void* p, size_t bytes, const void* from, const Location& at);
void check_shared_alignment(const SharedSpan& a, int64_t i, size_t bytes, const Location& at);

}  // namespace mr::gpu::emulated
