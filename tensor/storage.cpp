#include "tensor/storage.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <vector>

#include "tensor/check.h"

namespace mr {
namespace {

constexpr size_t alignment = 64;
constexpr size_t huge_page = size_t{2} << 20;

// Rounds up to one of eight sizes an octave: 64, 128, …, then (8…15)·2^k.
size_t size_class(size_t bytes) {
  bytes = std::max(bytes, alignment);
  const int octave = std::bit_width(bytes) - 1;
  const size_t step = std::max(alignment, size_t{1} << std::max(octave - 3, 0));
  return (bytes + step - 1) / step * step;
}

std::byte* system_allocate(size_t bytes) {
  const size_t align = bytes >= huge_page ? huge_page : alignment;
  auto* p = static_cast<std::byte*>(std::aligned_alloc(align, (bytes + align - 1) / align * align));
#ifdef MADV_HUGEPAGE
  if (p && bytes >= huge_page) madvise(p, bytes, MADV_HUGEPAGE);  // fewer page faults; a hint, so its result is of no concern
#endif
  return p;
}

struct Block {
  std::byte* p = nullptr;
  size_t size = 0;
};

class CpuAllocator {
 public:
  Block take(size_t bytes) {
    size_t size = size_class(bytes);
    const std::lock_guard lock(mutex_);
    ++stats_.requests;
    // The smallest block that fits: of this class, or one of up to half as much again, so that a run whose sizes vary from step to step
    // soon stops asking the system.
    auto fit = cache_.lower_bound(size);
    while (fit != cache_.end() && fit->second.empty()) ++fit;
    std::byte* p = nullptr;
    if (fit != cache_.end() && fit->first <= size + size / 2) {
      size = fit->first;
      p = fit->second.back();
      fit->second.pop_back();
    } else {
      p = system_allocate(size);
      if (!p) {  // give the cache back and try once more
        release_locked();
        p = system_allocate(size);
      }
      check(p != nullptr, "allocate: out of memory on cpu for ", bytes, " bytes; in use ", stats_.in_use_bytes, ", reserved ",
            stats_.reserved_bytes);
      ++stats_.system_allocations;
      stats_.reserved_bytes += size;
    }
    stats_.in_use_bytes += size;
    stats_.peak_in_use_bytes = std::max(stats_.peak_in_use_bytes, stats_.in_use_bytes);
    return {p, size};
  }

  void give_back(Block b) {
    const std::lock_guard lock(mutex_);
    cache_[b.size].push_back(b.p);
    stats_.in_use_bytes -= b.size;
  }

  void release() {
    const std::lock_guard lock(mutex_);
    release_locked();
  }

  AllocatorStats stats() {
    const std::lock_guard lock(mutex_);
    return stats_;
  }

 private:
  void release_locked() {
    for (auto& [size, blocks] : cache_) {
      for (std::byte* p : blocks) std::free(p);
      stats_.reserved_bytes -= size * blocks.size();
      blocks.clear();
    }
  }

  std::mutex mutex_;
  std::map<size_t, std::vector<std::byte*>> cache_;
  AllocatorStats stats_;
};

// Never destroyed: tensors in static storage may outlive it.
CpuAllocator& cpu_allocator() {
  static auto* allocator = new CpuAllocator;
  return *allocator;
}

void require_cpu(Device device) { check(device.type == DeviceType::cpu, "allocate: this build has no device ", device, ", only cpu"); }

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

Storage allocate(size_t bytes, Device device) {
  require_cpu(device);
  const Block block = cpu_allocator().take(bytes);
  return {block.p, [size = block.size](std::byte* p) { cpu_allocator().give_back({p, size}); }};
}

AllocatorStats allocator_stats(Device device) {
  require_cpu(device);
  return cpu_allocator().stats();
}

void release_cached_memory(Device device) {
  require_cpu(device);
  cpu_allocator().release();
}

}  // namespace mr
