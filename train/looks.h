// Several looks at one picture: at other sizes, and with left and right swapped (He et al. 2017, Table 8).
//
//   1  in each look the network's boxes, with their scores, before any of them is suppressed
//   2  brought back to the picture and put together; one NMS, by class; the best of all
//   3  in each look the masks of these boxes; each turned back, and their probabilities averaged
//
// The trunk runs twice on each look, so that no more than one look's maps are in memory: two scales
// and flips take eight times as long as one look. For evaluation and `predict` alike (evaluation.looks).
#pragma once

#include <span>

#include "geometry/box.h"
#include "train/detector.h"

namespace mr {

// Between a picture and a look at it.
struct LookFrame {
  PixelSize picture, look;
  bool flip = false;
  Box into(const Box& b) const;  // of the picture → of the look
  Box back(const Box& b) const;
};

// Boxes in pixels of the picture, best score first; masks are probabilities inside them. `given`: proposals, where the network wants them.
// Errors: a network that is no R-CNN.
Detections look_several_times(const Detector& detector, const Image& image, std::span<const ProposedBox> given = {});

}  // namespace mr
