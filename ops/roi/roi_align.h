// RoIAlign (He et al. 2017, section 3 and Table 2c): a fixed-size feature for each box, with nothing rounded on the way.
#pragma once

#include <cstdint>
#include <vector>

#include "autograd/var.h"

namespace mr {

enum class Reduce : uint8_t { mean, max };

struct RoIAlignOptions {
  int size = 7;            // P
  int sampling_ratio = 2;  // n; 0: adaptive, one sample a cell
  bool aligned = false;
  Reduce reduce = Reduce::mean;
  void visit(OptionVisitor& v) const;
};

Var roi_align(const std::vector<Var>& maps, const std::vector<int>& strides, const Tensor& rois, const Tensor& levels,
              const RoIAlignOptions& options = {});

}  // namespace mr
