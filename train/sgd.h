// Stochastic gradient descent with momentum over the flat arenas of a model's parameters (models/parameters.h).
//
//   s = min(1, clip_norm / ‖g‖₂)                 clipping, over all parameters together; off when clip_norm = 0
//   d = s·g + λ·w                                weight decay λ, by group
//   v ← μ·v + d                                  momentum
//   w ← w − η·f·(v,  or  d + μ·v with Nesterov)  rate η, factor f by group
//
// as torch.optim.SGD defines it. Rows without gradient (g = 0) still get decay and momentum. One parallel loop; the result has
// the same bits for every number of threads and every processor.
#pragma once

#include "models/parameters.h"
#include "tensor/fields.h"

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

  const Tensor& momentum() const { return momentum_; }  // [P] f32, laid out as Parameters::weights()

 private:
  struct Piece {  // neighbours in the arena that share a group
    int64_t begin, end;
    float lr_factor, decay;
  };
  double gradient_norm() const;

  OptimiserConfig config_;
  const Parameters& parameters_;
  std::vector<Piece> pieces_;
  Tensor momentum_;
};

}  // namespace mr
