// The explanations, one function a topic. app/explain.cpp is their place on the command line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/explain/page.h"
#include "app/explain/roi_view.h"

namespace mr::app {

// ---- RoI operators on the reader's own box (roi.cpp) ----
struct RoIQuestion {
  RoIRequest request;
  int map_h = 0, map_w = 0;      // cells; 0: large enough for the box, or the image's
  std::optional<Image> picture;  // its grey values, averaged over each cell, are the map
  bool gradient = false;
  Device device = {};  // that the operator runs on
};
Page explain_roi(RoIKind kind, const RoIQuestion& question);
Page compare_rois(const RoIQuestion& question);

// ---- worked examples (worked.cpp) ----
Page explain_dog();             // 800 pixels of image, 665 of box, stride 32
Page explain_roi_pool_8x8();    // the drawing in most explanations of RoIPool, every operator on it
Page explain_roi_align_grid();  // grid, box, bins, samples, neighbours
Page explain_bilinear();
Page explain_deconv();
Page explain_anchors();

// ---- feature maps (maps.cpp) ----
Page explain_conv();
Page explain_norm();
Page explain_pool();
Page explain_upsample();

// ---- rows of numbers (rows.cpp) ----
Page explain_linear();
Page explain_elementwise();

// ---- boxes (boxes.cpp) ----
Page explain_matching();
Page explain_box_coder(const std::optional<Box>& box);  // none: the worked example's
Page explain_nms(double threshold);

// ---- masks and points in a RoI's grid (masks.cpp) ----
Page explain_mask_target();
Page explain_mask_paste();
Page explain_keypoints();

// ---- losses (losses.cpp) ----
Page explain_mask_loss();
Page explain_losses();

// ---- from inside a network (network.cpp) ----
Page explain_rpn(const std::string& weights, const std::string& image);
Page explain_gradients(const std::string& recipe, const std::vector<std::string>& assignments, const std::string& image, Device device);

}  // namespace mr::app
