#include "models/mask_rcnn.h"

#include <algorithm>

#include "tensor/context.h"
#include "tensor/gpu/built.h"

namespace mr {
namespace {

void check_batch(const Batch& b, bool training) {
  check(b.images.defined() && b.images.rank() == 4 && b.images.size(3) == 3, "mask_rcnn: images must be [N,H,W,3], got ",
        b.images.defined() ? b.images.shape() : Shape{});
  const auto N = static_cast<size_t>(b.images.size(0));
  check(b.images.size(1) % 32 == 0 && b.images.size(2) % 32 == 0, "mask_rcnn: image sides must be multiples of 32, got ", b.images.shape());
  check(b.sizes.size() == N, "mask_rcnn: ", N, " images, but ", b.sizes.size(), " sizes");
  if (!training) return;
  check(b.targets.size() == N && b.image_ids.size() == N, "mask_rcnn: ", N, " images, but ", b.targets.size(), " targets and ",
        b.image_ids.size(), " ids");
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

std::vector<NamedLoss> MaskRCNN::losses(const Batch& batch, const std::vector<TrainingSample>& chosen) {
  check_batch(batch, true);
  const OnDevice where(parameters_.device());
  const size_t N = batch.sizes.size();
  check(chosen.empty() || chosen.size() == N, "mask_rcnn: ", N, " images, but samples chosen for ", chosen.size());
  if constexpr (gpu::exists) {
    if (parameters_.device().type != DeviceType::cpu) {
      check(chosen.empty(), "mask_rcnn: samples can be given on the CPU, got a model on ", parameters_.device());
      return losses(padded(batch));
    }
  }
  const Features P = features(batch.images, true);
  const RPN::Output rpn = rpn_(P, batch.images.shape());

  std::vector<AnchorSample> anchors;
  std::vector<RoISample> rois;
  if (chosen.empty()) {
    const std::vector<Tensor> proposals = rpn_.proposals(rpn, batch.sizes, true);  // [R,4] of each image
    for (size_t n = 0; n < N; ++n) {
      anchors.push_back(rpn_.sample(rpn, batch, n));
      rois.push_back(box_.sample(proposals[n], batch, n));
    }
  } else {
    for (const TrainingSample& s : chosen) {
      anchors.push_back(s.anchors);
      rois.push_back(s.rois);
    }
  }

  std::vector<NamedLoss> losses = rpn_.losses(P, rpn, batch, anchors);
  std::vector<Tensor> boxes;
  for (const RoISample& s : rois) boxes.push_back(s.boxes);
  const BoxHead::Output out = box_(P, to_rois(boxes), config_.roi);
  for (NamedLoss& l : box_.losses(out, rois, batch)) losses.push_back(std::move(l));
  if (config_.mask.enabled) losses.push_back(mask_.loss(P, rois, batch, config_.roi));
  return losses;
}

MaskRCNN::FirstStage MaskRCNN::first_stage(const Batch& batch) const {
  const NoGrad guard;
  const OnDevice where(parameters_.device());
  FirstStage s;
  s.features = features(batch.images, false);
  s.rpn = rpn_(s.features, batch.images.shape());
  s.proposals = rpn_.proposals(s.rpn, batch.sizes, false);
  return s;
}

std::vector<Detections> MaskRCNN::predict(const Batch& batch) {
  check_batch(batch, false);
  const NoGrad guard;
  const OnDevice where(parameters_.device());
  if constexpr (gpu::exists) {
    if (parameters_.device().type != DeviceType::cpu) return on_cpu(detect(PaddedBatch(batch, false, parameters_.device())));
  }
  const auto [P, rpn, proposals] = first_stage(batch);
  std::vector<Detections> found = box_.detections(box_(P, to_rois(proposals), config_.roi), proposals, batch.sizes);
  if (config_.mask.enabled) mask_.predict(P, found, config_.roi);
  return found;
}

std::unique_ptr<System> make_mask_rcnn(const MaskRCNNConfig& config, uint64_t seed) { return std::make_unique<MaskRCNN>(config, seed); }

}  // namespace mr
