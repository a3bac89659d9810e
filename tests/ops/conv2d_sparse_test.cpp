#include "ops/conv/conv2d_sparse.h"

#include "ops/elementwise/concat.h"
#include "ops/elementwise/gather.h"
#include "ops/elementwise/reshape.h"
#include "tests/catch.h"
#include "tests/ops/conv_oracle.h"

using namespace mr;
using Catch::Matchers::Contains;
using oracle::random;

namespace {

// A dense gy with rows at some pixels, among them corners, neighbours and one pixel twice.
struct Sample {
  Tensor at, rows, dense;
};
Sample sample(const Shape& y, DType t) {
  const int64_t pixels = y[0] * y[1] * y[2], C = y[3];
  const Tensor at = Tensor::of<int64_t>({6}, {0, pixels - 1, 7, 8, 7, pixels / 2});
  const Tensor rows = random({6, C}, 5), dense = Tensor::zeros(y, DType::f64);
  for (int64_t s = 0; s < 6; ++s)
    for (int64_t c = 0; c < C; ++c) dense.data<double>()[at.data<int64_t>()[s] * C + c] += rows.at(s * C + c);
  return {at, rows.to(t), dense.to(t)};
}

}  // namespace

TEST_CASE("conv2d_sparse_backward equals the dense backward", "[conv2d_sparse]") {
  const std::pair<Shape, Conv2dOptions> cases[] = {{{2, 7, 9, 20}, {1, 1}}, {{1, 9, 9, 6}, {2, 1}}, {{1, 8, 8, 5}, {1, 2, 2}}};
  for (const auto& [shape, options] : cases)
    for (const DType t : {DType::f64, DType::f32})
      for (const bool relu : {false, true}) {
        const Var x(random(shape, 1, t), true), w(random({18, 3, 3, shape[3]}, 2, t), true), b(random({18}, 3, t), true);
        const Var y = conv2d(x, w, b, options, {{}, {}, {}, relu});
        const Sample s = sample(y.shape(), t);
        backward(y, s.dense);
        const Conv2dGrads g =
            conv2d_sparse_backward(x.value(), w, options, {s.at, s.rows, relu ? gather_pixels(y.value(), s.at) : Tensor()});
        INFO(str(shape, " ", t, relu ? " relu" : ""));
        const double most = t == DType::f64 ? 1e-12 : 1e-6;
        CHECK(oracle::off_norm(g.gx, x.grad()) < most);
        CHECK(oracle::off_norm(g.gw, w.grad()) < most);
        CHECK(oracle::off_norm(g.gb, b.grad()) < most);
      }
}

TEST_CASE("conv2d_sparse_backward: adds to a given gx, and leaves out what is not wanted", "[conv2d_sparse]") {
  const Tensor x = random({1, 5, 6, 8}, 1, DType::f32), before = random({1, 5, 6, 8}, 2, DType::f32);
  const Var w(random({4, 3, 3, 8}, 3, DType::f32));
  const Conv2dSparse sparse{Tensor::of<int64_t>({2}, {0, 13}), random({2, 4}, 4, DType::f32), {}};
  const Conv2dGrads fresh = conv2d_sparse_backward(x, w, {1, 1}, sparse, true, false);
  CHECK_FALSE(fresh.gw.defined());
  CHECK_FALSE(fresh.gb.defined());
  const Tensor sum = before.clone();
  const Conv2dGrads added = conv2d_sparse_backward(x, w, {1, 1}, sparse, true, false, sum);
  Tensor want = before.clone();
  want.add_(fresh.gx);
  CHECK(oracle::off_norm(added.gx, want) < 1e-6);
  CHECK(oracle::same_bits(added.gx, sum));
  CHECK_FALSE(conv2d_sparse_backward(x, w, {1, 1}, sparse, false, true).gx.defined());
}

TEST_CASE("conv2d_sparse_backward: bf16 maps, and no positions at all", "[conv2d_sparse]") {
  const Tensor x = random({1, 5, 6, 8}, 1);
  const Var w(random({4, 3, 3, 8}, 3, DType::f32));
  const Tensor at = Tensor::of<int64_t>({2}, {29, 13}), gy = random({2, 4}, 4, DType::f32);
  const Conv2dGrads f = conv2d_sparse_backward(x.to(DType::f32), w, {1, 1}, {at, gy, {}});
  const Conv2dGrads h = conv2d_sparse_backward(x.to(DType::bf16), w, {1, 1}, {at, gy.to(DType::bf16), {}});
  CHECK(h.gx.dtype() == DType::bf16);
  CHECK(h.gw.dtype() == DType::f32);
  CHECK(oracle::off_norm(h.gx, f.gx) < 8e-3);
  CHECK(oracle::off_norm(h.gw, f.gw) < 8e-3);
  const Conv2dGrads none = conv2d_sparse_backward(x.to(DType::f32), w, {1, 1}, {Tensor::empty({0}, DType::i64), Tensor::empty({0, 4}), {}});
  CHECK(oracle::same_bits(none.gx, Tensor::zeros(x.shape())));
  CHECK(oracle::same_bits(none.gw, Tensor::zeros({4, 3, 3, 8})));
}

TEST_CASE("conv2d_sparse_backward: errors say what was wrong", "[conv2d_sparse]") {
  const Tensor x = Tensor::zeros({1, 5, 6, 8}), gy = Tensor::zeros({2, 4});
  const Var w(Tensor::zeros({4, 3, 3, 8}));
  const Tensor at = Tensor::of<int64_t>({2}, {0, 30});
  CHECK_THROWS_WITH(conv2d_sparse_backward(x, w, {1, 1}, {at, gy, {}}),
                    Contains("conv2d_sparse_backward: position 30 is outside y [1, 5, 6, 4]"));
  CHECK_THROWS_WITH(conv2d_sparse_backward(x, w, {1, 1}, {at, Tensor::zeros({3, 4}), {}}), Contains("gy must be [2, 4], got [3, 4]"));
  CHECK_THROWS_WITH(conv2d_sparse_backward(x, w, {1, 1, 1, 2}, {at, gy, {}}), Contains("expected one group, got 2"));
  CHECK_THROWS_WITH(gather_pixels(x, at), Contains("position 30 (number 1) is outside a map of 30 pixels"));
}

TEST_CASE("conv2d_relu_at: of a pyramid, the dense form's gradients", "[conv2d_sparse]") {
  const Tensor maps[] = {random({2, 8, 10, 6}, 1), random({2, 4, 5, 6}, 2), random({2, 2, 3, 6}, 3)};
  const Tensor level = Tensor::of<int32_t>({6}, {0, 0, 0, 2, 2, 2}), cell = Tensor::of<int32_t>({6}, {0, 159, 31, 11, 4, 4});
  const Tensor wv = random({5, 3, 3, 6}, 4), bv = random({5}, 5), gy = random({6, 5}, 6);
  struct Gradients {
    std::vector<Tensor> all;
    Tensor y;
  };
  const auto run = [&](bool sparse) {
    std::vector<Var> x;
    for (const Tensor& m : maps) x.emplace_back(m, true);
    const Var w(wv, true), b(bv, true);
    std::vector<Tensor> dense;
    std::vector<Var> rows;
    for (const Var& m : x) {
      const Var h = conv2d(m, w, b, {1, 1}, {{}, {}, {}, true});
      dense.push_back(h.value());
      rows.push_back(reshape(h, {h.value().numel() / 5, 5}));
    }
    Var y;
    if (sparse) {
      y = conv2d_relu_at(x, w, b, {1, 1}, level, cell, dense);
    } else {
      const int32_t first[] = {0, 160, 200};
      std::vector<int32_t> at;
      for (int64_t r = 0; r < 6; ++r) at.push_back(first[level.data<int32_t>()[r]] + cell.data<int32_t>()[r]);
      y = gather_rows(concat_rows(rows), Tensor::of<int32_t>({6}, at));
    }
    backward(y, gy);
    return Gradients{{x[0].grad(), x[2].grad(), w.grad(), b.grad()}, y.value()};
  };
  const Gradients dense = run(false), sparse = run(true);
  CHECK(oracle::same_bits(sparse.y, dense.y));
  for (size_t i = 0; i < dense.all.size(); ++i) CHECK(oracle::off_norm(sparse.all[i], dense.all[i]) < 1e-12);

  const std::vector<Var> x(std::begin(maps), std::end(maps));
  const std::vector<Tensor> values(3, Tensor::zeros({1, 5}, DType::f64));
  const Tensor falls = Tensor::of<int32_t>({2}, {1, 0}), two = Tensor::of<int32_t>({2}, {0, 0});
  CHECK_THROWS_WITH(conv2d_relu_at(x, Var(wv), Var(bv), {1, 1}, falls, two, values),
                    Contains("rows must be in the order of the 3 levels, got level 0 in row 1"));
  CHECK_THROWS_WITH(conv2d_relu_at(x, Var(wv), Var(bv), {1, 1}, two, two, {values[0]}), Contains("3 maps, but 1 dense ones"));
}
