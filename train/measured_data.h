// A data set in the numbers that a recipe for it is made from, and what follows from them: sizes of pictures, anchors.
//
//   size of an object   √(width · height) of its box
//   scale               pixels that the network sees for one of the file
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"

namespace mr {

struct MeasuredData {
  std::vector<double> sizes, ratios;            // of objects, crowds apart: in pixels of the file; height / width
  std::vector<double> short_sides, long_sides;  // of images
  std::vector<double> per_image;                // objects
  std::vector<std::vector<int>> labels;         // of each image's objects
  std::vector<int64_t> image_ids;

  int64_t images() const { return static_cast<int64_t>(image_ids.size()); }
  int64_t objects() const { return static_cast<int64_t>(sizes.size()); }
};
MeasuredData measure(const Dataset& dataset);

// The value that this share of them does not exceed.
double percentile(std::vector<double> values, double share);

// How large the network sees the images. Objects that are small against their images are trained on in crops; else whole images are resized
// so that the median object has `wanted` pixels, as far as images of 256 to 800 pixels allow.
struct Sizing {
  bool crops = false;
  int64_t side = 0;  // of crops, or the shorter side of whole images
  double scale = 1;
};
struct WantedSize {
  double in_crops = 30;  // spans seven cells of the finest map
  double in_whole = 48;  // is seen well by the finest maps
};
Sizing choose_sizing(const MeasuredData& data, const WantedSize& wanted);

// Five sizes in geometric steps that span the middle of the objects.
std::vector<double> choose_anchor_sizes(const MeasuredData& data, double scale);

// Height / width of the median object, and of those at 15% and 85% where they differ from it by a factor of 1.25 or more: below that
// either anchor overlaps the other by an IoU above 0.8. A median within a tenth of 1 is 1.
std::vector<double> choose_anchor_ratios(const MeasuredData& data);

// Which images are set apart for evaluation: drawn by their ids with the first seed under which each class that can keep an example to
// learn from keeps one, and one image to evaluate on holds an object. Where no seed of the first hundred does, the first.
struct SetApart {
  int64_t seed = 0, images = 0, objects = 0;
};
SetApart choose_apart(const MeasuredData& data, double share);

}  // namespace mr
