#include "ops/boxes/matcher.h"

#include <algorithm>
#include <array>

#include "ops/boxes/box_columns.h"
#include "ops/boxes/box_tensor.h"
#include "ops/boxes/boxes_gpu.h"
#include "tensor/gpu/built.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

constexpr int64_t block_size = 256;  // boxes that a thread looks at together, coordinates side by side

BoxColumns columns_of(const Box* boxes, int64_t count) {
  BoxColumns block(block_size);
  for (int64_t i = 0; i < count; ++i) block.set(i, boxes[i]);
  return block;
}

// The best object of each box of a block, and the best IoU that each object finds in it.
struct BestOfBlock {
  std::span<const Box> gt;
  const BoxColumns& boxes;
  float* best;
  int32_t* index;
  float* gt_best;

  template <int W> void operator()(Lanes<W>) const {
    std::fill_n(best, block_size, -1.0f);
    for (size_t g = 0; g < gt.size(); ++g) {
      const Vec<int32_t, W> me = Vec<int32_t, W>{} + static_cast<int32_t>(g);
      const auto object = in_all_lanes<W>(corners(gt[g]));
      Vec<float, W> top = {};
      for (int64_t i = 0; i < block_size; i += W) {
        const Vec<float, W> v = iou(object, boxes.at<W>(i)), m = load<W>(best + i);
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

// The match of one image's boxes.
void match_image(const Pairs& p, int64_t image, bool keep_best, int32_t* match) {
  const std::span<const Box> gt(p.objects + image * p.G, static_cast<size_t>(p.object_count[image]));
  const Box* const all = p.boxes + image * p.pitch;
  const int64_t n = p.box_count ? p.box_count[image] : p.B;
  std::fill_n(match, n, Match::background);
  std::fill(match + n, match + p.B, Match::between);
  if (gt.empty() || n == 0) return;

  const int64_t blocks = (n + block_size - 1) / block_size;
  std::vector<int32_t> index(blocks * block_size);  // of each box, its own best object
  std::vector<float> block_best(blocks * gt.size(), 0.0f);
  parallel_for(blocks, 4, [&](int64_t k) {
    const int64_t first = k * block_size, count = std::min(block_size, n - first);
    const BoxColumns block = columns_of(all + first, count);
    std::array<float, block_size> best;
    with_simd(BestOfBlock{gt, block, best.data(), index.data() + first, block_best.data() + k * gt.size()});
    for (int64_t i = 0; i < count; ++i) match[first + i] = match_of(best[i], index[first + i], p.high, p.low);
  });
  if (!keep_best) return;

  std::vector<float> top(gt.size(), 0.0f);
  for (size_t i = 0; i < block_best.size(); ++i) top[i % gt.size()] = std::max(top[i % gt.size()], block_best[i]);
  parallel_for(blocks, 4, [&](int64_t k) {
    const int64_t first = k * block_size, count = std::min(block_size, n - first);
    const float* here = block_best.data() + k * gt.size();
    for (size_t g = 0; g < gt.size(); ++g) {
      if (top[g] == 0 || here[g] != top[g]) continue;
      for (int64_t i = first; i < first + count; ++i)
        if (iou(gt[g], all[i]) == top[g]) match[i] = index[i];
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
  const bool shared = boxes.rank() == 2;
  const Operands of(op, boxes.device());
  const Pairs p{.objects = of.as<Box>(objects.boxes, "objects", {N, G, 4}),
                .object_count = of.as<int32_t>(objects.count, "the objects' count", {N}),
                .G = G,
                .boxes = of.as<Box>(boxes, "boxes", shared ? Shape{B, 4} : Shape{N, B, 4}),
                .box_count = of.optional<int32_t>(count, "the boxes' count", {N}),
                .pitch = shared ? 0 : B,
                .B = B,
                .high = high,
                .low = low};
  const Tensor match = Tensor::empty({N, B}, DType::i32, boxes.device());
  if constexpr (gpu::exists) {
    if (boxes.on_gpu()) {
      gpu::match_boxes(p, keep_best, match);
      return match;
    }
  }
  for (int64_t n = 0; n < N; ++n) match_image(p, n, keep_best, match.data<int32_t>() + n * B);
  return match;
}

}  // namespace mr
