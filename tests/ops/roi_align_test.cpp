#include "ops/roi/roi_align.h"

#include <cmath>
#include <limits>

#include "tests/ops/box_golden.h"
#include "tests/ops/roi_cases.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

// ---- the oracle: f64, one sample at a time, from the definition -----------------------------------------------------------

struct Oracle {
  Tensor x;                // [N,H,W,C]
  std::vector<double> gx;  // where gradients go
  double magnitude = 0;    // Σ|terms| behind the last value

  explicit Oracle(const Tensor& map) : x(map.to(DType::f64)), gx(static_cast<size_t>(map.numel()), 0.0) {}

  int64_t at(int64_t n, int64_t h, int64_t w, int64_t c) const { return ((n * x.size(1) + h) * x.size(2) + w) * x.size(3) + c; }

  // Bilinear with the rule at the border; when g is not 0, its gradient goes to gx.
  double sample(int64_t n, double y, double z, int64_t c, double g, bool* inside = nullptr) {
    const int64_t H = x.size(1), W = x.size(2);
    if (inside) *inside = false;
    if (y < -1 || y > static_cast<double>(H) || z < -1 || z > static_cast<double>(W)) return 0;
    if (inside) *inside = true;
    y = std::max(y, 0.0);
    z = std::max(z, 0.0);
    int64_t y0 = static_cast<int64_t>(y), z0 = static_cast<int64_t>(z), y1 = y0 + 1, z1 = z0 + 1;
    if (y0 >= H - 1) {
      y0 = y1 = H - 1;
      y = static_cast<double>(y0);
    }
    if (z0 >= W - 1) {
      z0 = z1 = W - 1;
      z = static_cast<double>(z0);
    }
    const double ly = y - static_cast<double>(y0), lz = z - static_cast<double>(z0);
    const double weight[] = {(1 - ly) * (1 - lz), (1 - ly) * lz, ly * (1 - lz), ly * lz};
    const int64_t cell[] = {at(n, y0, z0, c), at(n, y0, z1, c), at(n, y1, z0, c), at(n, y1, z1, c)};
    const double* values = x.data<double>();
    double v = 0;
    for (int k = 0; k < 4; ++k) {
      v += weight[k] * values[cell[k]];
      magnitude += std::abs(weight[k] * values[cell[k]]);
      gx[static_cast<size_t>(cell[k])] += g * weight[k];
    }
    return v;
  }

  // Value of bin (p, q); g · ∂value is added to gx.
  double bin(const double* roi, int stride, const RoIAlignOptions& o, int p, int q, int64_t c, double g = 0) {
    magnitude = 0;
    const double s = 1.0 / stride, off = o.aligned ? 0.5 : 0;
    const double x1 = roi[1] * s - off, y1 = roi[2] * s - off;
    double w = roi[3] * s - off - x1, h = roi[4] * s - off - y1;
    if (!o.aligned) {
      w = std::max(w, 1.0);
      h = std::max(h, 1.0);
    }
    const int nx = o.sampling_ratio ? o.sampling_ratio : static_cast<int>(std::ceil(w / o.size));
    const int ny = o.sampling_ratio ? o.sampling_ratio : static_cast<int>(std::ceil(h / o.size));
    const double bw = w / o.size, bh = h / o.size, count = std::max(nx * ny, 1);
    const auto n = static_cast<int64_t>(roi[0]);
    if (nx <= 0 || ny <= 0) return 0;
    double sum = 0, best = -1e300, best_y = 0, best_x = 0;
    for (int i = 0; i < ny; ++i)
      for (int j = 0; j < nx; ++j) {
        const double y = y1 + p * bh + (i + 0.5) * bh / ny, z = x1 + q * bw + (j + 0.5) * bw / nx;
        const double v = sample(n, y, z, c, o.reduce == Reduce::mean ? g / count : 0);
        sum += v;
        if (v > best) {
          best = v;
          best_y = y;
          best_x = z;
        }
      }
    if (o.reduce == Reduce::mean) return sum / count;
    sample(n, best_y, best_x, c, g);
    return best;
  }
};

// Forward and backward of every type against the oracle: |Δ| ≤ 4·eps·Σ|terms|, plus what rounding a coordinate moves.
void check_against_oracle(const RoIAlignOptions& o, int64_t channels, DType dtype) {
  INFO("size " << o.size << " samples " << o.sampling_ratio << " aligned " << o.aligned << " max " << (o.reduce == Reduce::max) << " C "
               << channels << " " << name(dtype));
  const int stride = 4;
  const Tensor x = random_map({2, 9, 13, channels}, 3, dtype);
  const Tensor rois = random_rois(24, 2, 13 * stride, 9 * stride, 5, dtype == DType::f64 ? DType::f64 : DType::f32);
  const Var v(x, true);
  const Var y = roi_align({v}, {stride}, rois, {}, o);
  const Tensor gy = random_map(y.shape(), 9, dtype);
  backward(y, gy);

  Oracle oracle(x);
  const double coordinate = dtype == DType::f64 ? 1e-13 : 2e-5;  // of a sample, in cells: f32 boxes of up to 150 pixels
  double worst = 0;
  int64_t i = 0;
  for (int64_t r = 0; r < 24; ++r) {
    double roi[5];
    for (int k = 0; k < 5; ++k) roi[k] = rois.at(r * 5 + k);
    for (int p = 0; p < o.size; ++p)
      for (int q = 0; q < o.size; ++q)
        for (int64_t c = 0; c < channels; ++c, ++i) {
          const double expected = oracle.bin(roi, stride, o, p, q, c, gy.at(i));
          const double bound = 4 * eps_of(dtype) * (oracle.magnitude + 1e-3) + coordinate * 10;
          worst = std::max(worst, std::abs(y.value().at(i) - expected) / bound);
        }
  }
  CHECK(worst <= 1);
  double off = 0, largest = 0;
  for (int64_t k = 0; k < x.numel(); ++k) {
    off = std::max(off, std::abs(v.grad().at(k) - oracle.gx[static_cast<size_t>(k)]));
    largest = std::max(largest, std::abs(oracle.gx[static_cast<size_t>(k)]));
  }
  CHECK(largest > 0.1);
  CHECK(off <= (dtype == DType::bf16 ? 0x1p-8 : dtype == DType::f32 ? 2e-4 : 1e-12) * (1 + largest));
}

Var one_map(const Tensor& x, const Tensor& rois, const RoIAlignOptions& o, int stride = 1) {
  return roi_align({Var(x)}, {stride}, rois, {}, o);
}

Tensor constant_map(const Shape& s, float v) { return Tensor::full(s, v); }

}  // namespace

TEST_CASE("roi_align: the drawn 8×8 map, box (0,3,7,8), 2×2 bins", "[roi_align]") {
  const Tensor x = drawn_map(), roi = Tensor::of<float>({1, 5}, {0, 0, 3, 7, 8});
  const auto run = [&](bool aligned, int samples, Reduce reduce) {
    return one_map(x, roi, {.size = 2, .sampling_ratio = samples, .aligned = aligned, .reduce = reduce}).value();
  };
  check_values(run(false, 2, Reduce::max), {0.5811, 0.8136, 0.5883, 0.5513}, 6e-5);
  check_values(run(false, 2, Reduce::mean), {0.3663, 0.5501, 0.4598, 0.3752}, 6e-5);
  check_values(run(true, 2, Reduce::max), {0.7028, 0.6123, 0.7703, 0.7941}, 6e-5);
  check_values(run(true, 2, Reduce::mean), {0.4770, 0.4710, 0.4569, 0.4552}, 6e-5);
  check_values(run(true, 1, Reduce::mean), {0.5669, 0.2394, 0.5106, 0.2850}, 6e-5);
  check_values(run(true, 0, Reduce::mean), {0.4744, 0.4795, 0.4326, 0.4234}, 6e-5);
}

TEST_CASE("roi_align: a map 0 … 24, box (1,1,3,3), 4×4 bins: aligned moves the grid by half a cell", "[roi_align]") {
  std::vector<float> ramp;
  for (int i = 0; i < 25; ++i) ramp.push_back(static_cast<float>(i));
  const Tensor x = Tensor::of<float>({1, 5, 5, 1}, ramp), roi = Tensor::of<float>({1, 5}, {0, 1, 1, 3, 3});
  std::vector<double> half, exact;
  for (int p = 0; p < 4; ++p)
    for (int q = 0; q < 4; ++q) {
      half.push_back(7.5 + 2.5 * p + 0.5 * q);
      exact.push_back(4.5 + 2.5 * p + 0.5 * q);
    }
  check_values(one_map(x, roi, {.size = 4, .sampling_ratio = 0, .aligned = false}).value(), half, 1e-5);
  check_values(one_map(x, roi, {.size = 4, .sampling_ratio = 0, .aligned = true}).value(), exact, 1e-5);
}

TEST_CASE("roi_align: the gradient of a box in the middle of a 5×5 map", "[roi_align]") {
  const Var x(Tensor::zeros({1, 5, 5, 1}), true);
  const Var y = roi_align({x}, {1}, Tensor::of<float>({1, 5}, {0, 1, 1, 3, 3}), {}, {.size = 2, .sampling_ratio = 2, .aligned = true});
  backward(y, Tensor::full(y.shape(), 1));
  const double a = 0.015625, b = 0.109375, c = 0.765625;
  check_values(x.grad(), {a, b, b, a, 0, b, c, c, b, 0, b, c, c, b, 0, a, b, b, a, 0, 0, 0, 0, 0, 0}, 1e-7);
}

TEST_CASE("roi_align: a box without height reads nothing and gives no gradient", "[roi_align]") {
  const Var x(constant_map({1, 5, 5, 2}, 3), true);
  for (const Reduce reduce : {Reduce::mean, Reduce::max}) {
    const Var y = roi_align({x}, {1}, Tensor::of<float>({1, 5}, {0, 3, 4, 5, 4}), {},
                            {.size = 2, .sampling_ratio = 0, .aligned = true, .reduce = reduce});
    x.set_grad(Tensor());
    backward(y, Tensor::full(y.shape(), 1));
    for (int64_t i = 0; i < y.value().numel(); ++i) CHECK(y.value().at(i) == 0);
    for (int64_t i = 0; i < 50; ++i) CHECK(x.grad().at(i) == 0);
  }
}

TEST_CASE("roi_align: f64 gradients", "[roi_align]") {
  const ContextGuard guard;
  context().threads = 1;
  const Tensor rois = random_rois(12, 2, 24, 20, 11, DType::f64);
  for (const Reduce reduce : {Reduce::mean, Reduce::max})
    for (const int samples : {0, 1, 2, 3})
      for (const bool aligned : {false, true}) {
        const GradcheckResult r = gradcheck(
            [&](const std::vector<Var>& v) {
              return roi_align(v, {4}, rois, {}, {.size = 3, .sampling_ratio = samples, .aligned = aligned, .reduce = reduce});
            },
            {random_map({2, 5, 6, 3}, 13, DType::f64)});
        INFO(r.message);
        CHECK(r.ok);
      }
}

TEST_CASE("roi_align: f64 gradients over a pyramid", "[roi_align]") {
  const ContextGuard guard;
  context().threads = 1;
  const Tensor rois = random_rois(15, 2, 32, 32, 17, DType::f64);
  std::vector<int32_t> at;
  for (int32_t r = 0; r < 15; ++r) at.push_back(r % 3);
  const Tensor levels = Tensor::of<int32_t>({15}, at);
  const GradcheckResult r = gradcheck(
      [&](const std::vector<Var>& v) {
        return roi_align(v, {4, 8, 16}, rois, levels, {.size = 2});
      },
      {random_map({2, 8, 8, 3}, 1, DType::f64), random_map({2, 4, 4, 3}, 2, DType::f64), random_map({2, 2, 2, 3}, 3, DType::f64)});
  INFO(r.message);
  CHECK(r.ok);
}

TEST_CASE("roi_align: a pyramid is its levels, one by one", "[roi_align]") {
  const std::vector<Tensor> maps = {random_map({2, 8, 8, 5}, 1, DType::f32), random_map({2, 4, 4, 5}, 2, DType::f32)};
  const Tensor rois = random_rois(9, 2, 32, 32, 19, DType::f32), levels = Tensor::of<int32_t>({9}, {0, 1, 1, 0, 1, 0, 0, 1, 0});
  const Tensor both = roi_align({Var(maps[0]), Var(maps[1])}, {4, 8}, rois, levels, {.size = 3}).value();
  for (int64_t r = 0; r < 9; ++r) {
    const int level = levels.data<int32_t>()[r];
    const Tensor one = one_map(maps[static_cast<size_t>(level)], rois.slice(r, r + 1), {.size = 3}, level ? 8 : 4).value();
    for (int64_t i = 0; i < 45; ++i) CHECK(both.at(r * 45 + i) == one.at(i));
  }
}

TEST_CASE("roi_align: a map that needs no gradient gets none", "[roi_align]") {
  const Var a(random_map({1, 4, 4, 2}, 1, DType::f32), true), b(random_map({1, 2, 2, 2}, 2, DType::f32), false);
  const Var y =
      roi_align({a, b}, {4, 8}, Tensor::of<float>({2, 5}, {0, 2, 2, 9, 9, 0, 2, 2, 9, 9}), Tensor::of<int32_t>({2}, {0, 1}), {.size = 2});
  backward(y, Tensor::full(y.shape(), 1));
  CHECK(a.grad().defined());
  CHECK_FALSE(b.grad().defined());
}

TEST_CASE("roi_align: a constant map stays constant inside, and halves are seen at the border", "[roi_align]") {
  const Tensor x = constant_map({1, 10, 12, 3}, 2.5f);
  for (const Reduce reduce : {Reduce::mean, Reduce::max})
    for (const int samples : {0, 1, 2, 5})
      for (const bool aligned : {false, true}) {
        const Tensor y = one_map(x, Tensor::of<float>({2, 5}, {0, 3, 2, 30, 37, 0, 0, 0, 48, 40}),
                                 {.size = 7, .sampling_ratio = samples, .aligned = aligned, .reduce = reduce}, 4)
                             .value();
        for (int64_t i = 0; i < y.numel(); ++i) CHECK(y.at(i) == Approx(2.5).epsilon(1e-6));
      }
}

TEST_CASE("roi_align: a ramp gives the bins' centres", "[roi_align]") {
  const Tensor x = Tensor::empty({1, 16, 20, 2}, DType::f64);
  for (int64_t h = 0; h < 16; ++h)
    for (int64_t w = 0; w < 20; ++w) {
      x.data<double>()[(h * 20 + w) * 2] = static_cast<double>(w) + 0.5;  // the value at a cell's centre
      x.data<double>()[(h * 20 + w) * 2 + 1] = static_cast<double>(h) + 0.5;
    }
  const double box[] = {3.3, 2.7, 15.1, 12.2};
  const Tensor rois = Tensor::of<double>({1, 5}, {0, box[0] * 8, box[1] * 8, box[2] * 8, box[3] * 8});
  for (const int samples : {0, 1, 2, 3}) {
    const Tensor y = one_map(x, rois, {.size = 5, .sampling_ratio = samples, .aligned = true}, 8).value();
    for (int p = 0; p < 5; ++p)
      for (int q = 0; q < 5; ++q) {
        CHECK(y.at((p * 5 + q) * 2) == Approx(box[0] + (box[2] - box[0]) * (q + 0.5) / 5).epsilon(1e-12));
        CHECK(y.at((p * 5 + q) * 2 + 1) == Approx(box[1] + (box[3] - box[1]) * (p + 0.5) / 5).epsilon(1e-12));
      }
  }
}

TEST_CASE("roi_align: moving map and box by whole cells changes nothing", "[roi_align]") {
  const Tensor x = random_map({1, 6, 7, 4}, 23, DType::f64), moved = Tensor::zeros({1, 12, 14, 4}, DType::f64);
  for (int64_t h = 0; h < 6; ++h)
    for (int64_t w = 0; w < 28; ++w) moved.data<double>()[((h + 3) * 14 + 5) * 4 + w] = x.at(h * 28 + w);
  const Tensor box = Tensor::of<double>({1, 5}, {0, 1.25, 2.5, 5.75, 4.75}),
               box_moved = Tensor::of<double>({1, 5}, {0, 6.25, 5.5, 10.75, 7.75});
  for (const Reduce reduce : {Reduce::mean, Reduce::max}) {
    const RoIAlignOptions o{.size = 3, .aligned = true, .reduce = reduce};
    const Tensor a = one_map(x, box, o).value(), b = one_map(moved, box_moved, o).value();
    for (int64_t i = 0; i < a.numel(); ++i) CHECK(a.at(i) == Approx(b.at(i)).margin(1e-12));
  }
}

TEST_CASE("roi_align: every type, rest of channels and reduction against the formula", "[roi_align]") {
  for (const DType dtype : {DType::f32, DType::bf16, DType::f64})
    for (const int64_t channels : {1, 7, 83}) {
      check_against_oracle({.size = 3}, channels, dtype);
      check_against_oracle({.size = 2, .sampling_ratio = 0, .aligned = true}, channels, dtype);
      if (dtype == DType::f64)
        check_against_oracle({.size = 3, .sampling_ratio = 3, .aligned = true, .reduce = Reduce::max}, channels, dtype);
    }
  check_against_oracle({.size = 1, .sampling_ratio = 1}, 260, DType::f32);
  check_against_oracle({.size = 14, .sampling_ratio = 0}, 3, DType::f64);
}

TEST_CASE("roi_align: f64 gradients of the boxes", "[roi_align]") {
  for (const Reduce reduce : {Reduce::mean, Reduce::max})
    for (const int samples : {0, 1, 2})
      for (const bool aligned : {false, true})
        check_map_and_box_gradients(
            [=](const std::vector<Var>& maps, const Var& rois) {
              return roi_align(maps, {4}, rois, {}, {.size = 3, .sampling_ratio = samples, .aligned = aligned, .reduce = reduce});
            },
            random_map({1, 6, 7, 3}, 13, DType::f64), plain_boxes(6, 28, 24, 17));
}

TEST_CASE("roi_align: a box shorter than a cell, not aligned, is moved and not stretched", "[roi_align]") {
  const Var x(random_map({1, 6, 7, 3}, 13, DType::f64));
  const Var boxes(Tensor::of<double>({1, 4}, {8.7, 9.1, 10.2, 11.3}), true);
  const Var y = roi_align({x}, {4}, rois_of(boxes), {}, {.size = 2});
  backward(y, random_map(y.shape(), 3, DType::f64));
  CHECK(boxes.grad().at(0) != 0);
  CHECK(boxes.grad().at(2) == 0);
  CHECK(boxes.grad().at(3) == 0);
}

TEST_CASE("roi_align: the same bits for any number of threads", "[roi_align]") {
  for (const Reduce reduce : {Reduce::mean, Reduce::max})
    check_threads(
        [=](const std::vector<Var>& maps, const Var& rois) { return roi_align(maps, {4}, rois, {}, {.size = 5, .reduce = reduce}); },
        DType::f32);
}

TEST_CASE("roi_align: agrees with torchvision on random cases", "[roi_align]") {
  const GoldenFile& golden = box_golden();
  const Tensor params = golden["roi.params"];
  for (const bool aligned : {false, true}) {
    const float* expected = golden[aligned ? "roi.align1" : "roi.align0"].data<float>();
    double worst = 0;
    for (int64_t k = 0; k < params.size(0); ++k) {
      const float* p = params.data<float>() + k * 10;
      const int h = static_cast<int>(p[0]), w = static_cast<int>(p[1]), size = static_cast<int>(p[2]);
      const Tensor y = one_map(golden_map(static_cast<uint64_t>(k), h, w), Tensor::of<float>({1, 5}, std::span(p + 5, 5)),
                               {.size = size, .sampling_ratio = static_cast<int>(p[3]), .aligned = aligned}, static_cast<int>(p[4]))
                           .value();
      for (int64_t i = 0; i < y.numel(); ++i) worst = std::max(worst, std::abs(y.at(i) - static_cast<double>(*expected++)));
    }
    CHECK(params.size(0) >= 1000);
    CHECK(worst < 2e-6);
  }
}

TEST_CASE("roi_align: no RoIs, a map of one cell, a box far larger than the map", "[roi_align]") {
  const Var x(constant_map({1, 4, 4, 3}, 1), true);
  const Var none = roi_align({x}, {4}, Tensor::empty({0, 5}), {}, {});
  CHECK(none.shape() == Shape{0, 7, 7, 3});
  backward(none, Tensor::empty({0, 7, 7, 3}));
  for (int64_t i = 0; i < 48; ++i) CHECK(x.grad().at(i) == 0);

  const Tensor cell =
      one_map(constant_map({1, 1, 1, 1}, 5), Tensor::of<float>({1, 5}, {0, 0, 0, 1, 1}), {.size = 2, .aligned = true}).value();
  for (int64_t i = 0; i < 4; ++i) CHECK(cell.at(i) == 5);

  // Adaptive: 8 million samples a bin and axis, of which 1 or 5 lie on the map.
  const Tensor ones = Tensor::full({1, 4, 4, 1}, 1, DType::f64), huge = Tensor::of<double>({1, 5}, {0, -8e6, -8e6, 8e6, 8e6});
  const Tensor y = one_map(ones, huge, {.size = 2, .sampling_ratio = 0, .aligned = true}).value();
  check_values(y, {1 / 64e12, 5 / 64e12, 5 / 64e12, 25 / 64e12}, 1e-20);
  const Tensor most = one_map(ones, huge, {.size = 2, .sampling_ratio = 0, .aligned = true, .reduce = Reduce::max}).value();
  check_values(most, {1, 1, 1, 1}, 0);
}

TEST_CASE("roi_align: errors say what was expected and what came", "[roi_align]") {
  const Var x(constant_map({2, 4, 4, 3}, 1));
  const Tensor roi = Tensor::of<float>({1, 5}, {0, 0, 0, 4, 4});
  const auto with = [&](std::initializer_list<float> row) { return Tensor::of<float>({1, 5}, row); };
  CHECK_THROWS_WITH(roi_align({}, {}, roi, {}), Contains("roi_align: expected at least one map"));
  CHECK_THROWS_WITH(roi_align({x}, {4, 8}, roi, {}), Contains("expected a stride for each of 1 maps, got 2"));
  CHECK_THROWS_WITH(roi_align({x}, {0}, roi, {}), Contains("a stride is at least 1 pixel, got 0"));
  CHECK_THROWS_WITH(roi_align({Var(Tensor::zeros({4, 4, 3}))}, {4}, roi, {}), Contains("maps must be [N,H,W,C], got [4, 4, 3]"));
  CHECK_THROWS_WITH(roi_align({Var(Tensor::zeros({1, 4, 4, 3}, DType::i32))}, {4}, roi, {}), Contains("floating type"));
  CHECK_THROWS_WITH(roi_align({x, Var(Tensor::zeros({2, 2, 2, 4}))}, {4, 8}, roi, {}), Contains("agree in N and C"));
  CHECK_THROWS_WITH(roi_align({x}, {4}, Tensor::zeros({1, 4}), {}), Contains("rois must be [R,5] (image, x1, y1, x2, y2), got [1, 4]"));
  CHECK_THROWS_WITH(roi_align({x}, {4}, roi.to(DType::f64), {}), Contains("rois must be f32"));
  CHECK_THROWS_WITH(roi_align({x}, {4}, with({2, 0, 0, 4, 4}), {}), Contains("image index must be one of 0 … 1, got 2 in RoI 0"));
  CHECK_THROWS_WITH(roi_align({x}, {4}, with({0.5f, 0, 0, 4, 4}), {}), Contains("image index"));
  CHECK_THROWS_WITH(roi_align({x}, {4}, with({0, 0, std::nanf(""), 4, 4}), {}), Contains("corners must be finite"));
  CHECK_THROWS_WITH(roi_align({x}, {4}, with({0, 0, 0, std::numeric_limits<float>::infinity(), 4}), {}),
                    Contains("corners must be finite"));
  CHECK_THROWS_WITH(roi_align({x}, {4}, roi, Tensor::of<int32_t>({1}, {1})), Contains("level must be one of 0 … 0, got 1 for RoI 0"));
  CHECK_THROWS_WITH(roi_align({x}, {4}, roi, Tensor::of<int32_t>({2}, {0, 0})), Contains("levels must be [1], got [2]"));
  CHECK_THROWS_WITH(roi_align({x}, {4}, roi, {}, {.size = 0}), Contains("size must be 1"));
  CHECK_THROWS_WITH(roi_align({x}, {4}, roi, {}, {.sampling_ratio = -1}), Contains("sampling_ratio"));
}
