// Feature pyramid network (Lin et al. 2017, Fig. 3).
//
//   C5 ─1×1→ M5 ─3×3→ P5 → every second cell → P6        (P6 only for the RPN)
//             ↓ nearest ×2
//   C4 ─1×1→  + = M4 ─3×3→ P4        … down to P2
//
// No ReLU, biases on. Parameters: <prefix>inner_blocks.{0…3}.0 (1×1)
// and layer_blocks.{0…3}.0 (3×3), finest first.
#pragma once

#include <string>
#include <vector>

#include "models/backbones/backbone.h"
#include "models/layers.h"

namespace mr {

class FPN {
 public:
  FPN() = default;
  FPN(Parameters& p, const std::string& prefix, const std::vector<int64_t>& in, int64_t channels);
  Features operator()(const Features& C) const;  // C2 … C5 → P2 … P6

 private:
  std::vector<Conv> lateral_, output_;
};

}  // namespace mr
