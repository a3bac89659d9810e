// The RoI operators on the device against the CPU.
#include <limits>

#include "ops/roi/crop_and_resize.h"
#include "ops/roi/precise_roi_pool.h"
#include "ops/roi/roi_align.h"
#include "ops/roi/roi_inputs.h"
#include "ops/roi/roi_pool.h"
#include "ops/roi/roi_warp.h"
#include "tests/gpu/ops/same.h"

namespace mr::gpu {
namespace {

// Two levels of two images, of more than one tile. Boxes inside, across the border, outside, of no width, within a cell, upside down, all
// over the map; the stride is a power of two, so that both types round alike.
const std::vector<int> strides = {4, 8};
std::vector<Tensor> inputs(int64_t channels) {
  const Tensor rois = Tensor::of<float>({9, 5}, {0, 3.3f,    5.1f,   19.7f,  27.2f, 1, -7.2f,  12.3f, 15.1f,  46.9f,  //
                                                 1, 18.3f,   2.7f,   30.9f,  12.3f, 0, 200.1f, 9.3f,  240.3f, 33.3f,  //
                                                 0, 13.3f,   7.9f,   13.3f,  20.1f, 1, 2.1f,   1.3f,  21.3f,  35.7f,  //
                                                 0, 19.3f,   6.1f,   7.9f,   28.3f, 1, 9.3f,   9.9f,  9.4f,   10.1f,  //
                                                 0, -150.3f, -60.9f, 200.7f, 150.1f});
  return {random_tensor({2, 9, 6, channels}, 1), random_tensor({2, 5, 3, channels}, 2), rois.to(Device{})};
}
Tensor levels() { return Tensor::of<int32_t>({9}, {0, 1, 0, 1, 0, 0, 1, 0, 1}); }

// op(maps, strides, rois, levels). Positions of f32 are off by some 1e-6 cells.
template <class Op> void same(const Op& op, int64_t channels = 4, double loose = 30) {
  same_on_device(
      inputs(channels),
      [&](const std::vector<Var>& v) {
        return op({v[0], v[1]}, strides, v[2], levels());
      },
      loose);
}

using Maps = std::vector<Var>;
using Strides = std::vector<int>;

}  // namespace

TEST_CASE("roi_align is the same on the device", "[gpu]") {
  const auto align = [](const RoIAlignOptions& o) {
    return [o](const Maps& maps, const Strides& s, const Var& rois, const Tensor& at) { return roi_align(maps, s, rois, at, o); };
  };
  same(align({.size = 3, .aligned = true}));
  same(align({.size = 2, .sampling_ratio = 0, .aligned = true}));
  same(align({.size = 2, .sampling_ratio = 3, .aligned = false}), 3);
  same(align({.size = 2, .aligned = true, .reduce = Reduce::max}));
  same(align({.size = 2, .sampling_ratio = 0, .aligned = false, .reduce = Reduce::max}), 3);
}

TEST_CASE("roi_pool is the same on the device", "[gpu]") {
  for (const PoolBins bins : {PoolBins::overlapping, PoolBins::disjoint, PoolBins::truncated})
    same([&](const Maps& maps, const Strides& s, const Var& rois,
             const Tensor& at) { return roi_pool(maps, s, rois.value(), at, {.size = 3, .bins = bins}); },
         bins == PoolBins::overlapping ? 4 : 3);
}

TEST_CASE("roi_warp is the same on the device", "[gpu]") {
  for (const WarpVariant variant : {WarpVariant::paper, WarpVariant::mnc})
    for (const Reduce reduce : {Reduce::mean, Reduce::max})
      same([&](const Maps& maps, const Strides& s, const Var& rois, const Tensor& at) {
        return roi_warp(maps, s, rois, at, {.size = 2, .reduce = reduce, .variant = variant});
      });
}

TEST_CASE("crop_and_resize is the same on the device", "[gpu]") {
  for (const Reduce reduce : {Reduce::mean, Reduce::max})
    same([&](const Maps& maps, const Strides& s, const Var& rois, const Tensor& at) {
      return crop_and_resize(maps, s, rois, at, {.size = 2, .reduce = reduce});
    });
}

TEST_CASE("precise_roi_pool is the same on the device", "[gpu]") {
  for (const bool aligned : {false, true})
    same([&](const Maps& maps, const Strides& s, const Var& rois, const Tensor& at) {
      return precise_roi_pool(maps, s, rois, at, {.size = 3, .aligned = aligned});
    });
}

}  // namespace mr::gpu
