#include "models/system.h"

#include "ops/loss/weighted_sum.h"

namespace mr {

Var total_loss(const std::vector<NamedLoss>& losses, const Tensor& weights) {
  std::vector<Var> terms;
  for (const NamedLoss& l : losses) terms.push_back(l.value);
  return weighted_sum(terms, weights);
}

}  // namespace mr
