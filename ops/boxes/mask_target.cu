// One warp computes a row of bins. First each lane sums the pixels of a column that the RoI reads
// (neighbouring lanes take neighbouring columns) into a line in shared memory; then each lane sums
// the line over the columns of one bin. Every lane computes the weights for itself: that costs a
// handful of operations a sample, and needs no lists.
#include "ops/boxes/boxes_gpu.h"
#include "ops/roi/roi_grid.h"
#include "tensor/gpu/kernel.h"

namespace mr::gpu {
namespace {

constexpr int most_warps = 8;

// A place of a line in shared memory: one of every 33 words stays empty, so that lanes whose bins are 2, 4, … 32 pixels wide meet in no bank.
MR_HD int spread(int i) { return i + i / warp_size; }

// f(cell, weight) for the cells that bin b reads on an axis of n cells, rising: BinTaps without its lists. A cell's weight is summed in the
// order of the samples; the cell after the last may come too, with weight 0.
template <class F> __device__ void each_tap(const SampleAxis<float>& axis, int b, int n, const F& f) {
  const float share = 1.0f / static_cast<float>(axis.samples > 0 ? axis.samples : 1);
  const SampleRange range = samples_near_map(axis, b, n);
  int cell = -2;
  float here = 0, next = 0;  // weights of cell and cell + 1
  for (int j = range.first; j < range.last; ++j) {
    const Tap<float> t = bilinear_tap(axis.position(b, j), n, axis.margin);
    if (!t.inside) continue;
    if (t.low != cell) {
      if (cell >= 0) f(cell, here);
      if (cell >= 0 && t.low != cell + 1) f(cell + 1, next);
      here = t.low == cell + 1 ? next : 0;
      next = 0;
      cell = t.low;
    }
    here += t.w_low * share;
    next += t.w_high * share;
  }
  if (cell < 0) return;
  f(cell, here);
  f(cell + 1, next);
}

// Σ weight · bits[cell, x], down a column of the bitmap.
struct DownColumn {
  const Frame& mask;
  int x;
  float& sum;
  __device__ void operator()(int cell, float weight) const {
    const int y = cell - mask.y0;
    if (y >= 0 && y < mask.height) sum += weight * static_cast<float>(load<uint8_t>(mask.bits + int64_t{y} * mask.width + x));
  }
};

// Σ weight · line[cell], along the columns [left, right) of the bitmap.
struct AlongLine {
  SharedArray<float> line;
  int x0, left, right;
  float& sum;
  __device__ void operator()(int cell, float weight) const {
    const int x = cell - x0;
    if (x >= left && x < right) sum += weight * static_cast<float>(line[spread(x - left)]);
  }
};

__device__ int cell_of(float t, int n) { return t > 0 ? (t < static_cast<float>(n - 1) ? static_cast<int>(t) : n - 1) : 0; }

// Block (rows of bins, RoI).
__global__ void mask_targets_kernel(Bitmaps bitmaps, const float* rois, const int32_t* objects, int m, bool hard, int room, float* out) {
  Shared shared;
  const int warps = static_cast<int>(blockDim.x) / warp_size, warp = static_cast<int>(threadIdx.x) / warp_size;
  const int lane = static_cast<int>(threadIdx.x) % warp_size, p = static_cast<int>(blockIdx.x) * warps + warp;
  const auto line = shared.array<float>(warps * room) + warp * room;
  const int64_t r = blockIdx.y;
  if (p >= m) return;
  float* const y = out + (r * m + p) * m;
  const int32_t object = load<int32_t>(objects + r);
  if (object < 0) {
    for (int q = lane; q < m; q += warp_size) store(y + q, 0.0f);
    return;
  }
  const float* const box = rois + 5 * r + 1;
  const Frame mask = bitmaps.frame(At{}, static_cast<int64_t>(load<float>(box - 1)), object);
  const auto columns = align_axis(load<float>(box), load<float>(box + 2), 1.0f, m, 0, hard);
  const auto rows = align_axis(load<float>(box + 1), load<float>(box + 3), 1.0f, m, 0, hard);
  // The bitmap's columns between the first and the last sample.
  const int first = cell_of(columns.position(0, 0), mask.image_width) - mask.x0;
  const int last = cell_of(columns.position(m - 1, max(columns.samples - 1, 0)), mask.image_width) + 1 - mask.x0;
  const int left = max(first, 0), right = min(last + 1, mask.width);
  for (int x = left + lane; x < right; x += warp_size) {
    float sum = 0;
    each_tap(rows, p, mask.image_height, DownColumn{mask, x, sum});
    line[spread(x - left)] = sum;
  }
  __syncwarp();
  for (int q = lane; q < m; q += warp_size) {
    float sum = 0;
    each_tap(columns, q, mask.image_width, AlongLine{line, mask.x0, left, right, sum});
    if (hard) sum = sum >= 0.5f ? 1.0f : 0.0f;
    store(y + q, sum);
  }
}

}  // namespace

void mask_targets(const Bitmaps& masks, int64_t width, const float* rois, const int32_t* object, bool aligned, const Tensor& targets) {
  if (targets.numel() == 0) return;
  const int64_t R = targets.size(0), m = targets.size(1);
  const int room = spread(static_cast<int>(width)) + 1;
  const auto bytes = [&](int warps) { return SharedSize().array<float>(static_cast<size_t>(warps) * static_cast<size_t>(room)).bytes(); };
  constexpr size_t most_bytes = 99 << 10;  // what every GPU from the A100 on has
  check(bytes(1) <= most_bytes, "mask_targets: bitmaps of ", width, " pixels a row are too wide");
  int warps = most_warps;
  while (bytes(warps) > most_bytes) warps /= 2;
  launch("mask_targets", {blocks_of(m, warps), R}, {warps * warp_size}, bytes(warps), compute_stream(), mask_targets_kernel, masks, rois,
         object, static_cast<int>(m), aligned, room, targets.device_data<float>());
}

}  // namespace mr::gpu
