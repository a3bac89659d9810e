// Mask R-CNN on a GPU. Nothing here waits for the device: the program queues a whole step and goes on.
#include "models/mask_rcnn.h"
#include "tensor/context.h"

namespace mr {

std::vector<NamedLoss> MaskRCNN::losses(const PaddedBatch& batch) {
  const OnDevice where(parameters_.device());
  const Features P = features(batch.images, true);
  const RPN::Dense rpn = rpn_.dense(P, batch.images.shape());
  std::vector<NamedLoss> losses = rpn_.losses(P, rpn, batch);
  const BoxHead::List sampled = box_.sample(rpn_.proposals(rpn, batch.sizes, true), batch);
  for (NamedLoss& l : box_.losses(box_(P, sampled.all.rois, config_.roi), sampled.all)) losses.push_back(std::move(l));
  if (config_.mask.enabled) losses.push_back(mask_.loss(P, sampled.objects, batch, config_.roi));
  return losses;
}

DetectionList MaskRCNN::detect(const PaddedBatch& batch) const {
  const NoGrad guard;
  const OnDevice where(parameters_.device());
  const Features P = features(batch.images, false);
  const gpu::BoxList proposals = rpn_.proposals(rpn_.dense(P, batch.images.shape()), batch.sizes, false);
  DetectionList found = box_.detections(box_(P, gpu::to_rois(proposals.boxes), config_.roi), proposals, batch.sizes);
  if (config_.mask.enabled) mask_.predict(P, found, config_.roi);
  return found;
}

std::vector<Detections> on_cpu(const DetectionList& list) {
  const std::vector<Tensor> here = to_cpu({list.count, list.boxes, list.scores, list.labels, list.masks});
  const Tensor &count = here[0], &boxes = here[1], &scores = here[2], &labels = here[3], &masks = here[4];
  std::vector<Detections> all;
  for (int64_t n = 0; n < count.size(0); ++n) {
    const int64_t found = count.data<int32_t>()[n];
    const auto rows = [&](const Tensor& t) {  // [N,D,…] → [found,…]
      const Shape& s = t.shape();
      return t.slice(n, n + 1)
          .reshape(s.rank() == 2   ? Shape{s[1]}
                   : s.rank() == 3 ? Shape{s[1], s[2]}
                                   : Shape{s[1], s[2], s[3]})
          .slice(0, found);
    };
    all.push_back({rows(boxes), rows(scores), rows(labels), masks.defined() ? rows(masks) : Tensor()});
  }
  return all;
}

}  // namespace mr
