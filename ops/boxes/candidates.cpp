#include "ops/boxes/candidates.h"

#include <algorithm>
#include <cmath>

#include "ops/boxes/box_tensor.h"
#include "ops/boxes/rows.h"
#include "ops/each.h"

namespace mr {

Candidates candidates_of(const Tensor& boxes, const Tensor& scores) {
  check(boxes.defined() && boxes.rank() == 2, "candidates_of: boxes must be [M,4] f32, got ", boxes.defined() ? boxes.shape() : Shape{});
  const int64_t M = boxes.size(0);
  check_tensor(boxes, {M, 4}, DType::f32, "candidates_of", "boxes");
  check_tensor(scores, {M}, DType::f32, "candidates_of", "scores");
  return {boxes.reshape({1, M, 4}), scores.reshape({1, M})};
}

Candidates candidates_of(const Tensor& boxes, const Tensor& scores, std::span<const int32_t> group, int64_t groups) {
  const Candidates flat = candidates_of(boxes, scores);
  const auto M = static_cast<int64_t>(group.size());
  check(flat.scores.size(1) == M, "candidates_of: expected a group for each of ", flat.scores.size(1), " boxes, got ", M);
  Candidates c = new_candidates(1, groups, M);
  c.interleaved = true;
  c.scores.fill_(-INFINITY);
  for (int64_t i = 0; i < M; ++i) {
    const int32_t g = group[static_cast<size_t>(i)];
    check(g >= 0 && g < groups, "candidates_of: the group of box ", i, " must be in [0, ", groups, "), got ", g);
    std::copy_n(boxes.data<float>() + 4 * i, 4, c.boxes.data<float>() + 4 * (i * groups + g));
    c.scores.data<float>()[i * groups + g] = scores.data<float>()[i];
  }
  return c;
}

Candidates new_candidates(int64_t images, int64_t groups, int64_t room, Device device) {
  return {Tensor::empty({images, groups * room, 4}, DType::f32, device), Tensor::empty({images, groups * room}, DType::f32, device), groups,
          false};
}

void decode_proposals(const Candidates& to, int64_t level, const Chosen& best, const Tensor& objectness, const Tensor& deltas,
                      const Tensor& anchors, const Tensor& sizes, float min_size) {
  const char* op = "decode_proposals";
  const Operands of(op, to.boxes.device());
  const Box* anchor = of.boxes(anchors, "anchors");
  const int64_t N = to.scores.size(0), all = to.scores.size(1), room = all / to.groups, A = anchors.size(0);
  check(best.index.defined() && best.index.rank() == 2 && best.index.size(1) <= room, op, ": index must be [N,k] i32 with k at most ", room,
        ", got ", best.index.defined() ? best.index.shape() : Shape{});
  check(level >= 0 && level < to.groups && !to.interleaved, op, ": level must be below ", to.groups, ", got ", level);
  const int64_t k = best.index.size(1);
  const DecodeCandidate decode{{},
                               of.as<int32_t>(sizes, "sizes", {N, 2}),
                               min_size,
                               of.as<Box>(to.boxes, "candidates", {N, all, 4}),
                               of.as<float>(to.scores, "scores", {N, all})};
  each_row(op, to.boxes.device(), N * room,
           ProposalRow{decode, of.as<int32_t>(best.index, "index", {N, k}), of.as<float>(objectness, "objectness", {N, A}),
                       of.as<Box>(deltas, "deltas", {N, A, 4}), anchor, room, k, A, all, level * room});
}

Candidates decode_detections(const Tensor& probabilities, const Tensor& deltas, const BoxRows& proposals, const Tensor& sizes,
                             const BoxCoder& coder, float score, float min_size) {
  const char* op = "decode_detections";
  check(proposals.rois.defined() && proposals.rois.rank() == 2 && probabilities.defined() && probabilities.rank() == 2, op,
        ": proposals must be rows [R,5] and probabilities [R,K+1] f32, got ", proposals.rois.defined() ? proposals.rois.shape() : Shape{},
        " and ", probabilities.defined() ? probabilities.shape() : Shape{});
  const Device device = probabilities.device();
  const Operands of(op, device);
  const int64_t R = proposals.rois.size(0), K = probabilities.size(1) - 1, N = sizes.size(0);
  const auto* count = of.as<int32_t>(proposals.count, "count", {N});
  int64_t room = proposals.room;
  Tensor first;  // row of each image: on the CPU the rows lie end to end
  if (room == 0 && !proposals.rois.on_gpu()) {
    first = Tensor::empty({N}, DType::i32, device);
    for (int64_t n = 0; n < N; ++n) {
      room = std::max<int64_t>(room, count[n]);
      first.data<int32_t>()[n] = static_cast<int32_t>(rows_of_image(proposals.count, 0, n).begin);
    }
  }
  Candidates c = new_candidates(N, K, room, device);
  c.interleaved = true;
  const DecodeCandidate decode{coder, of.as<int32_t>(sizes, "sizes", {N, 2}), min_size, of.as<Box>(c.boxes, "candidates", {N, room * K, 4}),
                               of.as<float>(c.scores, "scores", {N, room * K})};
  each_row(op, device, N * room * K,
           DetectionRow{decode, of.as<float>(probabilities, "probabilities", {R, K + 1}), of.as<float>(proposals.rois, "proposals", {R, 5}),
                        of.as<Box>(deltas, "deltas", {R, 4 * (K + 1)}), count, of.optional<int32_t>(first, "first", {N}), room, K, score});
  return c;
}

Tensor detected_labels(const Tensor& index, int64_t classes) {
  check(index.defined() && classes > 0, "detected_labels: index must be i32, classes above 0, got ", classes);
  const Operands of("detected_labels", index.device());
  const Tensor labels = Tensor::empty_like(index);
  each_row("detected_labels", index.device(), index.numel(),
           DetectedLabelRow{of.as<int32_t>(index, "index", index.shape()), of.as<int32_t>(labels, "labels", index.shape()), classes});
  return labels;
}

}  // namespace mr
