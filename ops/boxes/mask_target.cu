// One warp a row of bins: first its lanes go down the pixel columns that the RoI reads, neighbours down neighbours, into a line in shared
// memory; then each lane sums the line over the columns of one bin. The weights are computed where they are used, again for every lane: a
// handful of operations a sample, and no lists.
#include "ops/boxes/boxes_gpu.h"
#include "ops/boxes/mask_rules.h"
#include "ops/boxes/rows_gpu.h"
#include "tensor/gpu/kernel.h"

namespace mr::gpu {
namespace {

constexpr int most_warps = 8;

// A place of a line in shared memory: one of every 33 words stays empty, so that lanes whose bins are 2, 4, … 32 pixels wide meet in no bank.
MR_HD int spread(int i) { return i + i / warp_size; }

struct Bitmaps {
  const uint8_t* bits;
  const int64_t* place;  // [N,G,7]
  int G;
};
struct Frame {
  const uint8_t* bits;
  int x0, y0, height, width, image_height, image_width;
};

__device__ Frame frame_of(const Bitmaps& b, int64_t object) {
  int64_t at[7];
  MR_UNROLL
  for (int i = 0; i < 7; ++i) at[i] = load<int64_t>(b.place + 7 * object + i);
  return {b.bits + at[0],          static_cast<int>(at[1]), static_cast<int>(at[2]), static_cast<int>(at[3]),
          static_cast<int>(at[4]), static_cast<int>(at[5]), static_cast<int>(at[6])};
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
  const Frame mask = frame_of(bitmaps, static_cast<int64_t>(load<float>(box - 1)) * bitmaps.G + object);
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

Tensor mask_targets(const MaskTable& masks, const Tensor& rois, const Tensor& object, int m, MaskRule rule) {
  const int64_t R = rois.size(0), N = masks.place.size(0), G = masks.place.size(1);
  const auto* boxes = checked_data<float>(rois, "mask_targets", "rois", {R, 5});
  const auto* objects = checked_data<int32_t>(object, "mask_targets", "object", {R});
  const Bitmaps bitmaps{checked_data<uint8_t>(masks.bits, "mask_targets", "bits", masks.bits.shape()),
                        checked_data<int64_t>(masks.place, "mask_targets", "places", {N, G, 7}), static_cast<int>(G)};
  const int room = spread(static_cast<int>(masks.width)) + 1;
  const auto bytes = [&](int warps) { return SharedSize().array<float>(static_cast<size_t>(warps) * static_cast<size_t>(room)).bytes(); };
  constexpr size_t most_bytes = 99 << 10;  // what every GPU from the A100 on has
  check(bytes(1) <= most_bytes, "mask_targets: bitmaps of ", masks.width, " pixels a row are too wide");
  int warps = most_warps;
  while (bytes(warps) > most_bytes) warps /= 2;
  const Tensor t = Tensor::empty({R, m, m}, DType::f32, rois.device());
  if (R > 0)
    launch("mask_targets", {blocks_of(m, warps), R}, {warps * warp_size}, bytes(warps), compute_stream(), mask_targets_kernel, bitmaps,
           boxes, objects, m, rule == MaskRule::thresholded, room, t.device_data<float>());
  return t;
}

}  // namespace mr::gpu
