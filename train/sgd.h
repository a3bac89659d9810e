// The optimiser: sgd_step (ops/optim/sgd.h, where the formula stands) over the flat arenas of a model's parameters
// (models/parameters.h), by groups: weight decay λ and the factor f of the rate follow from what a parameter is.
#pragma once

#include "base/fields.h"
#include "models/parameters.h"
#include "ops/optim/sgd.h"

namespace mr {

struct OptimiserConfig {
  double lr = 0.02;
  double momentum = 0.9;
  bool nesterov = false;
  double weight_decay = 1e-4;
  bool decay_norms = true, decay_biases = true;
  double bias_lr_factor = 1;
  double clip_norm = 0;
  void visit(Fields& f) {
    f.field("lr", lr, "learning rate after the warm-up, for schedule.for_batch images a step");
    f.field("momentum", momentum, "share of the last step's direction that is kept");
    f.field("nesterov", nesterov, "look ahead by one momentum step");
    f.field("weight_decay", weight_decay, "pull of the weights towards 0");
    f.field("decay_norms", decay_norms, "weight decay on the scales and shifts of norms");
    f.field("decay_biases", decay_biases, "weight decay on biases");
    f.field("bias_lr_factor", bias_lr_factor, "rate of biases relative to the others (Detectron: 2)");
    f.field("clip_norm", clip_norm, "gradients with a larger norm are scaled down to it; 0: off");
  }
};

class Sgd {
 public:
  // Errors: parameters not packed.
  Sgd(const OptimiserConfig& config, const Parameters& parameters);

  // One step at rate lr with the gradients in the arena; returns the gradients' norm before clipping. Weights are left alone when
  // that norm is not finite.
  double step(double lr);
  Tensor queue_step(double lr);  // that norm as f64 [1], where the arena is; on a GPU it is not waited for

  const Tensor& momentum() const { return momentum_; }  // [P] f32, laid out as Parameters::weights()

 private:
  OptimiserConfig config_;
  const Parameters& parameters_;
  SgdPieces pieces_;
  Tensor momentum_, rate_;
};

}  // namespace mr
