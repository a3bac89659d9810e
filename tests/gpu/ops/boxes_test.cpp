#include "tests/gpu/ops/boxes.h"

#include <limits>

#include "ops/boxes/anchors.h"
#include "ops/boxes/iou.h"
#include "ops/boxes/levels.h"
#include "ops/boxes/nms.h"
#include "ops/boxes/sampler.h"
#include "ops/boxes/targets.h"
#include "ops/boxes/topk.h"

namespace mr::gpu {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();

}  // namespace

TEST_CASE("boxes: IoU is the same on the device", "[gpu][boxes]") {
  if (!has_device()) return;
  for (const auto& [A, B] : std::vector<std::pair<int64_t, int64_t>>{{0, 3}, {3, 0}, {1, 1}, {17, 300}}) {
    Tensor a = whole_boxes({A, 4}, 1), b = whole_boxes({B, 4}, 2);
    if (A > 1) std::fill_n(a.data<float>(), 4, 7.0f);  // no area
    if (B > 1) std::fill_n(b.data<float>(), 4, 7.0f);
    check_same(under_every_order([&] { return values_of<float>(mr::box_iou(there(a), there(b))); }), mr::box_iou(a, b));
  }
}

TEST_CASE("boxes: encoding, decoding and clipping are the same on the device", "[gpu][boxes]") {
  if (!has_device()) return;
  const BoxCoder coder{.wx = 10, .wy = 10, .ww = 5, .wh = 5, .extent = 1};
  for (const int64_t n : {0, 1, 300}) {
    const Tensor gt = whole_boxes({n, 4}, 1), anchors = whole_boxes({n, 4}, 2);
    check_same(under_every_order([&] { return values_of<float>(coder.encode(there(gt), there(anchors))); }), coder.encode(gt, anchors),
               true);

    Tensor deltas = Tensor::empty({n, 12}, DType::f32, Device{});
    Rng rng(3);
    for (float& v : deltas.values<float>()) v = static_cast<float>(rng.uniform(-40, 40));  // some beyond the longest
    const Tensor decoded = coder.decode(deltas, anchors);
    check_same(under_every_order([&] { return values_of<float>(coder.decode(there(deltas), there(anchors))); }), decoded, true);

    const Tensor clipped = decoded.clone();
    mr::clip_boxes(clipped, 30, 20);
    check_same(under_every_order([&] {
                 const Tensor t = there(decoded).clone();
                 mr::clip_boxes(t, 30, 20);
                 return values_of<float>(t);
               }),
               clipped);
  }
}

TEST_CASE("boxes: levels and anchors are the same on the device", "[gpu][boxes]") {
  if (!has_device()) return;
  const Tensor rois = whole_boxes({301, 4}, 1, 900);
  rois.data<float>()[0] = nan;
  std::copy_n(std::vector<float>{0, 0, 224, 224, 0, 0, 112, 112, 5, 5, 5, 5}.data(), 12, rois.data<float>() + 4);
  CHECK(under_every_order([&] { return values_of<int32_t>(mr::assign_levels(there(rois), 2, 5)); }) ==
        values_of<int32_t>(mr::assign_levels(rois, 2, 5)));
  CHECK(under_every_order([&] {
          return values_of<int32_t>(mr::assign_levels(there(rois).slice(0, 300).reshape({240, 5}), 2, 5));
        }) == values_of<int32_t>(mr::assign_levels(rois.slice(0, 300).reshape({240, 5}), 2, 5)));
  for (const bool round : {true, false}) {
    const AnchorOptions options{.ratios = {0.5, 1, 2}, .round = round, .offset = round ? 0.0 : 0.5};
    const Tensor want = mr::anchors_for_level(7, 11, 8, 9, {32, 100}, options);
    check_same(under_every_order([&] {
                 const ContextGuard guard;
                 context().device = gpu_device();
                 return values_of<float>(mr::anchors_for_level(7, 11, 8, 9, {32, 100}, options));
               }),
               want);
  }
}

TEST_CASE("boxes: rows are taken and lists joined on the device", "[gpu][boxes]") {
  if (!has_device()) return;
  const Tensor x = Tensor::of<int32_t>({2, 3}, {1, 2, 3, 4, 5, 6}), index = Tensor::of<int32_t>({2, 4}, {2, 0, -1, 2, 1, -1, -1, 0});
  CHECK(values_of<int32_t>(mr::take(there(x), there(index))) == std::vector<int32_t>{3, 1, 0, 3, 5, 0, 0, 4});

  const Tensor a = whole_boxes({2, 5, 4}, 1), b = whole_boxes({2, 3, 4}, 2), places = Tensor::of<int32_t>({2, 2}, {4, -1, 0, 1});
  check_same(values_of<float>(mr::take(there(a), there(places))), mr::take(a, places));
  const BoxList first{a, Tensor::of<int32_t>({2}, {2, 5})}, second{b, Tensor::of<int32_t>({2}, {3, 0})};
  const BoxList want = mr::append(first, second), got = mr::append(there(first), there(second));
  CHECK(values_of<int32_t>(got.count) == std::vector<int32_t>{5, 5});
  check_same(values_of<float>(got.boxes), want.boxes);
}

TEST_CASE("boxes: lists as rows, with fillers on the device, and their labels", "[gpu][boxes]") {
  if (!has_device()) return;
  const Tensor labels = Tensor::of<int32_t>({2, 2}, {-1, 0, 3, 1});
  CHECK(values_of<int32_t>(one_channel(there(labels))) == std::vector<int32_t>{-1, -1, 0, 0});

  const BoxList list{whole_boxes({2, 3, 4}, 3), Tensor::of<int32_t>({2}, {3, 1})};
  const BoxRows rows = to_rows(there(list));
  CHECK(rows.room == 3);
  const Tensor rois = here(rows.rois);
  REQUIRE(rois.shape() == Shape{6, 5});
  for (int64_t r = 0; r < 6; ++r) {
    CHECK(rois.at(5 * r) == static_cast<double>(r / 3));
    for (int64_t k = 0; k < 4; ++k) CHECK(rois.at(5 * r + 1 + k) == list.boxes.at(4 * r + k));
  }
  CHECK(values_of<int32_t>(to_rows(there(Tensor::of<int32_t>({2, 3}, {1, 2, 3, 4, -1, -1})), there(list.count))) ==
        std::vector<int32_t>{1, 2, 3, 4, -1, -1});
  const Tensor found = Tensor::of<int32_t>({1, 5}, {0, 2, 3, 7, -1});
  CHECK(values_of<int32_t>(mr::detected_labels(there(found), 3)) == std::vector<int32_t>{1, 3, 1, 2, -1});
}

TEST_CASE("boxes: top-k has the CPU's order on the device, ties and all", "[gpu][boxes]") {
  if (!has_device()) return;
  reset_stats();
  struct Case {
    int64_t n, k;
    bool holes;
  };
  for (const auto& [n, k, holes] :
       {Case{1, 1, false}, Case{33, 40, true}, Case{1000, 1, false}, Case{1000, 100, true}, Case{150, 150, false}, Case{1100, 70, true}}) {
    INFO(n << " " << k << " " << holes);
    Tensor scores = coarse_scores({2, n}, static_cast<uint64_t>(n));
    for (int64_t i = 0; i < n; i += 7) scores.data<float>()[i] = -infinity;
    for (int64_t i = 3; i < n; i += 50) scores.data<float>()[i] = nan;
    for (int64_t i = 0; i < n; ++i) scores.data<float>()[n + i] = 0.5f;  // all equal
    const auto best = [&, k = k, holes = holes] { return values_of<int32_t>(mr::top_k(there(scores), k, holes).index); };
    CHECK((n > 1000 ? best() : under_every_order(best)) == values_of<int32_t>(mr::top_k(scores, k, holes).index));
  }
  Tensor random = Tensor::empty({1, 1000}, DType::f32, Device{});  // differ in the last bits only
  Rng rng(1);
  for (float& v : random.values<float>()) v = 1 + static_cast<float>(rng.below(2000)) * 0x1p-23f;
  const Chosen best = mr::top_k(there(random), 77);
  CHECK(values_of<int32_t>(best.index) == values_of<int32_t>(mr::top_k(random, 77).index));
  CHECK(values_of<int32_t>(best.count) == std::vector<int32_t>{77});
  CHECK(values_of<int32_t>(mr::top_k(there(Tensor::empty({2, 0})), 3).index) == std::vector<int32_t>(6, -1));
  CHECK(values_of<int32_t>(mr::top_k(there(Tensor::full({2, 9}, -infinity)), 3, true).count) == std::vector<int32_t>{0, 0});
  few_bank_conflicts("top_k");  // what is sorted is written where a counter says, in the order that the threads come
}

TEST_CASE("boxes: NMS keeps what the CPU keeps on the device, in its order", "[gpu][boxes]") {
  if (!has_device()) return;
  reset_stats();
  struct Case {
    int64_t length, most;
    bool interleaved;
  };
  for (const auto& [length, most, interleaved] : {Case{1, 2, false}, Case{64, 20, true}, Case{130, 260, false}, Case{66, 132, true}}) {
    constexpr int64_t images = 2, groups = 2;
    const int64_t M = groups * length;
    INFO(length << " " << interleaved);
    const Candidates c{whole_boxes({images, M, 4}, static_cast<uint64_t>(length), 24), coarse_scores({images, M}, 9), groups, interleaved};
    for (int64_t i = 0; i < M; i += 5) c.scores.data<float>()[i] = -infinity;
    c.scores.data<float>()[M + M / 2] = nan;
    const auto all_of = [&, most = most](const Candidates& candidates) {
      const Chosen kept = mr::nms(candidates, 0.3, most);
      std::vector<int32_t> all = values_of<int32_t>(kept.index);
      for (const int32_t n : values_of<int32_t>(kept.count)) all.push_back(n);
      return all;
    };
    const std::vector<int32_t> want = all_of(c);
    CHECK(under_every_order([&] { return all_of({there(c.boxes), there(c.scores), c.groups, c.interleaved}); }) == want);
  }
  CHECK(values_of<int32_t>(mr::nms(new_candidates(2, 1, 0, gpu_device()), 0.5, 4).count) == std::vector<int32_t>{0, 0});
  no_bank_conflicts("nms_cover");
  no_bank_conflicts("nms_scan");
}

TEST_CASE("boxes: a rule that reads outside its memory is named by its line on the emulated device", "[gpu][boxes]") {
  if (!has_device() || built != Built::emulated) return;
  const Tensor x = there(Tensor::zeros({1, 3})), index = there(Tensor::of<int32_t>({1, 1}, {1 << 24}));
  CHECK_THROWS_WITH(values_of<float>(mr::take(x, index)),
                    Catch::Matchers::Contains("take") && Catch::Matchers::Contains("ops/boxes/rows.h:"));
}

TEST_CASE("boxes: what only the device's lists refuse", "[gpu][boxes]") {
  if (!has_device()) return;
  using Catch::Matchers::Contains;
  const Tensor boxes = there(Tensor::zeros({2, 6, 4}));
  CHECK_THROWS_WITH(mr::top_k(there(Tensor::zeros({1, 20000})), 17000), Contains("16384 rows to be sorted at most, got 17000"));
  CHECK_THROWS_WITH(mr::nms({boxes, Tensor::zeros({2, 6})}, 0.5, 1), Contains("expected memory of a GPU"));
  CHECK_THROWS_WITH(mr::sample_balanced(there(Tensor::zeros({2, 6}, DType::i32)), 20000, 0.5, there(Tensor::zeros({2, 6}, DType::i32))),
                    Contains("sample_balanced: count must be 0 … 16384, got 20000"));
  CHECK_THROWS_WITH(BoxCoder{}.encode(there(Tensor::zeros({2, 4})), Tensor::zeros({2, 4})), Contains("expected memory of a GPU"));
}

}  // namespace mr::gpu
