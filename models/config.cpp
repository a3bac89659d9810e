#include "models/config.h"

#include <cmath>

#include "base/check.h"

namespace mr {
namespace {

void positive(const std::string& name, int64_t v) { check(v >= 1, "model.", name, ": must be 1 or more, got ", v); }
void fraction(const std::string& name, double v) { check(v >= 0 && v <= 1, "model.", name, ": must be from 0 to 1, got ", v); }

void check_resnet(const std::string& group, const ResNetConfig& c) {
  const std::string at = str("model.", group, ".");
  const int64_t d = c.depth;
  check(d == 18 || d == 34 || d == 50 || d == 101 || d == 152, at, "depth: must be 18, 34, 50, 101 or 152, got ", d);
  positive(group + ".width", c.width);
  check(c.norm_epsilon >= 0, at, "norm_epsilon: must be 0 or more, got ", c.norm_epsilon);
  fraction(group + ".norm_momentum", c.norm_momentum);
  check(c.freeze >= 0 && c.freeze <= 5, at, "freeze: must be from 0 to 5, got ", c.freeze);
  check(c.norm != NormKind::group || c.width % 32 == 0, at, "width: group norm needs a multiple of 32, got ", c.width);
}

void check_vgg(const std::string& group, const VGGConfig& c) {
  positive(group + ".width", c.width);
  check(c.freeze >= 0 && c.freeze <= 5, "model.", group, ".freeze: must be from 0 to 5, got ", c.freeze);
}

// ---- one function a kind ----

void check_kind(const ResNetFPNConfig& c) {
  check_resnet("backbone", c.resnet);
  positive("backbone.fpn.channels", c.fpn.channels);
}

void check_kind(const RPNConfig& c) {
  check(!c.anchor_sizes.empty(), "model.proposals.anchor_sizes: at least one");
  for (const double s : c.anchor_sizes) check(s > 0 && std::isfinite(s), "model.proposals.anchor_sizes: must be above 0, got ", s);
  check(!c.anchor_ratios.empty(), "model.proposals.anchor_ratios: at least one");
  for (const double r : c.anchor_ratios) check(r > 0 && std::isfinite(r), "model.proposals.anchor_ratios: must be above 0, got ", r);
  check(c.negative_iou <= c.positive_iou, "model.proposals.negative_iou: must not exceed positive_iou ", c.positive_iou, ", got ",
        c.negative_iou);
  positive("proposals.batch", c.batch);
  fraction("proposals.positive_fraction", c.positive_fraction);
  for (const int64_t n : {c.pre_nms_train, c.pre_nms_test, c.post_nms_train, c.post_nms_test}) positive("proposals.pre/post_nms", n);
  fraction("proposals.nms", c.nms);
}

void check_levels(const RPNConfig& c, size_t levels) {
  check(c.anchor_sizes.size() == levels, "model.proposals.anchor_sizes: one a level of the backbone, so ", levels, ", got ",
        c.anchor_sizes.size());
}

void check_kind(const NoMaskConfig&) {}

void check_kind(const MaskFCNConfig& c) {
  positive("mask.size", c.size);
  check(c.convs >= 0, "model.mask.convs: must be 0 or more, got ", c.convs);
  positive("mask.width", c.width);
}

void check_box_head(const BoxHeadConfig& c) {
  positive("box.size", c.size);
  positive("box.width", c.width);
  positive("box.batch", c.batch);
  fraction("box.positive_fraction", c.positive_fraction);
  check(c.negative_iou <= c.positive_iou, "model.box.negative_iou: must not exceed positive_iou ", c.positive_iou, ", got ",
        c.negative_iou);
  fraction("box.score", c.score);
  fraction("box.nms", c.nms);
  positive("box.detections", c.detections);
}

constexpr auto checked = [](const auto& part) { check_kind(part); };

}  // namespace

void validate(const ClassifierConfig& c) {
  struct Check {
    void operator()(const ResNetConfig& r) const { check_resnet("trunk", r); }
    void operator()(const VGGConfig& v) const { check_vgg("trunk", v); }
  };
  std::visit(Check(), c.trunk);
}

void validate(const RCNNConfig& c) {
  std::visit(checked, c.backbone);
  std::visit(checked, c.proposals);
  check(c.roi.sampling >= 0, "model.roi.sampling: must be 0 or more, got ", c.roi.sampling);
  check_box_head(c.box);
  std::visit(checked, c.mask);
  const size_t levels = std::visit([](const auto& b) { return b.levels; }, c.backbone);
  std::visit([levels](const auto& p) { check_levels(p, levels); }, c.proposals);
}

void validate(const ModelConfig& c) {
  positive("classes", c.classes);
  std::visit([](const auto& system) { validate(system); }, c.system);
}

std::vector<std::string> names_of(const std::vector<LossTerm>& terms) {
  std::vector<std::string> names;
  for (const LossTerm& t : terms) names.emplace_back(t.name);
  return names;
}

void set_masks(RCNNConfig& c, bool masks) {
  const bool has = !std::holds_alternative<NoMaskConfig>(c.mask);
  if (has == masks) return;
  if (masks)
    c.mask = MaskFCNConfig{};
  else
    c.mask = NoMaskConfig{};
}

std::vector<LossTerm> RCNNConfig::losses() const {
  std::vector<LossTerm> all;
  const auto add = [&all](const auto& part) {
    for (const LossTerm& t : part.losses()) all.push_back(t);
  };
  std::visit(add, proposals);
  add(box);
  std::visit(add, mask);
  return all;
}

void lower_score(ModelConfig& c, double to) {
  std::visit([to](auto& system) { system.lower_score(to); }, c.system);
}

std::vector<LossTerm> loss_terms(const ModelConfig& c) {
  return std::visit([](const auto& system) { return system.losses(); }, c.system);
}

}  // namespace mr
