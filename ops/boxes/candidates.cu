// From what a head says of its reference boxes to boxes with scores: decoded, clipped, and those left out that are too small or too unlikely.
// One box a thread.
#include "ops/boxes/box_rules.h"
#include "ops/boxes/boxes_gpu.h"
#include "ops/boxes/rows_gpu.h"
#include "tensor/gpu/kernel.h"

namespace mr::gpu {
namespace {

constexpr int threads = 256;

// The box in its image if its sides are long enough.
struct Clipped {
  Box box;
  bool kept;
};
__device__ Clipped decode_in_image(const BoxCoder& coder, const Box& delta, const Box& reference, const int32_t* size, float min_size) {
  const auto height = static_cast<float>(load<int32_t>(size)), width = static_cast<float>(load<int32_t>(size + 1));
  const Box box = clip_box(decode_box(coder, delta, reference), height, width);
  return {box, has_sides(box, min_size)};
}

struct Proposed {
  const int32_t* index;         // [N,k]
  const float* objectness;      // [N,A]
  const Box *deltas, *anchors;  // [N,A], [A]
  const int32_t* sizes;         // [N,2]
  int k, A;
};

// Block (rows of a level, image). The best anchors are scattered over the map: a thread gathers 16 bytes of deltas and as many of anchors, and
// neighbours write neighbours.
__global__ void proposals_kernel(Proposed p, Box* boxes, float* scores, int64_t pitch, int room, float min_size) {
  const int64_t image = blockIdx.y;
  const int i = static_cast<int>(blockIdx.x) * threads + static_cast<int>(threadIdx.x);
  if (i >= room) return;
  const int32_t a = i < p.k ? load<int32_t>(p.index + image * p.k + i) : -1;
  Clipped c{};
  float score = -INFINITY;
  if (a >= 0) {
    c = decode_in_image(BoxCoder{}, load<Box>(p.deltas + image * p.A + a), load<Box>(p.anchors + a), p.sizes + 2 * image, min_size);
    if (c.kept) score = probability(load<float>(p.objectness + image * p.A + a));
  }
  store(boxes + image * pitch + i, c.box);
  store(scores + image * pitch + i, score);
}

struct Classified {
  const float* probabilities;  // [N·R,K+1]
  const Box* deltas;           // [N·R,K+1]
  const float* rois;           // [N·R,5]
  const int32_t* counts;       // [N]
  const int32_t* sizes;        // [N,2]
  int R, K;
};

// Block (rows of an image, image); neighbours are classes of one proposal, whose deltas and probabilities lie side by side.
__global__ void detections_kernel(Classified p, BoxCoder coder, Box* boxes, float* scores, float least, float min_size) {
  const int64_t image = blockIdx.y, j = int64_t{blockIdx.x} * threads + int64_t{threadIdx.x}, rows = int64_t{p.R} * p.K;
  if (j >= rows) return;
  const int64_t r = image * p.R + j / p.K, column = r * (p.K + 1) + j % p.K + 1;
  Clipped c{};
  float score = -INFINITY;
  if (j / p.K < load<int32_t>(p.counts + image)) {
    const float probability = load<float>(p.probabilities + column);
    if (probability > least) {
      const float* const roi = p.rois + 5 * r;
      const Box proposal{load<float>(roi + 1), load<float>(roi + 2), load<float>(roi + 3), load<float>(roi + 4)};
      c = decode_in_image(coder, load<Box>(p.deltas + column), proposal, p.sizes + 2 * image, min_size);
      if (c.kept) score = probability;
    }
  }
  store(boxes + image * rows + j, c.box);
  store(scores + image * rows + j, score);
}

}  // namespace

void decode_proposals(const Candidates& to, int64_t level, const Tensor& index, const Tensor& objectness, const Tensor& deltas,
                      const Tensor& anchors, const Tensor& sizes, float min_size) {
  const char* op = "decode_proposals";
  const int64_t N = index.size(0), k = index.size(1), A = anchors.size(0), M = to.scores.size(1), room = M / to.groups,
                first = level * room;
  const Proposed p{checked_data<int32_t>(index, op, "index", {N, k}),
                   checked_data<float>(objectness, op, "objectness", {N, A}),
                   checked_boxes(deltas, op, "deltas", {N, A, 4}),
                   checked_boxes(anchors, op, "anchors", {A, 4}),
                   checked_data<int32_t>(sizes, op, "sizes", {N, 2}),
                   static_cast<int>(k),
                   static_cast<int>(A)};
  Box* boxes = checked_boxes(to.boxes, op, "candidates", {N, M, 4});
  auto* scores = checked_data<float>(to.scores, op, "scores", {N, M});
  if (N * room > 0)
    launch(op, {blocks_of(room, threads), N}, {threads}, 0, compute_stream(), proposals_kernel, p, boxes + first, scores + first, M,
           static_cast<int>(room), min_size);
}

Candidates decode_detections(const Tensor& probabilities, const Tensor& deltas, const BoxRows& proposals, const Tensor& sizes,
                             const BoxCoder& coder, float score, float min_size) {
  const char* op = "decode_detections";
  const int64_t N = sizes.size(0), R = proposals.room, K = probabilities.size(1) - 1;
  const Classified p{checked_data<float>(probabilities, op, "probabilities", {N * R, K + 1}),
                     checked_boxes(deltas, op, "deltas", {N * R, 4 * (K + 1)}),
                     checked_data<float>(proposals.rois, op, "proposals", {N * R, 5}),
                     checked_data<int32_t>(proposals.count, op, "count", {N}),
                     checked_data<int32_t>(sizes, op, "sizes", {N, 2}),
                     static_cast<int>(R),
                     static_cast<int>(K)};
  Candidates c = mr::new_candidates(N, K, R, proposals.rois.device());
  c.interleaved = true;
  if (c.scores.numel() > 0)
    launch(op, {blocks_of(R * K, threads), N}, {threads}, 0, compute_stream(), detections_kernel, p, coder,
           checked_boxes(c.boxes, op, "boxes", c.boxes.shape()), c.scores.device_data<float>(), score, min_size);
  return c;
}

}  // namespace mr::gpu
