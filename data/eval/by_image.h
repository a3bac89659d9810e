// Ground truth and detections, image by image.
//
// errors: a label outside 1 … K; an image that stands twice, or that the ground truth lacks; a score, box or area that is not finite.
#pragma once

#include <vector>

#include "data/eval/coco_eval.h"

namespace mr {

class ByImage {
 public:
  // Both must outlive this.
  ByImage(const CocoGroundTruth& truth, const std::vector<CocoDetection>& detections);

  size_t size() const { return ids_.size(); }                    // images
  int64_t id(size_t i) const { return ids_[i]; }                 // rising
  std::vector<const CocoObject*> objects(size_t i) const;        // of image i, in the order of the ground truth
  std::vector<const CocoDetection*> detections(size_t i) const;  // in their own order

 private:
  // Indices of records: those of image i are at [start[i], start[i+1]).
  struct Records {
    std::vector<size_t> start, at;
  };
  const CocoGroundTruth& truth_;
  const std::vector<CocoDetection>& all_detections_;
  std::vector<int64_t> ids_;
  Records objects_, detections_;
};

}  // namespace mr
