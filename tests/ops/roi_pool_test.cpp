#include "ops/roi/roi_pool.h"

#include <cmath>
#include <limits>

#include "tests/ops/box_golden.h"
#include "tests/ops/roi_cases.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

// Values that every type holds, all different, so that a maximum has one place.
Tensor distinct_map(const Shape& shape, uint64_t seed, DType dtype) {
  const Tensor x = Tensor::empty(shape, DType::f64);
  std::vector<double> v(static_cast<size_t>(x.numel()));
  for (size_t i = 0; i < v.size(); ++i)
    v[i] = (static_cast<double>(i % 200) - 100) / 16 + (dtype == DType::f64 ? 1e-3 * static_cast<double>(i / 200) : 0);
  Rng rng(seed, "shuffle");
  for (size_t i = 0; i < v.size(); ++i) std::swap(v[i], v[i + rng.below(v.size() - i)]);
  for (size_t i = 0; i < v.size(); ++i) x.data<double>()[i] = v[i];
  return x.to(dtype);
}

Tensor random_rois(int64_t count, int64_t images, double width, double height, uint64_t seed) {
  return mr::random_rois(count, images, width, height, seed, DType::f32);
}

// From the definition, one bin at a time: the maximum and where it is (−1: the bin is empty).
struct Maximum {
  double value = 0;
  int64_t cell = -1;
};
Maximum oracle(const Tensor& x, const float* roi, double scale, int size, int p, int q, int64_t c) {
  const int64_t H = x.size(1), W = x.size(2), C = x.size(3), n = static_cast<int64_t>(roi[0]);
  const auto corner = [&](float v) { return static_cast<int64_t>(std::lround(v * static_cast<float>(scale))); };
  const int64_t x1 = corner(roi[1]), y1 = corner(roi[2]);
  const float bw = static_cast<float>(std::max<int64_t>(corner(roi[3]) - x1 + 1, 1)) / static_cast<float>(size);
  const float bh = static_cast<float>(std::max<int64_t>(corner(roi[4]) - y1 + 1, 1)) / static_cast<float>(size);
  Maximum m;
  for (int64_t h = 0; h < H; ++h)
    for (int64_t w = 0; w < W; ++w) {
      const bool inside = h >= y1 + std::floor(static_cast<float>(p) * bh) && h < y1 + std::ceil(static_cast<float>(p + 1) * bh) &&
                          w >= x1 + std::floor(static_cast<float>(q) * bw) && w < x1 + std::ceil(static_cast<float>(q + 1) * bw);
      const int64_t cell = ((n * H + h) * W + w) * C + c;
      if (inside && (m.cell < 0 || x.at(cell) > m.value)) m = {x.at(cell), cell};
    }
  return m;
}

void check_against_oracle(int size, int64_t channels, DType dtype) {
  INFO("size " << size << " C " << channels << " " << name(dtype));
  const Tensor x = distinct_map({2, 9, 13, channels}, 3, dtype), rois = random_rois(20, 2, 52, 36, 5);
  const Var v(x, true);
  const Var y = roi_pool({v}, {4}, rois, {}, {.size = size});
  const Tensor gy = distinct_map(y.shape(), 7, dtype);
  backward(y, gy);
  std::vector<double> gx(static_cast<size_t>(x.numel()), 0.0);
  int64_t i = 0, wrong = 0;
  for (int64_t r = 0; r < 20; ++r)
    for (int p = 0; p < size; ++p)
      for (int q = 0; q < size; ++q)
        for (int64_t c = 0; c < channels; ++c, ++i) {
          const Maximum m = oracle(x, rois.data<float>() + r * 5, 0.25, size, p, q, c);
          wrong += y.value().at(i) != m.value;
          if (m.cell >= 0) gx[static_cast<size_t>(m.cell)] += gy.at(i);
        }
  CHECK(wrong == 0);
  double off = 0;
  for (int64_t k = 0; k < x.numel(); ++k)
    off = std::max(off, std::abs(v.grad().at(k) - gx[static_cast<size_t>(k)]) / (1 + std::abs(gx[static_cast<size_t>(k)])));
  CHECK(off <= (dtype == DType::bf16 ? 0x1p-8 : dtype == DType::f32 ? 1e-6 : 1e-14));
}

}  // namespace

TEST_CASE("roi_pool: the drawn 8×8 map, 2×2 bins", "[roi_pool]") {
  const Var x(drawn_map());
  const Tensor y = roi_pool({x}, {1}, Tensor::of<float>({2, 5}, {0, 0, 3, 6, 7, 0, 0, 3, 7, 8}), {}, {.size = 2}).value();
  const float expected[] = {0.85f, 0.96f, 0.97f, 0.96f, 0.85f, 0.96f, 0.97f, 0.91f};
  for (int i = 0; i < 8; ++i) CHECK(y.at(i) == expected[i]);
}

TEST_CASE("roi_pool: the dog's box, 665 pixels at stride 32, covers 22 cells in overlapping bins", "[roi_pool]") {
  // A map whose value is the column: each bin's maximum is its last column. Cells [0,4) [3,7) [6,10) [9,13) [12,16) [15,19) [18,22).
  const Tensor x = Tensor::empty({1, 25, 25, 1});
  for (int64_t i = 0; i < 625; ++i) x.data<float>()[i] = static_cast<float>(i % 25);
  const Tensor y = roi_pool({Var(x)}, {32}, Tensor::of<float>({1, 5}, {0, 0, 0, 665, 665}), {}).value();
  for (int q = 0; q < 7; ++q) CHECK(y.at(q) == 3 + 3 * q);
}

TEST_CASE("roi_pool: the two drawings that no detector computes", "[roi_pool]") {
  // The box's 7 × 5 cells in 3 + 4 columns and 2 + 3 rows.
  const Tensor roi = Tensor::of<float>({1, 5}, {0, 0, 3, 7, 8});
  check_values(roi_pool({Var(drawn_map())}, {1}, roi, {}, {.size = 2, .bins = PoolBins::disjoint}).value(), {0.85, 0.84, 0.97, 0.96}, 1e-7);
  // The dog: 20 cells, bins of 2, which end with cell 13: a third of the box is lost.
  const Tensor x = Tensor::empty({1, 25, 25, 1});
  for (int64_t i = 0; i < 625; ++i) x.data<float>()[i] = static_cast<float>(i % 25);
  const Tensor dog = Tensor::of<float>({1, 5}, {0, 0, 0, 665, 665});
  const Tensor y = roi_pool({Var(x)}, {32}, dog, {}, {.bins = PoolBins::truncated}).value();
  for (int q = 0; q < 7; ++q) CHECK(y.at(q) == 2 * q + 1);
  // A box upside down has no cells, and one smaller than its bins has empty ones.
  const Tensor odd = Tensor::of<float>({2, 5}, {0, 300, 300, 100, 100, 0, 64, 64, 128, 128});
  for (const PoolBins bins : {PoolBins::disjoint, PoolBins::truncated}) {
    const Var v(x, true);
    const Var z = roi_pool({v}, {32}, odd, {}, {.bins = bins});
    backward(z, Tensor::full(z.shape(), 1));
    for (int64_t i = 0; i < 49; ++i) CHECK(z.value().at(i) == 0);
  }
}

TEST_CASE("roi_pool: f64 gradients", "[roi_pool]") {
  const ContextGuard guard;
  context().threads = 1;
  const Tensor rois = random_rois(12, 2, 24, 20, 11);
  for (const int size : {1, 2, 3}) {
    const GradcheckResult r = gradcheck([&](const std::vector<Var>& v) { return roi_pool(v, {4}, rois, {}, {.size = size}); },
                                        {distinct_map({2, 5, 6, 3}, 13, DType::f64)});
    INFO(r.message);
    CHECK(r.ok);
  }
  const Tensor levels = Tensor::of<int32_t>({12}, {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1});
  const GradcheckResult r = gradcheck(
      [&](const std::vector<Var>& v) {
        return roi_pool(v, {4, 8}, rois, levels, {.size = 2});
      },
      {distinct_map({2, 5, 6, 2}, 1, DType::f64), distinct_map({2, 3, 3, 2}, 2, DType::f64)});
  INFO(r.message);
  CHECK(r.ok);
}

TEST_CASE("roi_pool: every type and rest of channels against the definition", "[roi_pool]") {
  for (const DType dtype : {DType::f32, DType::bf16, DType::f64})
    for (const int64_t channels : {1, 5, 43}) check_against_oracle(3, channels, dtype);
  check_against_oracle(7, 2, DType::f32);
}

TEST_CASE("roi_pool: of equal values the first cell gets the gradient, NaN never wins", "[roi_pool]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Var x(Tensor::of<float>({1, 2, 2, 1}, {nan, 3, 3, 3}), true);
  const Var y = roi_pool({x}, {1}, Tensor::of<float>({1, 5}, {0, 0, 0, 1, 1}), {}, {.size = 1});
  CHECK(y.value().at(0) == 3);
  backward(y, Tensor::full({1, 1, 1, 1}, 2));
  for (int i = 0; i < 4; ++i) CHECK(x.grad().at(i) == (i == 1 ? 2 : 0));
}

TEST_CASE("roi_pool: a channel of NaN alone takes no gradient from its neighbours", "[roi_pool]") {
  Tensor map = Tensor::empty({1, 1, 2, 9});
  for (int64_t i = 0; i < 18; ++i) map.data<float>()[i] = i % 9 == 3 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(i);
  const Var x(map, true);
  const Var y = roi_pool({x}, {1}, Tensor::of<float>({1, 5}, {0, 0, 0, 1, 0}), {}, {.size = 1});
  backward(y, Tensor::full({1, 1, 1, 9}, 2));
  for (int i = 0; i < 18; ++i) CHECK(x.grad().at(i) == (i >= 9 && i != 12 ? 2 : 0));  // the second cell is the larger
}

TEST_CASE("roi_pool: moving map and box by whole cells changes nothing", "[roi_pool]") {
  const Tensor x = distinct_map({1, 6, 7, 4}, 23, DType::f64), moved = Tensor::zeros({1, 12, 14, 4}, DType::f64);
  for (int64_t h = 0; h < 6; ++h)
    for (int64_t w = 0; w < 28; ++w) moved.data<double>()[((h + 3) * 14 + 5) * 4 + w] = x.at(h * 28 + w);
  const Tensor a = roi_pool({Var(x)}, {1}, Tensor::of<float>({1, 5}, {0, 1.25f, 2.5f, 5.75f, 4.75f}), {}).value();
  const Tensor b = roi_pool({Var(moved)}, {1}, Tensor::of<float>({1, 5}, {0, 6.25f, 5.5f, 10.75f, 7.75f}), {}).value();
  for (int64_t i = 0; i < a.numel(); ++i) CHECK(a.at(i) == b.at(i));
}

TEST_CASE("roi_pool: the same bits for any number of threads", "[roi_pool]") {
  const Tensor x = distinct_map({2, 11, 17, 37}, 29, DType::f32), rois = random_rois(60, 2, 68, 44, 31);
  Tensor first;
  for (const int threads : {1, 2, 5}) {
    const ContextGuard guard;
    context().threads = threads;
    const Var v(x, true);
    const Var y = roi_pool({v}, {4}, rois, {}, {.size = 5});
    backward(y, distinct_map(y.shape(), 37, DType::f32));
    if (threads == 1) first = v.grad();
    int64_t differ = 0;
    for (int64_t i = 0; i < x.numel(); ++i) differ += v.grad().data<float>()[i] != first.data<float>()[i];
    CHECK(differ == 0);
  }
}

TEST_CASE("roi_pool: agrees with torchvision on random cases, bit for bit", "[roi_pool]") {
  const Tensor params = box_golden()["roi.params"];
  const float* expected = box_golden()["roi.pool"].data<float>();
  int64_t wrong = 0;
  for (int64_t k = 0; k < params.size(0); ++k) {
    const float* p = params.data<float>() + k * 10;
    const Tensor x = golden_map(static_cast<uint64_t>(k), static_cast<int>(p[0]), static_cast<int>(p[1]));
    const Tensor y =
        roi_pool({Var(x)}, {static_cast<int>(p[4])}, Tensor::of<float>({1, 5}, std::span(p + 5, 5)), {}, {.size = static_cast<int>(p[2])})
            .value();
    for (int64_t i = 0; i < y.numel(); ++i) wrong += y.data<float>()[i] != *expected++;
  }
  CHECK(params.size(0) >= 1000);
  CHECK(wrong == 0);
}

TEST_CASE("roi_pool: no RoIs, one cell, a box outside the map", "[roi_pool]") {
  const Var x(Tensor::full({1, 1, 1, 2}, 5), true);
  CHECK(roi_pool({x}, {4}, Tensor::empty({0, 5}), {}).shape() == Shape{0, 7, 7, 2});
  const Var y = roi_pool({x}, {4}, Tensor::of<float>({2, 5}, {0, 0, 0, 1, 1, 0, 100, 100, 120, 120}), {}, {.size = 2});
  backward(y, Tensor::full(y.shape(), 1));
  for (int64_t i = 0; i < 8; ++i) CHECK(y.value().at(i) == 5);
  for (int64_t i = 8; i < 16; ++i) CHECK(y.value().at(i) == 0);
  CHECK(x.grad().at(0) == 4);
}

TEST_CASE("roi_pool: errors say what was expected and what came", "[roi_pool]") {
  const Var x(Tensor::full({1, 4, 4, 3}, 1));
  const Tensor roi = Tensor::of<float>({1, 5}, {0, 0, 0, 4, 4});
  CHECK_THROWS_WITH(roi_pool({x}, {}, roi, {}), Contains("roi_pool: expected a stride for each of 1 maps, got 0"));
  CHECK_THROWS_WITH(roi_pool({x}, {4}, Tensor::zeros({5}), {}), Contains("rois must be [R,5]"));
  CHECK_THROWS_WITH(roi_pool({x}, {4}, Tensor::of<float>({1, 5}, {-1, 0, 0, 4, 4}), {}),
                    Contains("image index must be one of 0 … 0, got -1"));
  CHECK_THROWS_WITH(roi_pool({x}, {4}, Tensor::of<float>({1, 5}, {0, 0, 0, 4e9f, 4}), {}), Contains("within 2^24 pixels"));
  CHECK_THROWS_WITH(roi_pool({x}, {4}, roi, {}, {.size = 0}), Contains("size must be 1"));
}
