// The area under a precision-recall curve, as three benchmarks read it.
//
// Detections of one class by falling score, each right (a true positive, tp) or wrong (fp), and n objects to be found. After k of them
//     recall r_k = tp/n        precision p_k = tp/(tp + fp)
//
//   interpolated_ap   mean over `points` recalls r = 0 … 1 in equal steps of  max { p_k : r_k ≥ r },  0 where no r_k reaches r
//                     COCO: 101 points. PASCAL VOC 2007: 11.
//   stepped_ap        Cityscapes: the curve as it is, not made monotone, one point for each score that occurs, and (r, p) = (0, 1) before
//                     them; each precision weighs half the distance between its neighbours' recalls.
//
// Example: 2 objects, found at scores .9 and .7, a false one at .8: (r, p) = (½, 1), (½, ½), (1, ⅔).
//   COCO (51·1 + 50·⅔)/101 = 0.834983     VOC 2007 (6·1 + 5·⅔)/11 = 0.848485     Cityscapes ¼·(1 + 1 + ½ + ⅔) = 0.791667
#pragma once

#include <cstdint>
#include <span>

namespace mr {

// recall does not fall; precision is made non-increasing in place. Errors: other lengths, fewer than two points.
double interpolated_ap(std::span<const double> recall, std::span<double> precision, int points);
// The terms of that mean: at[k] is the precision at recall k/(points − 1), for at.size() points.
void interpolated_precision(std::span<const double> recall, std::span<double> precision, std::span<double> at);

struct ScoredHit {
  double score = 0;
  bool right = false;
};
// `hits` by falling score; 0 where there are none. Errors: scores that rise, no objects.
double stepped_ap(std::span<const ScoredHit> hits, int64_t objects);

}  // namespace mr
