#include "ops/roi/precise_roi_pool.h"

#include "ops/roi/roi_align.h"
#include "tests/ops/roi_cases.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

Var pool(const Tensor& x, int stride, const Tensor& rois, const PreciseRoIPoolOptions& o) {
  return precise_roi_pool({Var(x)}, {stride}, Var(rois), {}, o);
}

// ∫ of the map interpolated bilinearly, 0 beyond its tents, over [x1, x2) × [y1, y2). Between whole numbers the map is linear along each
// axis, so the value at the middle of a piece times its length is exact.
double integral(const Tensor& x, int64_t n, int64_t c, double x1, double y1, double x2, double y2) {
  const int64_t H = x.size(1), W = x.size(2);
  const auto cuts = [](double a, double b) {
    std::vector<double> all = {a};
    for (double k = std::floor(a) + 1; k < b; ++k) all.push_back(k);
    all.push_back(b);
    return all;
  };
  const auto at = [&](int64_t h, int64_t w) {
    return h < 0 || w < 0 || h >= H || w >= W ? 0 : x.at(((n * H + h) * W + w) * x.size(3) + c);
  };
  double sum = 0;
  const std::vector<double> ys = cuts(y1, y2), xs = cuts(x1, x2);
  for (size_t i = 0; i + 1 < ys.size(); ++i)
    for (size_t j = 0; j + 1 < xs.size(); ++j) {
      const double y = (ys[i] + ys[i + 1]) / 2, z = (xs[j] + xs[j + 1]) / 2, ly = y - std::floor(y), lx = z - std::floor(z);
      const auto h = static_cast<int64_t>(std::floor(y)), w = static_cast<int64_t>(std::floor(z));
      const double v = (1 - ly) * ((1 - lx) * at(h, w) + lx * at(h, w + 1)) + ly * ((1 - lx) * at(h + 1, w) + lx * at(h + 1, w + 1));
      sum += v * (ys[i + 1] - ys[i]) * (xs[j + 1] - xs[j]);
    }
  return sum;
}

}  // namespace

TEST_CASE("precise_roi_pool: the drawn 8×8 map, box (0,3,7,8), 2×2 bins", "[precise_roi_pool]") {
  const Tensor roi = Tensor::of<float>({1, 5}, {0, 0, 3, 7, 8});
  check_values(pool(drawn_map(), 1, roi, {.size = 2}).value(), {0.3872, 0.4737, 0.3755, 0.3281}, 6e-5);
  check_values(pool(drawn_map(), 1, roi, {.size = 2, .aligned = true}).value(), {0.4483, 0.4712, 0.3838, 0.4146}, 6e-5);
}

TEST_CASE("precise_roi_pool: one bin of a row, by hand", "[precise_roi_pool]") {
  const Tensor roi = Tensor::of<double>({1, 5}, {0, 0.5, -1, 2.5, 1});
  for (int64_t i = 0; i < 5; ++i) {
    const Tensor x = Tensor::zeros({1, 1, 5, 1}, DType::f64);
    x.data<double>()[i] = 2;  // the row's own tent, integrated over [−1, 1) and divided by 2, is a half
    const double expected[] = {1.0 / 16, 7.0 / 16, 7.0 / 16, 1.0 / 16, 0};
    CHECK(pool(x, 1, roi, {.size = 1}).value().at(0) == Approx(expected[i]).margin(1e-15));
  }
}

TEST_CASE("precise_roi_pool: every type against the integral", "[precise_roi_pool]") {
  for (const DType dtype : {DType::f32, DType::f64, DType::bf16})
    for (const bool aligned : {false, true}) {
      const Tensor x = random_map({2, 9, 13, 5}, 3, dtype);
      const Tensor rois = random_rois(40, 2, 13 * 4, 9 * 4, 5, dtype == DType::f64 ? DType::f64 : DType::f32);
      const Var v(x, true);
      const Var y = precise_roi_pool({v}, {4}, Var(rois), {}, {.size = 3, .aligned = aligned});
      double worst = 0;
      for (int64_t r = 0, i = 0; r < 40; ++r) {
        double box[4];
        for (int k = 0; k < 4; ++k) box[k] = rois.at(r * 5 + 1 + k) / 4 - (aligned ? 0.5 : 0);
        const double w = (box[2] - box[0]) / 3, h = (box[3] - box[1]) / 3;
        for (int p = 0; p < 3; ++p)
          for (int q = 0; q < 3; ++q)
            for (int64_t c = 0; c < 5; ++c, ++i) {
              const double x1 = box[0] + q * w, y1 = box[1] + p * h;
              const double expected =
                  w > 0 && h > 0 ? integral(x, static_cast<int64_t>(rois.at(r * 5)), c, x1, y1, x1 + w, y1 + h) / (w * h) : 0;
              worst = std::max(worst, std::abs(y.value().at(i) - expected));
            }
      }
      CHECK(worst <= (dtype == DType::bf16 ? 2e-2 : dtype == DType::f32 ? 2e-5 : 1e-11));
    }
}

TEST_CASE("precise_roi_pool: f64 gradients of map and boxes", "[precise_roi_pool]") {
  for (const bool aligned : {false, true})
    check_map_and_box_gradients([=](const std::vector<Var>& maps,
                                    const Var& rois) { return precise_roi_pool(maps, {4}, rois, {}, {.size = 3, .aligned = aligned}); },
                                random_map({1, 6, 7, 3}, 13, DType::f64), plain_boxes(6, 28, 24, 17));
}

TEST_CASE("precise_roi_pool: RoIAlign with many samples comes near it, inside the map", "[precise_roi_pool]") {
  const Tensor x = random_map({1, 12, 14, 3}, 19, DType::f64),
               rois = Tensor::of<double>({2, 5}, {0, 7.3, 9.1, 40.2, 37.7, 0, 16.4, 5.2, 29.9, 31.3});
  const Tensor exact = pool(x, 4, rois, {.size = 4, .aligned = true}).value();
  double before = 1;
  for (const int samples : {4, 16, 64}) {
    const Tensor y = roi_align({Var(x)}, {4}, rois, {}, {.size = 4, .sampling_ratio = samples, .aligned = true}).value();
    double worst = 0;
    for (int64_t i = 0; i < y.numel(); ++i) worst = std::max(worst, std::abs(y.at(i) - exact.at(i)));
    CHECK(worst < before / 8);  // the midpoint rule: sixteen times nearer with four times the samples
    before = worst;
  }
  CHECK(before < 2e-4);
}

TEST_CASE("precise_roi_pool: constant inside, linear in the map, unmoved by whole cells", "[precise_roi_pool]") {
  const Tensor inside = Tensor::of<float>({1, 5}, {0, 4, 5, 30, 21});
  const Tensor y = pool(Tensor::full({1, 8, 10, 2}, 2.5), 4, inside, {.size = 3}).value();
  for (int64_t i = 0; i < y.numel(); ++i) CHECK(y.at(i) == Approx(2.5).epsilon(1e-6));

  const Tensor ramp = Tensor::empty({1, 16, 20, 1}, DType::f64);
  for (int64_t i = 0; i < 320; ++i) ramp.data<double>()[i] = static_cast<double>(i % 20);
  const Tensor z = pool(ramp, 8, Tensor::of<double>({1, 5}, {0, 26.4, 21.6, 120.8, 97.6}), {.size = 5}).value();
  for (int q = 0; q < 5; ++q) CHECK(z.at(q) == Approx(3.3 + (15.1 - 3.3) * (q + 0.5) / 5).epsilon(1e-12));
}

TEST_CASE("precise_roi_pool: the same bits for any number of threads", "[precise_roi_pool]") {
  for (const DType dtype : {DType::f32, DType::bf16})
    check_threads([](const std::vector<Var>& maps, const Var& rois) { return precise_roi_pool(maps, {4}, rois, {}, {.size = 3}); }, dtype);
}

TEST_CASE("precise_roi_pool: boxes of no area, tiny and huge ones", "[precise_roi_pool]") {
  const Var x(random_map({1, 6, 6, 2}, 23, DType::f32), true), rois(Tensor::of<float>({2, 5}, {0, 8, 8, 8, 20, 0, 12, 8, 4, 20}), true);
  const Var y = precise_roi_pool({x}, {4}, rois, {}, {.size = 2});
  backward(y, Tensor::full(y.shape(), 1));
  for (int64_t i = 0; i < y.value().numel(); ++i) CHECK(y.value().at(i) == 0);
  for (int64_t i = 0; i < 72; ++i) CHECK(x.grad().at(i) == 0);
  for (int64_t i = 0; i < 10; ++i) CHECK(rois.grad().at(i) == 0);

  // A box of a thousandth of a cell reads the map at its place.
  const Tensor tiny = pool(drawn_map(), 1, Tensor::of<float>({1, 5}, {0, 2.5f, 3.25f, 2.501f, 3.251f}), {.size = 1}).value();
  CHECK(tiny.at(0) == Approx(0.75 * (0.76 + 0.84) / 2 + 0.25 * (0.21 + 0.39) / 2).margin(1e-3));
  const Tensor huge = pool(Tensor::full({1, 4, 4, 1}, 1), 4, Tensor::of<float>({1, 5}, {0, -8e6f, -8e6f, 8e6f, 8e6f}), {.size = 1}).value();
  CHECK(huge.at(0) == Approx(16 / 16e12).epsilon(1e-5));
}

TEST_CASE("precise_roi_pool: errors say what was expected and what came", "[precise_roi_pool]") {
  const Tensor x = Tensor::full({1, 6, 6, 2}, 3), roi = Tensor::of<float>({1, 5}, {0, 8, 8, 8, 8});
  CHECK_THROWS_WITH(pool(x, 4, roi, {.size = 0}), Contains("precise_roi_pool: size must be 1"));
  CHECK_THROWS_WITH(pool(x, 0, roi, {}), Contains("precise_roi_pool: a stride is at least 1 pixel, got 0"));
  CHECK_THROWS_WITH(pool(x, 4, Tensor::of<float>({1, 5}, {3, 8, 8, 8, 8}), {}), Contains("image index must be one of 0 … 0, got 3"));
}
