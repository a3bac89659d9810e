// The operators of this folder on the device: many images at once, nothing waits for the host.
//
// What a list holds depends on data, the room for it does not: it is a tensor of fixed size, [N, room, …] for N images, and where it is full from
// the front a tensor [N] i32 of counts, in device memory. A row that is not there has index −1, score −∞, label −1, match `between`, and a box
// of zeros. From the same numbers these functions choose what those of the CPU choose, ties and order included; std::exp and std::log may
// differ in the last bit between devices. All tensors are of the device.
//
// Proposals of an RPN. Level l has A_l anchors, C is the largest number taken from a level, M = levels · C:
//     candidates = new_candidates(N, M)
//     each level:  best = top_k(objectness [N,A_l], min(C, A_l))
//                  decode_proposals(candidates, l, C, best.index, objectness, deltas, anchors, sizes, min_size)
//     kept = nms(candidates.boxes, candidates.scores, {.count = levels}, threshold, after)
//     proposals = take(candidates.boxes, kept.index)                                            [N,after,4], kept.count
// What trains it:
//     match = match_boxes(gt, gt_count, anchors [A,4] of all levels, {}, 0.7, 0.3, true)
//     s = sample_balanced(match, 256, 0.5, streams)
//     t = box_targets(anchors, match, s.index, gt, {}, coder)
//     level_rows(s.index, anchors)                                                              of the levels' outputs, one after the other
//     level_cells(s.index, anchors, A)                                                          or where their maps are asked again
// What trains the box head:
//     all = append(proposals, count, gt, gt_count)                                              as join_rows of the two, image by image
//     match = match_boxes(gt, gt_count, all.boxes, all.count, 0.5, 0.5, false)
//     s = sample_balanced(match, 512, 0.25, streams)
//     t = box_targets(all.boxes, match, s.index, gt, labels, coder)
// and the mask head, which sees the positive ones, that come first:
//     t = box_targets(all.boxes, match, first_columns(s.index, 128), gt, labels, coder)         with label 0 where there are fewer
//     goal = mask_targets(table, t.rois, t.gt, 28, rule)
//     relabel(t.labels, {.background = -1})                                                     the channel, or none
// Detections, K classes:
//     c = decode_detections(probabilities, deltas, proposals, count, sizes, coder, 0.05, min_size)
//     kept = nms(c.boxes, c.scores, {.count = K, .interleaved = true}, threshold, 100)
//     boxes = take(c.boxes, kept.index), scores = take(c.scores, kept.index), labels = detected_labels(kept.index, K)
//     to_rois(boxes)                                                                            for the mask head
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ops/boxes/box_coder.h"
#include "ops/boxes/mask_paste.h"
#include "ops/boxes/mask_target.h"
#include "tensor/rng.h"
#include "tensor/tensor.h"

namespace mr::gpu {

// The device's part of the functions of the same names.
Tensor box_iou(const Tensor& a, const Tensor& b);                                               // [A,4], [B,4] → [A,B]
Tensor encode_boxes(const BoxCoder& coder, const Tensor& gt, const Tensor& anchors);            // [N,4], [N,4] → [N,4]
Tensor decode_boxes(const BoxCoder& coder, const Tensor& deltas, const Tensor& anchors);        // [N,4K], [N,4] → [N,4K]
void clip_boxes(const Tensor& boxes, int h, int w);                                             // [N,4K], in place
Tensor assign_levels(const Tensor& rois, int k_min, int k_max, float k0, float s0, float eps);  // [R,4] or [R,5] → [R] i32
// base: the anchors of a cell, around (0, 0) → [map_h·map_w·A,4]
Tensor anchors_for_level(std::span<const Box> base, int map_h, int map_w, int stride_y, int stride_x, double offset);

// Rows of each list, best first.
struct Chosen {
  Tensor index;  // [N,k] i32, −1 from the count on
  Tensor count;  // [N] i32
};

constexpr int64_t longest_sort = 16384;  // rows that one block sorts

// scores [N,n] f32, in each row as mr::top_k. With `holes`, a score of −∞ is a row that is not there.
// Errors: another type or shape, min(k, n) above longest_sort.
Chosen top_k(const Tensor& scores, int64_t k, bool holes = false);

// The M rows of an image are `count` groups of equal length: one after the other, or interleaved (row j is of group j % count).
struct Groups {
  int64_t count = 1;
  bool interleaved = false;
};

// boxes [N,M,4], scores [N,M] f32, −∞ where there is no box → of each image the best of those kept, `most` at most; as mr::batched_nms.
// Errors: types and shapes, groups longer than longest_sort, a threshold that is NaN.
Chosen nms(const Tensor& boxes, const Tensor& scores, const Groups& groups, double threshold, int64_t most);

// gt [N,G,4] f32 of which gt_count [N] i32 are there, boxes [N,B,4] with box_count [N] (undefined: all B), or [B,4] for all images alike
// → [N,B] i32: the object's index, Match::background, or Match::between; as mr::match_boxes.
Tensor match_boxes(const Tensor& gt, const Tensor& gt_count, const Tensor& boxes, const Tensor& box_count, float high, float low,
                   bool keep_best);

struct Sampled {
  Tensor index;      // [N,count] i32: the positive ones, rising, then the negative ones, rising, then −1
  Tensor positives;  // [N] i32
  Tensor total;      // [N] i32, positive and negative
};

// New generators (tensor/rng.h) as a kernel reads them: [N,6] i32 on the CPU, the words of key and counter.
constexpr int64_t stream_words = 6;
Tensor generator_streams(std::span<const Rng> rngs);

// match [N,B] i32, and the stream of a new generator for each image: the choice of mr::sample_balanced with it. Errors: types and shapes, a count
// above longest_sort, a fraction outside [0, 1].
Sampled sample_balanced(const Tensor& match, int count, double positive_fraction, const Tensor& streams);

// Boxes that compete: [N,M,4] and their scores [N,M], −∞ where there is none.
struct Candidates {
  Tensor boxes, scores;
};
Candidates new_candidates(int64_t images, int64_t rows, Device device);

// For row r < `room` of each image: anchor index[r] (index [N,k] i32, k ≤ room) of objectness [N,A], deltas [N,A,4] and anchors [A,4] is
// decoded, clipped to its image (sizes [N,2] i32: height, width) and written to row level · room + r, its score is sigmoid(objectness). A
// box with a side shorter than min_size is left out.
void decode_proposals(const Candidates& to, int level, int64_t room, const Tensor& index, const Tensor& objectness, const Tensor& deltas,
                      const Tensor& anchors, const Tensor& sizes, float min_size);

// probabilities [N·R,K+1] f32, column 0 background; deltas [N·R,4(K+1)]; proposals [N,R,4] of which count [N] are there (undefined: all)
// → M = R·K rows, row r·K + k − 1 for class k of proposal r. Left out: a probability not above `score`, a side shorter than min_size.
Candidates decode_detections(const Tensor& probabilities, const Tensor& deltas, const Tensor& proposals, const Tensor& count,
                             const Tensor& sizes, const BoxCoder& coder, float score, float min_size);

// x [N,M] or [N,M,4], f32 or i32; y[n,i] = x[n,index[n,i]], zeros where the index is −1.
Tensor take(const Tensor& x, const Tensor& index);

struct BoxList {
  Tensor boxes;  // [N,room,4] f32, zeros from the count on
  Tensor count;  // [N] i32
};
// a [N,A,4] of which a_count [N] are there, then b [N,B,4] → [N,A+B,4].
BoxList append(const Tensor& a, const Tensor& a_count, const Tensor& b, const Tensor& b_count);

struct BoxTargets {
  Tensor rois;    // [N·S,5] f32: image, box; a row that is not there: its image, then zeros
  Tensor labels;  // [N,S] i32: the object's, 0 for background, −1 where nothing is
  Tensor gt;      // [N,S] i32: the object matched, −1 for background
  Tensor deltas;  // [N,S,4] f32: encode(object, box), zeros without an object
};
// Of the boxes ([N,B,4] or [B,4]) that index [N,S] names, with their match [N,B]; labels [N,G] i32 of the objects gt [N,G,4], undefined: 1.
BoxTargets box_targets(const Tensor& boxes, const Tensor& match, const Tensor& index, const Tensor& gt, const Tensor& labels,
                       const BoxCoder& coder);

// The first k of each row: [N,S] i32 → [N,k] i32.
Tensor first_columns(const Tensor& x, int64_t k);

// Labels by what they say: nothing is there (below 0), background (0), an object (above 0; `object` below −1: its own label stays).
struct Relabelling {
  int32_t nothing = -1, background = 0, object = own;
  static constexpr int32_t own = -2;
};
Tensor relabel(const Tensor& labels, const Relabelling& to);  // i32, any shape

// Anchor index[n,s] of image n ([N,S] i32, −1: none), counted through all levels, is a row of what the levels give for all images, one level
// after the other: [Σ N·A_l, …] with level l's A_l = anchors[l]. → [N·S] i32, −1 where there is none, or `labels` [N,S] is not above 0 (undefined:
// they are not asked).
Tensor level_rows(const Tensor& index, std::span<const int64_t> anchors, const Tensor& labels = {});

// The same anchors as cells of the levels' maps, of_cell anchors each, for what is worked out at those cells alone.
// → [levels, N·S] i32: the cell of level l's map, images in a row, −1 for an anchor of another level and for none
Tensor level_cells(const Tensor& index, std::span<const int64_t> anchors, int64_t of_cell);
// … and of what a head then says of each, [N·S, of_cell, …], the row of the anchor itself → [N·S] i32; −1 as in level_rows.
Tensor cell_rows(const Tensor& index, int64_t of_cell, const Tensor& labels = {});

Tensor to_rois(const Tensor& boxes);  // [N,R,4] → [N·R,5] with the image's index in front
Tensor detected_labels(const Tensor& index,
                       int64_t classes);  // rows of decode_detections [N,k] i32 → their labels 1 … K, −1 where there is none

// Bitmaps of the objects of N images, each cut to a part of its image.
struct MaskTable {
  Tensor bits;        // [bytes] u8, 0 or 1: the bitmaps one after the other, row-major; room to a power of two
  Tensor place;       // [N,G,7] i64: first byte in bits, x0, y0, height, width of the bitmap, height and width of the image
  int64_t width = 0;  // of the widest bitmap, up to a multiple of 256
};
// G objects an image, of which those after the given ones are empty. Errors: more than G.
MaskTable mask_table(const std::vector<std::span<const CroppedMask>>& masks, int64_t G, Device device);

// rois [N·S,5] f32 of N images in their order, gt [N,S] i32: the object of each, −1: none → [N·S,m,m] f32, zeros without an object; as
// mr::mask_targets. Corners must be finite and within 2^24. Errors: types and shapes, m outside 1 … 1024, bitmaps wider than 56,000.
Tensor mask_targets(const MaskTable& masks, const Tensor& rois, const Tensor& gt, int m, MaskRule rule);

// masks [D,m,m] f32, boxes [D,4] → [D,image_h,image_w] u8: mr::paste_mask of each, in the whole image.
Tensor paste_masks(const Tensor& masks, const Tensor& boxes, int image_h, int image_w, PasteRule rule, float threshold = 0.5f);

}  // namespace mr::gpu
