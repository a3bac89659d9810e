// Which classes a detector takes for one another, and how it does picture by picture.
//
// Detections with a score of `score` or more count; one lies on an object where their IoU (of boxes or of masks) is `iou` or more. In each image
// they take, by falling score (stable), the free object of their own class on which they lie with the largest IoU, as for COCO's AP at that IoU
// (of equals the later). Those are right. Any other detection is
//   ignored       it lies on a crowd of its class, |D ∩ G| / |D| ≥ iou
//   double        of the objects on which it lies that with the largest IoU is of its class, and has been taken
//   confused      … is of another class
//   of nothing    it lies on none
// An object that is not taken is missed, unless a detection is confused with it. Crowds are neither found nor missed.
//
// Of one image, with `right` detections, `wrong` ones (double, confused, of nothing) and `missing` objects (all that are not taken):
//   F = 2·right / (2·right + wrong + missing), the harmonic mean of precision and recall;  1 where nothing is there and nothing was found
//
// Example: a car, found as a car at .9 and as a truck at .8, and a bus, on which a truck at .7 lies: (car, truck) 1, (bus, truck) 1, none of
// nothing, none missed; F = 2·1 / (2·1 + 2 + 1) = 0.4.
//
// errors: as data/eval/by_image.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/eval/coco_eval.h"

namespace mr {

struct ConfusionOptions {
  CocoType type = CocoType::bbox;
  double score = 0.5, iou = 0.5;
};

struct Confusions {
  // Objects of class `truth`, found as class `found`; 0: of nothing, or missed.
  struct Pair {
    int truth = 0, found = 0;
    int64_t count = 0;
  };
  struct Class {
    int64_t right = 0, doubles = 0;
  };
  struct Picture {
    int64_t image_id = 0, right = 0, wrong = 0, missing = 0;
    double f() const;
  };

  ConfusionOptions options;
  std::vector<std::string> class_names;  // of labels 1 … K
  std::vector<Pair> pairs;               // of two that differ; the most frequent first, then by their labels
  std::vector<Class> classes;            // of labels 1 … K
  std::vector<Picture> pictures;         // by rising id
};

Confusions find_confusions(const CocoGroundTruth& truth, const std::vector<CocoDetection>& detections, const ConfusionOptions& options);

// The pictures with an error, the lowest F first; of equals those with more errors, then by id. At most `most`.
std::vector<Confusions::Picture> worst_pictures(const Confusions& confusions, size_t most);

// {"type": "segm", "score": 0.5, "iou": 0.5, "pairs": [{"truth": "car", "found": "truck", "count": 3}, …]}; null is 0.
std::string to_json(const Confusions& confusions);

}  // namespace mr
