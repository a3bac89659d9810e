// The device's part of the operators of this folder, whose headers say what they do. All images at
// once, nothing waits for the host; all tensors are of the device.
#pragma once

#include <span>

#include "ops/boxes/box_coder.h"
#include "ops/boxes/candidates.h"
#include "ops/boxes/lists.h"
#include "ops/boxes/mask_paste.h"
#include "ops/boxes/mask_target.h"
#include "ops/boxes/targets.h"

namespace mr::gpu {

Tensor box_iou(const Tensor& a, const Tensor& b);                                               // [A,4], [B,4] → [A,B]
Tensor encode_boxes(const BoxCoder& coder, const Tensor& gt, const Tensor& anchors);            // [N,4], [N,4] → [N,4]
Tensor decode_boxes(const BoxCoder& coder, const Tensor& deltas, const Tensor& anchors);        // [N,4K], [N,4] → [N,4K]
void clip_boxes(const Tensor& boxes, int h, int w);                                             // [N,4K], in place
Tensor assign_levels(const Tensor& rois, int k_min, int k_max, float k0, float s0, float eps);  // [R,4] or [R,5] → [R] i32
// base: the anchors of a cell, around (0, 0) → [map_h·map_w·A,4]
Tensor anchors_for_level(std::span<const Box> base, int map_h, int map_w, int stride_y, int stride_x, double offset);

Tensor take(const Tensor& x, const Tensor& index);
BoxList append(const BoxList& a, const BoxList& b);
Tensor to_rois(const Tensor& boxes);               // [N,R,4] → [N·R,5] with the image's index in front
Tensor first_columns(const Tensor& x, int64_t k);  // the first k of each row: [N,S] i32 → [N,k] i32

constexpr int64_t longest_sort = 16384;  // rows that one block sorts
Chosen top_k(const Tensor& scores, int64_t k, bool holes = false);
Chosen nms(const Candidates& candidates, double threshold, int64_t most);
void decode_proposals(const Candidates& to, int64_t level, const Tensor& index, const Tensor& objectness, const Tensor& deltas,
                      const Tensor& anchors, const Tensor& sizes, float min_size);
Candidates decode_detections(const Tensor& probabilities, const Tensor& deltas, const BoxRows& proposals, const Tensor& sizes,
                             const BoxCoder& coder, float score, float min_size);
Tensor detected_labels(const Tensor& index, int64_t classes);

Tensor match_boxes(const BoxList& objects, const Tensor& boxes, const Tensor& count, float high, float low, bool keep_best);
Sampled sample_balanced(const Tensor& match, int64_t count, double positive_fraction, const Tensor& streams);
// Of the boxes [N,B,4] that index [N,S] names.
RoITargets roi_targets(const Tensor& boxes, const Tensor& match, const Tensor& index, const Tensor& objects, const Tensor& labels,
                       const BoxCoder& coder);
AnchorTargets anchor_targets(const Tensor& anchors, std::span<const int64_t> of_level, int64_t of_cell, const Tensor& match,
                             const Tensor& index, const Tensor& objects, const BoxCoder& coder);
Tensor anchor_rows(const AnchorTargets& t, int64_t of_cell, bool objects_only);
Tensor relabel(const Tensor& labels, const Relabelling& to);

Tensor mask_targets(const MaskTable& masks, const Tensor& rois, const Tensor& object, int m, MaskRule rule);
// masks [D,m,m] f32, boxes [D,4] → [D,image_h,image_w] u8: paste_mask of each, in the whole image.
Tensor paste_masks(const Tensor& masks, const Tensor& boxes, int image_h, int image_w, PasteRule rule, float threshold = 0.5f);

}  // namespace mr::gpu
