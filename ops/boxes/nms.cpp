#include "ops/boxes/nms.h"

#include <cmath>

#include "ops/boxes/box_columns.h"
#include "ops/boxes/box_tensor.h"
#include "ops/boxes/boxes_gpu.h"
#include "ops/boxes/topk.h"
#include "tensor/gpu/built.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

// Box i suppresses the later boxes [i+1, n) that overlap it by more than the threshold: gone[j] becomes all ones.
struct Suppress {
  const BoxColumns& boxes;
  int64_t i, n;
  float threshold;
  int32_t* gone;

  template <int W> void operator()(Lanes<W>) const {
    const auto mine = in_all_lanes<W>(boxes.at<1>(i));
    const auto t = splat<W>(threshold);
    for (int64_t j = i + 1; j < n; j += W) {
      const auto o = overlap(mine, boxes.at<W>(j));
      const auto over = o.both / o.either > t;
      store<W>(gone + j, load<W>(gone + j) | (over ? splat<W>(int32_t{-1}) : splat<W>(int32_t{0})));
    }
  }
};

// Writes the scores of those boxes of a list that are kept, `most` at most, to their places.
void suppress(const Box* boxes, const float* scores, const List& list, int64_t length, float threshold, int64_t most, float* kept) {
  std::vector<float> in_list(static_cast<size_t>(length));
  for (int64_t i = 0; i < length; ++i) in_list[static_cast<size_t>(i)] = scores[list.at(i)];
  const std::vector<int32_t> order = best_places(in_list, length, true);
  const auto n = static_cast<int64_t>(order.size());
  const auto place = [&](int64_t rank) { return list.at(order[static_cast<size_t>(rank)]); };
  BoxColumns sorted(n);
  for (int64_t i = 0; i < n; ++i) sorted.set(i, boxes[place(i)]);
  std::vector<int32_t> gone(static_cast<size_t>(n) + BoxColumns::widest);
  for (int64_t i = 0; i < n && most > 0; ++i) {
    if (gone[static_cast<size_t>(i)]) continue;
    kept[place(i)] = scores[place(i)];
    --most;
    with_simd(Suppress{sorted, i, n, threshold, gone.data()});
  }
}

}  // namespace

Chosen nms(const Candidates& c, double threshold, int64_t most) {
  check(!std::isnan(threshold), "nms: the threshold must be a number, got nan");
  check(most >= 0, "nms: `most` must not be negative, got ", most);
  check(c.boxes.defined() && c.boxes.rank() == 3, "nms: boxes must be [N,M,4] f32, got ", c.boxes.defined() ? c.boxes.shape() : Shape{});
  const int64_t N = c.boxes.size(0), M = c.boxes.size(1), lists = N * c.groups;
  const Operands of("nms", c.boxes.device());
  const Box* boxes = of.as<Box>(c.boxes, "boxes", {N, M, 4});
  const auto* scores = of.as<float>(c.scores, "scores", {N, M});
  check(c.groups >= 1 && M % c.groups == 0, "nms: ", c.groups, " groups of equal length cannot be made of ", M, " boxes");
  const Groups groups{c.groups, M / c.groups, c.interleaved};
  const Tensor kept = Tensor::empty_like(c.scores);  // the scores of those that are kept, −∞ elsewhere
  kept.fill_(-INFINITY);
  if constexpr (gpu::exists) {
    if (c.boxes.on_gpu()) gpu::suppress(boxes, scores, groups, lists, round_down(threshold), kept);
  }
  if (!c.boxes.on_gpu())
    parallel_for(lists, 1, [&](int64_t l) {
      suppress(boxes, scores, groups.list(l), groups.length, round_down(threshold), most, kept.data<float>());
    });
  return top_k(kept, most, true);
}

}  // namespace mr
