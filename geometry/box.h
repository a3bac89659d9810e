// Boxes [x1, y1, x2, y2] in continuous image coordinates: pixel i covers [i, i+1), so width = x2 − x1, with no "+1".
// constexpr, so that a GPU's kernel may call it too.
#pragma once

#include <algorithm>

namespace mr {

struct Box {
  float x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  bool operator==(const Box&) const = default;

  constexpr float width() const { return x2 - x1; }
  constexpr float height() const { return y2 - y1; }
  constexpr float area() const { return width() * height(); }
};

// |A ∩ B| / |A ∪ B|, 0 for two empty boxes.
constexpr float iou(const Box& a, const Box& b) {
  const float w = std::max(std::min(a.x2, b.x2) - std::max(a.x1, b.x1), 0.0f);
  const float h = std::max(std::min(a.y2, b.y2) - std::max(a.y1, b.y1), 0.0f);
  const float both = w * h, either = a.area() + b.area() - both;
  return either > 0 ? both / either : 0;
}

}  // namespace mr
