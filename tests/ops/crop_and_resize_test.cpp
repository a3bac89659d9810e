#include "ops/roi/crop_and_resize.h"

#include "tests/ops/roi_cases.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

Var crop(const Tensor& x, int stride, const Tensor& rois, const CropAndResizeOptions& o) {
  return crop_and_resize({Var(x)}, {stride}, Var(rois), {}, o);
}

// One point of the 2P × 2P grid, from the definition.
double point(const Tensor& x, const double* box, int stride, int points, int i, int j, int64_t c) {
  const auto place = [&](double lo, double hi, int k, int64_t n) {
    const double to_cell = n > 1 ? static_cast<double>(n - 1) / (static_cast<double>(n) * stride - 1) : 0;
    return lo * to_cell + k * (hi - lo) * to_cell / (points - 1);
  };
  const double y = place(box[1], box[3], i, x.size(1)), z = place(box[0], box[2], j, x.size(2));
  if (y < 0 || z < 0 || y > static_cast<double>(x.size(1) - 1) || z > static_cast<double>(x.size(2) - 1)) return 0;
  return interpolated(x, y, z, c);
}

}  // namespace

TEST_CASE("crop_and_resize: a ramp, 2 bins, by hand: points 0, 7/3, 14/3, 7", "[crop_and_resize]") {
  const Tensor x = Tensor::empty({1, 8, 8, 1});
  for (int64_t i = 0; i < 64; ++i) x.data<float>()[i] = static_cast<float>(i % 8);
  const Tensor roi = Tensor::of<float>({1, 5}, {0, 0, 0, 7, 7});
  check_values(crop(x, 1, roi, {.size = 2}).value(), {7.0 / 3, 7, 7.0 / 3, 7}, 1e-5);
  check_values(crop(x, 1, roi, {.size = 2, .reduce = Reduce::mean}).value(), {7.0 / 6, 35.0 / 6, 7.0 / 6, 35.0 / 6}, 1e-5);
}

TEST_CASE("crop_and_resize: the whole image's corners are the map's corner cells", "[crop_and_resize]") {
  const Tensor x = random_map({1, 5, 7, 1}, 3, DType::f64);
  const Tensor y = crop(x, 16, Tensor::of<double>({1, 5}, {0, 0, 0, 7 * 16 - 1, 5 * 16 - 1}), {.size = 1, .reduce = Reduce::mean}).value();
  CHECK(y.at(0) == Approx((x.at(0) + x.at(6) + x.at(28) + x.at(34)) / 4).epsilon(1e-12));
}

TEST_CASE("crop_and_resize: every type against the definition", "[crop_and_resize]") {
  for (const DType dtype : {DType::f32, DType::f64, DType::bf16}) {
    const Tensor x = random_map({1, 9, 13, 3}, 5, dtype);
    const Tensor rois = random_rois(40, 1, 13 * 4, 9 * 4, 7, dtype == DType::f64 ? DType::f64 : DType::f32);
    for (const Reduce reduce : {Reduce::mean, Reduce::max}) {
      const Tensor y = crop(x, 4, rois, {.size = 3, .reduce = reduce}).value();
      double worst = 0;
      for (int64_t r = 0, k = 0; r < 40; ++r) {
        double box[4];
        for (int b = 0; b < 4; ++b) box[b] = rois.at(r * 5 + 1 + b);
        for (int p = 0; p < 3; ++p)
          for (int q = 0; q < 3; ++q)
            for (int64_t c = 0; c < 3; ++c, ++k) {
              double sum = 0, best = -1e300;
              for (int i = 0; i < 4; ++i) {
                const double v = point(x, box, 4, 6, 2 * p + i / 2, 2 * q + i % 2, c);
                sum += v;
                best = std::max(best, v);
              }
              worst = std::max(worst, std::abs(y.at(k) - (reduce == Reduce::mean ? sum / 4 : best)));
            }
      }
      CHECK(worst <= (dtype == DType::bf16 ? 2e-2 : dtype == DType::f32 ? 2e-5 : 1e-11));
    }
  }
}

TEST_CASE("crop_and_resize: f64 gradients of map and boxes", "[crop_and_resize]") {
  for (const Reduce reduce : {Reduce::mean, Reduce::max})
    check_map_and_box_gradients(
        [=](const std::vector<Var>& maps, const Var& rois) { return crop_and_resize(maps, {4}, rois, {}, {.size = 3, .reduce = reduce}); },
        random_map({1, 6, 7, 3}, 13, DType::f64), plain_boxes(6, 28, 24, 17));
}

TEST_CASE("crop_and_resize: the same bits for any number of threads", "[crop_and_resize]") {
  check_threads([](const std::vector<Var>& maps, const Var& rois) { return crop_and_resize(maps, {4}, rois, {}, {.size = 3}); },
                DType::f32);
}

TEST_CASE("crop_and_resize: a map of one cell, no boxes, errors", "[crop_and_resize]") {
  const Tensor one = Tensor::full({1, 1, 1, 2}, 5);
  const Tensor y = crop(one, 4, Tensor::of<float>({1, 5}, {0, 0, 0, 3, 3}), {.size = 2}).value();
  for (int64_t i = 0; i < y.numel(); ++i) CHECK(y.at(i) == 5);
  CHECK(crop(one, 4, Tensor::empty({0, 5}), {}).shape() == Shape{0, 7, 7, 2});
  CHECK_THROWS_WITH(crop(one, 4, Tensor::empty({0, 5}), {.size = 0}), Contains("crop_and_resize: size must be 1"));
  CHECK_THROWS_WITH(crop(one, 4, Tensor::empty({1, 4}), {}), Contains("crop_and_resize: rois must be [R,5]"));
  CHECK_THROWS_WITH(crop(Tensor::zeros({1, 2, 2}), 4, Tensor::empty({0, 5}), {}), Contains("maps must be [N,H,W,C]"));
}
