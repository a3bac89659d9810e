// The optimiser: sgd_step or adam_step (ops/optim/, where the formulas stand) over the flat arenas of a model's parameters
// (models/parameters.h), by groups: weight decay λ and the factor f of the rate follow from what a parameter is.
//
//   Optimiser optimiser({.kind = OptimiserKind::adamw, .lr = 1e-3}, parameters);
//   for (int64_t it = 0; it < iterations; ++it) {
//     parameters.zero_gradients();
//     backward(loss());
//     optimiser.set_rate(learning_rate(schedule, 1e-3, iterations, it));    // without this line: 1e-3 throughout
//     optimiser.step();
//   }
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/fields.h"
#include "models/parameters.h"
#include "ops/optim/adam.h"
#include "ops/optim/sgd.h"

namespace mr {

enum class OptimiserKind : uint8_t { sgd, adam, adamw };

struct OptimiserConfig {
  OptimiserKind kind = OptimiserKind::sgd;
  double lr = 0.02;
  double momentum = 0.9;
  bool nesterov = false;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double weight_decay = 1e-4;
  bool decay_norms = true, decay_biases = true;
  double bias_lr_factor = 1;
  double clip_norm = 0;
  void visit(Fields& f) {
    f.choice("kind", kind, {"sgd", "adam", "adamw"},
             "sgd: with momentum; adam: decay is a part of the gradient; adamw: it is decoupled from it");
    f.field("lr", lr,
            "learning rate after the warm-up, for schedule.for_batch images a step; adam and adamw want less than sgd: 1e-4 … 1e-3");
    f.field("momentum", momentum, "sgd: share of the last step's direction that is kept");
    f.field("nesterov", nesterov, "sgd: look ahead by one momentum step");
    f.field("beta1", beta1, "adam, adamw: share that the mean of the gradients keeps of what it was");
    f.field("beta2", beta2, "adam, adamw: the same of the mean of their squares");
    f.field("epsilon", epsilon, "adam, adamw: added to the root of that mean, by which a step is divided");
    f.field("weight_decay", weight_decay, "pull of the weights towards 0");
    f.field("decay_norms", decay_norms, "weight decay on the scales and shifts of norms");
    f.field("decay_biases", decay_biases, "weight decay on biases");
    f.field("bias_lr_factor", bias_lr_factor, "rate of biases relative to the others (Detectron: 2)");
    f.field("clip_norm", clip_norm, "gradients with a larger norm are scaled down to it; 0: off");
  }
};

// What an optimiser remembers from step to step, by name: what a checkpoint holds beside the weights.
//   sgd           "momentum", laid out as Parameters::weights()
//   adam, adamw   "mean", "square", laid out so, and "powers" (ops/optim/adam.h)
using OptimiserState = std::vector<std::pair<std::string, Tensor>>;

class Optimiser {
 public:
  // Errors: parameters not packed. They must outlive the optimiser.
  Optimiser(const OptimiserConfig& config, const Parameters& parameters);

  // The learning rate of the steps to come: config.lr until another is set.
  double rate() const { return rate_; }
  void set_rate(double rate) { rate_ = rate; }

  // One step with the gradients in the arena; returns the gradients' norm before clipping. Weights and state are left alone
  // when that norm is not finite.
  double step();
  Tensor queue_step();  // that norm as f64 [1], where the arena is; on a GPU it is not waited for

  const OptimiserState& state() const { return state_; }

 private:
  OptimiserConfig config_;
  const Parameters& parameters_;
  ArenaPieces pieces_;
  OptimiserState state_;
  double rate_;
  Tensor rate_there_;  // where the arena is
};

}  // namespace mr
