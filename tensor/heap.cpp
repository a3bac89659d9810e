#include "tensor/heap.h"

#include <algorithm>
#include <iterator>

namespace mr {
namespace {

size_t round_up(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

}  // namespace

std::optional<size_t> Heap::take(size_t bytes) {
  if (bytes > capacity_) return std::nullopt;  // and so the sums below cannot overflow
  const size_t size = std::max(round_up(bytes, alignment), alignment);
  auto fit = free_.lower_bound({size, 0});
  if (fit == free_.end()) {
    if (!grow(size)) return std::nullopt;
    fit = free_.lower_bound({size, 0});
  }
  const auto [whole, offset] = *fit;
  free_.erase(fit);
  blocks_[offset] = {size, false};
  if (whole > size) {
    blocks_[offset + size] = {whole - size, true};
    free_.insert({whole - size, offset + size});
  }
  return offset;
}

size_t Heap::free_end() const { return !blocks_.empty() && blocks_.rbegin()->second.free ? blocks_.rbegin()->second.size : 0; }

void Heap::reserve(size_t bytes) {
  if (bytes > free_end() && bytes <= capacity_) grow(bytes);
}

// At the end of the range, by what the free block there lacks, and by a thirty-second at least, so that it seldom has to.
bool Heap::grow(size_t bytes) {
  const size_t missing = round_up(bytes - free_end(), growth), room = capacity_ - extent_;
  if (missing > room) return false;
  const size_t more = std::min(std::max(missing, round_up(extent_ / 32, growth)), room);
  const auto added = blocks_.emplace_hint(blocks_.end(), extent_, Block{more, false});
  extent_ += more;
  ++growths_;
  set_free(added);
  return true;
}

size_t Heap::give_back(size_t offset) {
  const auto block = blocks_.find(offset);
  const size_t size = block->second.size;
  set_free(block);
  return size;
}

void Heap::set_free(Blocks::iterator block) {
  if (const auto next = std::next(block); next != blocks_.end() && next->second.free) {
    free_.erase({next->second.size, next->first});
    block->second.size += next->second.size;
    blocks_.erase(next);
  }
  if (block != blocks_.begin()) {
    if (const auto previous = std::prev(block); previous->second.free) {
      free_.erase({previous->second.size, previous->first});
      previous->second.size += block->second.size;
      blocks_.erase(block);
      block = previous;
    }
  }
  block->second.free = true;
  free_.insert({block->second.size, block->first});
}

}  // namespace mr
