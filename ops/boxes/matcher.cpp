#include "ops/boxes/matcher.h"

#include <algorithm>
#include <array>

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
      const auto k = static_cast<size_t>(i);
      x1[k] = b.x1;
      y1[k] = b.y1;
      x2[k] = b.x2;
      y2[k] = b.y2;
      area[k] = b.area();
    }
  }
};

template <int W> [[gnu::always_inline]] inline Vec<float, W> iou_lanes(const Box& g, const BlockBoxes& b, int64_t i) {
  const auto least = [](Vec<float, W> u, Vec<float, W> v) { return u < v ? u : v; };
  const auto most = [](Vec<float, W> u, Vec<float, W> v) { return u > v ? u : v; };
  const Vec<float, W> zero = {};
  const auto w = most(
      least(splat<W>(g.x2), load<W>(&b.x2[static_cast<size_t>(i)])) - most(splat<W>(g.x1), load<W>(&b.x1[static_cast<size_t>(i)])), zero);
  const auto h = most(
      least(splat<W>(g.y2), load<W>(&b.y2[static_cast<size_t>(i)])) - most(splat<W>(g.y1), load<W>(&b.y1[static_cast<size_t>(i)])), zero);
  const Vec<float, W> both = w * h, either = splat<W>(g.area()) + load<W>(&b.area[static_cast<size_t>(i)]) - both;
  return either > zero ? both / either : zero;
}

// The best object of each box of a block, and the best IoU that each object finds in it.
struct BestOfBlock {
  std::span<const Box> gt;
  const BlockBoxes& boxes;
  float* best;
  int32_t* index;
  float* gt_best;

  template <int W> void operator()(Lanes<W>) const {
    for (int64_t i = 0; i < block_size; i += W) {
      Vec<float, W> m = splat<W>(-1.0f);
      Vec<int32_t, W> at = {};
      for (size_t g = 0; g < gt.size(); ++g) {
        const Vec<float, W> v = iou_lanes<W>(gt[g], boxes, i);
        at = v > m ? splat<W>(static_cast<int32_t>(g)) : at;
        m = v > m ? v : m;
        float top = gt_best[g];
        for (int l = 0; l < W; ++l) top = v[l] > top ? v[l] : top;
        gt_best[g] = top;
      }
      store<W>(best + i, m);
      store<W>(index + i, at);
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

  std::vector<int32_t> index(static_cast<size_t>(blocks * block_size));  // of each box, its own best object
  std::vector<float> block_best(static_cast<size_t>(blocks) * gt.size(), 0.0f);
  parallel_for(blocks, 4, [&](int64_t k) {
    const int64_t first = k * block_size, count = std::min(block_size, n - first);
    const BlockBoxes block(all.data() + first, count);
    std::array<float, block_size> best;
    with_simd(BestOfBlock{gt, block, best.data(), index.data() + first, block_best.data() + static_cast<size_t>(k) * gt.size()});
    for (int64_t i = 0; i < count; ++i) {
      const float m = best[static_cast<size_t>(i)];
      match.gt[static_cast<size_t>(first + i)] = m >= high  ? index[static_cast<size_t>(first + i)]
                                                 : m >= low ? Match::between
                                                            : Match::background;
    }
  });
  if (!keep_best) return match;

  std::vector<float> top(gt.size(), 0.0f);
  for (size_t i = 0; i < block_best.size(); ++i) top[i % gt.size()] = std::max(top[i % gt.size()], block_best[i]);
  parallel_for(blocks, 4, [&](int64_t k) {
    const int64_t first = k * block_size, count = std::min(block_size, n - first);
    const float* here = block_best.data() + static_cast<size_t>(k) * gt.size();
    const auto holds = [&](size_t g) { return here[g] == top[g] && top[g] > 0; };
    for (size_t g = 0; g < gt.size(); ++g) {
      if (!holds(g)) continue;
      const BlockBoxes block(all.data() + first, count);
      std::array<int32_t, block_size> keep{};
      for (; g < gt.size(); ++g)
        if (holds(g)) with_simd(EqualsBest{gt[g], block, top[g], keep.data()});
      for (int64_t i = 0; i < count; ++i)
        if (keep[static_cast<size_t>(i)]) match.gt[static_cast<size_t>(first + i)] = index[static_cast<size_t>(first + i)];
    }
  });
  return match;
}

}  // namespace mr
