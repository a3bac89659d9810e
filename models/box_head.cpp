#include <algorithm>

#include "models/heads.h"
#include "ops/boxes/levels.h"
#include "ops/boxes/matcher.h"
#include "ops/boxes/nms.h"
#include "ops/boxes/sampler.h"
#include "ops/elementwise/reshape.h"
#include "ops/gemm/linear.h"
#include "ops/loss/cross_entropy.h"
#include "ops/loss/smooth_l1.h"
#include "ops/roi/crop_and_resize.h"
#include "ops/roi/precise_roi_pool.h"
#include "ops/roi/roi_align.h"
#include "ops/roi/roi_pool.h"
#include "ops/roi/roi_warp.h"
#include "tensor/rows.h"

namespace mr {
namespace {

// A class of a RoI that scored above the threshold.
struct Candidate {
  int32_t roi, label;
  float score;
};

// The class and the box deltas that each RoI is to have: labels [R], deltas [R,4].
std::pair<Tensor, Tensor> goals(int64_t R, const std::vector<RoISample>& samples, const Batch& batch, const BoxCoder& coder) {
  Tensor labels = Tensor::empty({R}, DType::i32), goal = Tensor::zeros({R, 4});
  int64_t row = 0;
  for (size_t n = 0; n < samples.size(); ++n) {
    const RoISample& s = samples[n];
    const int64_t count = s.boxes.size(0);
    std::copy_n(s.labels.data(), count, labels.data<int32_t>() + row);
    if (batch.targets[n].boxes.size(0)) {
      const Tensor encoded = coder.encode(take_rows(batch.targets[n].boxes, s.gt), s.boxes);  // [R_n,4]
      std::copy_n(encoded.data<float>(), 4 * count, goal.data<float>() + 4 * row);
    }
    row += count;
  }
  return {labels, goal};
}

}  // namespace

Var pool_rois(const Features& P, const Tensor& rois, int64_t size, const RoIConfig& c) {
  constexpr size_t levels = 4;  // P6 only serves the RPN
  const std::vector<Var> maps(P.maps.begin(), P.maps.begin() + std::min(levels, P.maps.size()));
  const std::vector<int> strides(P.strides.begin(), P.strides.begin() + std::min(levels, P.strides.size()));
  const Tensor level = assign_levels(rois, 2, 5);  // [R]
  const auto bins = static_cast<int>(size), samples = static_cast<int>(c.sampling);
  const Var boxes(rois);  // constants to the heads
  switch (c.op) {
    case RoIOp::align:
      return roi_align(maps, strides, boxes, level, {.size = bins, .sampling_ratio = samples, .aligned = c.aligned, .reduce = c.reduce});
    case RoIOp::pool:
      return roi_pool(maps, strides, rois, level, {.size = bins});
    case RoIOp::warp:
      return roi_warp(maps, strides, boxes, level, {.size = bins, .sampling_ratio = samples, .reduce = c.reduce});
    case RoIOp::mnc_warp:
      return roi_warp(maps, strides, boxes, level, {.size = bins, .reduce = c.reduce, .variant = WarpVariant::mnc});
    case RoIOp::precise:
      return precise_roi_pool(maps, strides, boxes, level, {.size = bins, .aligned = c.aligned});
    case RoIOp::crop:
      return crop_and_resize(maps, strides, boxes, level, {.size = bins, .reduce = c.reduce});
  }
  fail("model.roi.op: unknown operator");
}

Tensor to_rois(const std::vector<Tensor>& boxes) {
  int64_t total = 0;
  for (const Tensor& b : boxes) total += b.size(0);
  Tensor rois = Tensor::empty({total, 5});
  float* r = rois.data<float>();
  for (size_t n = 0; n < boxes.size(); ++n) {
    const float* b = boxes[n].data<float>();
    for (int64_t i = 0; i < boxes[n].size(0); ++i, r += 5, b += 4) {
      r[0] = static_cast<float>(n);
      std::copy_n(b, 4, r + 1);
    }
  }
  return rois;
}

BoxHead::BoxHead(Parameters& p, const std::string& prefix, int64_t channels, int64_t classes, const BoxHeadConfig& c)
    : config_(c), classes_(classes) {
  const auto bias = [&](const char* name, int64_t n) { return p.add(prefix + name, {n}, Init::zeros(), ParameterKind::bias); };
  fc6_w_ = p.add_fc_of_map(prefix + "box_head.fc6.weight", c.width, static_cast<int>(c.size), static_cast<int>(c.size),
                           static_cast<int>(channels), Init::xavier());
  fc6_b_ = bias("box_head.fc6.bias", c.width);
  fc7_w_ = p.add(prefix + "box_head.fc7.weight", {c.width, c.width}, Init::xavier());
  fc7_b_ = bias("box_head.fc7.bias", c.width);
  score_w_ = p.add(prefix + "box_predictor.cls_score.weight", {classes + 1, c.width}, Init::normal(0.01));
  score_b_ = bias("box_predictor.cls_score.bias", classes + 1);
  delta_w_ = p.add(prefix + "box_predictor.bbox_pred.weight", {4 * (classes + 1), c.width}, Init::normal(0.001));
  delta_b_ = bias("box_predictor.bbox_pred.bias", 4 * (classes + 1));
}

BoxHead::Output BoxHead::operator()(const Features& P, const Tensor& rois, const RoIConfig& roi) const {
  Var x = flatten_rows(pool_rois(P, rois, config_.size, roi));  // [R,7·7·C]
  x = linear(x, fc6_w_, fc6_b_, true);                          // [R,1024]
  x = linear(x, fc7_w_, fc7_b_, true);                          // [R,1024]
  return {linear(x, score_w_, score_b_), linear(x, delta_w_, delta_b_)};
}

RoISample BoxHead::sample(const Tensor& proposals, const Batch& batch, size_t image) const {
  const ImageTargets& t = batch.targets[image];
  const Tensor boxes = t.boxes.size(0) ? join_rows({proposals, t.boxes}) : proposals;  // [R+G,4]
  const Match match =
      match_boxes(t.boxes, boxes, static_cast<float>(config_.positive_iou), static_cast<float>(config_.negative_iou), false);
  Rng rng = batch.rng("roi sample", image);
  const Sampled s = sample_balanced(match, static_cast<int>(config_.batch), config_.positive_fraction, rng);
  std::vector<int32_t> keep = s.positive;
  keep.insert(keep.end(), s.negative.begin(), s.negative.end());
  std::ranges::sort(keep);
  RoISample out;
  out.boxes = take_rows(boxes, keep);
  for (const int32_t i : keep) {
    const int32_t gt = match.gt[static_cast<size_t>(i)];
    out.labels.push_back(gt >= 0 ? t.labels.data<int32_t>()[gt] : 0);
    out.gt.push_back(std::max(gt, 0));
  }
  return out;
}

std::vector<NamedLoss> BoxHead::losses(const Output& out, const std::vector<RoISample>& samples, const Batch& batch) const {
  const int64_t R = out.scores.size(0);
  const auto [labels, goal] = goals(R, samples, batch, coder);
  const double divisor = static_cast<double>(std::max<int64_t>(R, 1));
  return {{"class", softmax_cross_entropy(out.scores, labels, divisor)},
          {"box", class_box_loss(out.deltas, labels, goal, config_.beta, divisor)}};
}

std::vector<Detections> BoxHead::detections(const Output& out, const std::vector<Tensor>& proposals,
                                            const std::vector<ImageSize>& sizes) const {
  const Tensor probabilities = softmax(out.scores.value().to(DType::f32));  // [R,K+1]
  const Tensor deltas = out.deltas.value().to(DType::f32);                  // [R,4(K+1)]
  const int64_t columns = classes_ + 1;
  std::vector<Detections> all;
  int64_t first = 0;
  for (size_t n = 0; n < proposals.size(); ++n) {
    const int64_t count = proposals[n].size(0);
    std::vector<Candidate> found;
    for (int64_t r = 0; r < count; ++r)
      for (int64_t k = 1; k < columns; ++k) {
        const float p = probabilities.data<float>()[(first + r) * columns + k];
        if (p > static_cast<float>(config_.score)) found.push_back({static_cast<int32_t>(r), static_cast<int32_t>(k), p});
      }
    const auto M = static_cast<int64_t>(found.size());
    Tensor delta = Tensor::empty({M, 4}), anchor = Tensor::empty({M, 4});
    for (int64_t i = 0; i < M; ++i) {
      const Candidate& c = found[static_cast<size_t>(i)];
      std::copy_n(deltas.data<float>() + ((first + c.roi) * columns + c.label) * 4, 4, delta.data<float>() + 4 * i);
      std::copy_n(proposals[n].data<float>() + 4 * c.roi, 4, anchor.data<float>() + 4 * i);
    }
    Tensor boxes = coder.decode(delta, anchor);  // [M,4]
    clip_boxes(boxes, sizes[n].height, sizes[n].width);
    std::vector<int32_t> large, labels;
    std::vector<float> scores;
    const float* b = boxes.data<float>();
    const auto least = static_cast<float>(config_.min_size);
    for (int32_t i = 0; i < M; ++i) {
      if (b[4 * i + 2] - b[4 * i] < least || b[4 * i + 3] - b[4 * i + 1] < least) continue;
      large.push_back(i);
      labels.push_back(found[static_cast<size_t>(i)].label);
      scores.push_back(found[static_cast<size_t>(i)].score);
    }
    const auto L = static_cast<int64_t>(large.size());
    const Tensor kept = take_rows(boxes, large), score = Tensor::of<float>({L}, scores), label = Tensor::of<int32_t>({L}, labels);
    std::vector<int32_t> best = batched_nms(kept, score, label, static_cast<float>(config_.nms));
    if (best.size() > static_cast<size_t>(config_.detections)) best.resize(static_cast<size_t>(config_.detections));
    all.push_back({take_rows(kept, best), take_rows(score, best), take_rows(label, best), {}});
    first += count;
  }
  return all;
}

}  // namespace mr
