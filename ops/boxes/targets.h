// What sampled boxes are to learn, as rows (lists.h).
//
// On the CPU the rows are those that were sampled; on a GPU every place of the sample is a row.
#pragma once

#include <span>

#include "ops/boxes/box_coder.h"
#include "ops/boxes/lists.h"

namespace mr {

struct RoITargets {
  Tensor rois;    // [R,5] f32: image, x1, y1, x2, y2 in pixels
  Tensor labels;  // [R] i32: the object's, 0 for background, −1 for a filler
  Tensor object;  // [R] i32: the object matched, of its image; −1 for background and fillers
  Tensor deltas;  // [R,4] f32: the object relative to the box, encoded; zeros without an object
};

// Of the boxes that a sample [N,S] names (sampler.h), with their match [N,B] (matcher.h);
// labels [N,G] i32 of the objects.
// On the CPU an image's rows rise with their place in the list.
// Errors: types and shapes; on the CPU, an index outside the list.
RoITargets roi_targets(const BoxList& boxes, const Tensor& match, const Tensor& sample, const BoxList& objects, const Tensor& labels,
                       const BoxCoder& coder);

// The same of the boxes alone that have an object, `most` an image; background is a filler.
RoITargets object_targets(const BoxList& boxes, const Tensor& match, const Tensor& sample, const BoxList& objects, const Tensor& labels,
                          const BoxCoder& coder, int64_t most);

// Where object_targets(…, most) has its rows among those of roi_targets(…), from the same lists and a
// sample of `images` images whose objects come first, rising (sampler.h).
// → [R'] i32, a row of `all` for each of its rows; −1 for a filler
Tensor object_rows(const RoITargets& all, int64_t images, int64_t most);

// Sampled anchors, each with the cell of the feature map at which it stands.
struct AnchorTargets {
  Tensor level;   // [R] i32, 0 the finest; −1 for a filler
  Tensor cell;    // [R] i32 of the level's map, images in a row: (n·H + y)·W + x; −1 for a filler
  Tensor anchor;  // [R] i32 of the cell, 0 … A − 1; −1 for a filler
  Tensor labels;  // [R] i32: 1 an object, 0 background, −1 a filler
  Tensor deltas;  // [R,4] f32, zeros without an object
};

// anchors [Σ A_l,4] of all levels, finest first, A_l of them on level l, of_cell at each cell.
// On the CPU the rows are in the order of the levels.
// Errors: types and shapes, an A_l that is no multiple of of_cell, more than 8 levels.
AnchorTargets anchor_targets(const Tensor& anchors, std::span<const int64_t> of_level, int64_t of_cell, const Tensor& match,
                             const Tensor& sample, const BoxList& objects, const BoxCoder& coder);

// A head predicts of all A anchors of a cell, so it gives R·A rows for R cells. → [R] i32, the row
// of the sampled anchor, r·A + anchor[r]; −1 for a filler, and with `objects_only` for background.
Tensor anchor_rows(const AnchorTargets& t, int64_t of_cell, bool objects_only);

// A layer gives `columns` rows for each label, one a class. → i32, the row of each label's class,
// r·columns + labels[r]; −1 for a filler. labels [R] i32, each in [−1, columns), which is checked on
// the CPU.
Tensor label_rows(const Tensor& labels, int64_t columns);

// Labels for a head with one channel for all classes: 0 for an object (label above 0), else −1.
// i32, any shape.
Tensor one_channel(const Tensor& labels);

}  // namespace mr
