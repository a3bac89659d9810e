// What the lanes of a warp read and wrote, put side by side: how many passes over the banks of shared memory, and how many sectors of
// device memory, one instruction of a warp would have taken.
//
// A thread keeps a log. Lanes run one after the other, so which of their accesses belong to one instruction is found afterwards: the k-th
// access of each lane at one place in the source.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tensor/gpu/emulation.h"

namespace mr::gpu::emulated {

enum class Space : uint8_t { none, shared, global };  // none: a lane that takes part in an instruction without an address of its own

struct Access {
  uint64_t site = 0;     // place in the source and kind of access
  uint64_t address = 0;  // in bytes; of shared memory: from its start
  uint16_t bytes = 0;
  Space space = Space::none;
};

class Log {
 public:
  void add(const Location& at, bool writes, Space space, uint64_t address, int bytes);
  std::span<const Access> accesses() const { return accesses_; }
  bool complete() const { return complete_; }
  void clear() {
    accesses_.clear();
    complete_ = true;
  }

 private:
  static constexpr size_t most = size_t{1} << 16;
  std::vector<Access> accesses_;
  bool complete_ = true;
};

// Adds to `stats` what the lanes of one warp did since the last call.
void count_warp(std::span<const Log* const> lanes, LaunchStats& stats);

}  // namespace mr::gpu::emulated
