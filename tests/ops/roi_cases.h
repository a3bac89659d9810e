// Maps and boxes that the tests of the RoI operators share.
#pragma once

#include <cmath>
#include <functional>
#include <vector>

#include "autograd/gradcheck.h"
#include "tensor/context.h"
#include "tensor/rng.h"
#include "tests/catch.h"

namespace mr {

// The 8×8 map that explanations of RoIPool draw, [1,8,8,1].
inline Tensor drawn_map(DType dtype = DType::f32) {
  return Tensor::of<double>({1, 8, 8, 1}, {0.88, 0.44, 0.14, 0.16, 0.37, 0.77, 0.96, 0.27, 0.19, 0.45, 0.57, 0.16, 0.63, 0.29, 0.71, 0.70,
                                           0.66, 0.26, 0.82, 0.64, 0.54, 0.73, 0.59, 0.26, 0.85, 0.34, 0.76, 0.84, 0.29, 0.75, 0.62, 0.25,
                                           0.32, 0.74, 0.21, 0.39, 0.34, 0.03, 0.33, 0.48, 0.20, 0.14, 0.16, 0.13, 0.73, 0.65, 0.96, 0.32,
                                           0.19, 0.69, 0.09, 0.86, 0.88, 0.07, 0.01, 0.48, 0.83, 0.24, 0.97, 0.04, 0.24, 0.35, 0.50, 0.91})
      .to(dtype);
}

inline void check_values(const Tensor& y, const std::vector<double>& expected, double margin) {
  REQUIRE(y.numel() == static_cast<int64_t>(expected.size()));
  for (size_t i = 0; i < expected.size(); ++i) {
    INFO("element " << i);
    CHECK(y.at(static_cast<int64_t>(i)) == Approx(expected[i]).margin(margin));
  }
}

inline Tensor random_map(const Shape& shape, uint64_t seed, DType dtype) {
  const Tensor x = Tensor::empty(shape, DType::f64);
  Rng rng(seed, "map");
  for (double& v : x.values<double>()) v = rng.normal();
  return x.to(DType::bf16).to(dtype);  // values that every type holds
}

// Boxes inside, across the border, outside, tiny, huge, upside down.
inline Tensor random_rois(int64_t count, int64_t images, double width, double height, uint64_t seed, DType dtype) {
  const Tensor rois = Tensor::empty({count, 5}, DType::f32);
  Rng rng(seed, "rois");
  for (int64_t r = 0; r < count; ++r) {
    float* row = rois.data<float>() + r * 5;
    const double side = r % 7 == 0 ? 3 : r % 5 == 0 ? 0.05 : 0.6;
    const double x = rng.uniform(-0.4, 1.2), y = rng.uniform(-0.4, 1.2), w = rng.uniform(0, side), h = rng.uniform(0, side);
    row[0] = static_cast<float>(rng.below(static_cast<uint64_t>(images)));
    row[1] = static_cast<float>(x * width);
    row[2] = static_cast<float>(y * height);
    row[3] = static_cast<float>((x + (r % 11 == 0 ? -w : w)) * width);
    row[4] = static_cast<float>((y + h) * height);
  }
  return rois.to(dtype);
}

// The first image of x at index (y, z) inside the map, from the tents' definition.
inline double interpolated(const Tensor& x, double y, double z, int64_t c) {
  double v = 0;
  for (int64_t h = 0; h < x.size(1); ++h)
    for (int64_t w = 0; w < x.size(2); ++w)
      v += std::max(0.0, 1 - std::abs(y - static_cast<double>(h))) * std::max(0.0, 1 - std::abs(z - static_cast<double>(w))) *
           x.at((h * x.size(2) + w) * x.size(3) + c);
  return v;
}

inline double eps_of(DType t) { return t == DType::bf16 ? 0x1p-8 : t == DType::f32 ? 0x1p-23 : 0x1p-52; }

// [R,4] boxes of image 0 → [R,5] RoIs, on the tape: a finite difference must not touch the image's number.
inline Var rois_of(const Var& boxes) {
  const int64_t R = boxes.size(0);
  const Tensor rois = Tensor::zeros({R, 5}, DType::f64);
  for (int64_t i = 0; i < 4 * R; ++i) rois.data<double>()[i / 4 * 5 + 1 + i % 4] = boxes.value().at(i);
  return record("rois_of", {boxes}, rois, [R](Grads& g) {
    const Tensor gb = Tensor::empty({R, 4}, DType::f64);
    for (int64_t i = 0; i < 4 * R; ++i) gb.data<double>()[i] = g.out().at(i / 4 * 5 + 1 + i % 4);
    g.give(0, gb);
  });
}

// The gradients of map and boxes by finite differences, in f64. f(maps, rois).
using RoIFunction = std::function<Var(const std::vector<Var>& maps, const Var& rois)>;
inline void check_map_and_box_gradients(const RoIFunction& f, const Tensor& map, const Tensor& boxes) {
  const ContextGuard guard;
  context().threads = 1;
  const GradcheckResult r = gradcheck([&](const std::vector<Var>& v) { return f({v[0]}, rois_of(v[1])); }, {map, boxes});
  INFO(r.message);
  CHECK(r.ok);
}

// Boxes [R,4] f64 inside and across the border of a map, the right way up, their corners nowhere special.
inline Tensor plain_boxes(int64_t count, double width, double height, uint64_t seed) {
  const Tensor boxes = Tensor::empty({count, 4}, DType::f64);
  Rng rng(seed, "boxes");
  for (int64_t r = 0; r < count; ++r) {
    double* b = boxes.data<double>() + 4 * r;
    b[0] = rng.uniform(-0.2, 0.7) * width;
    b[1] = rng.uniform(-0.2, 0.7) * height;
    b[2] = b[0] + rng.uniform(0.2, 0.6) * width;
    b[3] = b[1] + rng.uniform(0.2, 0.6) * height;
  }
  return boxes;
}

// Forward and backward with 1, 2 and 5 threads: the same bits in the value and in the gradients of map and boxes.
inline void check_threads(const RoIFunction& f, DType dtype) {
  const Tensor x = random_map({2, 11, 17, 37}, 29, dtype), rois = random_rois(60, 2, 68, 44, 31, DType::f32);
  std::vector<Tensor> first;
  for (const int threads : {1, 2, 5}) {
    const ContextGuard guard;
    context().threads = threads;
    const Var v(x, true), boxes(rois, true);
    const Var y = f({v}, boxes);
    backward(y, random_map(y.shape(), 37, dtype));
    const std::vector<Tensor> all = {y.value(), v.grad(), boxes.grad()};
    if (first.empty()) first = all;
    for (size_t k = 0; k < all.size(); ++k) {
      int64_t differ = 0;
      for (int64_t i = 0; i < all[k].numel(); ++i) differ += all[k].at(i) != first[k].at(i);
      INFO("tensor " << k << ", " << threads << " threads");
      CHECK(differ == 0);
    }
  }
}

}  // namespace mr
