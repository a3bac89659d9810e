// The arithmetic of one box or two, for either device. V is a vector of the CPU (tensor/simd.h) or
// one value. The formulas and their sources are in the headers of the operators.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "geometry/box.h"
#include "ops/boxes/box_coder.h"
#include "ops/boxes/matcher.h"
#include "tensor/hd.h"

namespace mr {

// Boxes side by side, for the IoU of many at once.
template <class V> struct Corners { V x1, y1, x2, y2, area; };
template <class V> struct Overlap { V both, either; };

MR_HD inline Corners<float> corners(const Box& b) { return {b.x1, b.y1, b.x2, b.y2, b.area()}; }

template <class V> [[gnu::always_inline]] MR_HD inline Overlap<V> overlap(const Corners<V>& a, const Corners<V>& b) {
  const V zero = {};
  const V x1 = a.x1 > b.x1 ? a.x1 : b.x1, y1 = a.y1 > b.y1 ? a.y1 : b.y1;
  const V x2 = a.x2 < b.x2 ? a.x2 : b.x2, y2 = a.y2 < b.y2 ? a.y2 : b.y2;
  const V w = x2 - x1, h = y2 - y1;
  const V both = (w > zero ? w : zero) * (h > zero ? h : zero);
  return {both, a.area + b.area - both};
}

// IoU, 0 for two boxes without area.
template <class V> [[gnu::always_inline]] MR_HD inline V iou(const Corners<V>& a, const Corners<V>& b) {
  const V zero = {};
  const Overlap<V> o = overlap(a, b);
  return o.either > zero ? o.both / o.either : zero;
}

// The largest f32 not above t: v > t and v > round_down(t) agree for every f32 v.
inline float round_down(double t) {
  const auto f = static_cast<float>(t);
  return f > t ? std::nextafter(f, -INFINITY) : f;
}

// A box as its centre and its sides.
struct Centred {
  float w, h, x, y;
  MR_HD Centred(const Box& b, float extent) : w(b.width() + extent), h(b.height() + extent), x(b.x1 + 0.5f * w), y(b.y1 + 0.5f * h) {}
};

// dx, dy, dw, dh in the places of a box's corners.
MR_HD inline Box encode_box(const BoxCoder& c, const Box& gt, const Box& anchor) {
  const Centred to(gt, c.extent), from(anchor, c.extent);
  return {c.wx * (to.x - from.x) / from.w, c.wy * (to.y - from.y) / from.h, c.ww * std::log(to.w / from.w), c.wh * std::log(to.h / from.h)};
}

MR_HD inline Box decode_box(const BoxCoder& c, const Box& delta, const Box& anchor) {
  constexpr float longest = 4.135166556742356f;  // ln(1000/16)
  const Centred from(anchor, c.extent);
  const float x = delta.x1 / c.wx * from.w + from.x, y = delta.y1 / c.wy * from.h + from.y;
  const float half_w = 0.5f * (std::exp(std::min(delta.x2 / c.ww, longest)) * from.w);
  const float half_h = 0.5f * (std::exp(std::min(delta.y2 / c.wh, longest)) * from.h);
  return {x - half_w, y - half_h, x + half_w - c.extent, y + half_h - c.extent};
}

MR_HD inline Box clip_box(const Box& b, float height, float width) {
  return {std::clamp(b.x1, 0.0f, width), std::clamp(b.y1, 0.0f, height), std::clamp(b.x2, 0.0f, width), std::clamp(b.y2, 0.0f, height)};
}

MR_HD inline bool has_sides(const Box& b, float shortest) { return b.width() >= shortest && b.height() >= shortest; }

// sigmoid in f32, as the scores of proposals are compared in
MR_HD inline float probability(float logit) { return 1 / (1 + std::exp(-logit)); }

// An integer that rises as the score falls, then as the index rises.
// NaN is below every number, −0 equals 0.
MR_HD inline uint64_t sort_key(float score, uint32_t index) {
  const auto bits = std::bit_cast<uint32_t>(score + 0.0f);  // −0 becomes 0
  const uint32_t rising = score != score ? 0 : bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return uint64_t{~rising} << 32 | index;
}

// The anchor `base` of a cell, moved to cell `row` or `column` of an axis.
MR_HD inline float cell_centre(int cell, double offset, int stride) { return static_cast<float>((cell + offset) * stride); }
MR_HD inline Box anchor_at(const Box& base, float x, float y) { return {x + base.x1, y + base.y1, x + base.x2, y + base.y2}; }

// The level of a RoI's box, from 0 for k_min.
MR_HD inline int32_t level_of_box(const Box& b, int k_min, int k_max, float k0, float s0, float eps) {
  const float side = std::sqrt(b.area());
  const float k = std::floor(k0 + std::log2(side / s0) + eps);
  const auto low = static_cast<float>(k_min), high = static_cast<float>(k_max);
  return static_cast<int32_t>(k > low ? std::min(k, high) : low) - k_min;  // −∞ and NaN: the finest
}

// What a box is matched to whose best object is `index`, with that IoU.
MR_HD inline int32_t match_of(float iou, int32_t index, float high, float low) {
  return iou >= high ? index : iou >= low ? Match::between : Match::background;
}

}  // namespace mr
