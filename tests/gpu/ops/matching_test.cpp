#include "ops/boxes/matcher.h"

#include "ops/boxes/sampler.h"
#include "ops/boxes/targets.h"
#include "tests/gpu/ops/boxes.h"

namespace mr::gpu {
namespace {

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
  const BoxList objects{whole_boxes({N, G, 4}, 1), Tensor::of<int32_t>({N}, {150, 3, 0})};
  const BoxList boxes{whole_boxes({N, B, 4}, 2), Tensor::of<int32_t>({N}, {300, 257, 10})};
  const Tensor shared_boxes = boxes.boxes.slice(0, 1).reshape({B, 4});
  for (const bool keep_best : {false, true})
    for (const bool shared : {false, true}) {
      INFO(keep_best << " " << shared);
      const auto match = [&](const BoxList& gt, const Tensor& all, const Tensor& count) {
        return values_of<int32_t>(mr::match_boxes(gt, all, count, 0.7f, 0.3f, keep_best));
      };
      const std::vector<int32_t> want = shared ? match(objects, shared_boxes, {}) : match(objects, boxes.boxes, boxes.count);
      CHECK(under_every_order([&] {
              return shared ? match(there(objects), gpu::there(shared_boxes), {})
                            : match(there(objects), gpu::there(boxes.boxes), gpu::there(boxes.count));
            }) == want);
    }
  no_bank_conflicts("best_of_objects");
  const BoxList none{gpu::there(Tensor::empty({2, 0, 4})), counts_of({0, 0})};
  CHECK(values_of<int32_t>(mr::match_boxes(none, gpu::there(boxes.boxes.slice(0, 2)), {}, 0.5f, 0.5f, true)) ==
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
    std::vector<int32_t> all;
    std::vector<Rng> rngs;
    for (uint64_t n = 0; n < 2; ++n) {
      const std::vector<int32_t> of_image = labels(c.B, n, c.each);
      all.insert(all.end(), of_image.begin(), of_image.end());
      rngs.emplace_back(5, "test", 17, n);
    }
    const Tensor match = Tensor::of<int32_t>({2, c.B}, all), streams = generator_streams(rngs);
    const Tensor want = mr::sample_balanced(match, c.count, c.fraction, streams);
    const auto sample = [&] { return mr::sample_balanced(gpu::there(match), c.count, c.fraction, gpu::there(streams)); };
    CHECK(under_every_order([&] { return values_of<int32_t>(sample()); }) == values_of<int32_t>(want));
  }
  few_bank_conflicts("sample_balanced");  // a draw is followed to where it leads
}

TEST_CASE("boxes: what sampled boxes are to learn, a filler for every place that is not filled", "[gpu][boxes]") {
  if (!has_device()) return;
  constexpr int64_t N = 2, B = 6, G = 2, S = 4;
  const BoxCoder coder{.wx = 10, .wy = 10, .ww = 5, .wh = 5};
  const BoxList boxes{whole_boxes({N, B, 4}, 1), Tensor::of<int32_t>({N}, {6, 6})};
  const BoxList objects{whole_boxes({N, G, 4}, 2), Tensor::of<int32_t>({N}, {2, 2})};
  const Tensor match = Tensor::of<int32_t>({N, B}, {0, 1, -1, -2, 0, -1, -1, -1, 1, -1, -1, 0});
  const Tensor classes = Tensor::of<int32_t>({N, G}, {7, 9, 3, 5});
  // The objects first; in rising order, so that the CPU's rows, which rise, are the device's without its fillers.
  const Tensor s = Tensor::of<int32_t>({N, S}, {1, 4, 5, -1, 2, 3, 4, -1});
  const RoITargets want = mr::roi_targets(boxes, match, s, objects, classes, coder),
                   got = mr::roi_targets(there(boxes), gpu::there(match), gpu::there(s), there(objects), gpu::there(classes), coder);
  CHECK(values_of<int32_t>(got.labels) == std::vector<int32_t>{9, 7, 0, -1, 5, 0, 0, -1});
  CHECK(values_of<int32_t>(got.object) == std::vector<int32_t>{1, 0, -1, -1, 1, -1, -1, -1});
  const std::vector<float> rois = values_of<float>(got.rois), deltas = values_of<float>(got.deltas);
  for (int64_t i = 0, row = 0; i < N * S; ++i) {
    INFO(i);
    const float *roi = rois.data() + 5 * i, *delta = deltas.data() + 4 * i;
    if (i % S == S - 1) {
      CHECK(std::vector<float>(roi, roi + 5) == std::vector<float>{static_cast<float>(i / S), 0, 0, 0, 0});
      CHECK(std::vector<float>(delta, delta + 4) == std::vector<float>(4, 0.0f));
      continue;
    }
    CHECK(std::equal(roi, roi + 5, want.rois.data<float>() + 5 * row));
    check_same({delta, delta + 4}, want.deltas.slice(row, row + 1), true);
    ++row;
  }
  const RoITargets first = object_targets(there(boxes), gpu::there(match), gpu::there(s), there(objects), gpu::there(classes), coder, 2);
  CHECK(values_of<int32_t>(first.labels) == std::vector<int32_t>{9, 7, 5, -1});
  const std::vector<int32_t> rows = values_of<int32_t>(mr::object_rows(got, 2, 2)), all = values_of<int32_t>(got.labels);
  REQUIRE(rows.size() == 4);
  CHECK(rows[3] == -1);
  for (const size_t i : {0, 1, 2}) CHECK(all[static_cast<size_t>(rows[i])] == std::vector<int32_t>{9, 7, 5}[i]);
}

TEST_CASE("boxes: a label's row among those of all classes on the device, none for a filler", "[gpu][boxes]") {
  if (!has_device()) return;
  CHECK(values_of<int32_t>(mr::label_rows(gpu::there(Tensor::of<int32_t>({4}, {2, 0, -1, 1})), 3)) == std::vector<int32_t>{2, 3, -1, 10});
}

TEST_CASE("boxes: sampled anchors by level, cell and anchor on the device", "[gpu][boxes]") {
  if (!has_device()) return;
  const std::vector<int64_t> of_level = {6, 3};  // 2 cells and 1, of 3 anchors
  const Tensor anchors = whole_boxes({9, 4}, 3);
  const BoxList objects{whole_boxes({2, 2, 4}, 2), Tensor::of<int32_t>({2}, {2, 2})};
  const Tensor match = Tensor::of<int32_t>({2, 9}, {-1, -1, -1, -1, -1, 1, -1, -1, -1, -1, 0, -1, -1, -1, -1, -1, -1, -1});
  // In the order of the levels, so that the CPU's rows are the device's without its fillers.
  const Tensor s = Tensor::of<int32_t>({2, 4}, {5, 0, 6, -1, 1, 2, 8, -1});
  const AnchorTargets got = mr::anchor_targets(gpu::there(anchors), of_level, 3, gpu::there(match), gpu::there(s), there(objects), {});
  CHECK(values_of<int32_t>(got.level) == std::vector<int32_t>{0, 0, 1, -1, 0, 0, 1, -1});
  CHECK(values_of<int32_t>(got.cell) == std::vector<int32_t>{1, 0, 0, -1, 2, 2, 1, -1});
  CHECK(values_of<int32_t>(got.anchor) == std::vector<int32_t>{2, 0, 0, -1, 1, 2, 2, -1});
  CHECK(values_of<int32_t>(got.labels) == std::vector<int32_t>{1, 0, 0, -1, 1, 0, 0, -1});
  CHECK(values_of<int32_t>(mr::anchor_rows(got, 3, false)) == std::vector<int32_t>{2, 3, 6, -1, 13, 17, 20, -1});
  CHECK(values_of<int32_t>(mr::anchor_rows(got, 3, true)) == std::vector<int32_t>{2, -1, -1, -1, 13, -1, -1, -1});
  const Tensor want = Tensor::empty({8, 4}, DType::f32, Device{});
  want.fill_(0);
  const auto encoded = [&](int64_t image, int64_t object, int64_t anchor) {
    return BoxCoder{}.encode(objects.boxes.slice(image, image + 1).reshape({2, 4}).slice(object, object + 1),
                             anchors.slice(anchor, anchor + 1));
  };
  want.slice(0, 1).copy_(encoded(0, 1, 5));
  want.slice(4, 5).copy_(encoded(1, 0, 1));
  check_same(values_of<float>(got.deltas), want, true);
}

}  // namespace mr::gpu
