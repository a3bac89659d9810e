// Non-maximum suppression of many lists at once, in three steps that leave everything on the device:
//
//   1. each list is sorted by score (topk.cu)
//   2. each tile of 64 × 64 pairs of sorted boxes becomes 64 words: bit i of word (tile, j) says that box i of the tile's rows covers box j
//   3. a block goes through a list, 64 boxes at a time: with the words of the 64 among themselves one thread decides which of them are kept,
//      then every thread strikes those of its later boxes that one of the kept covers (word & kept ≠ 0)
//
// The scores of those that are kept are what nms.cpp takes the best of an image from.
#include "ops/boxes/box_rules.h"
#include "ops/boxes/boxes_gpu.h"
#include "tensor/gpu/kernel.h"

namespace mr::gpu {
namespace {

constexpr int tile = 64, scan_threads = 512;

// Sorted lists of boxes.
struct Sorted {
  const Box* boxes;
  Groups of;
  const int32_t *order, *counts;  // [lists,length], [lists]
  __device__ int count(int64_t list) const { return load<int32_t>(counts + list); }
  __device__ int64_t row(int64_t list, int rank) const { return of.list(list).at(load<int32_t>(order + list * of.length + rank)); }
};

// covers [lists,tiles,length]. Block (column tile, row tile, list), one thread a column; the boxes of the rows lie in shared memory, and all
// lanes read the same one. Words are written by neighbouring lanes.
__global__ void __launch_bounds__(tile) cover_kernel(Sorted s, float threshold, int tiles, uint64_t* covers) {
  const int64_t list = blockIdx.z;
  const int t = static_cast<int>(threadIdx.x), first = static_cast<int>(blockIdx.y) * tile, j = static_cast<int>(blockIdx.x) * tile + t;
  const int count = s.count(list);
  if (blockIdx.x < blockIdx.y || j - t >= count) return;
  Shared shared;
  const auto rows = shared.array<float>(4 * tile);
  if (first + t < count) store(rows + 4 * t, load<Box>(s.boxes + s.row(list, first + t)));
  __syncthreads();
  if (j >= count) return;
  const Corners<float> mine = corners(load<Box>(s.boxes + s.row(list, j)));
  const int last = min(tile, j - first);  // a box is covered by better ones only
  uint64_t word = 0;
  for (int i = 0; i < last; ++i) {
    const Overlap<float> o = overlap(corners(load<Box>(rows + 4 * i)), mine);
    if (o.both / o.either > threshold) word |= uint64_t{1} << i;
  }
  store(covers + (list * tiles + blockIdx.y) * s.of.length + j, word);
}

// One block a list.
__global__ void __launch_bounds__(scan_threads)
    scan_kernel(Sorted s, int tiles, const uint64_t* covers, const float* scores, float* kept_scores) {
  Shared shared;
  const auto among = shared.array<uint64_t>(tile);  // for each of the 64 boxes: those of them that cover it; itself if it was struck
  const auto decided = shared.array<uint64_t>(1);
  const auto struck = shared.array<int>(static_cast<int>(s.of.length));
  const int64_t list = blockIdx.x;
  const int t = static_cast<int>(threadIdx.x), count = s.count(list);
  for (int j = t; j < count; j += scan_threads) struck[j] = 0;
  for (int first = 0; first < count; first += tile) {
    const uint64_t* const words = covers + (list * tiles + first / tile) * s.of.length;
    const int here = min(tile, count - first);
    __syncthreads();
    if (t < here) {
      uint64_t word = load<uint64_t>(words + first + t);
      if (struck[first + t] != 0) word |= uint64_t{1} << t;
      among[t] = word;
    }
    __syncthreads();
    if (t == 0) {
      uint64_t kept = 0;
      for (int i = 0; i < here; ++i) {
        const uint64_t me = uint64_t{1} << i, word = among[i];
        if ((word & (kept | me)) == 0) kept |= me;
      }
      decided[0] = kept;
    }
    __syncthreads();
    const uint64_t kept = decided[0];
    if (t < here && (kept >> t & 1) != 0) {
      const int64_t row = s.row(list, first + t);
      store(kept_scores + row, load<float>(scores + row));
    }
    for (int j = first + tile + t; j < count; j += scan_threads)
      if ((load<uint64_t>(words + j) & kept) != 0) struck[j] = 1;
  }
}

}  // namespace

void suppress(const Box* boxes, const float* scores, const Groups& of, int64_t lists, float threshold, const Tensor& kept) {
  if (kept.numel() == 0) return;
  const int64_t tiles = blocks_of(of.length, tile);
  const Chosen order = top_k(scores, of, lists, of.length, true, kept.device());
  const Sorted sorted{boxes, of, order.index.device_data<int32_t>(), order.count.device_data<int32_t>()};
  const Tensor covers = Tensor::empty({lists, tiles, of.length}, DType::i64, kept.device());
  auto* words = reinterpret_cast<uint64_t*>(covers.device_data<int64_t>());
  launch("nms_cover", {tiles, tiles, lists}, {tile}, SharedSize().array<float>(4 * tile).bytes(), compute_stream(), cover_kernel, sorted,
         threshold, static_cast<int>(tiles), words);
  const size_t bytes = SharedSize().array<uint64_t>(tile).array<uint64_t>(1).array<int>(static_cast<size_t>(of.length)).bytes();
  launch("nms_scan", {lists}, {scan_threads}, bytes, compute_stream(), scan_kernel, sorted, static_cast<int>(tiles), words, scores,
         kept.device_data<float>());
}

}  // namespace mr::gpu
