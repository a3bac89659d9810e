// What operators are timed on: tensors and boxes that are the same each time.
#pragma once

#include <algorithm>
#include <vector>

#include "tensor/parallel.h"
#include "tensor/rng.h"
#include "tensor/tensor.h"

namespace mr {

// Values of [−1, 1), on the device of the moment.
inline Tensor random_tensor(const Shape& shape) {
  std::vector<float> values(static_cast<size_t>(shape.numel()));
  parallel_ranges(shape.numel(), 1 << 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      values[static_cast<size_t>(i)] = static_cast<float>(mix64(static_cast<uint64_t>(i)) >> 40) * 0x1p-23f - 1;
  });
  return Tensor::of<float>(shape, values);
}

// Boxes of up to a third of the image's sides, [count, 4]; with `columns` 5 they are RoIs of image 0.
inline Tensor random_boxes(int64_t count, double height, double width, int columns) {
  Rng rng(1, "bench boxes");
  std::vector<float> rows;
  for (int64_t r = 0; r < count; ++r) {
    const double x = rng.uniform(0, 0.9), y = rng.uniform(0, 0.9);
    if (columns == 5) rows.push_back(0);
    for (const double v :
         {x * width, y * height, std::min(x + rng.uniform(0.02, 0.32), 1.0) * width, std::min(y + rng.uniform(0.02, 0.32), 1.0) * height})
      rows.push_back(static_cast<float>(v));
  }
  return Tensor::of<float>({count, columns}, rows);
}

}  // namespace mr
