// What every linear operator L owes: its backward is its adjoint, ⟨L u, v⟩ = ⟨u, Lᵀ v⟩ for all u and v, and L(a u + v) = a L u + L v.
#include <cmath>
#include <functional>

#include "ops/conv/conv2d.h"
#include "ops/conv/deconv2d.h"
#include "ops/elementwise/concat.h"
#include "ops/elementwise/gather.h"
#include "ops/elementwise/reshape.h"
#include "ops/elementwise/scale.h"
#include "ops/gemm/class_linear.h"
#include "ops/gemm/linear.h"
#include "ops/norm/batch_norm.h"
#include "ops/pool/avg_pool.h"
#include "ops/resize/bilinear.h"
#include "ops/resize/nearest.h"
#include "ops/roi/crop_and_resize.h"
#include "ops/roi/precise_roi_pool.h"
#include "ops/roi/roi_align.h"
#include "ops/roi/roi_warp.h"
#include "tests/catch.h"
#include "tests/ops/conv_oracle.h"

using namespace mr;
using oracle::random;

namespace {

struct Linear {
  const char* name;
  Shape u;
  std::function<Var(const Var&)> apply;
};

std::vector<Linear> linear_operators() {
  const Var wide(random({6, 3, 3, 4}, 1)), grouped(random({6, 3, 3, 2}, 2)), point(random({5, 1, 1, 4}, 3)), up(random({4, 2, 2, 5}, 4)),
      key(random({4, 4, 4, 3}, 5)), full(random({7, 4}, 6)), rows(random({3, 4}, 7)), lateral(Tensor::zeros({2, 8, 10, 4}, DType::f64)),
      none(Tensor::zeros({3}, DType::f64));
  const Var rois(Tensor::of<double>({3, 5}, {0, 3, 2, 17, 13, 1, -5, 4, 9, 30, 1, 8, 8, 8.5, 8.25}));
  const Tensor one = Tensor::full({4}, 1, DType::f64), zero = Tensor::zeros({4}, DType::f64),
               labels = Tensor::of<int32_t>({5}, {0, 2, 1, 2, 0}), index = Tensor::of<int32_t>({4}, {2, 0, 2, 1});
  const Shape map = {2, 5, 6, 4};
  return {
      {"conv2d", map,
       [=](const Var& u) {
         return conv2d(u, wide, {}, {1, 1});
       }},
      {"conv2d of stride 2, dilated, in groups", map,
       [=](const Var& u) {
         return conv2d(u, grouped, {}, {2, 2, 2, 2});
       }},
      {"conv2d 1×1", map, [=](const Var& u) { return conv2d(u, point, {}); }},
      {"conv2d, in its weights",
       {6, 3, 3, 4},
       [=, x = Var(random(map, 8))](const Var& u) {
         return conv2d(x, u, {}, {2, 1});
       }},
      {"deconv2d 2×2", map, [=](const Var& u) { return deconv2d(u, up, {}); }},
      {"deconv2d 4×4", map,
       [=](const Var& u) {
         return deconv2d(u, key, {}, {2, 1});
       }},
      {"deconv2d, in its weights", {4, 2, 2, 5}, [=, x = Var(random(map, 9))](const Var& u) { return deconv2d(x, u, {}); }},
      {"linear", {5, 4}, [=](const Var& u) { return linear(u, full); }},
      {"class_linear", {5, 9, 4}, [=](const Var& u) { return class_linear(u, rows, none, labels); }},
      {"scale", map, [](const Var& u) { return scale(u, -1.75); }},
      {"reshape", map, [](const Var& u) { return flatten_rows(u); }},
      {"concat_rows", map,
       [](const Var& u) {
         return concat_rows({u, u});
       }},
      {"gather_rows", {3, 2, 4}, [=](const Var& u) { return gather_rows(u, index); }},
      {"frozen_batch_norm", map, [=](const Var& u) { return frozen_batch_norm(u, one, zero, zero, one, 0.5); }},
      {"global_average_pool", map, [](const Var& u) { return global_average_pool(u); }},
      {"resize_bilinear", map, [](const Var& u) { return resize_bilinear(u, 9, 4); }},
      {"upsample_nearest", map, [](const Var& u) { return upsample_nearest(u, 10, 11); }},
      {"add_upsampled", {2, 4, 5, 4}, [=](const Var& u) { return add_upsampled(lateral, u); }},
      {"roi_align", map, [=](const Var& u) { return roi_align({u}, {4}, rois, {}, {.size = 3, .aligned = true}); }},
      {"roi_align, adaptive", map, [=](const Var& u) { return roi_align({u}, {4}, rois, {}, {.size = 2, .sampling_ratio = 0}); }},
      {"roi_warp", map, [=](const Var& u) { return roi_warp({u}, {4}, rois, {}, {.size = 3}); }},
      {"roi_warp, MNC's", map, [=](const Var& u) { return roi_warp({u}, {4}, rois, {}, {.size = 3, .variant = WarpVariant::mnc}); }},
      {"crop_and_resize", map, [=](const Var& u) { return crop_and_resize({u}, {4}, rois, {}, {.size = 3, .reduce = Reduce::mean}); }},
      {"precise_roi_pool", map, [=](const Var& u) { return precise_roi_pool({u}, {4}, rois, {}, {.size = 3}); }},
  };
}

double dot(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.numel(); ++i) sum += a.at(i) * b.at(i);
  return sum;
}

Tensor combined(double a, const Tensor& u, const Tensor& v) {  // a u + v
  Tensor y = Tensor::empty(u.shape(), DType::f64);
  for (int64_t i = 0; i < u.numel(); ++i) y.data<double>()[i] = a * u.at(i) + v.at(i);
  return y;
}

double length(const Tensor& a) { return std::sqrt(dot(a, a)); }

}  // namespace

TEST_CASE("linear operators: backward is the adjoint", "[adjoint]") {
  for (const Linear& l : linear_operators())
    for (const uint64_t seed : {21u, 31u}) {
      INFO(l.name);
      const Var u(random(l.u, seed), true);
      const Var y = l.apply(u);
      const Tensor v = random(y.shape(), seed + 1);
      backward(y, v);
      CHECK(length(y.value()) > 0);
      CHECK(std::abs(dot(y.value(), v) - dot(u.value(), u.grad())) <= 1e-13 * length(y.value()) * length(v));
    }
}

TEST_CASE("linear operators: linear", "[adjoint]") {
  for (const Linear& l : linear_operators()) {
    INFO(l.name);
    const Tensor u = random(l.u, 41), v = random(l.u, 42);
    const Tensor lu = l.apply(Var(u)).value(), lv = l.apply(Var(v)).value(), sum = l.apply(Var(combined(-2.5, u, v))).value();
    const Tensor off = combined(-1, sum, combined(-2.5, lu, lv));
    CHECK(length(off) <= 1e-14 * (length(sum) + length(lu) + length(lv)));
  }
}
