// Boxes with their coordinates side by side, for the CPU's IoU of many at once.
#pragma once

#include <vector>

#include "ops/boxes/box_rules.h"
#include "tensor/simd.h"

namespace mr {

// n boxes, and behind them empty ones, so that a vector may begin at any of the n.
class BoxColumns {
 public:
  static constexpr int64_t widest = 16;  // lanes of a vector
  explicit BoxColumns(int64_t n) : pitch_(n + widest), values_(static_cast<size_t>(5 * pitch_)) {}

  void set(int64_t i, const Box& b) {
    int64_t at = i;
    for (const float v : {b.x1, b.y1, b.x2, b.y2, b.area()}) {
      values_[static_cast<size_t>(at)] = v;
      at += pitch_;
    }
  }
  // Boxes i … i + W − 1.
  template <int W> [[gnu::always_inline]] Corners<Vec<float, W>> at(int64_t i) const {
    const float* v = values_.data() + i;
    return {load<W>(v), load<W>(v + pitch_), load<W>(v + 2 * pitch_), load<W>(v + 3 * pitch_), load<W>(v + 4 * pitch_)};
  }

 private:
  int64_t pitch_;
  std::vector<float> values_;
};

// One box in every lane.
template <int W> [[gnu::always_inline]] inline Corners<Vec<float, W>> in_all_lanes(const Corners<float>& c) {
  return {splat<W>(c.x1), splat<W>(c.y1), splat<W>(c.x2), splat<W>(c.y2), splat<W>(c.area)};
}

}  // namespace mr
