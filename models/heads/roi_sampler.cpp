#include "models/heads/roi_sampler.h"

#include <algorithm>

#include "ops/boxes/matcher.h"
#include "ops/boxes/sampler.h"
#include "tensor/stages.h"

namespace mr {

int64_t RoISampler::most_objects() const { return static_cast<int64_t>(static_cast<double>(config_.batch) * config_.positive_fraction); }

RoISample RoISampler::draw(const BoxList& proposals, const DeviceBatch& batch) const {
  RoISample s{append(proposals, batch.objects), {}, {}};
  s.match = match_boxes(batch.objects, s.boxes, static_cast<float>(config_.positive_iou), static_cast<float>(config_.negative_iou), false);
  s.chosen = sample_balanced(s.match, config_.batch, config_.positive_fraction, batch.roi_rng);
  return s;
}

TrainingRoIs RoISampler::operator()(const BoxList& proposals, const DeviceBatch& batch) const {
  const Stage stage("sampling");
  const RoISample s = batch.chosen ? batch.chosen->rois : draw(proposals, batch);
  const int64_t most = std::min(most_objects(), s.chosen.size(1));
  const RoITargets all = roi_targets(s.boxes, s.match, s.chosen, batch.objects, batch.labels, roi_coder);
  return {all, object_targets(s.boxes, s.match, s.chosen, batch.objects, batch.labels, roi_coder, most),
          object_rows(all, s.chosen.size(0), most)};
}

}  // namespace mr
