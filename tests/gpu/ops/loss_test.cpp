#include "ops/loss/class_masks.h"
#include "ops/loss/cross_entropy.h"
#include "ops/loss/keypoint.h"
#include "ops/loss/sigmoid_bce.h"
#include "ops/loss/smooth_l1.h"
#include "ops/loss/weighted_sum.h"
#include "tensor/gpu/graph.h"
#include "tests/gpu/ops/same.h"

namespace mr::gpu {
namespace {

// Inputs of a loss that have no gradient, moved to where it runs.
Tensor there(const Tensor& t) { return t.to(current_device()); }
Tensor labels_of(const Shape& shape, const std::vector<int32_t>& k) { return Tensor::of<int32_t>(shape, k); }

}  // namespace

TEST_CASE("sigmoid_bce is the same on the device", "[gpu]") {
  const Tensor z = random_tensor({23, 101}, 1, -6, 6), t = random_tensor({23, 101}, 2, 0, 1);
  const Tensor w = random_tensor({23, 101}, 3, 0, 1);
  for (int64_t i = 0; i < w.numel(); i += 3) w.data<double>()[i] = 0;
  same_on_device(
      {z}, [&](const std::vector<Var>& x) { return sigmoid_bce(x[0], there(t), {}, 40); }, 4);
  same_on_device(
      {z}, [&](const std::vector<Var>& x) { return sigmoid_bce(x[0], there(t), there(w), 40); }, 4);
  same_on_device({random_tensor({0, 3}, 1)}, [](const std::vector<Var>& x) { return sigmoid_bce(x[0], x[0].value(), {}, 1); });
  if (is_emulated()) CHECK(launch_stats("sigmoid_bce").bank_conflicts == 0);
}

TEST_CASE("a loss is divided by a count in the memory of the device", "[gpu]") {
  const Tensor z = random_tensor({3, 5}, 1), t = random_tensor({3, 5}, 2, 0, 1);
  for (const int32_t count : {7, 0})
    same_on_device(
        {z}, [&](const std::vector<Var>& x) { return sigmoid_bce(x[0], there(t), {}, Divisor(labels_of({1}, {count}))); }, 4);
  same_on_device(
      {z}, [&](const std::vector<Var>& x) { return smooth_l1(x[0], there(t), 0.5, Divisor(labels_of({1}, {3}), 2)); }, 4);
}

TEST_CASE("mask_loss is the same on the device", "[gpu]") {
  const Tensor t = random_tensor({3, 4, 4}, 2, 0, 1);
  for (const int64_t K : {1, 5, 8}) {
    const int32_t last = static_cast<int32_t>(K) - 1;
    same_on_device(
        {random_tensor({3, 4, 4, K}, 1, -3, 3)},
        [&](const std::vector<Var>& x) {
          return mask_loss(x[0], labels_of({3}, {last, 0, last}), there(t));
        },
        4);
  }
  same_on_device({random_tensor({0, 4, 4, 5}, 1)}, [](const std::vector<Var>& x) {
    return mask_loss(x[0], labels_of({0}, {}), Tensor::empty({0, 4, 4}));
  });
}

TEST_CASE("smooth_l1 and class_box_loss are the same on the device", "[gpu]") {
  const Tensor x0 = random_tensor({37, 4}, 1), t = random_tensor({37, 4}, 2);
  for (const double beta : {0.0, 0.5})
    same_on_device(
        {x0}, [&](const std::vector<Var>& x) { return smooth_l1(x[0], there(t), beta, 9); }, 4);
  for (const int64_t classes : {3, 4})
    same_on_device(
        {random_tensor({5, 4 * classes}, 3)},
        [&](const std::vector<Var>& x) {
          return class_box_loss(x[0], labels_of({5}, {0, 2, 1, 0, 2}), there(t.slice(0, 5)), 0.5, 5);
        },
        4);
}

TEST_CASE("softmax and its cross entropies are the same on the device", "[gpu]") {
  for (const int64_t K : {3, 8, 91}) {
    const std::vector<int32_t> k = {0, 2, 1, 2, 0, 1, 1, 0, 2};
    same_on_device(
        {random_tensor({9, K}, 1, -4, 4)}, [&](const std::vector<Var>& x) { return softmax_cross_entropy(x[0], labels_of({9}, k), 9); }, 8);
  }
  same_on_device(
      {random_tensor({4, 5}, 3, -4, 4)},
      [](const std::vector<Var>& x) {
        return softmax_cross_entropy(x[0], labels_of({4}, {5, 1, 3, 1}), 4, 1);
      },
      8);
  const Tensor t = random_tensor({2, 3, 3}, 2, 0, 1);
  same_on_device(
      {random_tensor({2, 3, 3, 4}, 1, -4, 4)},
      [&](const std::vector<Var>& x) {
        return softmax_mask_loss(x[0], labels_of({2}, {3, 1}), there(t));
      },
      8);
  same_on_device({random_tensor({0, 4}, 1)}, [](const std::vector<Var>& x) { return softmax_cross_entropy(x[0], labels_of({0}, {}), 1); });
  same_on_device(
      {random_tensor({3, 2, 12}, 1, -4, 4)}, [](const std::vector<Var>& x) { return Var(softmax(x[0].value())); }, 8);
}

// Each loss with its second row left out, against the loss of the first row alone.
TEST_CASE("class_masks is the same on the device by each rule, and 0 for a row without a class", "[gpu]") {
  if (!has_device()) return;
  const Tensor z = random_tensor({3, 4, 4, 5}, 1, -4, 4).to(DType::f32);
  for (const SoftmaxRule rule : {SoftmaxRule::probability, SoftmaxRule::largest, SoftmaxRule::foreground}) {
    const Tensor want = class_masks(z, labels_of({3}, {1, 4, 2}).to(Device{}), rule);
    const Tensor got = class_masks(z.to(gpu_device()), labels_of({3}, {1, 4, 2}).to(gpu_device()), rule).to(Device{});
    check_close("masks", got, want, 1e-6);
    const Tensor filled = class_masks(z.to(gpu_device()), labels_of({3}, {1, -1, 5}).to(gpu_device()), rule).to(Device{});
    for (int64_t i = 0; i < 16; ++i) CHECK(filled.at(i) == got.at(i));
    for (int64_t i = 16; i < 48; ++i) CHECK(filled.at(i) == 0);
  }
}

TEST_CASE("a row whose label is no class takes no part on the device", "[gpu]") {
  if (!has_device()) return;
  const auto compare = [](const Tensor& z, const auto& loss) {
    const auto with = [&](const std::vector<int32_t>& k) {
      return [&loss, k](const std::vector<Var>& x) { return loss(x[0], labels_of({static_cast<int64_t>(k.size())}, k), x[0].size(0)); };
    };
    const Outcome want = run_on(Device{}, {z.slice(0, 1)}, with({1})), got = run_on(gpu_device(), {z}, with({1, -1}), want.seed);
    check_close("value", got.tensors[0], want.tensors[0], 1e-14);
    check_close("gradient", got.tensors[1].slice(0, 1), want.tensors[1], 1e-14);
    const Tensor rest = got.tensors[1].slice(1, 2);
    for (int64_t i = 0; i < rest.numel(); ++i) CHECK(rest.at(i) == 0);
  };
  const Tensor t = random_tensor({2, 2, 2}, 2, 0, 1), box = random_tensor({2, 4}, 3);
  compare(random_tensor({2, 3}, 1), [](const Var& z, const Tensor& k, int64_t) { return softmax_cross_entropy(z, k, 4); });
  compare(random_tensor({2, 8}, 1),
          [&](const Var& z, const Tensor& k, int64_t n) { return class_box_loss(z, k, there(box.slice(0, n)), 0.5, 4); });
  compare(random_tensor({2, 2, 2, 3}, 1), [&](const Var& z, const Tensor& k, int64_t n) { return mask_loss(z, k, there(t.slice(0, n))); });
  compare(random_tensor({2, 2, 2, 3}, 1),
          [&](const Var& z, const Tensor& k, int64_t n) { return softmax_mask_loss(z, k, there(t.slice(0, n))); });
  compare(random_tensor({2, 2, 2, 1}, 1), [](const Var& z, const Tensor& k, int64_t n) { return keypoint_loss(z, k.reshape({n, 1})); });
}

TEST_CASE("keypoint_loss is the same on the device, without bank conflicts", "[gpu]") {
  const Tensor labels = labels_of({2, 3}, {4, -1, 48, 0, 17, -1});
  same_on_device(
      {random_tensor({2, 7, 7, 3}, 1, -4, 4)}, [&](const std::vector<Var>& x) { return keypoint_loss(x[0], there(labels)); }, 8);
  same_on_device({random_tensor({1, 3, 3, 8}, 1, -4, 4)}, [](const std::vector<Var>& x) {
    return keypoint_loss(x[0], labels_of({1, 8}, {-1, -1, -1, -1, -1, -1, -1, -1}));
  });
  if (is_emulated()) CHECK(launch_stats("keypoint_partition").bank_conflicts == 0);
}

TEST_CASE("keypoints are labelled and decoded with the CPU's bits on the device", "[gpu]") {
  if (!has_device()) return;
  const Tensor boxes = Tensor::of<float>({3, 4}, {10, 20, 66, 132, 3, 4, 3, 9, 0, 0, 20.5F, 7.25F});
  const Tensor points = Tensor::of<float>({3, 2, 3}, {38.2F, 75.9F, 1, 66, 132, 2, 3, 5, 1, 9.9F, 50, 1, 20.5F, 0, 2, 4, 4, 0});
  const Tensor want = keypoint_labels(points, boxes, 56), got = keypoint_labels(points.to(gpu_device()), boxes.to(gpu_device()), 56);
  for (int64_t i = 0; i < 6; ++i) CHECK(got.at(i) == want.at(i));
  const Tensor z = random_tensor({3, 6, 6, 2}, 1).to(DType::f32);
  z.data<float>()[144] = z.data<float>()[146] = 5;
  const Tensor found = keypoint_decode(z, boxes), there_found = keypoint_decode(z.to(gpu_device()), boxes.to(gpu_device())).to(Device{});
  CHECK(std::memcmp(found.raw(), there_found.raw(), found.bytes()) == 0);
  const Tensor endless = Tensor::of<float>({3, 4}, {0, 0, INFINITY, 1, 0, 0, 1, 1, 0, 0, 1, 1});
  CHECK(std::isnan(keypoint_decode(z.to(gpu_device()), endless.to(gpu_device())).at(0)));
}

TEST_CASE("weighted_sum is the same on the device, and takes the weights that stand there when it runs", "[gpu]") {
  const std::vector<Tensor> x = {random_tensor({1}, 1), random_tensor({}, 2), random_tensor({1}, 3)};
  same_on_device(x, [](const std::vector<Var>& v) { return weighted_sum(v); });
  same_on_device(x, [](const std::vector<Var>& v) { return weighted_sum(v, Tensor::of<float>({3}, {1, 0.25F, -3})); });
  if (!has_device()) return;
  const Tensor w = Tensor::of<float>({1}, {2}).to(gpu_device());
  const Var one(Tensor::full({1}, 1).to(gpu_device()));
  Var y;
  const Graph graph([&] { y = weighted_sum({one}, w); });
  w.copy_(Tensor::of<float>({1}, {5}));
  graph.launch();
  CHECK(y.value().at(0) == 5);
}

}  // namespace mr::gpu
