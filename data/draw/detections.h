// What a model found, drawn over the picture: translucent masks with crisp contours, boxes, and labels with class names and scores.
//
// A class has one hue wherever it appears; the instances of a class differ in lightness. Labels stay inside the image and, as far as
// there is room, off one another: above the box, under its upper edge, below it, or along its side.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/draw/primitives.h"

namespace mr {

struct DrawnDetection {
  Box box;
  int label = 0;     // 1 … K
  float score = -1;  // below 0: not shown (ground truth)
  CroppedMask mask;  // empty: only the box is drawn
};

struct DrawOptions {
  double mask_alpha = 0.45;
  bool masks = true, contours = true, boxes = true, labels = true, scores = true;
  int scale = 0;                    // of lines and letters; 0: from the image's size
  bool colour_by_instance = false;  // a hue an instance, for crowded pictures of one class
};

// The colour of a class; `instance` counts the instances of that class in the picture.
Rgb class_colour(int label, int instance = 0);

// class_names are of labels 1 … K. Drawn from the lowest score to the highest, so that the surest are on top.
// errors: a label outside 1 … K; a box that is not finite.
void draw_detections(Image& image, std::span<const DrawnDetection> detections, const std::vector<std::string>& class_names,
                     const DrawOptions& options = {});

// Ground truth of a sample, to be drawn the same way.
std::vector<DrawnDetection> drawn(const std::vector<Instance>& instances);

}  // namespace mr
