#include "tensor/storage.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>

#include "base/check.h"
#include "tensor/asan.h"
#include "tensor/gpu/allocator.h"
#include "tensor/gpu/runtime.h"
#include "tensor/heap.h"

namespace mr {
namespace {

constexpr size_t red_zone = has_asan ? Heap::alignment : 0;  // behind every block where AddressSanitizer watches

size_t physical_memory() {
  return std::max(static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE)), size_t{1} << 30);
}

// One range of the process's addresses, as wide as the machine's memory. The system gives a page when it is first touched, and the heap
// hands out low addresses first, so only what was ever in use at one time takes memory.
class Range {
 public:
  Range() : Range(physical_memory()) {}

  std::byte* take(size_t bytes) {
    const auto offset = heap_.take(bytes + red_zone);
    if (!offset) return nullptr;
    asan_unpoison(base_ + *offset, bytes);
    asan_poison(base_ + *offset + bytes, red_zone);
    return base_ + *offset;
  }

  void give_back(std::byte* p) {
    const size_t size = heap_.give_back(static_cast<size_t>(p - base_));
    asan_poison(p, size);
  }

  void reserve_headroom(double share) {
    heap_.reserve(std::max(static_cast<size_t>(share * static_cast<double>(heap_.extent())), Heap::growth));
  }
  const Heap& heap() const { return heap_; }

 private:
  explicit Range(size_t capacity) : base_(map(capacity)), heap_(capacity) {}  // map may narrow it

  // Narrower where the process may not have that many addresses (ulimit -v).
  static std::byte* map(size_t& capacity) {
    for (;; capacity /= 2) {
      void* p = mmap(nullptr, capacity + Heap::growth, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (p == MAP_FAILED) {
        check(capacity > Heap::growth, "allocate: the system gives no range of addresses");
        continue;
      }
      const auto skip = (Heap::growth - reinterpret_cast<uintptr_t>(p) % Heap::growth) % Heap::growth;
      auto* base = static_cast<std::byte*>(p) + skip;
#ifdef MADV_HUGEPAGE
      madvise(base, capacity, MADV_HUGEPAGE);  // fewer page faults; a hint, so its result is of no concern
#endif
      return base;
    }
  }

  std::byte* base_;
  Heap heap_;
};

// Small blocks stay in use for long or short, in great numbers; between the large ones they would split the space that those leave.
constexpr size_t small = size_t{256} << 10;

class CpuAllocator {
 public:
  std::byte* take(size_t bytes) {
    const std::lock_guard lock(mutex_);
    ++stats_.requests;
    std::byte* p = range(bytes).take(bytes);
    check(p != nullptr, "allocate: out of memory on cpu for ", bytes, " bytes; in use ", stats_.in_use_bytes, ", reserved ", reserved());
    stats_.in_use_bytes += bytes;
    stats_.peak_in_use_bytes = std::max(stats_.peak_in_use_bytes, stats_.in_use_bytes);
    return p;
  }

  void give_back(std::byte* p, size_t bytes) {
    const std::lock_guard lock(mutex_);
    range(bytes).give_back(p);
    stats_.in_use_bytes -= bytes;
  }

  void reserve_headroom(double share) {
    const std::lock_guard lock(mutex_);
    small_.reserve_headroom(share);
    large_.reserve_headroom(share);
  }

  AllocatorStats stats() {
    const std::lock_guard lock(mutex_);
    AllocatorStats s = stats_;
    s.reserved_bytes = reserved();
    s.system_allocations = small_.heap().growths() + large_.heap().growths();
    return s;
  }

 private:
  Range& range(size_t bytes) { return bytes <= small ? small_ : large_; }
  uint64_t reserved() const { return small_.heap().extent() + large_.heap().extent(); }

  std::mutex mutex_;
  Range small_, large_;
  AllocatorStats stats_;
};

// Never destroyed: tensors in static storage may outlive it.
CpuAllocator& cpu_allocator() {
  static auto* allocator = new CpuAllocator;
  return *allocator;
}

// Whether it is the CPU; if not, it is the one device of this build.
bool is_cpu(Device device) {
  check(device.type == DeviceType::cpu || device == gpu_device(), "allocate: expected cpu",
        gpu::exists ? str(" or ", gpu_device()) : std::string(), ", the devices of this build, got ", device);
  return device.type == DeviceType::cpu;
}

}  // namespace

void append(std::string& out, Device device) {
  switch (device.type) {
    case DeviceType::cpu:
      out.append("cpu");
      break;
    case DeviceType::cuda:
      out.append("cuda:").append(std::to_string(device.index));
      break;
    case DeviceType::emulated:
      out.append("emulated");
      break;
  }
}

Device gpu_device() {
  if constexpr (gpu::built == gpu::Built::emulated) return {DeviceType::emulated, 0};
  if constexpr (gpu::built == gpu::Built::cuda) {
    static const bool any = gpu::device_count() > 0;
    return {DeviceType::cuda, any ? gpu::device_index() : 0};
  }
  return {};
}

Storage allocate(size_t bytes, Device device) {
  if (is_cpu(device)) return {cpu_allocator().take(bytes), [bytes](std::byte* p) { cpu_allocator().give_back(p, bytes); }};
  return {gpu::take_block(bytes), [bytes](std::byte* p) { gpu::give_back_block(p, bytes); }};
}

AllocatorStats allocator_stats(Device device) { return is_cpu(device) ? cpu_allocator().stats() : gpu::block_stats(); }

void reserve_headroom(Device device, double share) {
  if (is_cpu(device))
    cpu_allocator().reserve_headroom(share);
  else
    gpu::reserve_block_headroom(share);
}

}  // namespace mr
