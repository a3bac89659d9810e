#include "ops/boxes/matcher.h"

#include <algorithm>
#include <array>

#include "ops/boxes/box_rules.h"
#include "ops/boxes/box_tensor.h"
#include "ops/boxes/boxes_gpu.h"
#include "tensor/gpu/built.h"
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

// The match of one image's boxes.
void match_image(std::span<const Box> gt, std::span<const Box> all, float high, float low, bool keep_best, int32_t* match) {
  const auto n = static_cast<int64_t>(all.size());
  const int64_t blocks = (n + block_size - 1) / block_size;
  std::fill_n(match, n, Match::background);
  if (gt.empty() || n == 0) return;

  std::vector<int32_t> index(blocks * block_size);  // of each box, its own best object
  std::vector<float> block_best(blocks * gt.size(), 0.0f);
  parallel_for(blocks, 4, [&](int64_t k) {
    const int64_t first = k * block_size, count = std::min(block_size, n - first);
    const BlockBoxes block(all.data() + first, count);
    std::array<float, block_size> best;
    with_simd(BestOfBlock{gt, block, best.data(), index.data() + first, block_best.data() + k * gt.size()});
    for (int64_t i = 0; i < count; ++i) match[first + i] = match_of(best[i], index[first + i], high, low);
  });
  if (!keep_best) return;

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
        if (keep[i]) match[first + i] = index[first + i];
    }
  });
}

}  // namespace

Tensor match_boxes(const BoxList& objects, const Tensor& boxes, const Tensor& count, float high, float low, bool keep_best) {
  const char* op = "match_boxes";
  check(low <= high, op, ": low must not exceed high, got ", low, " > ", high);
  check(objects.boxes.defined() && objects.boxes.rank() == 3, op, ": objects must be [N,G,4] f32, got ",
        objects.boxes.defined() ? objects.boxes.shape() : Shape{});
  check(boxes.defined() && (boxes.rank() == 2 || boxes.rank() == 3), op, ": boxes must be [N,B,4] or [B,4] f32, got ",
        boxes.defined() ? boxes.shape() : Shape{});
  const int64_t N = objects.boxes.size(0), G = objects.boxes.size(1), B = boxes.size(boxes.rank() - 2);
  check_tensor(objects.boxes, {N, G, 4}, DType::f32, op, "objects");
  check_tensor(objects.count, {N}, DType::i32, op, "the objects' count");
  check_tensor(boxes, boxes.rank() == 2 ? Shape{B, 4} : Shape{N, B, 4}, DType::f32, op, "boxes");
  if (count.defined()) check_tensor(count, {N}, DType::i32, op, "the boxes' count");
  if constexpr (gpu::exists) {
    if (boxes.on_gpu()) return gpu::match_boxes(objects, boxes, count, high, low, keep_best);
  }
  const Tensor match = Tensor::empty({N, B}, DType::i32);
  for (int64_t n = 0; n < N; ++n) {
    const auto there = static_cast<size_t>(count.defined() ? count.data<int32_t>()[n] : B);
    const auto gt = boxes_of_image(objects.boxes, n).first(static_cast<size_t>(objects.count.data<int32_t>()[n]));
    int32_t* to = match.data<int32_t>() + n * B;
    match_image(gt, boxes_of_image(boxes, n).first(there), high, low, keep_best, to);
    std::fill(to + there, to + B, Match::between);
  }
  return match;
}

}  // namespace mr
