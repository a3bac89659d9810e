#include "ops/boxes/box_rules.h"
#include "ops/boxes/boxes_gpu.h"
#include "ops/boxes/rows_gpu.h"
#include "tensor/gpu/kernel.h"

namespace mr::gpu {
namespace {

constexpr int threads = 256, most_a_cell = 64;

struct Cell {
  Box base[most_a_cell];
  int anchors;
};

// One anchor a thread, written by neighbours.
__global__ void anchors_kernel(Cell cell, int map_w, int stride_y, int stride_x, double offset, Box* out, int64_t n) {
  const int64_t i = int64_t{blockIdx.x} * threads + int64_t{threadIdx.x};
  if (i >= n) return;
  const int64_t place = i / cell.anchors;
  const float x = cell_centre(static_cast<int>(place % map_w), offset, stride_x);
  const float y = cell_centre(static_cast<int>(place / map_w), offset, stride_y);
  store(out + i, anchor_at(cell.base[i % cell.anchors], x, y));
}

}  // namespace

Tensor anchors_for_level(std::span<const Box> base, int map_h, int map_w, int stride_y, int stride_x, double offset) {
  check(base.size() <= most_a_cell, "anchors: expected at most ", most_a_cell, " a cell, got ", base.size());
  Cell cell{};
  cell.anchors = static_cast<int>(base.size());
  std::copy(base.begin(), base.end(), cell.base);
  const int64_t n = int64_t{map_h} * map_w * cell.anchors;
  const Tensor t = Tensor::empty({n, 4});
  launch("anchors", {blocks_of(n, threads)}, {threads}, 0, compute_stream(), anchors_kernel, cell, map_w, stride_y, stride_x, offset,
         checked_boxes(t, "anchors", "anchors", {n, 4}), n);
  return t;
}

}  // namespace mr::gpu
