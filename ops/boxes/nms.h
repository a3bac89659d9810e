// Non-maximum suppression: of boxes that cover the same thing, keep the one with the best score.
//
// In falling order of score (of equal scores the lower place first) a box is kept unless its IoU
// with a box of its group that is kept already is greater than `threshold`. IoU in f32, compared
// exactly with the threshold as given. Boxes of different groups (classes, pyramid levels) never
// suppress each other.
#pragma once

#include "ops/boxes/candidates.h"

namespace mr {

// Of each image the best of those kept, over all groups; `most` of them at most.
// Errors: shapes and types, groups that are not of one length, a threshold that is NaN; on a GPU,
// groups of more than 16384 boxes.
Chosen nms(const Candidates& candidates, double threshold, int64_t most);

}  // namespace mr
