#include "tensor/gpu/emulated/warp.h"

#include "tensor/gpu/emulated/block.h"

namespace mr::gpu::emulated {
namespace {

struct ShuffleSlot {
  uint64_t value = 0, result = 0;
  int source = 0;
};

struct BallotSlot {
  bool predicate = false;
  uint32_t result = 0;
};

template <class Slot> Slot& slot(Block& block, int warp, int l) { return *static_cast<Slot*>(block.lane(warp, l).wait.slot); }

void run_shuffle(Block& block, int warp, uint32_t mask) {
  for (int l = 0; l < warp_size; ++l) {
    if (!(mask >> l & 1)) continue;
    ShuffleSlot& mine = slot<ShuffleSlot>(block, warp, l);
    if (!(mask >> mine.source & 1)) {
      const Thread& t = block.lane(warp, l);
      fail_in(t, t.wait.at, t.wait.name, ": the lane that is read must be in the mask ", hex(mask), ", got lane ", mine.source);
    }
    mine.result = slot<ShuffleSlot>(block, warp, mine.source).value;
  }
}

void run_ballot(Block& block, int warp, uint32_t mask) {
  uint32_t votes = 0;
  for (int l = 0; l < warp_size; ++l)
    if ((mask >> l & 1) && slot<BallotSlot>(block, warp, l).predicate) votes |= 1u << l;
  for (int l = 0; l < warp_size; ++l)
    if (mask >> l & 1) slot<BallotSlot>(block, warp, l).result = votes;
}

// The lane that is read; the segment of `width` lanes bounds it as the CUDA manual says.
int source_of(Shuffle kind, int mine, int lane, int width) {
  const int segment = mine & ~(width - 1);
  switch (kind) {
    case Shuffle::index:
      return segment + (lane & (width - 1));
    case Shuffle::up:
      return mine - lane < segment ? mine : mine - lane;
    case Shuffle::down:
      return mine + lane >= segment + width ? mine : mine + lane;
    case Shuffle::exclusive_or:
      return (mine ^ lane) >= segment + width ? mine : mine ^ lane;
  }
  return mine;
}

constexpr const char* name(Shuffle kind) {
  constexpr const char* names[] = {"__shfl_sync", "__shfl_up_sync", "__shfl_down_sync", "__shfl_xor_sync"};
  return names[static_cast<int>(kind)];
}

}  // namespace

uint64_t shuffle(Shuffle kind, uint32_t mask, uint64_t bits, int lane, int width, const Location& at) {
  Thread& t = thread();
  if (width < 1 || width > warp_size || (width & (width - 1)) != 0)
    fail_in(t, at, name(kind), ": width must be a power of two up to 32, got ", width);
  if (kind != Shuffle::index && (lane < 0 || lane >= warp_size))
    fail_in(t, at, name(kind), ": the distance must be in [0, 32), got ", lane);
  ShuffleSlot mine{bits, 0, source_of(kind, t.lane, lane, width)};
  t.block->meet(t, name(kind), mask, &mine, run_shuffle, at);
  return mine.result;
}

uint32_t ballot(const char* name, uint32_t mask, bool predicate, const Location& at) {
  Thread& t = thread();
  BallotSlot mine{predicate, 0};
  t.block->meet(t, name, mask, &mine, run_ballot, at);
  return mine.result;
}

}  // namespace mr::gpu::emulated

// NOLINTBEGIN(bugprone-reserved-identifier)
void __syncthreads(mr::gpu::Location at) {
  auto& t = mr::gpu::emulated::thread();
  t.block->barrier(t, "__syncthreads", false, at);
}
int __syncthreads_count(int predicate, mr::gpu::Location at) {
  auto& t = mr::gpu::emulated::thread();
  return t.block->barrier(t, "__syncthreads_count", predicate != 0, at);
}
int __syncthreads_and(int predicate, mr::gpu::Location at) {
  auto& t = mr::gpu::emulated::thread();
  return t.block->barrier(t, "__syncthreads_and", predicate == 0, at) == 0;
}
int __syncthreads_or(int predicate, mr::gpu::Location at) {
  auto& t = mr::gpu::emulated::thread();
  return t.block->barrier(t, "__syncthreads_or", predicate != 0, at) != 0;
}

void __syncwarp(uint32_t mask, mr::gpu::Location at) {
  auto& t = mr::gpu::emulated::thread();
  t.block->meet(
      t, "__syncwarp", mask, nullptr, [](mr::gpu::emulated::Block& block, int warp, uint32_t lanes) { block.sync_warp(warp, lanes); }, at);
}
// NOLINTEND(bugprone-reserved-identifier)
