#include "tests/gpu/ops/boxes.h"

#include <limits>

#include "ops/boxes/anchors.h"
#include "ops/boxes/iou.h"
#include "ops/boxes/levels.h"
#include "ops/boxes/nms.h"
#include "ops/boxes/topk.h"
#include "tensor/rows.h"

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
    check_same(under_every_order([&] { return values_of<float>(gpu::box_iou(there(a), there(b))); }), mr::box_iou(a, b));
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
  const Tensor x = tensor_of<int32_t>({2, 3}, {1, 2, 3, 4, 5, 6}), index = tensor_of<int32_t>({2, 4}, {2, 0, -1, 2, 1, -1, -1, 0});
  CHECK(values_of<int32_t>(gpu::take(x, index)) == std::vector<int32_t>{3, 1, 0, 3, 5, 0, 0, 4});
  CHECK(values_of<int32_t>(first_columns(index, 2)) == std::vector<int32_t>{2, 0, 1, -1});

  const Tensor a = whole_boxes({2, 5, 4}, 1), b = whole_boxes({2, 3, 4}, 2);
  const std::vector<float> rows = values_of<float>(gpu::take(there(a), tensor_of<int32_t>({2, 2}, {4, -1, 0, 1})));
  CHECK(std::equal(rows.begin(), rows.begin() + 4, a.data<float>() + 16));
  CHECK(std::count(rows.begin() + 4, rows.begin() + 8, 0.0f) == 4);
  CHECK(std::equal(rows.begin() + 8, rows.end(), a.data<float>() + 20));

  const BoxList all = gpu::append(there(a), counts_of({2, 5}), there(b), counts_of({3, 0}));
  CHECK(values_of<int32_t>(all.count) == std::vector<int32_t>{5, 5});
  const std::vector<float> boxes = values_of<float>(all.boxes);
  REQUIRE(boxes.size() == 64);
  CHECK(std::equal(boxes.begin(), boxes.begin() + 8, a.data<float>()));
  CHECK(std::equal(boxes.begin() + 8, boxes.begin() + 20, b.data<float>()));
  CHECK(std::count(boxes.begin() + 20, boxes.begin() + 32, 0.0f) == 12);
  CHECK(std::equal(boxes.begin() + 32, boxes.begin() + 52, a.data<float>() + 20));
}

TEST_CASE("boxes: labels, rows and RoIs made from lists on the device", "[gpu][boxes]") {
  if (!has_device()) return;
  const Tensor labels = tensor_of<int32_t>({2, 2}, {-1, 0, 3, 1});
  CHECK(values_of<int32_t>(relabel(labels, {})) == std::vector<int32_t>{-1, 0, 3, 1});
  CHECK(values_of<int32_t>(relabel(labels, {.nothing = 0, .background = -1})) == std::vector<int32_t>{0, -1, 3, 1});
  CHECK(values_of<int32_t>(relabel(labels, {.background = 5, .object = 0})) == std::vector<int32_t>{-1, 5, 0, 0});

  // Levels of 6, 2 and 1 anchors, two images: rows 0…5 and 6…11, 12…13 and 14…15, 16 and 17.
  const std::vector<int64_t> anchors = {6, 2, 1};
  const Tensor index = tensor_of<int32_t>({2, 5}, {0, 5, 6, 8, -1, 0, 5, 7, 8, -1});
  CHECK(values_of<int32_t>(level_rows(index, anchors)) == std::vector<int32_t>{0, 5, 12, 16, -1, 6, 11, 15, 17, -1});
  const Tensor objects = tensor_of<int32_t>({2, 5}, {1, 0, -1, 2, 1, 0, 1, 1, 0, 0});
  CHECK(values_of<int32_t>(level_rows(index, anchors, objects)) == std::vector<int32_t>{0, -1, -1, 16, -1, -1, 11, 15, -1, -1});

  const Tensor boxes = whole_boxes({2, 3, 4}, 3);
  const Tensor rois = here(gpu::to_rois(there(boxes)));
  REQUIRE(rois.shape() == Shape{6, 5});
  for (int64_t r = 0; r < 6; ++r) {
    CHECK(rois.at(5 * r) == static_cast<double>(r / 3));
    for (int64_t k = 0; k < 4; ++k) CHECK(rois.at(5 * r + 1 + k) == boxes.at(4 * r + k));
  }

  const Tensor found = tensor_of<int32_t>({1, 5}, {0, 2, 3, 7, -1});
  CHECK(values_of<int32_t>(detected_labels(found, 3)) == std::vector<int32_t>{1, 3, 1, 2, -1});
}

TEST_CASE("boxes: sampled anchors as rows of all levels, as cells of each, and as rows of those cells", "[gpu][boxes]") {
  if (!has_device()) return;
  const std::vector<int64_t> anchors = {6, 3};  // 2 cells and 1, of 3 anchors
  const Tensor index = tensor_of<int32_t>({2, 4}, {5, 6, -1, 0, 8, 3, -1, 2}),
               labels = tensor_of<int32_t>({2, 4}, {1, 0, -1, 2, 0, 1, -1, 1});
  CHECK(values_of<int32_t>(level_rows(index, anchors)) == std::vector<int32_t>{5, 12, -1, 0, 17, 9, -1, 8});
  CHECK(values_of<int32_t>(level_rows(index, anchors, labels)) == std::vector<int32_t>{5, -1, -1, 0, -1, 9, -1, 8});
  const Tensor cells = level_cells(index, anchors, 3);
  CHECK(cells.shape() == Shape{2, 8});
  CHECK(values_of<int32_t>(cells) == std::vector<int32_t>{1, -1, -1, 0, -1, 3, -1, 2, -1, 0, -1, -1, 1, -1, -1, -1});
  CHECK(values_of<int32_t>(cell_rows(index, 3)) == std::vector<int32_t>{2, 3, -1, 9, 14, 15, -1, 23});
  CHECK(values_of<int32_t>(cell_rows(index, 3, labels)) == std::vector<int32_t>{2, -1, -1, 9, -1, 15, -1, 23});
  CHECK_THROWS_WITH(level_cells(index, anchors, 2), Catch::Matchers::Contains("level_cells: expected whole cells of 2 anchors, got 3"));
}

namespace {

// Of each row of scores [N,n], what mr::top_k gives for those that are there.
std::vector<int32_t> expected_top_k(const Tensor& scores, int64_t k, bool holes) {
  std::vector<int32_t> all;
  for (int64_t r = 0; r < scores.size(0); ++r) {
    const float* s = scores.data<float>() + r * scores.size(1);
    std::vector<int32_t> rows;
    for (int32_t i = 0; i < scores.size(1); ++i)
      if (!holes || s[i] != -infinity) rows.push_back(i);
    const Tensor there = take_rows(scores.slice(r, r + 1).reshape({scores.size(1)}), rows);
    std::vector<int32_t> best = mr::top_k(there, k);
    for (int32_t& i : best) i = rows[static_cast<size_t>(i)];
    best.resize(static_cast<size_t>(k), -1);
    all.insert(all.end(), best.begin(), best.end());
  }
  return all;
}

}  // namespace

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
    const auto best = [&, k = k, holes = holes] { return values_of<int32_t>(gpu::top_k(there(scores), k, holes).index); };
    CHECK((n > 1000 ? best() : under_every_order(best)) == expected_top_k(scores, k, holes));
  }
  Tensor random = Tensor::empty({1, 1000}, DType::f32, Device{});  // differ in the last bits only
  Rng rng(1);
  for (float& v : random.values<float>()) v = 1 + static_cast<float>(rng.below(2000)) * 0x1p-23f;
  const Chosen best = gpu::top_k(there(random), 77);
  CHECK(values_of<int32_t>(best.index) == expected_top_k(random, 77, false));
  CHECK(values_of<int32_t>(best.count) == std::vector<int32_t>{77});
  CHECK(values_of<int32_t>(gpu::top_k(there(Tensor::empty({2, 0})), 3).index) == std::vector<int32_t>(6, -1));
  CHECK(values_of<int32_t>(gpu::top_k(there(Tensor::full({2, 9}, -infinity)), 3, true).count) == std::vector<int32_t>{0, 0});
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
    const Tensor boxes = whole_boxes({images, M, 4}, static_cast<uint64_t>(length), 24), scores = coarse_scores({images, M}, 9);
    for (int64_t i = 0; i < M; i += 5) scores.data<float>()[i] = -infinity;
    scores.data<float>()[M + M / 2] = nan;
    std::vector<int32_t> want, count;
    for (int64_t n = 0; n < images; ++n) {
      std::vector<int32_t> rows, group;
      for (int32_t i = 0; i < M; ++i) {
        if (scores.data<float>()[n * M + i] == -infinity) continue;
        rows.push_back(i);
        group.push_back(static_cast<int32_t>(interleaved ? i % groups : i / length));
      }
      const auto R = static_cast<int64_t>(rows.size());
      std::vector<int32_t> kept =
          mr::batched_nms(take_rows(boxes.slice(n, n + 1).reshape({M, 4}), rows), take_rows(scores.slice(n, n + 1).reshape({M}), rows),
                          Tensor::of<int32_t>({R}, group), 0.3, static_cast<int>(most));
      for (int32_t& i : kept) i = rows[static_cast<size_t>(i)];
      count.push_back(static_cast<int32_t>(kept.size()));
      kept.resize(static_cast<size_t>(most), -1);
      want.insert(want.end(), kept.begin(), kept.end());
    }
    want.insert(want.end(), count.begin(), count.end());
    CHECK(under_every_order([&, most = most, interleaved = interleaved] {
            const Chosen kept = gpu::nms(there(boxes), there(scores), {groups, interleaved}, 0.3, most);
            std::vector<int32_t> got = values_of<int32_t>(kept.index);
            for (const int32_t c : values_of<int32_t>(kept.count)) got.push_back(c);
            return got;
          }) == want);
  }
  CHECK(values_of<int32_t>(gpu::nms(there(Tensor::empty({2, 0, 4})), there(Tensor::empty({2, 0})), {}, 0.5, 4).count) ==
        std::vector<int32_t>{0, 0});
  no_bank_conflicts("nms_cover");
  no_bank_conflicts("nms_scan");
}

TEST_CASE("boxes: what the device's lists refuse", "[gpu][boxes]") {
  if (!has_device()) return;
  using Catch::Matchers::Contains;
  const Tensor scores = there(Tensor::zeros({2, 6})), boxes = there(Tensor::zeros({2, 6, 4}));
  CHECK_THROWS_WITH(gpu::top_k(scores, -1), Contains("top_k: k must not be negative, got -1"));
  CHECK_THROWS_WITH(gpu::top_k(boxes, 1), Contains("top_k: scores must be [N,n] f32, got [2, 6, 4]"));
  CHECK_THROWS_WITH(gpu::top_k(there(Tensor::zeros({1, 20000})), 17000), Contains("16384 rows to be sorted at most, got 17000"));
  CHECK_THROWS_WITH(gpu::nms(boxes, scores, {.count = 4}, 0.5, 1), Contains("nms: 4 groups of equal length cannot be made of 6 rows"));
  CHECK_THROWS_WITH(gpu::nms(boxes, there(Tensor::zeros({2, 5})), {}, 0.5, 1), Contains("nms: scores must be [2, 6] f32, got [2, 5] f32"));
  CHECK_THROWS_WITH(gpu::nms(boxes, scores, {}, nan, 1), Contains("the threshold must be a number"));
  CHECK_THROWS_WITH(gpu::nms(Tensor::zeros({2, 6, 4}), scores, {}, 0.5, 1), Contains("expected memory of a GPU"));
  CHECK_THROWS_WITH(gpu::match_boxes(boxes, counts_of({1}), boxes, {}, 0.5f, 0.5f, false),
                    Contains("match_boxes: gt_count must be [2] i32, got [1] i32"));
  CHECK_THROWS_WITH(gpu::match_boxes(boxes, counts_of({1, 1}), boxes, {}, 0.5f, 0.6f, false), Contains("low must not exceed high"));
  CHECK_THROWS_WITH(
      gpu::sample_balanced(there(Tensor::zeros({2, 6}, DType::i32)), 4, 0.5, there(generator_streams(std::vector<Rng>{Rng(1)}))),
      Contains("sample_balanced: streams must be [2, 6] i32, got [1, 6] i32"));
  CHECK_THROWS_WITH(gpu::take(scores, there(Tensor::zeros({3, 1}, DType::i32))),
                    Contains("take: index must be [2, 1] i32, got [3, 1] i32"));
  CHECK_THROWS_WITH(gpu::encode_boxes({}, there(Tensor::zeros({3, 4})), there(Tensor::zeros({2, 4}))),
                    Contains("encode: gt must be [2, 4] f32, got [3, 4] f32"));
  CHECK_THROWS_WITH(relabel(scores, {}), Contains("relabel: labels must be i32"));
  CHECK_THROWS_WITH(detected_labels(scores, 3), Contains("detected_labels: index must be i32"));
  CHECK_THROWS_WITH(gpu::to_rois(scores), Contains("to_rois: boxes must be [N,R,4] f32, got [2, 6]"));
  CHECK_THROWS_WITH(level_rows(there(Tensor::zeros({2, 6}, DType::i32)), std::vector<int64_t>(9, 1)),
                    Contains("level_rows: expected at most 8 levels, got 9"));
}

}  // namespace mr::gpu
