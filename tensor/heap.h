// A heap over one range of addresses: where in it a block lies, and which blocks are free.
//
// Best fit: a request gets the smallest free block that holds it, the lowest of equals, and leaves the rest of it free; a freed block joins
// its free neighbours. Only where no free block is large enough does the range grow, at its end and by what is missing. So a run whose
// sizes differ from step to step (the number of proposals does) soon works in the range that its largest step took, which a cache with one
// list a size would not reach: each new size is a new block there.
// The heap's notes lie beside the memory it hands out, never in it: the range may as well be a device's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace mr {

class Heap {
 public:
  static constexpr size_t alignment = 64;            // of every block: a cache line, and the widest vector
  static constexpr size_t growth = size_t{2} << 20;  // the range grows by multiples of a huge page

  explicit Heap(size_t capacity) : capacity_(capacity) {}

  std::optional<size_t> take(size_t bytes);  // the offset of a block of `bytes` (rounded up to the alignment); none where the range is full
  size_t give_back(size_t offset);           // its rounded size
  void reserve(size_t bytes);                // grows until the free end has so many, where the capacity allows
  size_t extent() const { return extent_; }  // bytes from the start of the range that were ever part of a block
  uint64_t growths() const { return growths_; }

 private:
  struct Block {
    size_t size = 0;
    bool free = false;
  };
  using Blocks = std::map<size_t, Block>;  // by offset; together they cover the extent without a gap

  bool grow(size_t bytes);
  size_t free_end() const;                // bytes of the free block at the end of the range
  void set_free(Blocks::iterator block);  // joins it to its free neighbours

  size_t capacity_ = 0;
  size_t extent_ = 0;
  uint64_t growths_ = 0;
  Blocks blocks_;
  std::set<std::pair<size_t, size_t>> free_;  // (size, offset) of the free blocks
};

}  // namespace mr
