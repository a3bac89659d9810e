// Lists of boxes: what a batch of N images holds, of every image another number.
//
// A list has the same room for each image and is full from the front:
//
//     boxes [N,room,4], count [N]        and beside them scores [N,room], labels [N,room], …
//
// A place that is not filled has index −1, score −∞, label −1, and a box of zeros. What a list
// holds depends on the images, its room does not. So on a GPU nobody has to wait for a number, and
// a step that was recorded serves any batch. From the same numbers the CPU and a GPU choose the
// same, ties and order included; std::exp and std::log may differ in the last bit between the two.
//
// What a network works on is rows, one below the other: on the CPU those that are there, image
// after image; on a GPU all places of the list, because their number must not depend on the images.
// Every operator gives 0 for a row with label −1, and takes no gradient from it.
//
// Example: two images with 2 and 1 boxes in a list with room for 3. The CPU has three rows, of the
// images 0, 0, 1; a GPU has six, of which the third, fifth and sixth are fillers.
//
// Proposals of an RPN with L levels, of whose A_l anchors the best C are taken:
//     c = new_candidates(N, L, C)                                          candidates.h
//     best = top_k(objectness [N,A_l], C)                                  topk.h, for each level
//     decode_proposals(c, l, best, objectness, deltas, anchors, sizes, min_size)
//     proposals = take(c.boxes, nms(c, threshold, after))                  nms.h
// What trains it:
//     match = match_boxes(objects, anchors, {}, 0.7, 0.3, true)            matcher.h
//     anchor_targets(anchors, levels, match, sample_balanced(match, 256, 0.5, streams), objects)
// What trains the box head, and the mask head, which sees the objects among the RoIs:
//     all = append(proposals, objects)
//     match = match_boxes(objects, all, 0.5, 0.5, false)
//     sample = sample_balanced(match, 512, 0.25, streams)                  sampler.h
//     roi_targets(all, match, sample, objects, labels, coder)              targets.h
//     object_targets(all, match, sample, objects, labels, coder, 128)
// Detections:
//     c = decode_detections(probabilities, deltas, rows, sizes, coder, 0.05, min_size)
//     kept = nms(c, threshold, 100)
#pragma once

#include <vector>

#include "tensor/tensor.h"

namespace mr {

struct BoxList {
  Tensor boxes;  // [N,room,4] f32, pixels; zeros from the count on
  Tensor count;  // [N] i32
};

// Places of a list, best first.
struct Chosen {
  Tensor index;  // [N,k] i32, −1 from the count on
  Tensor count;  // [N] i32
};

// Those of image n, on the CPU.
std::vector<int32_t> places_of_image(const Chosen& chosen, int64_t n = 0);

struct BoxRows {
  Tensor rois;       // [R,5] f32: image, x1, y1, x2, y2 in pixels
  Tensor count;      // [N] i32, of each image
  int64_t room = 0;  // rows of an image: on a GPU, where R = N·room; 0: just those that are there
};

// x [N,M] or [N,M,4], f32 or i32; y[n,i] = x[n,index[n,i]], zeros where the index is −1.
Tensor take(const Tensor& x, const Tensor& index);
BoxList take(const Tensor& boxes, const Chosen& chosen);

// a, and behind it b: [N,A,4], [N,B,4] → [N,A+B,4].
BoxList append(const BoxList& a, const BoxList& b);

// A list as rows, and what stands beside its boxes, x [N,room], as [R].
BoxRows to_rows(const BoxList& list);
Tensor to_rows(const Tensor& x, const Tensor& count);

// The rows of image n: first and one past the last. `counts`: a copy of rows.count on the CPU.
struct RowRange {
  int64_t begin = 0, end = 0;
};
RowRange rows_of_image(const Tensor& counts, int64_t room, int64_t n);

}  // namespace mr
