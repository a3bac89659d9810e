#include "ops/boxes/matcher.h"

#include "ops/boxes/sampler.h"
#include "tensor/rows.h"
#include "tests/gpu/ops/boxes.h"

namespace mr::gpu {
namespace {

Tensor rows_of(const Tensor& x, int64_t image, int64_t count) {  // [N,B,4] → [count,4]
  return x.slice(image, image + 1).reshape({x.size(1), x.size(2)}).slice(0, count);
}

// Labels of B boxes: of `each` a hundred, about so many are positive, and as many again between.
std::vector<int32_t> labels(int64_t B, uint64_t seed, uint64_t each) {
  Rng rng(seed, "labels");
  std::vector<int32_t> all;
  for (int64_t i = 0; i < B; ++i) {
    const uint64_t u = rng.below(100);
    all.push_back(u < each ? static_cast<int32_t>(u) : u < 2 * each ? Match::between : Match::background);
  }
  return all;
}

}  // namespace

TEST_CASE("boxes: matching on the device is the CPU's, with ties and promoted boxes", "[gpu][boxes]") {
  if (!has_device()) return;
  reset_stats();
  constexpr int64_t N = 3, G = 150, B = 300;
  const Tensor gt = whole_boxes({N, G, 4}, 1), boxes = whole_boxes({N, B, 4}, 2);
  const std::vector<int32_t> gt_count = {150, 3, 0}, box_count = {300, 257, 10};
  for (const bool keep_best : {false, true})
    for (const bool shared : {false, true}) {
      INFO(keep_best << " " << shared);
      std::vector<int32_t> want;
      for (int64_t n = 0; n < N; ++n) {
        const auto at = static_cast<size_t>(n);
        Match m = mr::match_boxes(rows_of(gt, n, gt_count[at]), rows_of(boxes, shared ? 0 : n, shared ? B : box_count[at]), 0.7f, 0.3f,
                                  keep_best);
        m.gt.resize(B, Match::between);
        want.insert(want.end(), m.gt.begin(), m.gt.end());
      }
      CHECK(under_every_order([&] {
              return values_of<int32_t>(gpu::match_boxes(there(gt), counts_of(gt_count), there(shared ? rows_of(boxes, 0, B) : boxes),
                                                         shared ? Tensor() : counts_of(box_count), 0.7f, 0.3f, keep_best));
            }) == want);
    }
  no_bank_conflicts("best_of_objects");
  no_bank_conflicts("match_boxes");
  const Tensor none = there(Tensor::empty({2, 0, 4}));
  CHECK(values_of<int32_t>(gpu::match_boxes(none, counts_of({0, 0}), there(boxes.slice(0, 2)), {}, 0.5f, 0.5f, true)) ==
        std::vector<int32_t>(2 * B, Match::background));
}

TEST_CASE("boxes: a sample on the device is the CPU's from the same generator", "[gpu][boxes]") {
  if (!has_device()) return;
  reset_stats();
  struct Case {
    int64_t B;
    uint64_t each;
    int count;
    double fraction;
  };
  // many of both kinds; few positive; no positive; fewer than wanted; nearly all positive; none
  for (const Case& c : {Case{900, 30, 48, 0.5}, Case{600, 1, 48, 0.5}, Case{300, 0, 60, 0.25}, Case{40, 20, 64, 0.5},
                        Case{513, 48, 80, 0.25}, Case{10, 20, 0, 0.5}, Case{0, 0, 8, 0.5}}) {
    INFO(c.B << " " << c.each << " " << c.count);
    constexpr uint64_t N = 2;
    std::vector<int32_t> all, want;
    std::vector<Rng> rngs;
    std::vector<int32_t> positives, total;
    for (uint64_t n = 0; n < N; ++n) {
      const Match m{labels(c.B, n, c.each)};
      all.insert(all.end(), m.gt.begin(), m.gt.end());
      rngs.emplace_back(5, "test", 17, n);
      Rng rng(5, "test", 17, n);
      mr::Sampled s = mr::sample_balanced(m, c.count, c.fraction, rng);
      positives.push_back(static_cast<int32_t>(s.positive.size()));
      total.push_back(static_cast<int32_t>(s.positive.size() + s.negative.size()));
      s.positive.insert(s.positive.end(), s.negative.begin(), s.negative.end());
      s.positive.resize(static_cast<size_t>(c.count), -1);
      want.insert(want.end(), s.positive.begin(), s.positive.end());
    }
    const Tensor match = tensor_of<int32_t>({static_cast<int64_t>(N), c.B}, all), streams = there(generator_streams(rngs));
    CHECK(under_every_order([&] { return values_of<int32_t>(gpu::sample_balanced(match, c.count, c.fraction, streams).index); }) == want);
    const Sampled s = gpu::sample_balanced(match, c.count, c.fraction, streams);
    CHECK(values_of<int32_t>(s.positives) == positives);
    CHECK(values_of<int32_t>(s.total) == total);
  }
  few_bank_conflicts("sample_balanced");  // a draw is followed to where it leads
}

TEST_CASE("boxes: sampled boxes and what they are to learn", "[gpu][boxes]") {
  if (!has_device()) return;
  constexpr int64_t N = 2, B = 6, G = 2, S = 4;
  const BoxCoder coder{.wx = 10, .wy = 10, .ww = 5, .wh = 5};
  const Tensor boxes = whole_boxes({N, B, 4}, 1), gt = whole_boxes({N, G, 4}, 2);
  const std::vector<int32_t> match = {0, 1, -1, -2, 0, -1, -1, -1, 1, -1, -1, 0}, index = {1, 4, 2, -1, 2, 5, 0, 1}, classes = {7, 9, 3, 5};
  const Tensor m = tensor_of<int32_t>({N, B}, match), at = tensor_of<int32_t>({N, S}, index);
  for (const bool shared : {false, true}) {
    const BoxTargets t = box_targets(there(shared ? rows_of(boxes, 0, B) : boxes), m, at, there(gt),
                                     shared ? Tensor() : tensor_of<int32_t>({N, G}, classes), coder);
    CHECK(values_of<int32_t>(t.gt) == std::vector<int32_t>{1, 0, -1, -1, 1, 0, -1, -1});
    CHECK(values_of<int32_t>(t.labels) ==
          (shared ? std::vector<int32_t>{1, 1, 0, -1, 1, 1, 0, 0} : std::vector<int32_t>{9, 7, 0, -1, 5, 3, 0, 0}));
    const std::vector<float> rois = values_of<float>(t.rois);
    const Tensor want = Tensor::empty({N * S, 4}, DType::f32, Device{});
    want.fill_(0);
    for (int64_t i = 0; i < N * S; ++i) {
      const int64_t n = i / S;
      const int32_t from = index[static_cast<size_t>(i)];
      Tensor box = Tensor::empty({1, 4}, DType::f32, Device{});
      box.fill_(0);
      if (from >= 0) box = rows_of(boxes, shared ? 0 : n, B).slice(from, from + 1);
      CHECK(rois[static_cast<size_t>(5 * i)] == static_cast<float>(n));
      CHECK(std::equal(box.data<float>(), box.data<float>() + 4, rois.data() + 5 * i + 1));
      const int32_t g = from < 0 ? -1 : match[static_cast<size_t>(n * B + from)];
      if (g >= 0) want.slice(i, i + 1).copy_(coder.encode(rows_of(gt, n, G).slice(g, g + 1), box));
    }
    check_same(values_of<float>(t.deltas), want, true);
  }
}

}  // namespace mr::gpu
