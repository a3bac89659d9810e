#include "models/heads/roi_features.h"

#include <bit>

#include "base/check.h"
#include "ops/boxes/levels.h"
#include "ops/roi/crop_and_resize.h"
#include "ops/roi/precise_roi_pool.h"
#include "ops/roi/roi_align.h"
#include "ops/roi/roi_pool.h"
#include "ops/roi/roi_warp.h"
#include "tensor/stages.h"

namespace mr {

RoIFeatures::RoIFeatures(const std::vector<Level>& levels, const RoIConfig& config) : config_(config) {
  for (size_t l = 0; l < levels.size(); ++l) {
    const Level& level = levels[l];
    if (!level.for_rois) continue;
    if (maps_.empty()) {
      finest_ = std::countr_zero(static_cast<unsigned>(level.stride));
      channels_ = level.channels;
    }
    check(level.stride == 1 << (finest_ + static_cast<int>(maps_.size())) && level.channels == channels_, "roi features: level ",
          level.name, ": expected stride ", 1 << (finest_ + static_cast<int>(maps_.size())), " and ", channels_, " channels, got ",
          level.stride, " and ", level.channels);
    maps_.push_back(l);
  }
  check(!maps_.empty(), "roi features: the backbone has no level for RoIs");
}

Var RoIFeatures::operator()(const Features& f, const Tensor& rois, int64_t size) const {
  const Stage stage("roi features");
  std::vector<Var> maps;
  std::vector<int> strides;
  for (const size_t l : maps_) {
    maps.push_back(f.maps[l]);
    strides.push_back(f.strides[l]);
  }
  const Tensor level = assign_levels(rois, finest_, finest_ + static_cast<int>(maps.size()) - 1);  // [R]
  const auto bins = static_cast<int>(size), samples = static_cast<int>(config_.sampling);
  const Reduce reduce = config_.reduce;
  const Var boxes(rois);  // without a gradient
  switch (config_.op) {
    case RoIOp::align:
      return roi_align(maps, strides, boxes, level,
                       {.size = bins, .sampling_ratio = samples, .aligned = config_.aligned, .reduce = reduce});
    case RoIOp::pool:
      return roi_pool(maps, strides, rois, level, {.size = bins});
    case RoIOp::warp:
      return roi_warp(maps, strides, boxes, level, {.size = bins, .sampling_ratio = samples, .reduce = reduce});
    case RoIOp::mnc_warp:
      return roi_warp(maps, strides, boxes, level, {.size = bins, .reduce = reduce, .variant = WarpVariant::mnc});
    case RoIOp::precise:
      return precise_roi_pool(maps, strides, boxes, level, {.size = bins, .aligned = config_.aligned});
    case RoIOp::crop:
      return crop_and_resize(maps, strides, boxes, level, {.size = bins, .reduce = reduce});
  }
  fail("model.roi.op: unknown operator");
}

}  // namespace mr
