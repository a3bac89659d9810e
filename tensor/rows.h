// Rows of a tensor: slices along the leading axis, picked by index or joined.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tensor/tensor.h"

namespace mr {

Tensor take_rows(const Tensor& x, std::span<const int32_t> index);  // y[i] = x[index[i]]
Tensor join_rows(const std::vector<Tensor>& parts);                 // one after the other; all axes but the first agree

}  // namespace mr
