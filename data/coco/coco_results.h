// COCO result files: [{"image_id", "category_id", "score", "bbox": [x, y, w, h] or "segmentation"}, …], read as cocoapi's loadRes reads them.
//
// The first result tells what all are:
//   it has a bbox        every result has; its area is width · height, with which objects count as small, medium or large. For masks the
//                        segmentation is taken, and where there is none the box itself, as a mask (told in boxes_as_masks)
//   else segmentation    every result has; area and, where it has none of its own, box are those of the mask
// A segmentation is runs or polygons (data/coco/segmentation.h); for boxes of results that have them it is not looked at. Other members are
// passed over. Beyond loadRes, an empty list is read, and masks without a bbox may be polygons or uncompressed.
//
// We write mask results without a bbox, so that their area is that of the mask.
//
// errors: not JSON (as base/json_reader.h); not a list; "FILE: results[12] (image 42): score: …" for a member missing or of the
//         wrong kind, a number not finite, a segmentation with a fault, a mask whose size is not the image's, an image that is not in the
//         ground truth.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "data/coco/coco_file.h"
#include "data/dataset.h"
#include "data/eval/coco_eval.h"

namespace mr {

struct CocoResults {
  std::vector<CocoDetection> detections;  // in the file's order; label = 1 + place of the category in category_ids
  int64_t other_category = 0;             // how many were left out since their category is none of those, as cocoapi does
  int64_t boxes_as_masks = 0;             // how many have no mask but that of their box
};

using CocoImageSizes = std::unordered_map<int64_t, PixelSize>;  // by image id

// `sizes`: of the images, which masks of polygons and boxes are made in.
CocoResults read_coco_results(const std::string& path, const std::vector<int64_t>& category_ids, CocoType type,
                              const CocoImageSizes& sizes = {});
CocoResults parse_coco_results(const std::string& text, const std::string& name, const std::vector<int64_t>& category_ids, CocoType type,
                               const CocoImageSizes& sizes = {});

// The detections as such a file's text.
std::string coco_results_json(const std::vector<CocoDetection>& detections, const std::vector<int64_t>& category_ids, CocoType type);
void write_coco_results(const std::string& path, const std::vector<CocoDetection>& detections, const std::vector<int64_t>& category_ids,
                        CocoType type);

// Ground truth and results from files to figures; files are read and masks made by all threads. Objects that a trainer would leave out
// count, as in cocoapi: one without a polygon, where cocoapi stops, cannot be found.
struct CocoEvalFiles {
  CocoFigures figures;
  int64_t images = 0, objects = 0, detections = 0, other_category = 0, boxes_as_masks = 0;
  int64_t faulty = 0;    // problems of objects that a trainer would leave out
  bool id_zero = false;  // an annotation has the id 0, which counts as unmatched

  // Not empty: the images.json that mrcnn predict wrote beside the results calls another picture by
  // the id of an image of the ground truth, so that the figures are about the wrong pictures.
  std::string different_picture;
};
CocoEvalFiles coco_eval_files(const std::string& truth, const std::string& results, CocoType type, int max_dets = 100);

// The ground truth of a file; `masks`: with masks of all objects.
CocoGroundTruth coco_ground_truth(const CocoFile& file, bool masks);

}  // namespace mr
