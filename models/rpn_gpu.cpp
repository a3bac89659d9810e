// The RPN on a GPU: what rpn.cpp does, over lists of fixed size.
#include <algorithm>
#include <optional>

#include "models/rpn.h"
#include "ops/conv/conv2d_sparse.h"
#include "ops/elementwise/add.h"
#include "ops/elementwise/cast.h"
#include "ops/elementwise/concat.h"
#include "ops/elementwise/gather.h"
#include "ops/elementwise/reshape.h"
#include "ops/gemm/linear.h"
#include "ops/loss/loss_gpu.h"
#include "ops/loss/sigmoid_bce.h"
#include "ops/loss/smooth_l1.h"

namespace mr {
namespace {

// The levels one after the other: [Σ N·A_l, columns].
Var all_rows(const std::vector<Var>& levels, int64_t columns) {
  std::vector<Var> parts;
  for (const Var& v : levels) parts.push_back(reshape(v, {v.value().numel() / columns, columns}));
  return concat_rows(parts);
}

}  // namespace

RPN::Dense RPN::dense(const Features& P, const Shape& images) const {
  const bool sparse = config_.sparse && grad_enabled();
  std::optional<NoGrad> guard;
  if (sparse) guard.emplace();
  Dense out;
  for (size_t l = 0; l < P.maps.size(); ++l) {
    const Var h = conv_(P.maps[l], true);  // [N,H,W,C]
    if (sparse) out.hidden.push_back(h.value());
    out.anchors.push_back(anchors(P, l, images));
    const int64_t N = h.size(0), A = out.anchors.back().size(0);
    out.count.push_back(A);
    out.objectness.push_back(cast(reshape(objectness_(h), {N, A}), DType::f32));
    out.deltas.push_back(cast(reshape(deltas_(h), {N, A, 4}), DType::f32));
  }
  return out;
}

gpu::BoxList RPN::proposals(const Dense& out, const Tensor& sizes, bool training) const {
  const int64_t before = training ? config_.pre_nms_train : config_.pre_nms_test;
  const int64_t after = training ? config_.post_nms_train : config_.post_nms_test;
  const int64_t N = sizes.size(0), levels = static_cast<int64_t>(out.count.size());
  const int64_t room = std::min(before, *std::ranges::max_element(out.count));
  const gpu::Candidates candidates = gpu::new_candidates(N, levels * room, sizes.device());
  for (size_t l = 0; l < out.count.size(); ++l) {
    const gpu::Chosen best = gpu::top_k(out.objectness[l].value(), std::min(room, out.count[l]));
    gpu::decode_proposals(candidates, static_cast<int>(l), room, best.index, out.objectness[l].value(), out.deltas[l].value(),
                          out.anchors[l], sizes, static_cast<float>(config_.min_size));
  }
  const gpu::Chosen kept = gpu::nms(candidates.boxes, candidates.scores, {.count = levels}, static_cast<float>(config_.nms), after);
  return {gpu::take(candidates.boxes, kept.index), kept.count};
}

// Of all anchors the sampled ones; or, as rpn.cpp does, h at their cells once more, now with gradients, and the heads on those rows.
RPN::AtSamples RPN::at_samples(const Features& P, const Dense& out, const Tensor& index, const Tensor& labels) const {
  if (out.hidden.empty())
    return {gather_rows(all_rows(out.objectness, 1), gpu::level_rows(index, out.count)),
            gather_rows(all_rows(out.deltas, 4), gpu::level_rows(index, out.count, labels))};
  const int64_t A = objectness_.w.size(0), C = objectness_.w.size(3), R = index.numel();
  const Tensor cells = gpu::level_cells(index, out.count, A);  // [levels,R]
  Var h;                                                       // [R,C]; a row is 0 on all levels but its own
  for (size_t l = 0; l < out.hidden.size(); ++l) {
    const auto level = static_cast<int64_t>(l);
    const Var rows = conv2d_relu_at(P.maps[l], conv_.w, conv_.b, conv_.options, cells.slice(level, level + 1).reshape({R}), out.hidden[l]);
    h = h ? add(h, rows) : rows;
  }
  const Var logits = linear(h, reshape(objectness_.w, {A, C}), objectness_.b);  // [R,A]
  const Var deltas = linear(h, reshape(deltas_.w, {4 * A, C}), deltas_.b);      // [R,4A]
  return {cast(gather_rows(reshape(logits, {R * A, 1}), gpu::cell_rows(index, A)), DType::f32),
          cast(gather_rows(reshape(deltas, {R * A, 4}), gpu::cell_rows(index, A, labels)), DType::f32)};
}

std::vector<NamedLoss> RPN::losses(const Features& P, const Dense& out, const PaddedBatch& goal) const {
  std::vector<Var> anchor_levels;
  for (const Tensor& a : out.anchors) anchor_levels.emplace_back(a);
  const Tensor anchors = concat_rows(anchor_levels).value();  // [A,4]
  const Tensor match = gpu::match_boxes(goal.boxes, goal.count, anchors, {}, static_cast<float>(config_.positive_iou),
                                        static_cast<float>(config_.negative_iou), true);  // [N,A]
  const gpu::Sampled s = gpu::sample_balanced(match, static_cast<int>(config_.batch), config_.positive_fraction, goal.anchor_rng);
  const gpu::BoxTargets t = gpu::box_targets(anchors, match, s.index, goal.boxes, {}, BoxCoder{});
  const int64_t S = t.labels.numel();
  const Tensor labels = t.labels.reshape({S});  // 1 an object, 0 background, −1 none

  const AtSamples of = at_samples(P, out, s.index, t.labels);
  const Tensor object = gpu::relabel(labels, {.nothing = 0}).to(DType::f32).reshape({S, 1, 1});  // 0 or 1
  const Var objectness =
      mask_loss(reshape(of.objectness, {S, 1, 1, 1}), gpu::relabel(labels, {.object = 0}), object);  // the mean over those sampled
  return {{"rpn_objectness", objectness},
          {"rpn_box", smooth_l1(of.deltas, t.deltas.reshape({S, 4}), config_.beta, Divisor(gpu::count_labels(labels, 0, 2)))}};
}

}  // namespace mr
