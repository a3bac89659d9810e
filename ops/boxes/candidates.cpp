#include "ops/boxes/candidates.h"

#include <algorithm>
#include <cmath>

#include "ops/boxes/box_rules.h"
#include "ops/boxes/box_tensor.h"
#include "ops/boxes/boxes_gpu.h"
#include "tensor/gpu/built.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

struct Place {  // of a candidate
  Box& box;
  float& score;
};
Place place(const Candidates& c, int64_t n, int64_t i) {
  const int64_t at = n * c.scores.size(1) + i;
  return {reinterpret_cast<Box*>(c.boxes.data<float>())[at], c.scores.data<float>()[at]};
}

// The decoded box in its image; left out where a side is too short.
void put(const Place& to, const BoxCoder& coder, const Box& delta, const Box& reference, const int32_t* size, float min_size, float score) {
  to.box = clip_box(decode_box(coder, delta, reference), static_cast<float>(size[0]), static_cast<float>(size[1]));
  to.score = has_sides(to.box, min_size) ? score : -INFINITY;
}

const Box* as_box(const float* four) { return reinterpret_cast<const Box*>(four); }

}  // namespace

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
    const Place to = place(c, 0, i * groups + g), from = place(flat, 0, i);
    to.box = from.box;
    to.score = from.score;
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
  check(anchors.defined() && anchors.rank() == 2, op, ": anchors must be [A,4] f32, got ", anchors.defined() ? anchors.shape() : Shape{});
  const int64_t N = to.scores.size(0), room = to.scores.size(1) / to.groups, A = anchors.size(0);
  check(best.index.defined() && best.index.rank() == 2 && best.index.size(1) <= room, op, ": index must be [N,k] i32 with k at most ", room,
        ", got ", best.index.defined() ? best.index.shape() : Shape{});
  check(level >= 0 && level < to.groups && !to.interleaved, op, ": level must be below ", to.groups, ", got ", level);
  const int64_t k = best.index.size(1);
  check_tensor(best.index, {N, k}, DType::i32, op, "index");
  check_tensor(anchors, {A, 4}, DType::f32, op, "anchors");
  check_tensor(objectness, {N, A}, DType::f32, op, "objectness");
  check_tensor(deltas, {N, A, 4}, DType::f32, op, "deltas");
  check_tensor(sizes, {N, 2}, DType::i32, op, "sizes");
  if constexpr (gpu::exists) {
    if (to.boxes.on_gpu()) return gpu::decode_proposals(to, level, best.index, objectness, deltas, anchors, sizes, min_size);
  }
  for (int64_t n = 0; n < N; ++n)
    for (int64_t r = 0; r < room; ++r) {
      const Place here = place(to, n, level * room + r);
      const int32_t a = r < k ? best.index.data<int32_t>()[n * k + r] : -1;
      if (a < 0) {
        here.score = -INFINITY;
        continue;
      }
      const int64_t at = n * A + a;
      put(here, BoxCoder{}, *as_box(deltas.data<float>() + 4 * at), *as_box(anchors.data<float>() + int64_t{4} * a),
          sizes.data<int32_t>() + 2 * n, min_size, probability(objectness.data<float>()[at]));
    }
}

Candidates decode_detections(const Tensor& probabilities, const Tensor& deltas, const BoxRows& proposals, const Tensor& sizes,
                             const BoxCoder& coder, float score, float min_size) {
  const char* op = "decode_detections";
  check(proposals.rois.defined() && proposals.rois.rank() == 2 && probabilities.defined() && probabilities.rank() == 2, op,
        ": proposals must be rows [R,5] and probabilities [R,K+1] f32, got ", proposals.rois.defined() ? proposals.rois.shape() : Shape{},
        " and ", probabilities.defined() ? probabilities.shape() : Shape{});
  const int64_t R = proposals.rois.size(0), K = probabilities.size(1) - 1, N = sizes.size(0);
  check_tensor(proposals.rois, {R, 5}, DType::f32, op, "proposals");
  check_tensor(proposals.count, {N}, DType::i32, op, "count");
  check_tensor(probabilities, {R, K + 1}, DType::f32, op, "probabilities");
  check_tensor(deltas, {R, 4 * (K + 1)}, DType::f32, op, "deltas");
  check_tensor(sizes, {N, 2}, DType::i32, op, "sizes");
  if constexpr (gpu::exists) {
    if (probabilities.on_gpu()) return gpu::decode_detections(probabilities, deltas, proposals, sizes, coder, score, min_size);
  }
  int64_t room = proposals.room;
  if (room == 0)
    for (const int32_t count : proposals.count.values<int32_t>()) room = std::max<int64_t>(room, count);
  Candidates c = new_candidates(N, K, room);
  c.interleaved = true;
  c.scores.fill_(-INFINITY);
  for (int64_t n = 0; n < N; ++n) {
    const RowRange rows = rows_of_image(proposals.count, proposals.room, n);
    parallel_for(rows.end - rows.begin, 64, [&, n = n](int64_t r) {
      const int64_t row = (rows.begin + r) * (K + 1);
      for (int64_t k = 1; k <= K; ++k)
        if (const float p = probabilities.data<float>()[row + k]; p > score)
          put(place(c, n, r * K + k - 1), coder, *as_box(deltas.data<float>() + 4 * (row + k)),
              *as_box(proposals.rois.data<float>() + 5 * (rows.begin + r) + 1), sizes.data<int32_t>() + 2 * n, min_size, p);
    });
  }
  return c;
}

Tensor detected_labels(const Tensor& index, int64_t classes) {
  check(index.defined() && index.dtype() == DType::i32 && classes > 0, "detected_labels: index must be i32, classes above 0, got ",
        classes);
  if constexpr (gpu::exists) {
    if (index.on_gpu()) return gpu::detected_labels(index, classes);
  }
  const Tensor labels = Tensor::empty_like(index);
  std::ranges::transform(index.values<int32_t>(), labels.data<int32_t>(),
                         [&](int32_t place) { return place < 0 ? -1 : place % static_cast<int32_t>(classes) + 1; });
  return labels;
}

}  // namespace mr
