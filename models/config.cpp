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
  positive(group + ".groups", c.groups);
  check(c.group_width >= 0, at, "group_width: must be 0 or more, got ", c.group_width);
  check(d >= 50 || (c.groups == 1 && c.group_width == 0), at, "groups: depth ", d,
        " has no bottlenecks, whose 3x3 could be grouped: expected groups = 1 and group_width = 0, got ", c.groups, " and ", c.group_width);
  check(c.group_width > 0 || c.width % c.groups == 0, at, "groups: must divide width ", c.width, " where group_width is 0, got ", c.groups);
  check(c.norm_epsilon >= 0, at, "norm_epsilon: must be 0 or more, got ", c.norm_epsilon);
  fraction(group + ".norm_momentum", c.norm_momentum);
  check(c.freeze >= 0 && c.freeze <= 5, at, "freeze: must be from 0 to 5, got ", c.freeze);
  check(c.norm != NormKind::group || c.width % 32 == 0, at, "width: group norm needs a multiple of 32, got ", c.width);
  check(c.norm != NormKind::group || c.inner_width(2) % 32 == 0, at, "group_width: group norm needs a multiple of 32 channels, got ",
        c.groups, " groups of ", c.group_width);
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

void check_kind(const ResNetMapConfig& c) { check_resnet("backbone", c.resnet); }

void check_kind(const RPNConfig& c) {
  check(c.channels >= 0, "model.proposals.channels: must be 0 or more, got ", c.channels);
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

void check_kind(const GivenConfig& c) {
  positive("proposals.most_train", c.most_train);
  positive("proposals.most_test", c.most_test);
}

void check_levels(const GivenConfig&, size_t) {}

void check_levels(const RPNConfig& c, size_t levels) {
  check(levels == 1 || c.anchor_sizes.size() == levels, "model.proposals.anchor_sizes: one a level of the backbone, so ", levels, ", got ",
        c.anchor_sizes.size());
}

void check_kind(const NoMaskConfig&) {}

void check_mask_output(const MaskOutputConfig& c) {
  check(c.loss == MaskLoss::sigmoid || !c.class_agnostic,
        "model.mask.class_agnostic: one mask for all classes has no classes that compete for pixels: expected loss = \"sigmoid\", got "
        "\"softmax\"");
}

void check_mask_predictor(const MaskPredictorConfig& c) {
  check_mask_output(c);
  positive("mask.width", c.width);
  check(c.deconvs >= 1 && c.deconvs <= 4, "model.mask.deconvs: must be from 1 to 4, got ", c.deconvs);
}

void check_mask_side(const char* field, int64_t side) {
  check(side >= 1 && side <= 1024, "model.mask.", field, ": gives masks of ", side, " bins a side: expected 1 to 1024");
}

void check_kind(const MaskFCNConfig& c) {
  check_mask_predictor(c);
  check_mask_side("size", c.size << c.deconvs);
  check(c.convs >= 0, "model.mask.convs: must be 0 or more, got ", c.convs);
}

void check_kind(const MaskRes5Config& c) { check_mask_predictor(c); }

void check_kind(const MaskMLPConfig& c) {
  check_mask_output(c);
  positive("mask.size", c.size);
  check_mask_side("side", c.side);
  positive("mask.layers", c.layers);
  positive("mask.width", c.width);
}

void check_kind(const MaskUNetConfig& c) {
  check_mask_output(c);
  check(c.widths.size() >= 2 && c.widths.size() <= 8, "model.mask.widths: expected 2 to 8 levels, got ", c.widths.size());
  for (const int64_t w : c.widths) positive("mask.widths", w);
  check_mask_side("size", c.size);
  const int64_t halved = int64_t{1} << (c.widths.size() - 1);
  check(c.size % halved == 0, "model.mask.size: is halved ", c.widths.size() - 1, " times: expected a multiple of ", halved, ", got ",
        c.size);
}

void check_kind(const TwoFCConfig& c) {
  positive("box.size", c.size);
  positive("box.width", c.width);
}

void check_kind(const Res5Config& c) {
  check(c.stride == 1 || c.stride == 2, "model.box.stride: must be 1 or 2, got ", c.stride);
  positive("box.bins", c.bins);
  check(c.bins % c.stride == 0, "model.box.bins: must be a multiple of stride ", c.stride, ", got ", c.bins);
}

void check_box_head(const BoxHeadConfig& c) {
  positive("box.batch", c.batch);
  fraction("box.positive_fraction", c.positive_fraction);
  check(c.negative_iou <= c.positive_iou, "model.box.negative_iou: must not exceed positive_iou ", c.positive_iou, ", got ",
        c.negative_iou);
  fraction("box.score", c.score);
  fraction("box.nms", c.nms);
  positive("box.detections", c.detections);
}

constexpr auto checked = [](const auto& part) { check_kind(part); };

// res5 stands in one place: behind res4 in the trunk, or in the box head on RoIs of res4's map.
void check_res5(const RCNNConfig& c) {
  const bool in_head = std::holds_alternative<Res5Config>(c.box.layers);
  check(in_head || !std::holds_alternative<MaskRes5Config>(c.mask),
        "model.mask.kind: res5 sees what the box head's res5 makes of a RoI: "
        "expected model.box.kind = \"res5\", got \"",
        kind_of(c.box.layers), "\"");
  if (!in_head) return;
  const auto* trunk = std::get_if<ResNetMapConfig>(&c.backbone);
  check(trunk != nullptr && trunk->output == ResNetOutput::c4,
        "model.box.kind: res5 goes on RoIs of res4's map: expected "
        "model.backbone.kind = \"resnet\" with output = \"c4\", got ",
        trunk == nullptr ? str("kind = \"", kind_of(c.backbone), "\"") : std::string("an output of res5 itself"));
  check(trunk->resnet.norm != NormKind::batch,
        "model.backbone.norm: res5 on RoIs has no statistics of its own, since those of a step are of "
        "RoIs sampled around a few objects: expected frozen or group, got batch");
}

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
  std::visit(checked, c.box.layers);
  std::visit(checked, c.mask);
  check_res5(c);
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
  if (!masks)
    c.mask = NoMaskConfig{};
  else if (std::holds_alternative<Res5Config>(c.box.layers))
    c.mask = MaskRes5Config{};
  else
    c.mask = MaskFCNConfig{};
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
