#include "models/config.h"

#include <cmath>

#include "base/check.h"

namespace mr {
namespace {

void positive(const char* name, int64_t v) { check(v >= 1, "model.", name, ": must be 1 or more, got ", v); }
void fraction(const char* name, double v) { check(v >= 0 && v <= 1, "model.", name, ": must be from 0 to 1, got ", v); }

void check_resnet(const std::string& group, const ResNetConfig& c) {
  const std::string at = str("model.", group, ".");
  const int64_t d = c.depth;
  check(d == 18 || d == 34 || d == 50 || d == 101 || d == 152, at, "depth: must be 18, 34, 50, 101 or 152, got ", d);
  check(c.width >= 1, at, "width: must be 1 or more, got ", c.width);
  check(c.norm_epsilon >= 0, at, "norm_epsilon: must be 0 or more, got ", c.norm_epsilon);
  check(c.norm_momentum >= 0 && c.norm_momentum <= 1, at, "norm_momentum: must be from 0 to 1, got ", c.norm_momentum);
  check(c.freeze >= 0 && c.freeze <= 5, at, "freeze: must be from 0 to 5, got ", c.freeze);
  check(c.norm != NormKind::group || c.width % 32 == 0, at, "width: group norm needs a multiple of 32, got ", c.width);
}

void check_vgg(const std::string& group, const VGGConfig& c) {
  check(c.width >= 1, "model.", group, ".width: must be 1 or more, got ", c.width);
  check(c.freeze >= 0 && c.freeze <= 5, "model.", group, ".freeze: must be from 0 to 5, got ", c.freeze);
}

}  // namespace

void validate(const ClassifierConfig& c) {
  positive("classes", c.classes);
  struct Check {
    void operator()(const ResNetConfig& r) const { check_resnet("trunk", r); }
    void operator()(const VGGConfig& v) const { check_vgg("trunk", v); }
  };
  std::visit(Check(), c.trunk);
}

void validate(const MaskRCNNConfig& c) {
  positive("classes", c.classes);
  check_resnet("backbone", c.backbone);
  positive("fpn.channels", c.fpn.channels);
  check(c.rpn.anchor_sizes.size() == FPNConfig::levels, "model.rpn.anchor_sizes: one a level from P2 to P6, so ", FPNConfig::levels,
        ", got ", c.rpn.anchor_sizes.size());
  for (const double s : c.rpn.anchor_sizes) check(s > 0 && std::isfinite(s), "model.rpn.anchor_sizes: must be above 0, got ", s);
  check(!c.rpn.anchor_ratios.empty(), "model.rpn.anchor_ratios: at least one");
  for (const double r : c.rpn.anchor_ratios) check(r > 0 && std::isfinite(r), "model.rpn.anchor_ratios: must be above 0, got ", r);
  check(c.rpn.negative_iou <= c.rpn.positive_iou, "model.rpn.negative_iou: must not exceed positive_iou ", c.rpn.positive_iou, ", got ",
        c.rpn.negative_iou);
  check(c.rpn.sparse, "model.rpn.sparse: the dense backward, which gave the same gradients, is no more; leave this key out");
  positive("rpn.batch", c.rpn.batch);
  fraction("rpn.positive_fraction", c.rpn.positive_fraction);
  for (const int64_t n : {c.rpn.pre_nms_train, c.rpn.pre_nms_test, c.rpn.post_nms_train, c.rpn.post_nms_test})
    positive("rpn.pre/post_nms", n);
  fraction("rpn.nms", c.rpn.nms);
  check(c.roi.sampling >= 0, "model.roi.sampling: must be 0 or more, got ", c.roi.sampling);
  positive("box.size", c.box.size);
  positive("box.width", c.box.width);
  positive("box.batch", c.box.batch);
  fraction("box.positive_fraction", c.box.positive_fraction);
  check(c.box.negative_iou <= c.box.positive_iou, "model.box.negative_iou: must not exceed positive_iou ", c.box.positive_iou, ", got ",
        c.box.negative_iou);
  fraction("box.score", c.box.score);
  fraction("box.nms", c.box.nms);
  positive("box.detections", c.box.detections);
  if (!c.mask.enabled) return;
  positive("mask.size", c.mask.size);
  check(c.mask.convs >= 0, "model.mask.convs: must be 0 or more, got ", c.mask.convs);
  positive("mask.width", c.mask.width);
}

}  // namespace mr
