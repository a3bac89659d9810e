#include "ops/boxes/box_rules.h"
#include "ops/boxes/boxes_gpu.h"
#include "ops/boxes/rows_gpu.h"
#include "tensor/gpu/kernel.h"

namespace mr::gpu {
namespace {

constexpr int threads = 256;

// One RoI a thread. The rows are 4 or 5 floats apart, so a warp's four loads read its 16 or 20 sectors between them.
__global__ void assign_levels_kernel(const float* rois, int pitch, int64_t n, int k_min, int k_max, float k0, float s0, float eps,
                                     int32_t* levels) {
  const int64_t r = int64_t{blockIdx.x} * threads + int64_t{threadIdx.x};
  if (r >= n) return;
  const float* b = rois + r * pitch + (pitch - 4);
  const Box box{load<float>(b), load<float>(b + 1), load<float>(b + 2), load<float>(b + 3)};
  store(levels + r, level_of_box(box, k_min, k_max, k0, s0, eps));
}

}  // namespace

Tensor assign_levels(const Tensor& rois, int k_min, int k_max, float k0, float s0, float eps) {
  const int64_t n = rois.size(0);
  const Tensor levels = Tensor::empty({n}, DType::i32, rois.device());
  if (n > 0)
    launch("assign_levels", {blocks_of(n, threads)}, {threads}, 0, compute_stream(), assign_levels_kernel, rois.device_data<float>(),
           static_cast<int>(rois.size(1)), n, k_min, k_max, k0, s0, eps, levels.device_data<int32_t>());
  return levels;
}

}  // namespace mr::gpu
