// RoIPool (Girshick 2015, section 2.1): the maximum of the cells under each bin of a box whose corners and bins are rounded to cells.
#pragma once

#include <vector>

#include "autograd/var.h"

namespace mr {

struct RoIPoolOptions {
  int size = 7;  // P
  void visit(OptionVisitor& v) const;
};

Var roi_pool(const std::vector<Var>& maps, const std::vector<int>& strides, const Tensor& rois, const Tensor& levels,
             const RoIPoolOptions& options = {});

}  // namespace mr
