// Boxes that compete for being kept, decoded from a head's deltas to its reference boxes.
#pragma once

#include <span>

#include "ops/boxes/box_coder.h"
#include "ops/boxes/lists.h"

namespace mr {

// The M places of an image are `groups` of equal length: one after the other, or interleaved
// (place j is of group j % groups).
struct Candidates {
  Tensor boxes;   // [N,M,4] f32; anything where there is none
  Tensor scores;  // [N,M] f32, −∞ where there is none
  int64_t groups = 1;
  bool interleaved = false;
};

// The boxes [M,4] of one image and their scores [M], all of one group.
Candidates candidates_of(const Tensor& boxes, const Tensor& scores);

// The same of boxes each of its own group [M], 0 … groups − 1:
// box i at place i·groups + group[i]. On the CPU.
Candidates candidates_of(const Tensor& boxes, const Tensor& scores, std::span<const int32_t> group, int64_t groups);

// Room for `room` boxes of each group, one group after the other.
Candidates new_candidates(int64_t images, int64_t groups, int64_t room, Device device = {});

// Group `level` of the candidates: for its place r, anchor best.index[n,r] of objectness [N,A],
// deltas [N,A,4] and anchors [A,4] is decoded and clipped to its image (sizes [N,2] i32: height,
// width); its score is σ(objectness). A box with a side shorter than min_size is left out.
// Errors: types and shapes, more of the best than there is room.
void decode_proposals(const Candidates& to, int64_t level, const Chosen& best, const Tensor& objectness, const Tensor& deltas,
                      const Tensor& anchors, const Tensor& sizes, float min_size);

// probabilities [R,K+1] f32, column 0 background; deltas [R,4(K+1)]; proposals: R rows
// → K groups, interleaved: place r·K + k − 1 for class k of an image's proposal r. Left out: a
// probability not above `score`, a side shorter than min_size.
Candidates decode_detections(const Tensor& probabilities, const Tensor& deltas, const BoxRows& proposals, const Tensor& sizes,
                             const BoxCoder& coder, float score, float min_size);

// Places of such candidates [N,k] i32 → their labels 1 … K, −1 where there is none.
Tensor detected_labels(const Tensor& index, int64_t classes);

}  // namespace mr
