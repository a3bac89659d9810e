// Cityscapes' average precision of instances, to the last digits of its own script
// (cityscapesScripts 2.3, evalInstanceLevelSemanticLabeling.py), from maps and masks in memory. It
// is not COCO's.
//
// One class, one threshold t of .50, .55 … .95. P: the pixels of a prediction, G: of a region.
//
//   counts       an instance of the class with 100 pixels or more
//   found        by a prediction with |P ∩ G| / |P ∪ G| > t: the surest of them is right, the others
//                are wrong
//   left out     predictions with IoU > t with a region of the class that does not count: a group, or
//                an instance that is too small; and those with (void + groups + small)/|P| > t, by
//                the pixels that they share with such
//   wrong        predictions that found nothing and are not left out
//
// So all comparisons are strict. Void are the labels that evaluation does not look at, by the raw
// number in the map: single caravans and trailers (29000 …) are not void, as in the script. A group
// of fewer than 100 pixels is a group and too small: it counts twice in the share, as in the
// script.
//
// AP of a class = mean over t of stepped_ap (data/eval/average_precision.h): the curve is not made
// monotone. It is NaN for a class without an object that counts, 0 where there are objects and no
// prediction. There is no limit of predictions an image.
//
// By distance: objects within 50 or 100 m that have 1000 pixels or more and depth in half of them
// count; the others are as if they were too small.
//
// errors: a map or mask of another size than the image; an instance id of no label; a score that is
// not finite.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/table.h"
#include "geometry/mask.h"

namespace mr {

struct CityscapesDistance {
  double metres = -1;  // the median over its pixels with depth
  double density = 0;  // share of its pixels that have depth
};

struct CityscapesTruth {
  int height = 0, width = 0;
  std::vector<uint16_t> ids;                         // [H·W], rows from the top: data/cityscapes/labels.h
  std::map<uint16_t, CityscapesDistance> distances;  // by instance id; of those that are missing no depth is known
};

struct CityscapesPrediction {
  int label = 0;  // Cityscapes' id, 24 … 33; that of another class does not count
  double score = 0;
  CroppedMask mask;
};

// NaN: there is no object that counts.
struct CityscapesAP {
  static constexpr double none = std::numeric_limits<double>::quiet_NaN();
  double AP = none, AP50 = none;
  double AP100m = none, AP50m = none, AP50_50m = none;  // by distance; AP50_50m: IoU .50, within 50 m
};

struct CityscapesFigures {
  bool distances = false;  // whether figures by distance are known
  CityscapesAP all;        // the mean over the classes that have one
  struct Class {
    std::string name;
    int label = 0;
    CityscapesAP figures;
    int64_t objects = 0;  // that count, at any distance
  };
  std::vector<Class> classes;  // the eight
};

// The figures of images that come one at a time: of each only the overlaps are kept.
class CityscapesEvaluation {
 public:
  explicit CityscapesEvaluation(size_t images, bool distances = false);
  ~CityscapesEvaluation();
  CityscapesEvaluation(const CityscapesEvaluation&) = delete;
  CityscapesEvaluation& operator=(const CityscapesEvaluation&) = delete;

  // Several threads at once may give different images. A mask without a pixel is no prediction.
  void image(size_t index, const CityscapesTruth& truth, std::span<const CityscapesPrediction> predictions);
  CityscapesFigures figures() const;

 private:
  struct Image;
  std::vector<Image> images_;
  bool distances_;
};

// {"AP": …, "AP50": …, "per_class": {name: {"AP": …, "AP50": …}, …}}, and with distances "AP100m",
// "AP50m", "AP50_50m" beside them. What is NaN is null.
std::string to_json(const CityscapesFigures& figures);
Table table_of(const CityscapesFigures& figures);

}  // namespace mr
