// The steps of ops/boxes/lists.h one after the other, on the CPU and on the device.
#include "ops/boxes/anchors.h"
#include "ops/boxes/candidates.h"
#include "ops/boxes/matcher.h"
#include "ops/boxes/nms.h"
#include "ops/boxes/sampler.h"
#include "ops/boxes/topk.h"
#include "tests/gpu/ops/boxes.h"

namespace mr::gpu {
namespace {

Tensor random_floats(const Shape& shape, uint64_t seed, double lo, double hi) {
  Rng rng(seed, "stages");
  Tensor t = Tensor::empty(shape, DType::f32, Device{});
  for (float& v : t.values<float>()) v = static_cast<float>(rng.uniform(lo, hi));
  return t;
}

}  // namespace

TEST_CASE("boxes: the proposals of an RPN, from logits to the best of all levels", "[gpu][boxes]") {
  if (!has_device()) return;
  constexpr int64_t N = 2, before = 50, after = 3 * before;
  std::vector<Tensor> anchors, objectness, deltas;
  for (int l = 0; l < 3; ++l) {
    const int stride = 8 << l;
    anchors.push_back(mr::anchors_for_level(96 / stride, 96 / stride, stride, stride, {16.0 * (1 << l)}));
    const int64_t A = anchors.back().size(0);
    objectness.push_back(random_floats({N, A}, static_cast<uint64_t>(l), -4, 4));
    deltas.push_back(random_floats({N, A, 4}, static_cast<uint64_t>(10 + l), -0.5, 0.5));
  }
  const Tensor sizes = Tensor::of<int32_t>({N, 2}, {80, 96, 64, 100});
  const auto proposals = [&](Device device) {
    const Candidates c = new_candidates(N, 3, before, device);
    for (size_t l = 0; l < 3; ++l) {
      const Tensor logits = objectness[l].to(device);
      const Chosen best = mr::top_k(logits, std::min(before, logits.size(1)));
      mr::decode_proposals(c, static_cast<int64_t>(l), best, logits, deltas[l].to(device), anchors[l].to(device), sizes.to(device), 4);
    }
    return mr::take(c.boxes, mr::nms(c, 0.7f, after));
  };
  const BoxList want = proposals(Device{});
  CHECK(want.count.at(0) > 5);
  CHECK(want.count.at(1) < after);  // some are too small, some are covered
  std::vector<int32_t> count;
  const std::vector<float> got = under_every_order([&] {
    const BoxList list = proposals(gpu_device());
    count = values_of<int32_t>(list.count);
    return values_of<float>(list.boxes);
  });
  CHECK(count == values_of<int32_t>(want.count));
  check_same(got, want.boxes, true);
}

TEST_CASE("boxes: proposals and objects become the RoIs that train the box head", "[gpu][boxes]") {
  if (!has_device()) return;
  constexpr int64_t N = 2, R = 60, G = 4, S = 24;
  const BoxList proposals{whole_boxes({N, R, 4}, 1), Tensor::of<int32_t>({N}, {60, 31})};
  const BoxList objects{whole_boxes({N, G, 4}, 2), Tensor::of<int32_t>({N}, {4, 2})};
  const Rng rngs[] = {Rng(1, "roi sample", 3, 0), Rng(1, "roi sample", 3, 1)};
  const Tensor streams = generator_streams(rngs);
  const auto sample = [&](const BoxList& proposed, const BoxList& gt, const Tensor& from) {
    const BoxList all = mr::append(proposed, gt);
    return mr::sample_balanced(mr::match_boxes(gt, all, 0.4f, 0.4f, false), S, 0.25, from);
  };
  const Tensor want = sample(proposals, objects, streams), got = sample(there(proposals), there(objects), there(streams));
  CHECK(values_of<int32_t>(got) == values_of<int32_t>(want));
  const Tensor match = mr::match_boxes(objects, mr::append(proposals, objects), 0.4f, 0.4f, false);
  CHECK(match.at(static_cast<int64_t>(want.at(0))) >= 0);  // there is a box with an object
}

TEST_CASE("boxes: detections, from probabilities to the best of all classes", "[gpu][boxes]") {
  if (!has_device()) return;
  constexpr int64_t N = 2, R = 30, K = 3, most = 20;
  const Tensor sizes = Tensor::of<int32_t>({N, 2}, {30, 50, 40, 35});
  const BoxList proposals{whole_boxes({N, R, 4}, 1), Tensor::of<int32_t>({N}, {30, 17})};
  const Tensor probabilities = coarse_scores({N * R, K + 1}, 2, 16), deltas = random_floats({N * R, 4 * (K + 1)}, 3, -4, 4);
  // What a head says of the CPU's rows, which lack the fillers.
  const auto of_rows = [&](const Tensor& x) {
    Tensor rows = Tensor::empty({47, x.size(1)}, DType::f32, Device{});
    rows.copy_(x.slice(0, 47));
    return rows;
  };
  const auto detections = [&](Device device) {
    const bool on_cpu = device.type == DeviceType::cpu;
    const BoxRows rows = to_rows(on_cpu ? proposals : there(proposals));
    const Candidates c =
        mr::decode_detections(on_cpu ? of_rows(probabilities) : there(probabilities), on_cpu ? of_rows(deltas) : there(deltas), rows,
                              sizes.to(device), {.wx = 10, .wy = 10, .ww = 5, .wh = 5}, 0.3f, 3);
    const Chosen best = mr::nms(c, 0.5f, most);
    return std::pair(mr::take(c.boxes, best), mr::detected_labels(best.index, K));
  };
  const auto [want, want_labels] = detections(Device{});
  CHECK(want.count.at(0) > 5);
  std::vector<int32_t> labels, count;
  const std::vector<float> got = under_every_order([&] {
    const auto [found, found_labels] = detections(gpu_device());
    labels = values_of<int32_t>(found_labels);
    count = values_of<int32_t>(found.count);
    return values_of<float>(found.boxes);
  });
  CHECK(labels == values_of<int32_t>(want_labels));
  CHECK(count == values_of<int32_t>(want.count));
  check_same(got, want.boxes, true);
}

}  // namespace mr::gpu
