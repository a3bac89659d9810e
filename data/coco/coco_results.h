// COCO result files: [{"image_id", "category_id", "score", "bbox": [x, y, w, h] or "segmentation": {"size", "counts"}}, …].
//
// Mask results hold no bbox: cocoapi would take width × height of it as the object's area, and shift the split into small, medium, large.
//
// errors: not JSON (as base/json_reader.h); not a list; "FILE: results[12] (image 42): score: …" for a member missing or of the
//         wrong kind, a number not finite, a box with a side below 0, runs not well formed, a mask whose size is not the image's, an image that is not in the
//         ground truth.
#pragma once

#include <string>
#include <vector>

#include "data/coco/coco_file.h"
#include "data/eval/coco_eval.h"

namespace mr {

struct CocoResults {
  std::vector<CocoDetection> detections;  // in the file's order; label = 1 + place of the category in category_ids
  int64_t other_category = 0;             // how many were left out since their category is none of those, as cocoapi does
};

// For boxes of mask results the smallest box around the mask is taken; for masks of box results there is nothing to take: an error.
CocoResults read_coco_results(const std::string& path, const std::vector<int64_t>& category_ids, CocoType type);
CocoResults parse_coco_results(const std::string& text, const std::string& name, const std::vector<int64_t>& category_ids, CocoType type);

// The detections as such a file's text.
std::string coco_results_json(const std::vector<CocoDetection>& detections, const std::vector<int64_t>& category_ids, CocoType type);
void write_coco_results(const std::string& path, const std::vector<CocoDetection>& detections, const std::vector<int64_t>& category_ids,
                        CocoType type);

// Ground truth and results from files to figures; files are read and masks made by all threads.
struct CocoEvalFiles {
  CocoFigures figures;
  int64_t images = 0, objects = 0, detections = 0, other_category = 0;
};
CocoEvalFiles coco_eval_files(const std::string& truth, const std::string& results, CocoType type, int max_dets = 100);

// The ground truth of a file; `masks`: with masks of all objects.
CocoGroundTruth coco_ground_truth(const CocoFile& file, bool masks);

}  // namespace mr
