// COCO's average precision, by cocoapi's algorithm to the last digit (cocoeval.py), from structures in memory.
//
// One image and class: detections by falling score (stable), the best max_dets[2] of them. For each threshold t of .50, .55 … .95 each
// detection in turn takes the free object with the largest IoU ≥ t (of equals the later), objects to be ignored coming last and only
// if no other was found; a crowd can be taken again and again, with IoU = |D ∩ G| / |D|.
//   ignored objects       crowds, and those whose area lies outside the range:  all, small ≤ 32², medium 32² … 96², large ≥ 96²
//   ignored detections    those that took an ignored object, or took none and lie outside the range themselves
// One class, range and limit: what is left, over all images by falling score (stable),
//   recall tp/n,  precision tp/(tp + fp + 2⁻⁵²), made non-increasing from the right, read at 0, .01 … 1 (0 where recall does not reach).
// AP = mean of these over thresholds, recalls and classes; AR = mean over thresholds and classes of the final recall.
// A class without an object (in the range) counts nowhere; where none is left, the figure is −1.
//
// Two habits of cocoapi are kept: an object with id 0 is found but counts as a false positive, and "ignore" in files has no effect.
//
// errors: a label outside 1 … K; an image that the ground truth lacks; a score or box that is not finite; a mask of another size.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "geometry/box.h"
#include "geometry/rle.h"

namespace mr {

class Dataset;

enum class CocoType : uint8_t { bbox, segm };

// As in COCO's files; in double, since cocoapi computes so.
struct CocoBox {
  double x = 0, y = 0, w = 0, h = 0;
};
inline CocoBox coco_box(const Box& b) { return {b.x1, b.y1, double{b.x2} - b.x1, double{b.y2} - b.y1}; }

struct CocoObject {
  int64_t id = 0, image_id = 0;
  int label = 0;  // 1 … K
  CocoBox box;
  Rle mask;  // for segm
  double area = 0;
  bool crowd = false;
};

struct CocoDetection {
  int64_t image_id = 0;
  int label = 0;
  double score = 0;
  CocoBox box;                      // for bbox
  Rle mask;                         // for segm
  std::optional<double> area = {};  // none: that of the box (bbox) or mask (segm)
};

struct CocoGroundTruth {
  std::vector<std::string> class_names;  // of labels 1 … K
  std::vector<int64_t> category_ids;     // of labels 1 … K
  std::vector<int64_t> image_ids;
  std::vector<CocoObject> objects;
};

struct CocoEvalOptions {
  CocoType type = CocoType::bbox;
  std::array<int, 3> max_dets = {1, 10, 100};  // rising; the last is the one of AP and of ARs, ARm, ARl
};
inline std::array<int, 3> coco_max_dets(int n) { return {n < 1 ? n : 1, n < 10 ? n : 10, n}; }

// Precision at the recalls 0, .01 … 1, as AP averages it: at IoU .50, at .75, and the mean over all thresholds. Empty: no object counts.
struct PrecisionCurves {
  std::vector<double> iou50 = {}, iou75 = {}, mean = {};
};

struct CocoFigures {
  double AP = -1, AP50 = -1, AP75 = -1, APs = -1, APm = -1, APl = -1;
  double AR1 = -1, AR10 = -1, AR100 = -1, ARs = -1, ARm = -1, ARl = -1;  // AR1 … AR100: of max_dets[0] … max_dets[2]
  struct Class {
    std::string name;
    int64_t category_id = 0;
    double AP = -1, AP50 = -1, AP75 = -1;
    int64_t objects = 0;  // that count
    PrecisionCurves curves = {};
  };
  std::vector<Class> per_class;
  PrecisionCurves curves;  // the mean over the classes that have objects
};

// The figures of images that come one at a time: of each only what matched is kept.
class CocoEvaluation {
 public:
  CocoEvaluation(std::vector<std::string> class_names, std::vector<int64_t> category_ids, size_t images, const CocoEvalOptions& options);
  ~CocoEvaluation();
  CocoEvaluation(const CocoEvaluation&) = delete;
  CocoEvaluation& operator=(const CocoEvaluation&) = delete;

  // Image `index` by rising image id; several threads at once may give different ones.
  void image(size_t index, std::vector<const CocoObject*> objects, std::vector<const CocoDetection*> detections);
  CocoFigures figures() const;

 private:
  struct Image;
  std::vector<std::string> class_names_;
  std::vector<int64_t> category_ids_;
  CocoEvalOptions options_;
  std::vector<Image> images_;
};

CocoFigures coco_evaluate(const CocoGroundTruth& truth, const std::vector<CocoDetection>& detections, const CocoEvalOptions& options = {});

// The objects of a dataset, as its truth() has them; `masks`: with their masks.
CocoGroundTruth coco_ground_truth(const Dataset& dataset, bool masks = true);

// AP of the ground truth taken as detections: 1, or the ground truth and the evaluator do not fit (an object with id 0, say).
double coco_self_check(const CocoGroundTruth& truth, CocoType type);

// The same image by image, as CocoEvaluation. Each object of an image is compared with each, so what is compared is bounded: of an image
// of more than 3000 objects nothing, and of another only as many objects as have four million runs together (an outline that crosses
// itself all over has millions), and as can be compared by looking at two billion; the others are left out.
class CocoSelfCheck {
 public:
  // The objects of one image, given one after the other; those that are left out are not kept.
  class Image {
   public:
    void add(const CocoObject& object);

   private:
    friend class CocoSelfCheck;
    std::vector<CocoObject> objects_;
    uint64_t seen_ = 0, counts_ = 0;  // objects that came, counts of the masks that are kept
  };
  CocoSelfCheck(std::vector<std::string> class_names, std::vector<int64_t> category_ids, size_t images, CocoType type);
  void image(size_t index, const Image& objects);
  double AP() const { return evaluation_.figures().AP; }

 private:
  CocoEvaluation evaluation_;
};

// The twelve figures in cocoapi's order.
struct CocoFigureName {
  const char *key, *text;  // "AP75", "average precision, IoU .75"
  double CocoFigures::*value;
};
std::span<const CocoFigureName> coco_figure_names();

// {"AP": …, …, "ARl": …, "per_class": {name: {"AP", "AP50", "AP75", "objects"}, …}}; a name that two classes share is followed by " #" and
// the category id.
std::string to_json(const CocoFigures& figures);
std::string to_text(const CocoFigures& figures);  // the twelve figures as a table

}  // namespace mr
