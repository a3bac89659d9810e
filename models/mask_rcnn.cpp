#include "models/mask_rcnn.h"

#include "tensor/context.h"

namespace mr {
namespace {

void check_sides(const DeviceBatch& b) {
  check(b.images.size(1) % 32 == 0 && b.images.size(2) % 32 == 0, "mask_rcnn: image sides must be multiples of 32, got ", b.images.shape());
}

}  // namespace

MaskRCNN::MaskRCNN(const MaskRCNNConfig& config, uint64_t seed) : config_(config) {
  validate(config);
  backbone_ = ResNet(parameters_, "backbone.body.", config.backbone);
  fpn_ = FPN(parameters_, "backbone.fpn.", backbone_.channels(), config.fpn.channels);
  rpn_ = RPN(parameters_, "rpn.head.", config.fpn.channels, config.rpn);
  box_ = BoxHead(parameters_, "roi_heads.", config.fpn.channels, config.classes, config.box);
  if (config.mask.enabled) mask_ = MaskHead(parameters_, "roi_heads.", config.fpn.channels, config.classes, config.mask);
  parameters_.pack(seed);
}

Features MaskRCNN::features(const Tensor& images, bool training) const {
  return fpn_(backbone_(Var(images.to(parameters_.device()).to(context().precision)), training));
}

std::vector<NamedLoss> MaskRCNN::losses(const DeviceBatch& batch, const TrainingSample* chosen) const {
  check_sides(batch);
  check(batch.objects.boxes.defined(), "mask_rcnn: a batch to train on needs targets, got none");
  const OnDevice where(parameters_.device());
  const Features P = features(batch.images, true);
  const RPN::Output rpn = rpn_(P, batch.images.shape());

  const AnchorSample anchors = chosen ? AnchorSample{rpn_.match(rpn, batch), {chosen->anchors, {}, {}}} : rpn_.sample(rpn, batch);
  const RoISample sampled = chosen ? chosen->rois : box_.sample(rpn_.proposals(rpn, batch.sizes, true), batch);
  std::vector<NamedLoss> losses = rpn_.losses(P, rpn, batch, anchors);
  const RoITargets rois = box_.targets(sampled, batch);
  for (NamedLoss& l : box_.losses(box_(P, rois.rows.rois, config_.roi), rois)) losses.push_back(std::move(l));
  if (config_.mask.enabled) losses.push_back(mask_.loss(P, box_.objects(sampled, batch), batch.masks, config_.roi));
  return losses;
}

MaskRCNN::FirstStage MaskRCNN::first_stage(const DeviceBatch& batch) const {
  const NoGrad guard;
  const OnDevice where(parameters_.device());
  FirstStage s;
  s.features = features(batch.images, false);
  s.rpn = rpn_(s.features, batch.images.shape());
  s.proposals = rpn_.proposals(s.rpn, batch.sizes, false);
  return s;
}

Found MaskRCNN::detect(const DeviceBatch& batch) const {
  check_sides(batch);
  const NoGrad guard;
  const OnDevice where(parameters_.device());
  FirstStage stage = first_stage(batch);
  stage.rpn = {};  // its maps are done with
  const BoxRows rows = to_rows(stage.proposals);
  Found found = box_.detections(box_(stage.features, rows.rois, config_.roi), rows, batch.sizes);
  if (config_.mask.enabled) mask_.predict(stage.features, found, config_.roi);
  return found;
}

std::unique_ptr<System> make_mask_rcnn(const MaskRCNNConfig& config, uint64_t seed) { return std::make_unique<MaskRCNN>(config, seed); }

}  // namespace mr
