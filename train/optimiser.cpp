#include "train/optimiser.h"

namespace mr {
namespace {

// By groups: what a parameter is decides its decay and its rate.
ArenaPieces pieces_of(const OptimiserConfig& config, const Parameters& parameters) {
  std::vector<ArenaPiece> pieces;
  for (const Parameter& p : parameters.all()) {
    if (!p.trainable) continue;
    const bool decays = p.kind == ParameterKind::weight || (p.kind == ParameterKind::bias ? config.decay_biases : config.decay_norms);
    const float decay = decays ? static_cast<float>(config.weight_decay) : 0;
    const float factor = p.kind == ParameterKind::bias ? static_cast<float>(config.bias_lr_factor) : 1;
    const int64_t begin = parameters.offset(p);
    add_pieces(pieces, {begin, begin + p.var.value().numel(), factor, decay});
  }
  return {std::move(pieces), parameters.device()};
}

OptimiserState first_state(OptimiserKind kind, const Tensor& weights) {
  if (kind == OptimiserKind::sgd) return {{"momentum", Tensor::zeros_like(weights)}};
  const Tensor powers = Tensor::of<double>({2}, {1, 1}).to(weights.device());
  return {{"mean", Tensor::zeros_like(weights)}, {"square", Tensor::zeros_like(weights)}, {"powers", powers}};
}

}  // namespace

Optimiser::Optimiser(const OptimiserConfig& config, const Parameters& parameters)
    : config_(config), parameters_(parameters), rate_(config.lr) {
  check(parameters.weights().defined(), "optimiser: the parameters are not packed (Parameters::pack)");
  pieces_ = pieces_of(config, parameters);
  state_ = first_state(config.kind, parameters.weights());
  rate_there_ = Tensor::empty({1}, DType::f32, parameters.device());
}

Tensor Optimiser::queue_step() {
  const Tensor rate = Tensor::empty({1}, DType::f32, Device{});
  rate.data<float>()[0] = static_cast<float>(rate_);
  rate_there_.copy_(rate);
  const OptimiserConfig& c = config_;
  const Tensor &w = parameters_.weights(), &g = parameters_.gradients();
  Tensor norm;
  if (c.kind == OptimiserKind::sgd) {
    norm = sgd_step(w, state_[0].second, g, pieces_, {c.momentum, c.nesterov, c.clip_norm}, rate_there_);
  } else {
    const AdamDecay decay = c.kind == OptimiserKind::adam ? AdamDecay::coupled : AdamDecay::decoupled;
    const AdamState state{state_[0].second, state_[1].second, state_[2].second};
    norm = adam_step(w, state, g, pieces_, {decay, c.beta1, c.beta2, c.epsilon, c.clip_norm}, rate_there_);
  }
  parameters_.changed();
  return norm;
}

double Optimiser::step() { return queue_step().at(0); }

}  // namespace mr
