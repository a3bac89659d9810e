#include "ops/gemm/linear.h"
#include "ops/elementwise/cast.h"
#include "ops/gemm/class_linear.h"
#include "tests/gpu/ops/same.h"

namespace mr::gpu {

TEST_CASE("linear is the same on the device", "[gpu]") {
  const auto plain = [](const std::vector<Var>& x) { return linear(x[0], x[1], x[2]); };
  const auto with_relu = [](const std::vector<Var>& x) { return linear(x[0], x[1], x[2], true); };
  const auto no_bias = [](const std::vector<Var>& x) { return linear(x[0], x[1], {}, true); };
  const std::vector<Tensor> inputs = {random_tensor({19, 24}, 1), random_tensor({16, 24}, 2), random_tensor({16}, 3)};
  same_on_device(inputs, plain, 4);
  same_on_device(inputs, with_relu, 4);
  same_on_device({inputs[0], inputs[1]}, no_bias, 4);
  same_on_device({random_tensor({5, 7}, 1), random_tensor({3, 7}, 2), random_tensor({3}, 3)}, with_relu, 4);
  same_on_device({random_tensor({0, 8}, 1), random_tensor({4, 8}, 2), random_tensor({4}, 3)}, with_relu);
  same_on_device({random_tensor({6, 0}, 1), random_tensor({4, 0}, 2), random_tensor({4}, 3)}, plain);
}

TEST_CASE("linear takes bf16 with weights in f32 on the device", "[gpu]") {
  if (!has_device()) return;
  const Tensor x = random_tensor({9, 16}, 1).to(DType::bf16), w = random_tensor({8, 16}, 2).to(DType::f32),
               b = random_tensor({8}, 3).to(DType::f32);
  const auto op = [](const std::vector<Var>& v) { return linear(v[0], v[1], v[2], true); };
  const Outcome host = run_on(Device{}, {x, w, b}, op), there = run_on(gpu_device(), {x, w, b}, op, host.seed);
  for (size_t i = 0; i < host.tensors.size(); ++i) {
    CHECK(there.tensors[i].dtype() == host.tensors[i].dtype());
    check_close(str("result ", i).c_str(), there.tensors[i], host.tensors[i], 1e-2);
  }
}

TEST_CASE("the bias gradient of many rows is the same on the device, without bank conflicts", "[gpu]") {
  same_on_device(
      {random_tensor({150, 8}, 1), random_tensor({20, 8}, 2), random_tensor({20}, 3)},
      [](const std::vector<Var>& x) { return linear(x[0], x[1], x[2], true); }, 16);
  if (!is_emulated()) return;
  CHECK(launch_stats("finish_backward").bank_conflicts == 0);
  CHECK(launch_stats("join_runs").bank_conflicts == 0);
}

// w and b are f32 beside a bf16 x.
TEST_CASE("class_linear is the same on the device", "[gpu]") {
  const auto with = [](std::vector<int32_t> labels) {
    return [labels](const std::vector<Var>& x) {
      const auto parameter = [&](const Var& p) { return p.dtype() == DType::bf16 ? cast(p, DType::f32) : p; };
      const Tensor k = Tensor::of<int32_t>({static_cast<int64_t>(labels.size())}, labels);
      return class_linear(x[0], parameter(x[1]), parameter(x[2]), k);
    };
  };
  const std::vector<Tensor> inputs = {random_tensor({4, 35, 24}, 1), random_tensor({5, 24}, 2), random_tensor({5}, 3)};
  same_on_device(inputs, with({3, 0, 3, 4}), 8);
  same_on_device({random_tensor({2, 3, 7}, 1), random_tensor({2, 7}, 2), random_tensor({2}, 3)}, with({1, 1}), 4);
  same_on_device({random_tensor({0, 3, 8}, 1), random_tensor({2, 8}, 2), random_tensor({2}, 3)}, with({}));
  if (is_emulated()) CHECK(launch_stats("class_linear_sums").bank_conflicts == 0);
}

TEST_CASE("class_linear leaves a RoI without label out on the device", "[gpu]") {
  if (!has_device()) return;
  const auto op = [](const std::vector<Var>& x) { return class_linear(x[0], x[1], x[2], Tensor::of<int32_t>({3}, {1, -1, 7})); };
  const Outcome got = run_on(gpu_device(), {random_tensor({3, 2, 8}, 1), random_tensor({2, 8}, 2), random_tensor({2}, 3)}, op);
  const auto one = [](const std::vector<Var>& x) { return class_linear(x[0], x[1], x[2], Tensor::of<int32_t>({1}, {1})); };
  const Outcome want = run_on(Device{}, {random_tensor({3, 2, 8}, 1).slice(0, 1), random_tensor({2, 8}, 2), random_tensor({2}, 3)}, one,
                              got.seed.slice(0, 1));
  for (int64_t i = 2; i < 6; ++i) CHECK(got.tensors[0].at(i) == 0);
  for (int64_t i = 16; i < 48; ++i) CHECK(got.tensors[1].at(i) == 0);
  check_close("weights", got.tensors[2], want.tensors[2], 1e-14);
  check_close("bias", got.tensors[3], want.tensors[3], 1e-14);
}

}  // namespace mr::gpu
