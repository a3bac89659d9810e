#include "ops/roi/roi_warp.h"

#include "ops/roi/roi_align.h"
#include "tests/ops/roi_cases.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

Var warp(const Tensor& x, int stride, const Tensor& rois, const RoIWarpOptions& o) {
  return roi_warp({Var(x)}, {stride}, Var(rois), {}, o);
}

// A cell of MNC's warp from its definition: bilinear at the beginning of the bin, half a cell around the map, 0 beyond. NaN where the place is on
// that border, and rounding decides.
double bilinear(const Tensor& x, double y, double z, int64_t c) {
  const auto H = static_cast<double>(x.size(1)), W = static_cast<double>(x.size(2));
  for (const double edge : {y + 0.5, y - H + 0.5, z + 0.5, z - W + 0.5})
    if (std::abs(edge) < 1e-6) return NAN;
  if (y < -0.5 || y > H - 0.5 || z < -0.5 || z > W - 0.5) return 0;
  return interpolated(x, std::clamp(y, 0.0, H - 1), std::clamp(z, 0.0, W - 1), c);
}

// The 2×2 pooled warp of a box given in cells, unrounded.
double mnc(const Tensor& x, const double* box, int size, Reduce reduce, int p, int q, int64_t c) {
  const int warped = 2 * size;
  double sum = 0, best = -1e300;
  for (int i = 2 * p; i < 2 * p + 2; ++i)
    for (int j = 2 * q; j < 2 * q + 2; ++j) {
      const double v =
          bilinear(x, box[1] + std::max(box[3] - box[1], 0.0) * i / warped, box[0] + std::max(box[2] - box[0], 0.0) * j / warped, c);
      sum += v;
      best = std::isnan(v) ? v : std::max(best, v);
    }
  return reduce == Reduce::mean ? sum / 4 : best;
}

}  // namespace

TEST_CASE("roi_warp: the drawn 8×8 map, box (0,3,7,8), as MNC warps it to 4×4 and pools to 2×2", "[roi_warp]") {
  const Tensor roi = Tensor::of<float>({1, 5}, {0, 0, 3, 7, 8});
  RoIWarpOptions o{.size = 2, .reduce = Reduce::max, .variant = WarpVariant::mnc};
  check_values(warp(drawn_map(), 1, roi, o).value(), {0.85, 0.7175, 0.67, 0.65}, 6e-5);
  o.reduce = Reduce::mean;
  check_values(warp(drawn_map(), 1, roi, o).value(), {0.5227, 0.4811, 0.4283, 0.4170}, 6e-5);
}

TEST_CASE("roi_warp: the dog's box, 665 pixels at stride 32, becomes 21 cells in bins of 3", "[roi_warp]") {
  const Tensor x = Tensor::empty({1, 25, 25, 1});
  for (int64_t i = 0; i < 625; ++i) x.data<float>()[i] = static_cast<float>(i % 25);
  const Tensor roi = Tensor::of<float>({1, 5}, {0, 0, 0, 665, 665});
  const Tensor mean = warp(x, 32, roi, {}).value(), most = warp(x, 32, roi, {.reduce = Reduce::max}).value();
  for (int q = 0; q < 7; ++q) {
    CHECK(mean.at(q) == Approx(3 * q + 1.5));
    CHECK(most.at(q) == Approx(3 * q + 2.25));
  }
}

TEST_CASE("roi_warp: on whole cells it is RoIAlign, and moving a corner by less than half a cell changes nothing", "[roi_warp]") {
  const Tensor x = random_map({1, 9, 13, 5}, 3, DType::f32);
  const Tensor whole = Tensor::of<float>({2, 5}, {0, 8, 4, 32, 28, 0, -4, -8, 24, 40});
  const Tensor moved = Tensor::of<float>({2, 5}, {0, 9.9f, 2.1f, 33.9f, 26.1f, 0, -2.1f, -9.9f, 22.1f, 41.9f});
  for (const Reduce reduce : {Reduce::mean, Reduce::max}) {
    const Tensor a = warp(x, 4, whole, {.size = 3, .reduce = reduce}).value();
    const Tensor b = warp(x, 4, moved, {.size = 3, .reduce = reduce}).value();
    const Tensor align = roi_align({Var(x)}, {4}, whole, {}, {.size = 3, .reduce = reduce}).value();
    for (int64_t i = 0; i < a.numel(); ++i) {
      CHECK(a.at(i) == b.at(i));
      CHECK(a.at(i) == align.at(i));
    }
  }
}

TEST_CASE("roi_warp: MNC's box of no length would grow from both corners, one that runs backwards only moves", "[roi_warp]") {
  // x = column. Across, the samples of bin q lie at t = q/2 and q/2 + ¼ of the length; ∂position/∂x1 = (1 − t)/4, ∂position/∂x2 = t/4.
  const Tensor ramp = Tensor::empty({1, 4, 4, 1});
  for (int64_t i = 0; i < 16; ++i) ramp.data<float>()[i] = static_cast<float>(i % 4);
  const Var boxes(Tensor::of<float>({2, 5}, {0, 4, 0, 5, 8, 0, 8, 0, 4, 8}), true);
  const Var y = roi_warp({Var(ramp)}, {4}, boxes, {}, {.size = 2, .variant = WarpVariant::mnc});
  backward(y, Tensor::full(y.shape(), 1));
  const auto gradient = [&](int64_t r, int64_t k) { return boxes.grad().at(5 * r + k); };
  CHECK(gradient(0, 1) == Approx(2 * (0.875 + 0.375) / 4));
  CHECK(gradient(0, 3) == Approx(2 * (0.125 + 0.625) / 4));
  CHECK(gradient(1, 1) == Approx(1));
  CHECK(gradient(1, 3) == 0);
}

TEST_CASE("roi_warp: MNC's variant against its definition", "[roi_warp]") {
  for (const DType dtype : {DType::f32, DType::f64, DType::bf16}) {
    const Tensor x = random_map({1, 9, 13, 3}, 5, dtype);
    const Tensor rois = random_rois(40, 1, 13 * 4, 9 * 4, 7, dtype == DType::f64 ? DType::f64 : DType::f32);
    for (const Reduce reduce : {Reduce::mean, Reduce::max}) {
      const Tensor y = warp(x, 4, rois, {.size = 3, .reduce = reduce, .variant = WarpVariant::mnc}).value();
      double worst = 0;
      int64_t compared = 0;
      for (int64_t r = 0, i = 0; r < 40; ++r) {
        double box[4];
        for (int k = 0; k < 4; ++k) box[k] = std::round(rois.at(r * 5 + 1 + k) / 4);
        for (int p = 0; p < 3; ++p)
          for (int q = 0; q < 3; ++q)
            for (int64_t c = 0; c < 3; ++c, ++i) {
              const double expected = mnc(x, box, 3, reduce, p, q, c);
              if (std::isnan(expected)) continue;
              worst = std::max(worst, std::abs(y.at(i) - expected));
              ++compared;
            }
      }
      CHECK(compared > 1000);
      CHECK(worst <= (dtype == DType::bf16 ? 2e-2 : dtype == DType::f32 ? 1e-5 : 1e-12));
    }
  }
}

TEST_CASE("roi_warp: f64 gradients of the map", "[roi_warp]") {
  const ContextGuard guard;
  context().threads = 1;
  const Tensor rois = random_rois(12, 2, 24, 20, 11, DType::f64);
  for (const WarpVariant variant : {WarpVariant::paper, WarpVariant::mnc})
    for (const Reduce reduce : {Reduce::mean, Reduce::max}) {
      const GradcheckResult r = gradcheck(
          [&](const std::vector<Var>& v) { return roi_warp(v, {4}, Var(rois), {}, {.size = 3, .reduce = reduce, .variant = variant}); },
          {random_map({2, 5, 6, 3}, 13, DType::f64)});
      INFO(r.message);
      CHECK(r.ok);
    }
}

// The corners of these boxes are whole cells, where rounding is the identity in truth.
TEST_CASE("roi_warp: the boxes' gradient is that of the unrounded form", "[roi_warp]") {
  const Tensor x = random_map({1, 9, 13, 4}, 17, DType::f64);
  const Tensor boxes = Tensor::of<double>({3, 4}, {8, 4, 32, 28, 12, 8, 44, 16, -4, 4, 24, 32});  // 6, 8, 7 × 6, 2, 7 cells
  SECTION("paper: RoIAlign's, which is checked by finite differences") {
    for (const Reduce reduce : {Reduce::mean, Reduce::max}) {
      const Var a(boxes, true), b(boxes, true);
      const Var y = roi_warp({Var(x)}, {4}, rois_of(a), {}, {.size = 5, .reduce = reduce});
      const Var z = roi_align({Var(x)}, {4}, rois_of(b), {}, {.size = 5, .reduce = reduce});
      const Tensor gy = random_map(y.shape(), 19, DType::f64);
      backward(y, gy);
      backward(z, gy);
      for (int64_t i = 0; i < 12; ++i) CHECK(a.grad().at(i) == Approx(b.grad().at(i)).margin(1e-12));
    }
  }
  SECTION("MNC: finite differences of its definition to the right") {
    // The first sample of a rounded box lies on a whole cell, where the surface has a kink. No sample moves left when a corner moves right,
    // and a sample on a cell has the slope to its right: so the difference to the right is the gradient everywhere.
    const int size = 5;
    const Var a(boxes, true);
    const Var y = roi_warp({Var(x)}, {4}, rois_of(a), {}, {.size = size, .variant = WarpVariant::mnc});
    const Tensor gy = random_map(y.shape(), 19, DType::f64);
    backward(y, gy);
    const auto loss = [&](int64_t r, int k, double step) {
      double box[4], sum = 0;
      for (int j = 0; j < 4; ++j) box[j] = boxes.at(4 * r + j) / 4 + (j == k ? step : 0);
      for (int p = 0; p < size; ++p)
        for (int q = 0; q < size; ++q)
          for (int64_t c = 0; c < 4; ++c) sum += gy.at(((r * size + p) * size + q) * 4 + c) * mnc(x, box, size, Reduce::mean, p, q, c);
      return sum;
    };
    for (int64_t r = 0; r < 3; ++r)
      for (int k = 0; k < 4; ++k) {
        const double h = 1e-6;
        CHECK(a.grad().at(4 * r + k) == Approx((loss(r, k, h) - loss(r, k, 0)) / h / 4).margin(1e-6));
      }
  }
}

TEST_CASE("roi_warp: the same bits for any number of threads", "[roi_warp]") {
  for (const WarpVariant variant : {WarpVariant::paper, WarpVariant::mnc})
    for (const Reduce reduce : {Reduce::mean, Reduce::max})
      check_threads([=](const std::vector<Var>& maps,
                        const Var& rois) { return roi_warp(maps, {4}, rois, {}, {.size = 3, .reduce = reduce, .variant = variant}); },
                    DType::f32);
}

TEST_CASE("roi_warp: a box of no size, no boxes, a constant map", "[roi_warp]") {
  const Tensor x = Tensor::full({1, 6, 6, 2}, 3);
  const Tensor roi = Tensor::of<float>({2, 5}, {0, 8, 8, 8, 8, 0, 4, 4, 20, 20});
  for (const WarpVariant variant : {WarpVariant::paper, WarpVariant::mnc})
    for (const Reduce reduce : {Reduce::mean, Reduce::max}) {
      const Tensor y = warp(x, 4, roi, {.size = 2, .reduce = reduce, .variant = variant}).value();
      for (int64_t i = 0; i < y.numel(); ++i) CHECK(y.at(i) == 3);
    }
  CHECK(warp(x, 4, Tensor::empty({0, 5}), {}).shape() == Shape{0, 7, 7, 2});
}

TEST_CASE("roi_warp: errors say what was expected and what came", "[roi_warp]") {
  const Tensor x = Tensor::full({1, 6, 6, 2}, 3), roi = Tensor::of<float>({1, 5}, {0, 8, 8, 8, 8});
  CHECK_THROWS_WITH(warp(x, 4, roi, {.sampling_ratio = 0}), Contains("roi_warp: sampling_ratio must be 1 … 64, got 0"));
  CHECK_THROWS_WITH(warp(x, 4, roi, {.size = 0}), Contains("roi_warp: size must be 1"));
  CHECK_THROWS_WITH(warp(x, 4, Tensor::zeros({1, 4}), {}), Contains("roi_warp: rois must be [R,5]"));
  CHECK_THROWS_WITH(roi_warp({Var(x)}, {4}, Var(), {}), Contains("roi_warp: rois are undefined"));
}
