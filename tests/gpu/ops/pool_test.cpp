#include <limits>

#include "ops/pool/avg_pool.h"
#include "ops/pool/max_pool.h"
#include "tests/gpu/ops/same.h"

namespace mr::gpu {

TEST_CASE("max_pool2d is the same on the device", "[gpu]") {
  same_on_device({random_tensor({2, 7, 6, 16}, 1)}, [](const std::vector<Var>& x) { return max_pool2d(x[0]); });
  same_on_device({random_tensor({1, 5, 4, 3}, 2)}, [](const std::vector<Var>& x) { return max_pool2d(x[0]); });  // no pack fits
  same_on_device({random_tensor({1, 5, 4, 8}, 3)}, [](const std::vector<Var>& x) { return max_pool2d(x[0], {1, 2, 0}); });
  same_on_device({random_tensor({0, 5, 4, 8}, 3)}, [](const std::vector<Var>& x) { return max_pool2d(x[0]); });
}

// Equal values: the first takes the gradient. A NaN is the maximum.
TEST_CASE("max_pool2d takes the same of equals on the device, and NaN", "[gpu]") {
  if (!has_device()) return;
  const Tensor x = Tensor::empty({1, 6, 6, 4}, DType::f32);
  for (int64_t i = 0; i < x.numel(); ++i) x.data<float>()[i] = static_cast<float>(i % 3);
  x.data<float>()[29] = std::numeric_limits<float>::quiet_NaN();
  const auto op = [](const std::vector<Var>& v) { return max_pool2d(v[0]); };
  const Outcome host = run_on(Device{}, {x}, op), there = run_on(gpu_device(), {x}, op);
  for (size_t k = 0; k < 2; ++k) CHECK(std::memcmp(host.tensors[k].raw(), there.tensors[k].raw(), host.tensors[k].bytes()) == 0);
}

TEST_CASE("global_average_pool is the same on the device, without bank conflicts", "[gpu]") {
  const auto op = [](const std::vector<Var>& x) { return global_average_pool(x[0]); };
  same_on_device({random_tensor({2, 9, 7, 24}, 1)}, op);
  same_on_device({random_tensor({1, 3, 3, 5}, 2)}, op);
  same_on_device({random_tensor({0, 3, 3, 8}, 2)}, op);
  if (is_emulated()) CHECK(launch_stats("global_average_pool").bank_conflicts == 0);
}

}  // namespace mr::gpu
