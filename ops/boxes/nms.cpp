#include "ops/boxes/nms.h"

#include <algorithm>

#include "ops/boxes/box_rules.h"
#include "ops/boxes/box_tensor.h"
#include "ops/boxes/topk.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace mr {
namespace {

// Boxes in falling order of score, coordinates side by side, padded to whole vectors.
struct Sorted {
  static constexpr size_t pad = 16;
  std::vector<float> x1, y1, x2, y2, area;
  std::vector<int32_t> gone;  // suppressed, as all ones

  Sorted(std::span<const Box> boxes, std::span<const int32_t> order) {
    const size_t n = order.size() + pad;
    for (auto* v : {&x1, &y1, &x2, &y2, &area}) v->assign(n, 0.0f);
    gone.assign(n, 0);
    for (size_t i = 0; i < order.size(); ++i) {
      const Box& b = boxes[order[i]];
      x1[i] = b.x1;
      y1[i] = b.y1;
      x2[i] = b.x2;
      y2[i] = b.y2;
      area[i] = b.area();
    }
  }
};

// Box i suppresses the later boxes [i+1, n) that overlap it by more than the threshold.
struct Suppress {
  Sorted& s;
  size_t i, n;
  float threshold;

  template <int W> void operator()(Lanes<W>) const {
    using V = Vec<float, W>;
    const Corners<V> a{splat<W>(s.x1[i]), splat<W>(s.y1[i]), splat<W>(s.x2[i]), splat<W>(s.y2[i]), splat<W>(s.area[i])};
    const V t = splat<W>(threshold);
    for (size_t j = i + 1; j < n; j += W) {
      const Overlap<V> o =
          overlap(a, Corners<V>{load<W>(&s.x1[j]), load<W>(&s.y1[j]), load<W>(&s.x2[j]), load<W>(&s.y2[j]), load<W>(&s.area[j])});
      const auto over = o.both / o.either > t;
      store<W>(&s.gone[j], load<W>(&s.gone[j]) | (over ? splat<W>(int32_t{-1}) : splat<W>(int32_t{0})));
    }
  }
};

// Positions in `order` of the boxes kept.
std::vector<int32_t> scan(std::span<const Box> boxes, std::span<const int32_t> order, float threshold, size_t most) {
  Sorted s(boxes, order);
  std::vector<int32_t> kept;
  for (size_t i = 0; i < order.size() && kept.size() < most; ++i) {
    if (s.gone[i]) continue;
    kept.push_back(static_cast<int32_t>(i));
    with_simd(Suppress{s, i, order.size(), threshold});
  }
  return kept;
}

std::vector<int32_t> by_score(std::span<const Box> boxes, const Tensor& scores, double threshold, const char* op) {
  check(!std::isnan(threshold), op, ": the threshold must be a number, got nan");
  as_scores(scores, boxes.size(), op);
  return top_k(scores, scores.size(0));
}

size_t limit(int keep_at_most, size_t n) { return keep_at_most < 0 ? n : std::min(n, static_cast<size_t>(keep_at_most)); }

}  // namespace

std::vector<int32_t> nms(const Tensor& boxes, const Tensor& scores, double threshold, int keep_at_most) {
  const auto b = as_boxes(boxes, "nms", "boxes");
  const std::vector<int32_t> order = by_score(b, scores, threshold, "nms");
  std::vector<int32_t> kept = scan(b, order, round_down(threshold), limit(keep_at_most, b.size()));
  for (int32_t& i : kept) i = order[i];
  return kept;
}

std::vector<int32_t> batched_nms(const Tensor& boxes, const Tensor& scores, const Tensor& groups, double threshold, int keep_at_most) {
  const auto b = as_boxes(boxes, "batched_nms", "boxes");
  check(groups.defined() && groups.dtype() == DType::i32 && groups.rank() == 1 && groups.size(0) == boxes.size(0),
        "batched_nms: groups must be [", boxes.size(0), "] i32, got ", groups.defined() ? groups.shape() : Shape{}, " ", groups.dtype());
  const std::vector<int32_t> order = by_score(b, scores, threshold, "batched_nms");
  const int32_t* group = groups.data<int32_t>();

  std::vector<int32_t> ranks(order.size());  // positions in `order`, group by group
  for (size_t i = 0; i < ranks.size(); ++i) ranks[i] = static_cast<int32_t>(i);
  const auto group_of = [&](int32_t rank) { return group[order[rank]]; };
  std::ranges::stable_sort(ranks, {}, group_of);
  std::vector<size_t> first;
  for (size_t i = 0; i < ranks.size(); ++i)
    if (i == 0 || group_of(ranks[i]) != group_of(ranks[i - 1])) first.push_back(i);
  first.push_back(ranks.size());

  const size_t most = limit(keep_at_most, b.size());
  std::vector<uint8_t> keep(order.size());
  parallel_for(static_cast<int64_t>(first.size()) - 1, 1, [&](int64_t g) {
    const size_t begin = first[g], end = first[g + 1];
    std::vector<int32_t> members;
    for (size_t i = begin; i < end; ++i) members.push_back(order[ranks[i]]);
    for (const int32_t k : scan(b, members, round_down(threshold), most)) keep[ranks[begin + k]] = 1;
  });
  std::vector<int32_t> kept;
  for (size_t i = 0; i < order.size() && kept.size() < most; ++i)
    if (keep[i]) kept.push_back(order[i]);
  return kept;
}

}  // namespace mr
