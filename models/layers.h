// Layers with parameters: a convolution with bias, a convolution with a norm, a linear layer.
#pragma once

#include <string>

#include "models/norm.h"
#include "models/parameters.h"
#include "ops/conv/conv2d.h"

namespace mr {

// y = relu?(conv(x, w) + b)
struct Conv {
  Var w, b;
  Conv2dOptions options;

  Conv() = default;
  Conv(Parameters& p, const std::string& name, int64_t in, int64_t out, int kernel, Init init, Conv2dOptions o = {});
  Var operator()(const Var& x, bool relu = false) const;
};

// y = relu?(2×2 deconvolution of stride 2 of x + b): twice as large
struct Deconv {
  Var w, b;

  Deconv() = default;
  Deconv(Parameters& p, const std::string& name, int64_t in, int64_t out);
  Var operator()(const Var& x, bool relu = false) const;
};

// y = relu?(x wᵀ + b)
struct Linear {
  Var w, b;

  Linear() = default;
  Linear(Parameters& p, const std::string& name, int64_t in, int64_t out, Init init);
  // Its input is a flattened map of size × size cells.
  static Linear of_map(Parameters& p, const std::string& name, int64_t size, int64_t channels, int64_t out, Init init);
  Var operator()(const Var& x, bool relu = false) const;
};

// y = relu?(norm(conv(x, w)) + residual): a ResNet's bottleneck is three of these.
// Frozen statistics, and live ones outside training, are folded into the convolution's epilogue.
struct ConvNorm {
  Var w;
  Var weight, bias, mean, variance;  // of the norm, [C]; group norm has no statistics
  Conv2dOptions options;
  NormOptions options_of_norm;

  ConvNorm() = default;
  ConvNorm(Parameters& p, const std::string& conv, const std::string& norm, int64_t in, int64_t out, int kernel, const NormOptions& n,
           Conv2dOptions o = {});
  Var operator()(const Var& x, bool training, bool relu, const Var& residual = {}) const;
};

}  // namespace mr
