#include "models/rpn.h"

#include <algorithm>

#include "ops/boxes/anchors.h"
#include "ops/boxes/box_coder.h"
#include "ops/boxes/box_rules.h"
#include "ops/boxes/matcher.h"
#include "ops/boxes/nms.h"
#include "ops/boxes/sampler.h"
#include "ops/boxes/topk.h"
#include "ops/conv/conv2d_sparse.h"
#include "ops/elementwise/concat.h"
#include "ops/elementwise/gather.h"
#include "ops/elementwise/reshape.h"
#include "ops/gemm/linear.h"
#include "ops/loss/sigmoid_bce.h"
#include "ops/loss/smooth_l1.h"
#include "tensor/rows.h"

namespace mr {
namespace {

// The proposals of one level of one image: the `most` best by objectness.
struct Level {
  Tensor boxes;  // [R,4]
  std::vector<float> scores;
};

Level best_of_level(const Tensor& anchors, const Tensor& objectness, const Tensor& deltas, int64_t most) {
  const std::vector<int32_t> keep = top_k(objectness, most);
  Level level;
  level.boxes = BoxCoder{}.decode(take_rows(deltas, keep), take_rows(anchors, keep));  // [R,4]
  for (const int32_t i : keep) level.scores.push_back(probability(objectness.data<float>()[i]));
  return level;
}

}  // namespace

RPN::RPN(Parameters& p, const std::string& prefix, int64_t channels, const RPNConfig& config)
    : config_(config),
      conv_(p, prefix + "conv.0.0", channels, channels, 3, Init::normal(0.01), {.padding = 1}),
      objectness_(p, prefix + "cls_logits", channels, static_cast<int64_t>(config.anchor_ratios.size()), 1, Init::normal(0.01)),
      deltas_(p, prefix + "bbox_pred", channels, 4 * static_cast<int64_t>(config.anchor_ratios.size()), 1, Init::normal(0.01)) {}

Tensor RPN::anchors(const Features& P, size_t level, const Shape& images) const {
  check(P.maps.size() == config_.anchor_sizes.size(), "rpn: ", config_.anchor_sizes.size(), " anchor sizes, but ", P.maps.size(),
        " levels");
  const auto H = static_cast<int>(P.maps[level].size(1)), W = static_cast<int>(P.maps[level].size(2));
  // torchvision's strides: whole pixels of the padded image a cell
  return anchors_for_level(H, W, static_cast<int>(images[1]) / H, static_cast<int>(images[2]) / W, {config_.anchor_sizes[level]},
                           {.ratios = config_.anchor_ratios, .round = config_.round_anchors});  // [H·W·A,4]
}

RPN::Output RPN::operator()(const Features& P, const Shape& images) const {
  const NoGrad guard;
  const auto A = static_cast<int64_t>(config_.anchor_ratios.size());
  Output out;
  for (size_t l = 0; l < P.maps.size(); ++l) {
    const int64_t N = P.maps[l].size(0), H = P.maps[l].size(1), W = P.maps[l].size(2);
    const Var h = conv_(P.maps[l], true);  // [N,H,W,C]
    out.hidden.push_back(h.value());
    out.objectness.push_back(objectness_(h).value().to(DType::f32).reshape({N, H * W * A}));
    out.deltas.push_back(deltas_(h).value().to(DType::f32).reshape({N, H * W * A, 4}));
    out.anchors.push_back(anchors(P, l, images));
  }
  return out;
}

std::vector<Tensor> RPN::proposals(const Output& out, const std::vector<ImageSize>& sizes, bool training) const {
  const int64_t before = training ? config_.pre_nms_train : config_.pre_nms_test;
  const auto after = static_cast<size_t>(training ? config_.post_nms_train : config_.post_nms_test);
  std::vector<Tensor> result;
  for (size_t n = 0; n < sizes.size(); ++n) {
    std::vector<Tensor> boxes;
    std::vector<float> scores;
    std::vector<int32_t> level_of;
    for (size_t l = 0; l < out.anchors.size(); ++l) {
      const auto i = static_cast<int64_t>(n), cells = out.anchors[l].size(0);
      const Level level = best_of_level(out.anchors[l], out.objectness[l].slice(i, i + 1).reshape({cells}),
                                        out.deltas[l].slice(i, i + 1).reshape({cells, 4}), std::min(before, cells));
      boxes.push_back(level.boxes);
      scores.insert(scores.end(), level.scores.begin(), level.scores.end());
      level_of.insert(level_of.end(), level.scores.size(), static_cast<int32_t>(l));
    }
    Tensor all = join_rows(boxes);  // [R,4]
    clip_boxes(all, sizes[n].height, sizes[n].width);
    std::vector<int32_t> large;
    const float* b = all.data<float>();
    for (int32_t r = 0; r < all.size(0); ++r)
      if (b[4 * r + 2] - b[4 * r] >= static_cast<float>(config_.min_size) &&
          b[4 * r + 3] - b[4 * r + 1] >= static_cast<float>(config_.min_size))
        large.push_back(r);
    const Tensor kept = take_rows(all, large);
    const Tensor kept_scores = take_rows(Tensor::of<float>({all.size(0)}, scores), large);
    const Tensor kept_levels = take_rows(Tensor::of<int32_t>({all.size(0)}, level_of), large);
    std::vector<int32_t> best = batched_nms(kept, kept_scores, kept_levels, static_cast<float>(config_.nms));
    if (best.size() > after) best.resize(after);
    result.push_back(take_rows(kept, best));
  }
  return result;
}

AnchorSample RPN::sample(const Output& out, const Batch& batch, size_t image) const {
  const Match match = match_boxes(batch.targets[image].boxes, join_rows(out.anchors), static_cast<float>(config_.positive_iou),
                                  static_cast<float>(config_.negative_iou), true);
  Rng rng = batch.rng("rpn sample", image);
  const Sampled s = sample_balanced(match, static_cast<int>(config_.batch), config_.positive_fraction, rng);
  return {s.positive, s.negative};
}

struct RPN::Row {
  size_t level;
  int32_t cell;    // of the level's map, images in a row: (n·H + y)·W + x
  int32_t anchor;  // of the cell
  bool positive;
  float target[4];  // deltas of a positive one
};

std::vector<RPN::Row> RPN::rows(const Output& out, const Batch& batch, const std::vector<AnchorSample>& samples) const {
  const auto A = static_cast<int32_t>(config_.anchor_ratios.size());
  const Tensor anchors = join_rows(out.anchors);
  std::vector<Row> all;
  for (size_t n = 0; n < samples.size(); ++n) {
    const auto add = [&](int32_t index, bool positive) {
      size_t l = 0;
      while (index >= out.anchors[l].size(0)) index -= static_cast<int32_t>(out.anchors[l++].size(0));
      const auto cells = static_cast<int32_t>(out.anchors[l].size(0) / A);
      all.push_back({l, static_cast<int32_t>(n) * cells + index / A, index % A, positive, {}});
    };
    const std::vector<int32_t>& positive = samples[n].positive;
    if (!positive.empty()) {
      const Tensor chosen = take_rows(anchors, positive);  // [P,4]
      // the target of a positive anchor is its own best object, also where a rule made it positive for another
      const Match best = match_boxes(batch.targets[n].boxes, chosen, 0, 0, false);
      const Tensor goal = BoxCoder{}.encode(take_rows(batch.targets[n].boxes, best.gt), chosen);
      for (size_t i = 0; i < positive.size(); ++i) {
        add(positive[i], true);
        std::copy_n(goal.data<float>() + 4 * i, 4, all.back().target);
      }
    }
    for (const int32_t i : samples[n].negative) add(i, false);
  }
  std::ranges::stable_sort(all, {}, &Row::level);
  return all;
}

// h of the sampled anchors, [S,C], level by level.
Var RPN::hidden_rows(const Features& P, const Output& out, const std::vector<Row>& all) const {
  std::vector<Var> parts;
  for (size_t l = 0; l < P.maps.size(); ++l) {
    std::vector<int64_t> cells;
    for (const Row& r : all)
      if (r.level == l) cells.push_back(r.cell);
    if (cells.empty()) continue;
    const Tensor index = Tensor::of<int64_t>({static_cast<int64_t>(cells.size())}, cells);
    if (config_.sparse) {
      parts.push_back(conv2d_relu_at(P.maps[l], conv_.w, conv_.b, conv_.options, index, out.hidden[l]));
    } else {
      const Var h = conv_(P.maps[l], true);  // [N,H,W,C]
      parts.push_back(gather_rows(reshape(h, {h.size(0) * h.size(1) * h.size(2), h.size(3)}), index));
    }
  }
  return concat_rows(parts);
}

std::vector<NamedLoss> RPN::losses(const Features& P, const Output& out, const Batch& batch,
                                   const std::vector<AnchorSample>& samples) const {
  const auto A = static_cast<int64_t>(config_.anchor_ratios.size());
  const std::vector<Row> all = rows(out, batch, samples);
  check(!all.empty(), "rpn: no anchor was sampled");
  const auto S = static_cast<int64_t>(all.size());
  const Var h = hidden_rows(P, out, all);  // [S,C]
  const int64_t C = h.size(1);
  const Var logits = linear(h, reshape(objectness_.w, {A, C}), objectness_.b);  // [S,A]
  const Var deltas = linear(h, reshape(deltas_.w, {4 * A, C}), deltas_.b);      // [S,4A]

  const Tensor label = Tensor::zeros({S, A}), chosen = Tensor::zeros_like(label);
  std::vector<int32_t> positive;
  std::vector<float> goal;
  for (int64_t s = 0; s < S; ++s) {
    const Row& r = all[static_cast<size_t>(s)];
    chosen.data<float>()[s * A + r.anchor] = 1;
    if (!r.positive) continue;
    label.data<float>()[s * A + r.anchor] = 1;
    positive.push_back(static_cast<int32_t>(s * A + r.anchor));
    goal.insert(goal.end(), r.target, r.target + 4);
  }
  const auto count = static_cast<int64_t>(positive.size());
  const Var predicted = gather_rows(reshape(deltas, {S * A, 4}), Tensor::of<int32_t>({count}, positive));  // [P,4]
  return {{"rpn_objectness", sigmoid_bce(logits, label, chosen, static_cast<double>(S))},
          {"rpn_box", smooth_l1(predicted, Tensor::of<float>({count, 4}, goal), config_.beta, static_cast<double>(S))}};
}

}  // namespace mr
