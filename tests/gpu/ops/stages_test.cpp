// The steps of boxes_gpu.h one after the other, against those of the CPU as models/ has them.
#include "ops/boxes/anchors.h"
#include "ops/boxes/matcher.h"
#include "ops/boxes/nms.h"
#include "ops/boxes/sampler.h"
#include "ops/boxes/topk.h"
#include "tensor/rows.h"
#include "tests/gpu/ops/boxes.h"

namespace mr::gpu {
namespace {

Tensor random_floats(const Shape& shape, uint64_t seed, double lo, double hi) {
  Rng rng(seed, "stages");
  Tensor t = Tensor::empty(shape, DType::f32, Device{});
  for (float& v : t.values<float>()) v = static_cast<float>(rng.uniform(lo, hi));
  return t;
}

Tensor image_of(const Tensor& x, int64_t n) {
  const Shape rest = x.rank() == 2 ? Shape{x.size(1)} : Shape{x.size(1), x.size(2)};
  return x.slice(n, n + 1).reshape(rest);
}

// The boxes with sides of min_size and more.
std::vector<int32_t> large(const Tensor& boxes, float min_size) {
  std::vector<int32_t> rows;
  const float* b = boxes.data<float>();
  for (int32_t r = 0; r < boxes.size(0); ++r)
    if (b[4 * r + 2] - b[4 * r] >= min_size && b[4 * r + 3] - b[4 * r + 1] >= min_size) rows.push_back(r);
  return rows;
}

struct Found {
  std::vector<float> boxes;  // [N,most,4]
  std::vector<int32_t> count;
};

void append_to(Found& f, const Tensor& boxes, int64_t most) {
  f.boxes.insert(f.boxes.end(), boxes.data<float>(), boxes.data<float>() + boxes.numel());
  f.boxes.resize(f.boxes.size() + static_cast<size_t>(4 * (most - boxes.size(0))), 0.0f);
  f.count.push_back(static_cast<int32_t>(boxes.size(0)));
}

}  // namespace

TEST_CASE("boxes: the proposals of an RPN, from logits to the best of all levels", "[gpu][boxes]") {
  if (!has_device()) return;
  constexpr int64_t N = 2, before = 50, after = 40;
  const std::vector<int> heights = {80, 64}, widths = {96, 100};
  const float min_size = 4;
  std::vector<Tensor> anchors, objectness, deltas;
  for (int l = 0; l < 3; ++l) {
    const int stride = 8 << l;
    anchors.push_back(mr::anchors_for_level(96 / stride, 96 / stride, stride, stride, {16.0 * (1 << l)}));
    const int64_t A = anchors.back().size(0);
    objectness.push_back(random_floats({N, A}, static_cast<uint64_t>(l), -4, 4));
    deltas.push_back(random_floats({N, A, 4}, static_cast<uint64_t>(10 + l), -0.5, 0.5));
  }
  Found want;
  for (int64_t n = 0; n < N; ++n) {
    std::vector<Tensor> boxes;
    std::vector<float> scores;
    std::vector<int32_t> levels;
    for (int l = 0; l < 3; ++l) {
      const auto at = static_cast<size_t>(l);
      const std::vector<int32_t> keep = mr::top_k(image_of(objectness[at], n), before);
      boxes.push_back(BoxCoder{}.decode(take_rows(image_of(deltas[at], n), keep), take_rows(anchors[at], keep)));
      for (const int32_t i : keep) {
        scores.push_back(1 / (1 + std::exp(-image_of(objectness[at], n).data<float>()[i])));
        levels.push_back(l);
      }
    }
    const Tensor all = join_rows(boxes);
    mr::clip_boxes(all, heights[static_cast<size_t>(n)], widths[static_cast<size_t>(n)]);
    const std::vector<int32_t> rows = large(all, min_size);
    CHECK(rows.size() < scores.size());
    const Tensor kept = take_rows(all, rows);
    const std::vector<int32_t> best = mr::batched_nms(kept, take_rows(Tensor::of<float>({all.size(0)}, scores), rows),
                                                      take_rows(Tensor::of<int32_t>({all.size(0)}, levels), rows), 0.7f, after);
    append_to(want, take_rows(kept, best), after);
  }
  Tensor sizes = Tensor::of<int32_t>({N, 2}, {heights[0], widths[0], heights[1], widths[1]});
  std::vector<int32_t> count;
  const std::vector<float> got = under_every_order([&] {
    const Candidates c = new_candidates(N, 3 * before, gpu_device());
    for (int l = 0; l < 3; ++l) {
      const auto at = static_cast<size_t>(l);
      const Tensor logits = there(objectness[at]);
      const Chosen best = gpu::top_k(logits, std::min(before, logits.size(1)));
      gpu::decode_proposals(c, l, before, best.index, logits, there(deltas[at]), there(anchors[at]), there(sizes), min_size);
    }
    const Chosen kept = gpu::nms(c.boxes, c.scores, {.count = 3}, 0.7f, after);
    count = values_of<int32_t>(kept.count);
    return values_of<float>(gpu::take(c.boxes, kept.index));
  });
  CHECK(count == want.count);
  check_same(got, Tensor::of<float>({N, after, 4}, want.boxes), true);
}

TEST_CASE("boxes: proposals and objects become the RoIs that train the box head", "[gpu][boxes]") {
  if (!has_device()) return;
  constexpr int64_t N = 2, R = 60, G = 4, S = 24;
  const Tensor proposals = whole_boxes({N, R, 4}, 1), gt = whole_boxes({N, G, 4}, 2);
  const std::vector<int32_t> count = {60, 31}, gt_count = {4, 2};
  std::vector<int32_t> want, positives;
  std::vector<Rng> rngs;
  for (int64_t n = 0; n < N; ++n) {
    const auto at = static_cast<size_t>(n);
    const Tensor objects = image_of(gt, n).slice(0, gt_count[at]);
    const Match match = mr::match_boxes(objects, join_rows({image_of(proposals, n).slice(0, count[at]), objects}), 0.4f, 0.4f, false);
    rngs.emplace_back(1, "roi sample", 3, static_cast<uint64_t>(n));
    Rng rng = rngs.back();
    const mr::Sampled s = mr::sample_balanced(match, S, 0.25, rng);
    positives.push_back(static_cast<int32_t>(s.positive.size()));
    for (const auto* part : {&s.positive, &s.negative}) want.insert(want.end(), part->begin(), part->end());
    want.resize(static_cast<size_t>((n + 1) * S), -1);
  }
  const BoxList all = gpu::append(there(proposals), counts_of(count), there(gt), counts_of(gt_count));
  const Tensor match = gpu::match_boxes(there(gt), counts_of(gt_count), all.boxes, all.count, 0.4f, 0.4f, false);
  const Sampled s = gpu::sample_balanced(match, S, 0.25, there(generator_streams(rngs)));
  CHECK(values_of<int32_t>(s.index) == want);
  CHECK(values_of<int32_t>(s.positives) == positives);
  CHECK(positives[0] > 0);
}

TEST_CASE("boxes: detections, from probabilities to the best of all classes", "[gpu][boxes]") {
  if (!has_device()) return;
  constexpr int64_t N = 2, R = 30, K = 3, most = 20;
  constexpr BoxCoder coder{.wx = 10, .wy = 10, .ww = 5, .wh = 5};
  const std::vector<int> heights = {30, 40}, widths = {50, 35};
  const float least = 0.3f, min_size = 3;
  const Tensor proposals = whole_boxes({N, R, 4}, 1);
  const Tensor probabilities = coarse_scores({N * R, K + 1}, 2, 16), deltas = random_floats({N * R, 4 * (K + 1)}, 3, -4, 4);
  const std::vector<int32_t> count = {30, 17};
  Found want;
  std::vector<int32_t> rows;
  for (int64_t n = 0; n < N; ++n) {
    std::vector<int32_t> cells, anchors, labels;  // of the candidates: row of [N·R·(K+1)], proposal, class
    std::vector<float> scores;
    for (int32_t r = 0; r < count[static_cast<size_t>(n)]; ++r)
      for (int32_t k = 1; k <= K; ++k) {
        const auto cell = static_cast<int32_t>((n * R + r) * (K + 1)) + k;
        if (!(probabilities.data<float>()[cell] > least)) continue;
        cells.push_back(cell);
        anchors.push_back(r);
        labels.push_back(k);
        scores.push_back(probabilities.data<float>()[cell]);
      }
    const auto M = static_cast<int64_t>(cells.size());
    const Tensor boxes = coder.decode(take_rows(deltas.reshape({N * R * (K + 1), 4}), cells), take_rows(image_of(proposals, n), anchors));
    mr::clip_boxes(boxes, heights[static_cast<size_t>(n)], widths[static_cast<size_t>(n)]);
    const std::vector<int32_t> big = large(boxes, min_size);
    CHECK(big.size() < cells.size());
    const Tensor kept = take_rows(boxes, big);
    const std::vector<int32_t> best =
        mr::batched_nms(kept, take_rows(Tensor::of<float>({M}, scores), big), take_rows(Tensor::of<int32_t>({M}, labels), big), 0.5f, most);
    append_to(want, take_rows(kept, best), most);
    for (const int32_t i : best) {
      const auto c = static_cast<size_t>(big[static_cast<size_t>(i)]);
      rows.push_back(anchors[c] * static_cast<int32_t>(K) + labels[c] - 1);
    }
    rows.resize(static_cast<size_t>((n + 1) * most), -1);
  }
  const Tensor sizes = tensor_of<int32_t>({N, 2}, {heights[0], widths[0], heights[1], widths[1]});
  Chosen kept;
  const std::vector<float> got = under_every_order([&] {
    const Candidates c =
        decode_detections(there(probabilities), there(deltas), there(proposals), counts_of(count), sizes, coder, least, min_size);
    kept = gpu::nms(c.boxes, c.scores, {.count = K, .interleaved = true}, 0.5f, most);
    return values_of<float>(gpu::take(c.boxes, kept.index));
  });
  CHECK(values_of<int32_t>(kept.index) == rows);
  CHECK(values_of<int32_t>(kept.count) == want.count);
  check_same(got, Tensor::of<float>({N, most, 4}, want.boxes), true);
}

}  // namespace mr::gpu
