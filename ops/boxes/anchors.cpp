#include "ops/boxes/anchors.h"

#include <cmath>

#include "ops/boxes/box_rules.h"
#include "ops/boxes/box_tensor.h"
#include "ops/boxes/boxes_gpu.h"
#include "tensor/gpu/built.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

// Around (0, 0). In f32 and in this order of operations, so that rounding falls as in torchvision.
std::vector<Box> base_anchors(const std::vector<double>& sizes, const AnchorOptions& o) {
  std::vector<Box> base;
  for (const double ratio : o.ratios) {
    check(ratio > 0 && std::isfinite(ratio), "anchors: ratios must be positive, got ", ratio);
    const float h_ratio = std::sqrt(static_cast<float>(ratio)), w_ratio = 1 / h_ratio;
    for (const double size : sizes) {
      check(size > 0 && std::isfinite(size), "anchors: sizes must be positive, got ", size);
      float w = w_ratio * static_cast<float>(size) / 2, h = h_ratio * static_cast<float>(size) / 2;
      if (o.round) {
        w = std::nearbyint(w);
        h = std::nearbyint(h);
      }
      base.push_back({-w, -h, w, h});
    }
  }
  return base;
}

}  // namespace

Tensor anchors_for_level(int map_h, int map_w, int stride_y, int stride_x, const std::vector<double>& sizes, const AnchorOptions& o) {
  check(map_h > 0 && map_w > 0, "anchors: the map must have cells, got ", map_h, "×", map_w);
  check(stride_y > 0 && stride_x > 0, "anchors: strides must be at least 1, got ", stride_y, ", ", stride_x);
  check(!sizes.empty() && !o.ratios.empty(), "anchors: expected sizes and ratios, got ", sizes.size(), " and ", o.ratios.size());
  const std::vector<Box> base = base_anchors(sizes, o);
  if constexpr (gpu::exists) {
    if (current_device().type != DeviceType::cpu) return gpu::anchors_for_level(base, map_h, map_w, stride_y, stride_x, o.offset);
  }
  const Tensor t = Tensor::empty({int64_t{map_h} * map_w * static_cast<int64_t>(base.size()), 4});
  Box* out = as_boxes(t, "anchors", "anchors").data();
  parallel_for(map_h, 8, [&](int64_t row) {
    Box* a = out + row * map_w * static_cast<int64_t>(base.size());
    const float y = cell_centre(static_cast<int>(row), o.offset, stride_y);
    for (int column = 0; column < map_w; ++column) {
      const float x = cell_centre(column, o.offset, stride_x);
      for (const Box& b : base) *a++ = anchor_at(b, x, y);
    }
  });
  return t;
}

}  // namespace mr
