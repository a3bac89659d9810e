// What every RoI operator is called with, checked once: maps, strides, RoIs, levels.
// Proposals are constants to the heads, so most callers give RoIs without a gradient; given as a
// Var that requires one, the operators that know how return ∂L/∂(x1, y1, x2, y2) in pixels.
//
// On a GPU nobody waits to look at the values: a RoI that is not valid (an image or a level that is
// not there, a corner that is not finite or beyond 2²⁴ pixels) reads nothing, gives 0 and has no
// gradient. The image −1 is for that: the rows that fill up a list of fixed length.
// count_invalid_rois counts the others, where the program waits anyway.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

#include "autograd/var.h"

namespace mr {

// A corner is finite and where f32 still resolves a pixel.
template <class T> MR_HD bool valid_corner(T v) {
  constexpr T farthest = 1 << 24;
  return v >= -farthest && v <= farthest;
}
template <class T> MR_HD bool valid_image(T image, int64_t images) {
  return image >= T(0) && image < static_cast<T>(images) && image == std::floor(image);
}
MR_HD inline bool valid_level(int64_t level, int64_t depth) { return level >= 0 && level < depth; }

// What is wrong with a row (image, x1, y1, x2, y2) of the RoIs.
struct InvalidRoI {
  bool corner = false, image = false, level = false;
  MR_HD bool any() const { return corner || image || level; }
};
template <class T> MR_HD InvalidRoI invalid_roi(const T (&row)[5], int64_t level, int64_t images, int64_t depth) {
  const bool corners = valid_corner(row[1]) && valid_corner(row[2]) && valid_corner(row[3]) && valid_corner(row[4]);
  return {!corners, !valid_image(row[0], images), !valid_level(level, depth)};
}

struct RoICall {
  const std::vector<Var>& maps;     // [N,H,W,C], the levels of a pyramid with the same N and C
  const std::vector<int>& strides;  // of each, in pixels
  const Var& rois;                  // [R,5] = (image, x1, y1, x2, y2), pixels
  const Tensor& levels;             // [R] i32, the map of each RoI; undefined: the first

  std::vector<Var> inputs() const;     // of the tape: the maps, then the RoIs
  std::vector<Tensor> values() const;  // of the maps
  bool on_gpu() const { return !maps.empty() && maps[0].defined() && maps[0].value().on_gpu(); }
};

// One image of one pyramid level: an [H,W,C] slab of memory.
struct RoIMap {
  int level = 0, image = 0;
  int h = 0, w = 0;
  double scale = 1;  // 1 / stride
};

// A RoI, in image pixels, and which of the maps it reads.
struct PlacedRoI {
  double x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  int map = 0;
};

struct RoIInputs {
  DType dtype = DType::f32;
  int64_t channels = 0;
  std::vector<RoIMap> maps;  // level by level, image by image
  std::vector<PlacedRoI> rois;
  std::vector<int32_t> order;  // the RoIs along the maps: neighbours in it read neighbouring cells

  int64_t count() const { return static_cast<int64_t>(rois.size()); }
  const RoIMap& map_of(int64_t r) const { return maps[rois[r].map]; }
  // The [H,W,C] slab of a map inside the pyramid's tensors.
  template <class T> T* slab(const std::vector<Tensor>& levels, int map) const {
    const RoIMap& m = maps[map];
    return levels[m.level].data<T>() + int64_t{m.image} * m.h * m.w * channels;
  }
};

// The type that a map's gradient is summed in.
inline DType sum_type(DType maps) { return maps == DType::bf16 ? DType::f32 : maps; }

// Errors: no maps; maps that are not [N,H,W,C] of one floating type with the same N and C;
// a stride below 1; rois not [R,5];
// maps, rois and levels not on one device.
void check_roi_shapes(const char* op, const RoICall& call, int size);
// Also: an image index or level that does not exist;
// a corner that is not finite or beyond ±2²⁴ pixels.
RoIInputs check_roi_inputs(const char* op, const RoICall& call, int size);

// i32 [3], where the RoIs are: how many have corners, an image, a level that is not valid, for
// `depth` maps of `images` images.
// Rows whose image is −1 are not counted.
Tensor count_invalid_rois(const Tensor& rois, const Tensor& levels, int64_t images, int64_t depth);

// The gradients that a backward has to find: of the maps
// (undefined where none is wanted) and of the RoIs.
struct RoIGradients {
  std::vector<Tensor> maps;
  Tensor rois;  // [R,5]; the image's column is 0
};
// Of the maps of `shapes`, each made by `make`; the RoIs' zero and of their type.
RoIGradients wanted_gradients(const Grads& g, const std::vector<Shape>& shapes, const Tensor& rois,
                              const std::function<Tensor(const Shape&)>& make);
void give_gradients(Grads& g, const RoIGradients& found, DType maps);
void store_box_gradient(const Tensor& rois, int64_t r, const double (&box)[4]);  // x1, y1, x2, y2 of RoI r

}  // namespace mr
