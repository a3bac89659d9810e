// IoU of the masks of detections and objects of one image: every pair, from their runs.
#pragma once

#include <vector>

namespace mr {

struct CocoDetection;
struct CocoObject;

// iou[d·G + g], of the detections' and objects' masks as rle_iou has it. Throws, naming image and annotation, where sizes differ.
void mask_iou(const std::vector<const CocoDetection*>& detections, const std::vector<const CocoObject*>& objects, std::vector<double>& iou);

}  // namespace mr
