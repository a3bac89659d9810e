#include "train/sgd.h"

#include <algorithm>

namespace mr {

Sgd::Sgd(const OptimiserConfig& config, const Parameters& parameters) : config_(config), parameters_(parameters) {
  check(parameters.weights().defined(), "sgd: the parameters are not packed");
  momentum_ = Tensor::zeros_like(parameters.weights());
  rate_ = Tensor::empty({1}, DType::f32, momentum_.device());
  std::vector<SgdPiece> pieces;
  for (const Parameter& p : parameters.all()) {
    if (!p.trainable) continue;
    const bool decays = p.kind == ParameterKind::weight || (p.kind == ParameterKind::bias ? config.decay_biases : config.decay_norms);
    const float decay = decays ? static_cast<float>(config.weight_decay) : 0;
    const float factor = p.kind == ParameterKind::bias ? static_cast<float>(config.bias_lr_factor) : 1;
    const int64_t begin = parameters.offset(p);
    add_pieces(pieces, {begin, begin + p.var.value().numel(), factor, decay});
  }
  pieces_ = SgdPieces(std::move(pieces), parameters.weights().device());
}

Tensor Sgd::queue_step(double lr) {
  const SgdOptions options{config_.momentum, config_.nesterov, config_.clip_norm};
  const Tensor rate = Tensor::empty({1}, DType::f32, Device{});
  rate.data<float>()[0] = static_cast<float>(lr);
  rate_.copy_(rate);
  const Tensor norm = sgd_step(parameters_.weights(), momentum_, parameters_.gradients(), pieces_, options, rate_);
  parameters_.changed();
  return norm;
}

double Sgd::step(double lr) { return queue_step(lr).at(0); }

}  // namespace mr
