#include "ops/boxes/nms.h"

#include <algorithm>

#include "ops/boxes/box_rules.h"
#include "ops/boxes/box_tensor.h"
#include "ops/boxes/boxes_gpu.h"
#include "ops/boxes/topk.h"
#include "tensor/gpu/built.h"
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

// The groups of an image's boxes, and what remains of each.
class Image {
 public:
  Image(std::span<const Box> boxes, std::span<const float> scores, const Candidates& c) : boxes_(boxes) {
    std::vector<int32_t> places;  // of the boxes that are there
    std::vector<float> there;
    for (size_t i = 0; i < scores.size(); ++i) {
      if (scores[i] == -INFINITY) continue;
      places.push_back(static_cast<int32_t>(i));
      there.push_back(scores[i]);
    }
    order_ = best_places(there, static_cast<int64_t>(there.size()));
    for (int32_t& rank : order_) rank = places[static_cast<size_t>(rank)];
    groups_.resize(static_cast<size_t>(c.groups));
    const auto groups = static_cast<int32_t>(c.groups), length = static_cast<int32_t>(scores.size()) / groups;
    for (size_t rank = 0; rank < order_.size(); ++rank)
      groups_[static_cast<size_t>(c.interleaved ? order_[rank] % groups : order_[rank] / length)].push_back(static_cast<int32_t>(rank));
  }

  // Places of the boxes kept, best first.
  std::vector<int32_t> kept(float threshold, size_t most) const {
    std::vector<uint8_t> keep(order_.size());
    parallel_for(static_cast<int64_t>(groups_.size()), 1, [&](int64_t g) {
      const std::vector<int32_t>& ranks = groups_[static_cast<size_t>(g)];
      std::vector<int32_t> members;
      for (const int32_t rank : ranks) members.push_back(order_[static_cast<size_t>(rank)]);
      for (const int32_t k : scan(boxes_, members, threshold, most)) keep[static_cast<size_t>(ranks[static_cast<size_t>(k)])] = 1;
    });
    std::vector<int32_t> kept;
    for (size_t rank = 0; rank < order_.size() && kept.size() < most; ++rank)
      if (keep[rank]) kept.push_back(order_[rank]);
    return kept;
  }

 private:
  std::span<const Box> boxes_;
  std::vector<int32_t> order_;                // places of the boxes that are there, best first
  std::vector<std::vector<int32_t>> groups_;  // positions in order_
};

}  // namespace

Chosen nms(const Candidates& c, double threshold, int64_t most) {
  check(!std::isnan(threshold), "nms: the threshold must be a number, got nan");
  check(most >= 0, "nms: `most` must not be negative, got ", most);
  check(c.boxes.defined() && c.boxes.rank() == 3, "nms: boxes must be [N,M,4] f32, got ", c.boxes.defined() ? c.boxes.shape() : Shape{});
  const int64_t N = c.boxes.size(0), M = c.boxes.size(1);
  check_tensor(c.boxes, {N, M, 4}, DType::f32, "nms", "boxes");
  check_tensor(c.scores, {N, M}, DType::f32, "nms", "scores");
  check(c.groups >= 1 && M % c.groups == 0, "nms: ", c.groups, " groups of equal length cannot be made of ", M, " boxes");
  if constexpr (gpu::exists) {
    if (c.boxes.on_gpu()) return gpu::nms(c, threshold, most);
  }
  const Chosen chosen{Tensor::empty({N, most}, DType::i32), Tensor::empty({N}, DType::i32)};
  chosen.index.fill_(-1);
  for (int64_t n = 0; n < N; ++n) {
    const Image image(boxes_of_image(c.boxes, n), row_of_image<float>(c.scores, n), c);
    const std::vector<int32_t> kept = image.kept(round_down(threshold), static_cast<size_t>(most));
    std::ranges::copy(kept, chosen.index.data<int32_t>() + n * most);
    chosen.count.data<int32_t>()[n] = static_cast<int32_t>(kept.size());
  }
  return chosen;
}

}  // namespace mr
