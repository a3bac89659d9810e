#include "ops/elementwise/cast.h"
#include "ops/norm/batch_norm.h"
#include "ops/norm/group_norm.h"
#include "tests/gpu/ops/same.h"

namespace mr::gpu {
namespace {

// Parameters are f32 beside a bf16 x.
Var beside(const Var& x, const Var& p) { return x.dtype() == DType::bf16 ? cast(p, DType::f32) : p; }

}  // namespace

TEST_CASE("batch_norm is the same on the device", "[gpu]") {
  const auto norm = [](bool training) {
    return [training](const std::vector<Var>& x) {
      const int64_t C = x[0].shape()[-1];
      const Tensor mean = Tensor::full({C}, 0.25), var = Tensor::full({C}, 1.5);
      const Var y = batch_norm(x[0], beside(x[0], x[1]), beside(x[0], x[2]), mean, var, 0.25, 1e-3, training);
      // the running statistics ride along
      CHECK((mean.at(C - 1) == 0.25) == !training);
      return y;
    };
  };
  const std::vector<Tensor> wide = {random_tensor({2, 5, 7, 24}, 1, -1, 3), random_tensor({24}, 2), random_tensor({24}, 3)};
  const std::vector<Tensor> odd = {random_tensor({11, 5}, 1, -1, 3), random_tensor({5}, 2), random_tensor({5}, 3)};
  for (const bool training : {true, false}) {
    same_on_device(wide, norm(training), 30);
    same_on_device(odd, norm(training), 30);
  }
  same_on_device({random_tensor({0, 8}, 1), random_tensor({8}, 2), random_tensor({8}, 3)}, norm(false));
  if (!is_emulated()) return;
  for (const char* kernel : {"moments", "join_moments", "grad_sums", "join_runs"}) {
    INFO(kernel);
    CHECK(launch_stats(kernel).launches > 0);
    CHECK(launch_stats(kernel).bank_conflicts == 0);
  }
}

TEST_CASE("batch_norm brings the running statistics up to date on the device", "[gpu]") {
  if (!has_device()) return;
  for (const DType type : {DType::f32, DType::bf16}) {
    const Tensor x = random_tensor({200, 4}, 1, -1, 3), m = random_tensor({4}, 2).to(type), v = random_tensor({4}, 3, 1, 2).to(type);
    const Tensor w = Tensor::full({4}, 1), b = Tensor::zeros({4}), there_m = m.to(gpu_device()), there_v = v.to(gpu_device());
    batch_norm(Var(x), Var(w), Var(b), m, v, 0.25, 1e-5, true);
    batch_norm(Var(x.to(gpu_device())), Var(w.to(gpu_device())), Var(b.to(gpu_device())), there_m, there_v, 0.25, 1e-5, true);
    check_close("running mean", there_m, m, 1e-6);
    check_close("running var", there_v, v, 1e-6);
  }
}

TEST_CASE("frozen_batch_norm and fold_batch_norm are the same on the device", "[gpu]") {
  const Tensor w = random_tensor({12}, 2), b = random_tensor({12}, 3), mean = random_tensor({12}, 4), var = random_tensor({12}, 5, 0.5, 2);
  const auto there = [](const Tensor& t) { return t.to(current_device()); };
  same_on_device(
      {random_tensor({3, 5, 7, 12}, 1)},
      [&](const std::vector<Var>& x) { return frozen_batch_norm(x[0], there(w), there(b), there(mean), there(var), 1e-5); }, 4);
  for (const bool first : {true, false})
    same_on_device(
        {w},
        [&](const std::vector<Var>& x) {
          Tensor scale, shift;
          fold_batch_norm(x[0].value(), there(b), there(mean), there(var), 1e-5, scale, shift);
          return Var(first ? scale : shift);
        },
        4);
}

TEST_CASE("group_norm is the same on the device", "[gpu]") {
  const auto norm = [](int groups) {
    return [groups](const std::vector<Var>& x) { return group_norm(x[0], beside(x[0], x[1]), beside(x[0], x[2]), groups, 1e-3); };
  };
  same_on_device({random_tensor({3, 3, 5, 16}, 1, -1, 3), random_tensor({16}, 2), random_tensor({16}, 3)}, norm(4), 30);
  same_on_device({random_tensor({2, 9, 8, 6}, 1, -1, 3), random_tensor({6}, 2), random_tensor({6}, 3)}, norm(2), 30);
  same_on_device({random_tensor({0, 4, 8}, 1), random_tensor({8}, 2), random_tensor({8}, 3)}, norm(2));
}

}  // namespace mr::gpu
