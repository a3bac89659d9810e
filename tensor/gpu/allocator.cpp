#include "tensor/gpu/allocator.h"

#include <algorithm>
#include <list>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "base/check.h"
#include "tensor/gpu/runtime.h"
#include "tensor/heap.h"

namespace mr::gpu {
namespace {

// As on the CPU, small blocks stay out of the way of large ones.
constexpr size_t small = size_t{256} << 10;
constexpr size_t small_segment = size_t{16} << 20, large_segment = size_t{256} << 20;

struct Segment {
  std::byte* base;
  size_t bytes;
  bool of_small;
  Heap heap;
};

}  // namespace

struct BlockPool {
  std::list<Segment> segments;                      // cuda
  std::set<std::byte*> own;                         // emulated: its blocks
  std::vector<std::pair<std::byte*, size_t>> held;  // given back, but not before the pool goes
};

namespace {

class Blocks {
 public:
  std::byte* take(size_t bytes) {
    const std::lock_guard lock(mutex_);
    ++stats_.requests;
    std::byte* p = built == Built::emulated ? own(bytes) : from_segment(bytes);
    stats_.in_use_bytes += bytes;
    stats_.peak_in_use_bytes = std::max(stats_.peak_in_use_bytes, stats_.in_use_bytes);
    return p;
  }

  void give_back(std::byte* p, size_t bytes) noexcept {
    const std::lock_guard lock(mutex_);
    stats_.in_use_bytes -= bytes;
    BlockPool* home = home_of(p);
    if (home != open_ || (home && built == Built::emulated))
      (home ? home : open_)->held.emplace_back(p, bytes);
    else
      release(p, bytes);
  }

  BlockPool* open() {
    const std::lock_guard lock(mutex_);
    check(!open_, "open_pool: expected none that is open, got one");
    open_ = pools_.emplace_back(std::make_unique<BlockPool>()).get();
    return open_;
  }
  void close() noexcept {
    const std::lock_guard lock(mutex_);
    open_ = nullptr;
  }
  void release(BlockPool* pool) noexcept {
    const std::lock_guard lock(mutex_);
    segments_.splice(segments_.end(), pool->segments);
    const auto held = std::move(pool->held);
    std::erase_if(pools_, [pool](const auto& p) { return p.get() == pool; });
    for (const auto& [p, bytes] : held)
      if (open_)
        open_->held.emplace_back(p, bytes);  // what is given back now would be recorded
      else
        release(p, bytes);
  }

  void reserve_headroom(double share) {
    const std::lock_guard lock(mutex_);
    if constexpr (built == Built::cuda) add_segment(static_cast<size_t>(share * static_cast<double>(stats_.reserved_bytes)), false);
  }

  AllocatorStats stats() {
    const std::lock_guard lock(mutex_);
    return stats_;
  }

 private:
  static bool lies_in(const std::byte* p, const Segment& s) { return p >= s.base && p < s.base + s.bytes; }

  // Null: that of no pool.
  BlockPool* home_of(std::byte* p) const {
    for (const auto& pool : pools_)
      if (pool->own.contains(p) || std::ranges::any_of(pool->segments, [p](const Segment& s) { return lies_in(p, s); })) return pool.get();
    return nullptr;
  }

  void release(std::byte* p, size_t bytes) noexcept {
    if constexpr (built == Built::emulated) {
      stats_.reserved_bytes -= bytes;
      free_device(p, compute_stream());
    } else {
      BlockPool* home = home_of(p);
      auto& all = home ? home->segments : segments_;
      const auto s = std::ranges::find_if(all, [p](const Segment& g) { return lies_in(p, g); });
      s->heap.give_back(static_cast<size_t>(p - s->base));
    }
  }

  std::byte* own(size_t bytes) {
    auto* p = static_cast<std::byte*>(allocate_device(bytes));
    if (open_) open_->own.insert(p);
    ++stats_.system_allocations;
    stats_.reserved_bytes += bytes;
    return p;
  }

  std::byte* from_segment(size_t bytes) {
    const bool of_small = bytes <= small;
    for (Segment& s : open_ ? open_->segments : segments_)
      if (s.of_small == of_small)
        if (const auto offset = s.heap.take(bytes)) return s.base + *offset;
    Segment& s = add_segment(bytes, of_small);
    return s.base + *s.heap.take(bytes);
  }

  Segment& add_segment(size_t bytes, bool of_small) {
    const size_t whole = (std::max(bytes, of_small ? small_segment : large_segment) + Heap::growth - 1) / Heap::growth * Heap::growth;
    void* base = nullptr;
    try {
      base = allocate_device(whole);
    } catch (const GpuError& e) {
      throw GpuError("allocate", e.call(),
                     str("allocate: out of memory on ", device_name(), " for ", bytes, " bytes; in use ", stats_.in_use_bytes,
                         ", reserved ", stats_.reserved_bytes, " (", e.what(), ")"));
    }
    ++stats_.system_allocations;
    stats_.reserved_bytes += whole;
    return (open_ ? open_->segments : segments_).emplace_back(Segment{static_cast<std::byte*>(base), whole, of_small, Heap(whole)});
  }

  std::mutex mutex_;
  std::list<Segment> segments_;
  std::list<std::unique_ptr<BlockPool>> pools_;
  BlockPool* open_ = nullptr;
  AllocatorStats stats_;
};

// Never destroyed: tensors in static storage may outlive it.
Blocks& blocks() {
  static auto* all = new Blocks;
  return *all;
}

}  // namespace

std::byte* take_block(size_t bytes) { return blocks().take(bytes); }
void give_back_block(std::byte* p, size_t bytes) noexcept { blocks().give_back(p, bytes); }
AllocatorStats block_stats() { return blocks().stats(); }
void reserve_block_headroom(double share) { blocks().reserve_headroom(share); }
BlockPool* open_pool() { return blocks().open(); }
void close_pool() noexcept { blocks().close(); }
void release_pool(BlockPool* pool) noexcept { blocks().release(pool); }

}  // namespace mr::gpu
