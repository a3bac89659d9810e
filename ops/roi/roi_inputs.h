// What every RoI operator is called with, checked once: maps, strides, RoIs, levels.
#pragma once

#include <cstdint>
#include <vector>

#include "autograd/var.h"

namespace mr {

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

// Errors: no maps; maps that are not [N,H,W,C] of one floating type with the same N and C; a stride below 1; rois not [R,5];
// an image index or level that does not exist; a corner that is not finite or beyond ±2²⁴ pixels.
RoIInputs check_roi_inputs(const char* op, const std::vector<Var>& maps, const std::vector<int>& strides, const Tensor& rois,
                           const Tensor& levels, int size);

}  // namespace mr
