#include "ops/boxes/matcher.h"

#include <algorithm>
#include <array>

#include "ops/boxes/box_rules.h"
#include "ops/boxes/box_tensor.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace mr {
namespace {

constexpr int64_t block_size = 256;  // boxes that a thread looks at together, coordinates side by side

struct BlockBoxes {
  alignas(64) std::array<float, block_size> x1, y1, x2, y2, area;

  BlockBoxes(const Box* boxes, int64_t n) {
    for (int64_t i = 0; i < block_size; ++i) {
      const Box b = i < n ? boxes[i] : Box{};
      x1[i] = b.x1;
      y1[i] = b.y1;
      x2[i] = b.x2;
      y2[i] = b.y2;
      area[i] = b.area();
    }
  }
};

template <int W> [[gnu::always_inline]] inline Vec<float, W> iou_lanes(const Box& g, const BlockBoxes& b, int64_t i) {
  using V = Vec<float, W>;
  return iou(Corners<V>{splat<W>(g.x1), splat<W>(g.y1), splat<W>(g.x2), splat<W>(g.y2), splat<W>(g.area())},
             Corners<V>{load<W>(&b.x1[i]), load<W>(&b.y1[i]), load<W>(&b.x2[i]), load<W>(&b.y2[i]), load<W>(&b.area[i])});
}

// The best object of each box of a block, and the best IoU that each object finds in it.
struct BestOfBlock {
  std::span<const Box> gt;
  const BlockBoxes& boxes;
  float* best;
  int32_t* index;
  float* gt_best;

  template <int W> void operator()(Lanes<W>) const {
    std::fill_n(best, block_size, -1.0f);
    for (size_t g = 0; g < gt.size(); ++g) {
      const Vec<int32_t, W> me = Vec<int32_t, W>{} + static_cast<int32_t>(g);
      Vec<float, W> top = {};
      for (int64_t i = 0; i < block_size; i += W) {
        const Vec<float, W> v = iou_lanes<W>(gt[g], boxes, i), m = load<W>(best + i);
        store<W>(index + i, v > m ? me : load<W>(index + i));
        store<W>(best + i, v > m ? v : m);
        top = v > top ? v : top;
      }
      float most = 0;
      for (int l = 0; l < W; ++l) most = top[l] > most ? top[l] : most;
      gt_best[g] = most;
    }
  }
};

// Sets keep where the IoU with g equals `top`.
struct EqualsBest {
  const Box& g;
  const BlockBoxes& boxes;
  float top;
  int32_t* keep;

  template <int W> void operator()(Lanes<W>) const {
    for (int64_t i = 0; i < block_size; i += W) {
      const auto equal = iou_lanes<W>(g, boxes, i) == splat<W>(top);
      store<W>(keep + i, equal ? splat<W>(int32_t{1}) : load<W>(keep + i));
    }
  }
};

}  // namespace

Match match_boxes(const Tensor& gt_boxes, const Tensor& boxes, float high, float low, bool keep_best) {
  const auto gt = as_boxes(gt_boxes, "match_boxes", "gt_boxes"), all = as_boxes(boxes, "match_boxes", "boxes");
  check(low <= high, "match_boxes: low must not exceed high, got ", low, " > ", high);
  const auto n = static_cast<int64_t>(all.size());
  const int64_t blocks = (n + block_size - 1) / block_size;
  Match match;
  match.gt.assign(all.size(), Match::background);
  if (gt.empty() || n == 0) return match;

  std::vector<int32_t> index(blocks * block_size);  // of each box, its own best object
  std::vector<float> block_best(blocks * gt.size(), 0.0f);
  parallel_for(blocks, 4, [&](int64_t k) {
    const int64_t first = k * block_size, count = std::min(block_size, n - first);
    const BlockBoxes block(all.data() + first, count);
    std::array<float, block_size> best;
    with_simd(BestOfBlock{gt, block, best.data(), index.data() + first, block_best.data() + k * gt.size()});
    for (int64_t i = 0; i < count; ++i) match.gt[first + i] = match_of(best[i], index[first + i], high, low);
  });
  if (!keep_best) return match;

  std::vector<float> top(gt.size(), 0.0f);
  for (size_t i = 0; i < block_best.size(); ++i) top[i % gt.size()] = std::max(top[i % gt.size()], block_best[i]);
  parallel_for(blocks, 4, [&](int64_t k) {
    const int64_t first = k * block_size, count = std::min(block_size, n - first);
    const float* here = block_best.data() + k * gt.size();
    const auto holds = [&](size_t g) { return here[g] == top[g] && top[g] > 0; };
    for (size_t g = 0; g < gt.size(); ++g) {
      if (!holds(g)) continue;
      const BlockBoxes block(all.data() + first, count);
      std::array<int32_t, block_size> keep{};
      for (; g < gt.size(); ++g)
        if (holds(g)) with_simd(EqualsBest{gt[g], block, top[g], keep.data()});
      for (int64_t i = 0; i < count; ++i)
        if (keep[i]) match.gt[first + i] = index[first + i];
    }
  });
  return match;
}

}  // namespace mr
