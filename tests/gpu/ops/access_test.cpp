#include "ops/elementwise/gather.h"
#include "ops/pool/max_pool.h"
#include "ops/resize/bilinear.h"
#include "ops/resize/nearest.h"
#include "tests/gpu/ops/same.h"

namespace mr::gpu {

// 16 channels of bf16 are one sector of 32 bytes: what a warp touches is what it needs.
TEST_CASE("kernels over channels touch whole sectors of device memory", "[gpu]") {
  if (!has_device() || !is_emulated("only the emulated device counts sectors")) return;
  const Tensor x = random_tensor({2, 6, 8, 16}, 1).to(DType::bf16), coarse = random_tensor({2, 3, 4, 16}, 2).to(DType::bf16);
  reset_launch_stats();
  run_on(gpu_device(), {x}, [](const std::vector<Var>& v) { return max_pool2d(v[0]); });
  run_on(gpu_device(), {x, coarse}, [](const std::vector<Var>& v) { return add_upsampled(v[0], v[1]); });
  run_on(gpu_device(), {x}, [](const std::vector<Var>& v) { return resize_bilinear(v[0], 12, 16); });
  run_on(gpu_device(), {x.reshape({96, 16})}, [](const std::vector<Var>& v) {
    return gather_rows(v[0], Tensor::of<int32_t>({8}, {3, 90, 7, 1, 50, 51, 8, 8}));
  });
  for (const char* kernel :
       {"max_pool2d", "add_upsampled", "upsample_nearest_backward", "resize_bilinear", "resize_bilinear_backward", "gather_rows"}) {
    INFO(kernel);
    const LaunchStats s = launch_stats(kernel);
    CHECK(s.complete);
    CHECK(s.global_accesses > 0);
    CHECK(s.sectors <= s.ideal_sectors);
  }
}

}  // namespace mr::gpu
