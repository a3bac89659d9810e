#include "ops/boxes/anchors.h"

#include <cmath>

#include "ops/boxes/box_tensor.h"
#include "ops/boxes/rows.h"
#include "ops/each.h"

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
  check(base.size() <= AnchorRow::most, "anchors: expected at most ", AnchorRow::most, " a cell, got ", base.size());
  const auto of_cell = static_cast<int64_t>(base.size()), n = map_h * (map_w * of_cell);
  const Tensor t = Tensor::empty({n, 4});
  AnchorRow rule{{}, of_cell, map_w, stride_y, stride_x, o.offset, Operands("anchors", t.device()).as<Box>(t, "anchors", {n, 4})};
  std::ranges::copy(base, rule.base);
  each_row("anchors", t.device(), n, rule);
  return t;
}

}  // namespace mr
