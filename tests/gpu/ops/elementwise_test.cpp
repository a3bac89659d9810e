#include "ops/elementwise/add.h"
#include "ops/elementwise/cast.h"
#include "ops/elementwise/concat.h"
#include "ops/elementwise/dropout.h"
#include "ops/elementwise/gather.h"
#include "ops/elementwise/mean.h"
#include "ops/elementwise/multiply.h"
#include "ops/elementwise/relu.h"
#include "ops/elementwise/scale.h"
#include "ops/elementwise/sigmoid.h"
#include "ops/elementwise/subtract.h"
#include "ops/elementwise/transpose.h"
#include "tests/gpu/ops/same.h"

namespace mr::gpu {

// 1037 is not a multiple of any pack: the last thread works one by one.
TEST_CASE("add, relu, scale, sigmoid are the same on the device", "[gpu]") {
  const std::vector<Tensor> one = {random_tensor({17, 61}, 1, -3, 3)};
  const std::vector<Tensor> two = {random_tensor({17, 61}, 1), random_tensor({17, 61}, 2)};
  same_on_device(two, [](const std::vector<Var>& x) { return add(x[0], x[1]); });
  same_on_device(one, [](const std::vector<Var>& x) { return relu(x[0]); });
  same_on_device(one, [](const std::vector<Var>& x) { return scale(x[0], 0.75); });
  same_on_device(one, [](const std::vector<Var>& x) { return sigmoid(x[0]); });
}

TEST_CASE("subtract, multiply, and a vector along the last axis are the same on the device", "[gpu]") {
  const Tensor a = random_tensor({17, 61}, 1), b = random_tensor({17, 61}, 2), packs = random_tensor({3, 5, 64}, 3);
  const Tensor odd = random_tensor({61}, 4), even = random_tensor({64}, 5);
  const auto difference = [](const std::vector<Var>& x) { return subtract(x[0], x[1]); };
  const auto product = [](const std::vector<Var>& x) { return multiply(x[0], x[1]); };
  const auto sum = [](const std::vector<Var>& x) { return add(x[0], x[1]); };
  for (const std::vector<Tensor>& two : {std::vector{a, b}, {a, odd}, {packs, even}, {random_tensor({0, 3}, 6), random_tensor({3}, 7)}}) {
    same_on_device(two, difference, 4);
    same_on_device(two, product, 4);
    same_on_device(two, sum, 4);
  }
}

TEST_CASE("mean and dropout are the same on the device", "[gpu]") {
  for (const Shape& shape : {Shape{1}, Shape{17, 61}, Shape{5000}}) {
    same_on_device({random_tensor(shape, 1)}, [](const std::vector<Var>& x) { return mean(x[0]); });
    same_on_device({random_tensor(shape, 1)}, [](const std::vector<Var>& x) { return dropout(x[0], 0.3, Rng(7, "drop")); });
  }
}

TEST_CASE("an elementwise operator takes a slice whose memory is not aligned to a pack", "[gpu]") {
  same_on_device({random_tensor({5, 3}, 1)}, [](const std::vector<Var>& x) { return relu(Var(x[0].value().slice(1, 5), false)); });
}

TEST_CASE("an elementwise operator takes no elements", "[gpu]") {
  same_on_device({random_tensor({0, 3}, 1)}, [](const std::vector<Var>& x) { return relu(x[0]); });
}

TEST_CASE("concat_channels and transpose_each are the same on the device, in packs and beside them", "[gpu]") {
  const auto joined = [](const std::vector<Var>& x) { return concat_channels(x); };
  for (const std::vector<int64_t>& columns : {std::vector<int64_t>{8, 16}, {8, 3}, {3, 8}, {5, 0, 7}, {64, 64, 64}}) {
    std::vector<Tensor> parts;
    for (const int64_t c : columns) parts.push_back(random_tensor({3, 5, c}, static_cast<uint64_t>(c) + 1));
    same_on_device(parts, joined);
  }
  same_on_device({random_tensor({0, 4}, 1), random_tensor({0, 2}, 2)}, joined);
  for (const Shape& shape : {Shape{3, 7, 33}, Shape{2, 8, 16}, Shape{0, 4, 4}})
    same_on_device({random_tensor(shape, 1)}, [](const std::vector<Var>& x) { return transpose_each(x[0]); });
}

TEST_CASE("cast and concat_rows are the same on the device", "[gpu]") {
  for (const DType to : {DType::f32, DType::bf16, DType::f64})
    same_on_device({random_tensor({7, 9}, 1)}, [to](const std::vector<Var>& x) { return cast(x[0], to); });
  const std::vector<Tensor> parts = {random_tensor({3, 5}, 1), random_tensor({0, 5}, 2), random_tensor({4, 5}, 3)};
  same_on_device(parts, [](const std::vector<Var>& x) { return concat_rows(x); });
}

TEST_CASE("gather_rows is the same on the device", "[gpu]") {
  const auto at = [](std::vector<int32_t> index) {
    return [index](const std::vector<Var>& x) {
      const Tensor i = Tensor::of<int32_t>({static_cast<int64_t>(index.size())}, index);
      return gather_rows(x[0], index.size() % 2 ? i : i.to(DType::i64));
    };
  };
  same_on_device({random_tensor({9, 24}, 1)}, at({3, 8, 0, 3, 5, 3, 0}));
  same_on_device({random_tensor({9, 2, 3}, 2)}, at({8, 8, 1, 8}));
  same_on_device({random_tensor({9, 4}, 3)}, at({}));
}

TEST_CASE("gather_rows gives 0 for an index that is no row on the device", "[gpu]") {
  if (!has_device()) return;
  const auto op = [](const std::vector<Var>& x) { return gather_rows(x[0], Tensor::of<int32_t>({4}, {-1, 2, 3, 2})); };
  const Tensor x = random_tensor({3, 4}, 1);
  const Outcome got = run_on(gpu_device(), {x}, op);
  for (int64_t c = 0; c < 4; ++c) {
    CHECK(got.tensors[0].at(c) == 0);
    CHECK(got.tensors[0].at(4 + c) == x.at(8 + c));
    CHECK(got.tensors[0].at(8 + c) == 0);
    CHECK(got.tensors[1].at(c) == 0);
    CHECK(got.tensors[1].at(8 + c) == got.seed.at(4 + c) + got.seed.at(12 + c));
  }
}

}  // namespace mr::gpu
