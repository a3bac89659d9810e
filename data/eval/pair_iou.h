// IoU of the detections and objects of one image: every pair, of their boxes or of their masks.
#pragma once

#include <cstdint>
#include <vector>

namespace mr {

struct CocoDetection;
struct CocoObject;
enum class CocoType : uint8_t;

// iou[d·G + g] becomes |D ∩ G| / |D ∪ G|, or |D ∩ G| / |D| where G is a crowd. Masks are compared by their runs.
// errors: masks of two sizes; the message names image and annotation.
void pair_iou(CocoType type, const std::vector<const CocoDetection*>& detections, const std::vector<const CocoObject*>& objects,
              std::vector<double>& iou);

}  // namespace mr
