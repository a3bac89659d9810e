// What the tests of gemm, conv2d, deconv2d and linear judge by: the formulas in f64, each with Σ|terms| of the sum behind every
// output, so that a bound c · eps · Σ|terms| can be asked for. Includes no header of an operator.
#pragma once

#include <cmath>
#include <vector>

#include "tensor/rng.h"
#include "tensor/tensor.h"

namespace oracle {

using mr::DType;
using mr::Shape;
using mr::Tensor;

inline Tensor random(const Shape& shape, uint64_t seed, DType dtype = DType::f64, double scale = 1) {
  Tensor t = Tensor::empty(shape, DType::f64);
  mr::Rng rng(seed, "oracle");
  for (double& v : t.values<double>()) v = scale * rng.normal();
  return t.to(dtype);
}

struct Sums {
  Tensor value, terms;  // f64
  explicit Sums(const Shape& shape) : value(Tensor::zeros(shape, DType::f64)), terms(Tensor::zeros(shape, DType::f64)) {}
  void add(int64_t at, double v) {
    value.data<double>()[at] += v;
    terms.data<double>()[at] += std::abs(v);
  }
};

struct Conv {
  int64_t stride = 1, padding = 0, dilation = 1, groups = 1;
};

// Calls f(index in x, index in w, index in y) for each product of  y = conv(x, w).
template <class F> void each_product(const Shape& x, const Shape& w, const Shape& y, const Conv& o, F&& f) {
  const int64_t in = x[3] / o.groups, out = w[0] / o.groups;
  for (int64_t n = 0; n < y[0]; ++n)
    for (int64_t i = 0; i < y[1]; ++i)
      for (int64_t j = 0; j < y[2]; ++j)
        for (int64_t p = 0; p < w[1]; ++p)
          for (int64_t q = 0; q < w[2]; ++q) {
            const int64_t h = i * o.stride + p * o.dilation - o.padding, v = j * o.stride + q * o.dilation - o.padding;
            if (h < 0 || v < 0 || h >= x[1] || v >= x[2]) continue;
            for (int64_t c = 0; c < w[0]; ++c)
              for (int64_t k = 0; k < in; ++k)
                f(((n * x[1] + h) * x[2] + v) * x[3] + c / out * in + k, ((c * w[1] + p) * w[2] + q) * in + k,
                  ((n * y[1] + i) * y[2] + j) * y[3] + c);
          }
}

inline Shape conv_shape(const Shape& x, const Shape& w, const Conv& o) {
  const auto size = [&](int axis) { return (x[axis] + 2 * o.padding - o.dilation * (w[axis] - 1) - 1) / o.stride + 1; };
  return {x[0], size(1), size(2), w[0]};
}

inline Sums conv(const Tensor& x, const Tensor& w, const Conv& o) {
  Sums y(conv_shape(x.shape(), w.shape(), o));
  const Tensor a = x.to(DType::f64), b = w.to(DType::f64);
  each_product(x.shape(), w.shape(), y.value.shape(), o,
               [&](int64_t i, int64_t k, int64_t j) { y.add(j, a.data<double>()[i] * b.data<double>()[k]); });
  return y;
}

inline Sums conv_data(const Shape& x, const Tensor& w, const Tensor& gy, const Conv& o) {
  Sums gx(x);
  const Tensor g = gy.to(DType::f64), b = w.to(DType::f64);
  each_product(x, w.shape(), gy.shape(), o, [&](int64_t i, int64_t k, int64_t j) { gx.add(i, g.data<double>()[j] * b.data<double>()[k]); });
  return gx;
}

inline Sums conv_weights(const Tensor& x, const Shape& w, const Tensor& gy, const Conv& o) {
  Sums gw(w);
  const Tensor g = gy.to(DType::f64), a = x.to(DType::f64);
  each_product(x.shape(), w, gy.shape(), o, [&](int64_t i, int64_t k, int64_t j) { gw.add(k, g.data<double>()[j] * a.data<double>()[i]); });
  return gw;
}

// Largest |got − want| / (eps · Σ|terms|); a NaN or a wrong shape is infinite.
inline double worst(const Tensor& got, const Sums& want, double eps) {
  if (got.shape() != want.value.shape()) return INFINITY;
  double most = 0;
  for (int64_t i = 0; i < got.numel(); ++i) {
    const double off = std::abs(got.at(i) - want.value.at(i)) / (eps * (want.terms.at(i) + 1e-30));
    if (!(off <= most)) most = std::isnan(off) ? INFINITY : off;
  }
  return most;
}

// The same against the largest Σ|terms|: for Winograd's rung, which mixes the sums of neighbouring outputs.
inline double worst_of_largest(const Tensor& got, const Sums& want, double eps) {
  Sums flat = want;
  double most = 0;
  for (int64_t i = 0; i < flat.terms.numel(); ++i) most = std::max(most, want.terms.at(i));
  flat.terms = Tensor::full(want.terms.shape(), most, DType::f64);
  return worst(got, flat, eps);
}

// ‖got − want‖ / ‖want‖
inline double off_norm(const Tensor& got, const Tensor& want) {
  if (got.shape() != want.shape()) return INFINITY;
  double d = 0, n = 0;
  for (int64_t i = 0; i < got.numel(); ++i) {
    d += (got.at(i) - want.at(i)) * (got.at(i) - want.at(i));
    n += want.at(i) * want.at(i);
  }
  return std::isfinite(d) ? std::sqrt(d / (n + 1e-300)) : INFINITY;
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  for (size_t i = 0; i < a.bytes(); ++i)
    if (a.raw()[i] != b.raw()[i]) return false;
  return true;
}

constexpr double eps32 = 0x1p-23, eps64 = 0x1p-52, eps_bf16 = 0x1p-7;
inline double eps(DType t) { return t == DType::f64 ? eps64 : t == DType::f32 ? eps32 : eps_bf16; }

}  // namespace oracle
