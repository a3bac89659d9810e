#include "models/proposals/rpn.h"

#include <algorithm>

#include "ops/boxes/anchors.h"
#include "ops/boxes/candidates.h"
#include "ops/boxes/matcher.h"
#include "ops/boxes/nms.h"
#include "ops/boxes/sampler.h"
#include "ops/boxes/targets.h"
#include "ops/boxes/topk.h"
#include "ops/conv/conv2d_sparse.h"
#include "ops/elementwise/concat.h"
#include "ops/elementwise/gather.h"
#include "ops/elementwise/reshape.h"
#include "ops/gemm/linear.h"
#include "ops/loss/sigmoid_bce.h"
#include "ops/loss/smooth_l1.h"
#include "tensor/stages.h"

namespace mr {
namespace {

Tensor all_levels(const std::vector<Tensor>& anchors) {  // [Σ A_l,4]
  std::vector<Var> levels(anchors.begin(), anchors.end());
  return concat_rows(levels).value();
}

}  // namespace

RPN::RPN(Parameters& p, const std::string& prefix, const std::vector<Level>& levels, const RPNConfig& config) : config_(config) {
  for (const double size : config.anchor_sizes) {
    if (levels.size() > 1 || sizes_.empty()) sizes_.emplace_back();
    sizes_.back().push_back(size);
  }
  check(sizes_.size() == levels.size(), "rpn: one size of anchors a level from ", levels.front().name, " to ", levels.back().name, ", so ",
        levels.size(), ", got ", sizes_.size());
  const auto A = static_cast<int64_t>(config.anchor_ratios.size() * sizes_.front().size());
  const int64_t in = levels.front().channels, C = config.channels > 0 ? config.channels : in;
  conv_ = Conv(p, prefix + "conv.0.0", in, C, 3, Init::normal(0.01), {.padding = 1});
  objectness_ = Conv(p, prefix + "cls_logits", C, A, 1, Init::normal(0.01));
  deltas_ = Conv(p, prefix + "bbox_pred", C, 4 * A, 1, Init::normal(0.01));
}

Tensor RPN::anchors(const Features& f, size_t level, const Shape& images) const {
  const auto H = static_cast<int>(f.maps[level].size(1)), W = static_cast<int>(f.maps[level].size(2));
  // torchvision's strides: whole pixels of the padded image a cell
  return anchors_for_level(H, W, static_cast<int>(images[1]) / H, static_cast<int>(images[2]) / W, sizes_[level],
                           {.ratios = config_.anchor_ratios, .round = config_.round_anchors});  // [H·W·A,4]
}

RPN::Output RPN::run(const Features& f, const Shape& images) const {
  const Stage stage("rpn");
  const bool training = grad_enabled();
  const NoGrad guard;
  Output out;
  for (size_t l = 0; l < f.maps.size(); ++l) {
    const Var h = conv_(f.maps[l], true);  // [N,H,W,C]
    if (training) out.hidden.push_back(h.value());
    out.anchors.push_back(anchors(f, l, images));
    const int64_t N = h.size(0), A = out.anchors.back().size(0);
    out.objectness.push_back(objectness_(h).value().to(DType::f32).reshape({N, A}));
    out.deltas.push_back(deltas_(h).value().to(DType::f32).reshape({N, A, 4}));
  }
  return out;
}

Proposed RPN::ranked(const Output& out, const Tensor& sizes, bool training) const {
  const Stage stage("proposals");
  const int64_t before = training ? config_.pre_nms_train : config_.pre_nms_test;
  const int64_t after = training ? config_.post_nms_train : config_.post_nms_test;
  int64_t room = 0;
  for (const Tensor& a : out.anchors) room = std::max(room, std::min(before, a.size(0)));
  const Candidates c = new_candidates(sizes.size(0), static_cast<int64_t>(out.anchors.size()), room, sizes.device());
  for (size_t l = 0; l < out.anchors.size(); ++l) {
    const Chosen best = top_k(out.objectness[l], std::min(room, out.anchors[l].size(0)));
    decode_proposals(c, static_cast<int64_t>(l), best, out.objectness[l], out.deltas[l], out.anchors[l], sizes,
                     static_cast<float>(config_.min_size));
  }
  const Chosen best = nms(c, static_cast<float>(config_.nms), after);
  return {take(c.boxes, best), {}, training ? Tensor() : take(c.scores, best.index)};
}

BoxList RPN::proposals(const Output& out, const Tensor& sizes, bool training) const { return ranked(out, sizes, training).boxes; }

Proposed RPN::train(const Features& f, const DeviceBatch& batch) const {
  const Output out = run(f, batch.images.shape());
  return {proposals(out, batch.sizes, true), losses(f, out, batch)};
}

Proposed RPN::predict(const Features& f, const DeviceBatch& batch) const {
  return ranked(run(f, batch.images.shape()), batch.sizes, false);
}

Losses RPN::losses(const Features& f, const Output& out, const DeviceBatch& batch) const {
  const Stage stage("rpn");
  const int64_t A = objectness_.w.size(0), C = objectness_.w.size(3);
  const Tensor anchors = all_levels(out.anchors);
  const Tensor match = match_boxes(batch.objects, anchors, {}, static_cast<float>(config_.positive_iou),
                                   static_cast<float>(config_.negative_iou), true);  // [N,A]
  const Tensor sample =
      batch.chosen ? batch.chosen->anchors : sample_balanced(match, config_.batch, config_.positive_fraction, batch.anchor_rng);  // [N,256]
  std::vector<int64_t> of_level;
  for (const Tensor& a : out.anchors) of_level.push_back(a.size(0));
  const AnchorTargets t = anchor_targets(anchors, of_level, A, match, sample, batch.objects, BoxCoder{});
  const int64_t R = t.labels.numel();
  check(R > 0, "rpn: no anchor was sampled");

  const Var h = conv2d_relu_at(f.maps, conv_.w, conv_.b, conv_.options, t.level, t.cell, out.hidden);  // [R,C]
  const Var logits = linear(h, reshape(objectness_.w, {A, C}), objectness_.b);                         // [R,A]
  const Var deltas = linear(h, reshape(deltas_.w, {4 * A, C}), deltas_.b);                             // [R,4A]
  const Var objectness = gather_rows(reshape(logits, {R * A, 1}), anchor_rows(t, A, false));           // [R,1]
  const Var box = gather_rows(reshape(deltas, {R * A, 4}), anchor_rows(t, A, true));                   // [R,4], 0 without an object
  const Divisor sampled_anchors = over_labels(t.labels, 0, 2);
  return {{"rpn_objectness", sigmoid_bce(objectness, t.labels.to(DType::f32).reshape({R, 1}), {}, sampled_anchors)},
          {"rpn_box", smooth_l1(box, t.deltas, config_.beta, sampled_anchors)}};
}

}  // namespace mr
