// What is added up over a process group is added up on the device as on the CPU (where tests/ops/process_group_test.cpp holds it
// against the whole batch).
#include "tensor/process_group.h"

#include "ops/loss/cross_entropy.h"
#include "ops/loss/divisor.h"
#include "ops/norm/batch_norm.h"
#include "tests/gpu/ops/same.h"

namespace mr::gpu {
namespace {

// One of two members; the other gives, whatever is added up, one more than this one: other means, other numbers of rows.
class BesideAnother : public ProcessGroup {
 public:
  int rank() const override { return 0; }
  int size() const override { return 2; }
  bool all_agree(bool yes) override { return yes; }
  void sum(const Tensor& t) override {
    ++sums;
    const Tensor here = t.to(Device{}).clone();
    const auto add = [&here]<class T>(T) {
      for (T& v : here.values<T>()) v = static_cast<T>(2 * v + 1);
    };
    if (t.dtype() == DType::f64)
      add(double{});
    else if (t.dtype() == DType::i32)
      add(int32_t{});
    else
      fail("no sum of ", t.dtype());
    t.copy_(here);
  }
  int sums = 0;
};

}  // namespace

TEST_CASE("live norms of several processes are the same on the device", "[gpu][process_group]") {
  BesideAnother group;
  const InProcessGroup scope(group);
  for (const bool training : {true, false})
    same_on_device({random_tensor({2, 5, 7, 12}, 1, -1, 3), random_tensor({12}, 2), random_tensor({12}, 3)},
                   [&](const std::vector<Var>& x) {
                     const Tensor mean = Tensor::full({12}, 0.25, x[1].dtype()), var = Tensor::full({12}, 1.5, x[1].dtype());
                     const int before = group.sums;
                     const Var y = batch_norm(x[0], x[1], x[2], mean, var, 0.25, 1e-3, training);
                     CHECK(group.sums == before + (training ? 2 : 0));
                     CHECK((mean.at(11) == 0.25) == !training);
                     return y;
                   },
                   30, {DType::f64, DType::f32});
  if (!has_device()) return;
  const Tensor x = random_tensor({200, 4}, 1, -1, 3).to(DType::f32), w = Tensor::full({4}, 1), b = Tensor::zeros({4});
  const Tensor m = Tensor::full({4}, 0.25), v = Tensor::full({4}, 2), there_m = m.to(gpu_device()), there_v = v.to(gpu_device());
  batch_norm(Var(x), Var(w), Var(b), m, v, 0.25, 1e-5, true);
  batch_norm(Var(x.to(gpu_device())), Var(w.to(gpu_device())), Var(b.to(gpu_device())), there_m, there_v, 0.25, 1e-5, true);
  check_close("running mean", there_m, m, 1e-6);
  check_close("running var", there_v, v, 1e-6);
}

TEST_CASE("a loss of several processes divides by the rows of all on the device", "[gpu][process_group]") {
  if (!has_device()) return;
  const Tensor labels = Tensor::of<int32_t>({6}, {0, 2, 1, 0, 2, 2});
  const auto loss = [&labels](const std::vector<Var>& x) {
    const Tensor there = labels.to(current_device());
    return softmax_cross_entropy(x[0], there, over_labels(there, 1, 3));
  };
  const Tensor alone = run_on(Device{}, {random_tensor({6, 3}, 4)}, loss).tensors[0];
  BesideAnother group;
  const InProcessGroup scope(group);
  same_on_device({random_tensor({6, 3}, 4)}, loss, 4);
  CHECK(run_on(gpu_device(), {random_tensor({6, 3}, 4)}, loss).tensors[0].at(0) == Approx(alone.at(0) * 4 / 9));  // of four rows and five
}

}  // namespace mr::gpu
