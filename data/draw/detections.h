// What a model found, or what is annotated, drawn over the picture: translucent masks with crisp contours, boxes, labels, and a legend of what
// the labels do not say. The one way to draw objects: predict's pictures, the samples of `dataset show` and reports are made here.
//
// A class has one hue wherever it appears; the instances of a class differ in lightness. Labels stand beside their objects where there is room
// (data/draw/label_places.h) and are left out where there is none; then a legend under the picture counts the objects of each class.
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

enum class LabelStyle : uint8_t {
  automatic,  // class and score; a legend where a label had no room
  none,       // no labels, no legend
  ids,  // numbers 1, 2, 3, … in the order of the detections, and a legend of what each is; a long one lists the numbers of each class
};

struct DrawOptions {
  double mask_alpha = 0.45;
  bool masks = true, contours = true, boxes = true, scores = true;
  LabelStyle labels = LabelStyle::automatic;
  double scale = 0;                 // the drawing's size, as a multiple of the picture's; 0: drawing_scale
  int line = 0;                     // thickness of contours and boxes, pixels of the drawing; 0: by its size, thinner on small objects
  bool colour_by_instance = false;  // a hue an instance, for crowded pictures of one class
};

// By how much a picture is enlarged, so that labels of a readable size do not hide it: a whole number of 1 … 8 that brings the longer side to
// about 1000 pixels; 1 from 800 on.
double drawing_scale(PixelSize picture);

// The colour of a class; `instance` counts the instances of that class in the picture.
Rgb class_colour(int label, int instance = 0);

// Of text on a plate of that colour: black or white, whichever has the higher contrast; 4.5 to 1 at least (WCAG 2).
Rgb text_colour(Rgb plate);

// The picture becomes the drawing: enlarged as the options say, with a legend below where there is one. class_names are of labels 1 … K. Drawn
// from the lowest score to the highest, so that the surest are on top.
// Errors: a label outside 1 … K; a box that is not finite; a scale or a line below 0.
void draw_detections(Image& image, std::vector<DrawnDetection> detections, const std::vector<std::string>& class_names,
                     const DrawOptions& options = {});

// Ground truth of a sample, to be drawn the same way.
std::vector<DrawnDetection> drawn(const std::vector<Instance>& instances);

}  // namespace mr
