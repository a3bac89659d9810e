#include "models/systems/rcnn.h"

#include "models/backbones/resnet_fpn.h"
#include "models/heads/box.h"
#include "models/heads/mask_fcn.h"
#include "models/proposals/rpn.h"
#include "tensor/context.h"

namespace mr {

Traits RCNN::traits() const {
  Traits t;
  t.divisor = parts_.backbone->divisor();
  t.rois = sampler_.most_objects();
  t.losses = parts_.proposer->names();
  for (const auto& head : parts_.heads) {
    for (std::string& name : head->names()) t.losses.push_back(std::move(name));
    t.masks |= head->masks();
  }
  return t;
}

Features RCNN::features(const DeviceBatch& batch, bool training) const {
  const int divisor = parts_.backbone->divisor();
  check(batch.images.size(1) % divisor == 0 && batch.images.size(2) % divisor == 0, "rcnn: image sides must be multiples of ", divisor,
        ", got ", batch.images.shape());
  return (*parts_.backbone)(Var(batch.images.to(context().precision)), training);
}

Losses RCNN::losses(const DeviceBatch& batch) {
  check(batch.objects.boxes.defined(), "rcnn: a batch to train on needs targets, got none");
  const OnDevice where(parameters_.device());
  const Features f = features(batch, true);
  Proposed proposed = parts_.proposer->train(f, batch);
  const TrainingRoIs rois = sampler_(proposed.boxes, batch);
  Losses losses = std::move(proposed.losses);
  for (const auto& head : parts_.heads)
    for (NamedLoss& l : head->losses(f, rois, batch)) losses.push_back(std::move(l));
  return losses;
}

Found RCNN::detect(const DeviceBatch& batch) const {
  const NoGrad guard;
  const OnDevice where(parameters_.device());
  const Features f = features(batch, false);
  Found found;
  found.boxes = parts_.proposer->predict(f, batch).boxes;
  for (const auto& head : parts_.heads) head->predict(f, batch.sizes, found);
  return found;
}

std::unique_ptr<RCNN> make_mask_rcnn(const MaskRCNNConfig& c, uint64_t seed) {
  validate(c);
  return std::make_unique<RCNN>(RoISampler(c.box), seed, [&](Parameters& p) {
    RCNN::Parts parts;
    parts.backbone = std::make_unique<ResNetFPN>(p, c.backbone, c.fpn);
    const std::vector<Level>& levels = parts.backbone->levels();
    parts.proposer = std::make_unique<RPN>(p, "rpn.head.", levels, c.rpn);
    const RoIFeatures features(levels, c.roi);
    parts.heads.push_back(std::make_unique<BoxHead>(p, "roi_heads.", features, c.classes, c.box));
    if (c.mask.enabled) parts.heads.push_back(std::make_unique<MaskFCNHead>(p, "roi_heads.", features, c.classes, c.mask));
    return parts;
  });
}

}  // namespace mr
