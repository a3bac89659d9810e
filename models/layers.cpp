#include "models/layers.h"

#include "ops/conv/deconv2d.h"
#include "ops/elementwise/add.h"
#include "ops/elementwise/relu.h"
#include "ops/gemm/linear.h"
#include "ops/norm/batch_norm.h"
#include "ops/norm/group_norm.h"

namespace mr {

Conv::Conv(Parameters& p, const std::string& name, int64_t in, int64_t out, int kernel, Init init, Conv2dOptions o)
    : w(p.add(name + ".weight", {out, kernel, kernel, in}, init, ParameterKind::weight, FileLayout::conv)),
      b(p.add(name + ".bias", {out}, Init::zeros(), ParameterKind::bias)),
      options(o) {}

Var Conv::operator()(const Var& x, bool relu) const {
  Epilogue e;
  e.relu = relu;
  return conv2d(x, w, b, options, e);
}

Deconv::Deconv(Parameters& p, const std::string& name, int64_t in, int64_t out)
    : w(p.add(name + ".weight", {in, 2, 2, out}, Init::kaiming(), ParameterKind::weight, FileLayout::deconv)),
      b(p.add(name + ".bias", {out}, Init::zeros(), ParameterKind::bias)) {}

Var Deconv::operator()(const Var& x, bool relu) const { return deconv2d(x, w, b, {.stride = 2}, relu); }

Linear::Linear(Parameters& p, const std::string& name, int64_t in, int64_t out, Init init)
    : w(p.add(name + ".weight", {out, in}, init)), b(p.add(name + ".bias", {out}, Init::zeros(), ParameterKind::bias)) {}

Linear Linear::of_map(Parameters& p, const std::string& name, int64_t size, int64_t channels, int64_t out, Init init) {
  Linear layer;
  layer.w = p.add_fc_of_map(name + ".weight", out, static_cast<int>(size), static_cast<int>(size), static_cast<int>(channels), init);
  layer.b = p.add(name + ".bias", {out}, Init::zeros(), ParameterKind::bias);
  return layer;
}

Var Linear::operator()(const Var& x, bool relu) const { return linear(x, w, b, relu); }

ConvNorm::ConvNorm(Parameters& p, const std::string& conv, const std::string& norm, int64_t in, int64_t out, int kernel,
                   const NormOptions& n, Conv2dOptions o)
    : w(p.add(conv + ".weight", {out, kernel, kernel, in / o.groups}, Init::kaiming(), ParameterKind::weight, FileLayout::conv)),
      options(o),
      options_of_norm(n) {
  const NormKind kind = n.kind;
  if (kind == NormKind::frozen) {
    weight = p.add_buffer(norm + ".weight", {out}, 1);
    bias = p.add_buffer(norm + ".bias", {out}, 0);
  } else {
    weight = p.add(norm + ".weight", {out}, Init::ones(), ParameterKind::norm);
    bias = p.add(norm + ".bias", {out}, Init::zeros(), ParameterKind::norm);
  }
  if (kind == NormKind::group) return;
  mean = p.add_buffer(norm + ".running_mean", {out}, 0);
  variance = p.add_buffer(norm + ".running_var", {out}, 1);
}

Var ConvNorm::operator()(const Var& x, bool training, bool relu, const Var& residual) const {
  const auto [kind, epsilon, momentum] = options_of_norm;
  Epilogue e;
  if (kind == NormKind::frozen || (kind == NormKind::batch && !training)) {
    fold_batch_norm(weight.value(), bias.value(), mean.value(), variance.value(), epsilon, e.scale, e.shift);
    e.residual = residual;
    e.relu = relu;
    return conv2d(x, w, Var(), options, e);
  }
  Var y = conv2d(x, w, Var(), options);
  if (kind == NormKind::batch)
    y = batch_norm(y, weight, bias, mean.value(), variance.value(), momentum, epsilon, true);
  else
    y = group_norm(y, weight, bias, 32, epsilon);
  if (residual) y = add(y, residual);
  return relu ? mr::relu(y) : y;
}

}  // namespace mr
