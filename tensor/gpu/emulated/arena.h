// The shared memory of a block: arrays carved one after the other, as on the device (so the banks are the same), and beside each element
// what is known of it: who wrote and read it since the last barrier, and whether a cp.async is under way to it.
//
// Two accesses of one element by different threads, one of them a write, are a race unless something orders them: a __syncthreads
// between them, or, within a warp, a __syncwarp that both passed. Atomics do not race with each other. Which of the two ran first does
// not matter: a race is found in whatever order the threads ran.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "tensor/gpu/emulated/thread.h"

namespace mr::gpu::emulated {

struct SharedSpan {
  int number = 0;     // of the array, in the order of carving
  int64_t count = 0;  // elements
  int element = 0;    // bytes of one
  size_t offset = 0;  // in the block's shared memory
  size_t first = 0;   // its first cell
};

class Arena {
 public:
  static constexpr size_t most_bytes = size_t{163} << 10;  // what a block may have on an A100

  Arena();
  void begin(size_t limit);  // a new block, with `limit` bytes
  void barrier();            // all threads have met
  size_t used() const { return used_; }

  // The next array of thread t; the first thread to come carves it, the others must ask for the same.
  const SharedSpan& carve(Thread& t, int64_t count, int element, size_t align, const Location& at);

  std::byte* data(const SharedSpan& a, int64_t i) { return reinterpret_cast<std::byte*>(memory_.data()) + a.offset + i * a.element; }

  // Elements [i, i + n) by thread t. Errors: outside the array, not initialised, a race, a cp.async not waited for.
  void read(Thread& t, const SharedSpan& a, int64_t i, int n, const Location& at);
  void write(Thread& t, const SharedSpan& a, int64_t i, int n, const Location& at);
  void update(Thread& t, const SharedSpan& a, int64_t i, const Location& at);  // an atomic
  void begin_copy(Thread& t, const SharedSpan& a, int64_t i, int n, const Location& at);
  void land_copy(Thread& t, const PendingCopy& copy);

 private:
  struct alignas(128) Line {  // all banks once
    std::byte bytes[128];
  };
  struct Cell {
    Location written_at;
    uint32_t write_epoch = 0, write_stamp = 0;
    uint32_t visit_epoch = 0, atomic_epoch = 0;
    int32_t visits = -1;  // of this epoch, since the last write: the newest, or -1
    uint16_t writer = 0;
    bool in_flight = false;
  };
  struct Visit {  // a read or an atomic
    Location at;
    uint32_t stamp = 0;
    int32_t next = -1;
    uint16_t thread = 0;
    bool atomic = false;
  };
  enum class Which : uint8_t { all, reads, atomics };

  Cell& cell(const SharedSpan& a, int64_t i) { return cells_[a.first + static_cast<size_t>(i)]; }
  void check_range(const Thread& t, const SharedSpan& a, int64_t i, int n, const Location& at) const;
  void check_landed(const Thread& t, const SharedSpan& a, int64_t i, const Cell& c, const Location& at) const;
  void check_initialised(const Thread& t, const SharedSpan& a, int64_t i, const Cell& c, const Location& at) const;
  void after_write(const Thread& t, const SharedSpan& a, int64_t i, const Cell& c, const char* what, const Location& at) const;
  void after_visits(const Thread& t, const SharedSpan& a, int64_t i, const Cell& c, Which which, const char* what,
                    const Location& at) const;
  void visit(const Thread& t, Cell& c, bool atomic, const Location& at);
  void set_written(const Thread& t, Cell& c, const Location& at);

  std::vector<Line> memory_;
  std::deque<SharedSpan> arrays_;
  std::vector<Cell> cells_;
  std::vector<Visit> visits_;
  size_t limit_ = 0, used_ = 0, used_cells_ = 0;
  uint32_t epoch_ = 0;        // counts barriers and blocks, so that nothing need be cleared
  uint32_t block_epoch_ = 0;  // of the block's start: a cell last written before it holds no value
};

}  // namespace mr::gpu::emulated
