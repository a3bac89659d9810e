#include "models/weights/detectron.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/check.h"

namespace mr {
namespace {

struct Words {
  std::string_view theirs, ours;
};

// ---- Detectron → detectron2 ----

constexpr Words caffe_words[] = {
    {"conv1", "backbone.bottom_up.stem.conv1"},
    {"res_conv1_bn", "backbone.bottom_up.stem.conv1.norm"},
    {"conv_rpn_fpn2", "proposal_generator.rpn_head.conv"},
    {"conv_rpn", "proposal_generator.rpn_head.conv"},
    {"rpn_cls_logits_fpn2", "proposal_generator.rpn_head.objectness_logits"},
    {"rpn_cls_logits", "proposal_generator.rpn_head.objectness_logits"},
    {"rpn_bbox_pred_fpn2", "proposal_generator.rpn_head.anchor_deltas"},
    {"rpn_bbox_pred", "proposal_generator.rpn_head.anchor_deltas"},
    {"fc6", "roi_heads.box_head.fc1"},
    {"fc7", "roi_heads.box_head.fc2"},
    {"cls_score", "roi_heads.box_predictor.cls_score"},
    {"bbox_pred", "roi_heads.box_predictor.bbox_pred"},
    {"conv5_mask", "roi_heads.mask_head.deconv"},
    {"mask_fcn_logits", "roi_heads.mask_head.predictor"},
};

// The number at the front of a text, which is cut off it; nullopt where there is none.
std::optional<int> take_number(std::string_view& text) {
  int value = 0;
  size_t digits = 0;
  for (; digits < text.size() && digits < 4 && text[digits] >= '0' && text[digits] <= '9'; ++digits)
    value = value * 10 + (text[digits] - '0');
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, std::string_view start) {
  if (!text.starts_with(start)) return false;
  text.remove_prefix(start.size());
  return true;
}

// "res4_5_branch2a" → backbone.bottom_up.res4.5.conv1, "…_bn" → its norm; empty for what is no such name.
std::string caffe_block(std::string_view name) {
  if (!take(name, "res")) return {};
  const auto stage = take_number(name);
  if (!stage || !take(name, "_")) return {};
  const auto block = take_number(name);
  if (!block || !take(name, "_branch")) return {};
  const std::string at = str("backbone.bottom_up.res", *stage, ".", *block, ".");
  for (const Words& branch : {Words{"1", "shortcut"}, Words{"2a", "conv1"}, Words{"2b", "conv2"}, Words{"2c", "conv3"}}) {
    if (name == branch.theirs) return at + std::string(branch.ours);
    if (name == std::string(branch.theirs) + "_bn") return at + std::string(branch.ours) + ".norm";
  }
  return {};
}

// "fpn_inner_res5_2_sum", "fpn_inner_res4_5_sum_lateral", "fpn_res4_5_sum", "_[mask]_fcn1"
std::string caffe_numbered(std::string_view name) {
  if (take(name, "_[mask]_fcn")) {
    const auto n = take_number(name);
    return n && name.empty() ? str("roi_heads.mask_head.mask_fcn", *n) : std::string();
  }
  const bool lateral = take(name, "fpn_inner_res");
  if (!lateral && !take(name, "fpn_res")) return {};
  const auto stage = take_number(name);
  if (!stage || !take(name, "_") || !take_number(name) || !take(name, "_sum")) return {};
  if (!name.empty() && name != "_lateral") return {};
  return str("backbone.fpn_", lateral ? "lateral" : "output", *stage);
}

// A Caffe2 blob's name in detectron2's words; empty where it is of no use, the name itself where it is not known.
std::string from_caffe(const std::string& name) {
  if (name.ends_with("_momentum") || name == "lr" || name.starts_with("fc1000_") || name.starts_with("pred_")) return {};
  if (name.size() < 3 || name[name.size() - 2] != '_') return name;
  const std::string_view stem = std::string_view(name).substr(0, name.size() - 2);
  const char kind = name.back();
  const std::string last = kind == 'w' || kind == 's' ? ".weight" : kind == 'b' ? ".bias" : "";
  if (last.empty()) return name;
  for (const Words& w : caffe_words)
    if (stem == w.theirs) return std::string(w.ours) + last;
  for (const std::string& found : {caffe_block(stem), caffe_numbered(stem)})
    if (!found.empty()) return found + last;
  return name;
}

// ---- detectron2 → torchvision ----

constexpr Words detectron2_words[] = {
    {"proposal_generator.rpn_head.conv.", "rpn.head.conv.0.0."},
    {"proposal_generator.rpn_head.objectness_logits.", "rpn.head.cls_logits."},
    {"proposal_generator.rpn_head.anchor_deltas.", "rpn.head.bbox_pred."},
    {"roi_heads.box_head.fc1.", "roi_heads.box_head.fc6."},
    {"roi_heads.box_head.fc2.", "roi_heads.box_head.fc7."},
    {"roi_heads.mask_head.deconv.", "roi_heads.mask_predictor.conv5_mask."},
    {"roi_heads.mask_head.predictor.", "roi_heads.mask_predictor.mask_fcn_logits."},
};

// "stem.conv1.weight", "res3.0.shortcut.norm.bias", … in torchvision's words, with the backbone's prefix.
std::string from_detectron2_backbone(std::string_view name) {
  // "conv1.norm.weight" belongs to the norm behind the convolution, "conv1.weight" to the
  // convolution.
  const auto ours = [&name](const std::string& convolution, const std::string& norm) {
    const bool of_norm = take(name, "norm.");
    return (of_norm ? norm : convolution) + "." + std::string(name);
  };
  if (take(name, "stem.conv1.")) return ours("backbone.body.conv1", "backbone.body.bn1");
  if (!take(name, "res")) return {};
  const auto stage = take_number(name);
  if (!stage || *stage < 2 || !take(name, ".")) return {};
  const auto block = take_number(name);
  if (!block || !take(name, ".")) return {};
  const std::string at = str("backbone.body.layer", *stage - 1, ".", *block, ".");
  if (take(name, "shortcut.")) return ours(at + "downsample.0", at + "downsample.1");
  if (!take(name, "conv")) return {};
  const auto n = take_number(name);
  if (!n || !take(name, ".")) return {};
  return ours(str(at, "conv", *n), str(at, "bn", *n));
}

std::string from_detectron2(const std::string& name) {
  if (name.starts_with("linear.")) return {};  // a classifier's last layer
  for (const Words& w : detectron2_words)
    if (name.starts_with(w.theirs)) return std::string(w.ours) + name.substr(w.theirs.size());
  std::string_view rest = name;
  for (const Words& w : {Words{"backbone.fpn_lateral", "inner_blocks"}, Words{"backbone.fpn_output", "layer_blocks"}}) {
    if (!take(rest, w.theirs)) continue;
    const auto level = take_number(rest);
    if (level && *level >= 2 && rest.size() > 1 && rest.find('.', 1) == std::string_view::npos)
      return str("backbone.fpn.", w.ours, ".", *level - 2, ".0", rest);
    return name;
  }
  if (!take(rest, "backbone.bottom_up.") && !take(rest, "backbone.")) take(rest, "roi_heads.");  // C4: roi_heads.res5
  const std::string body = from_detectron2_backbone(rest);
  return body.empty() ? name : body;
}

// ---- rows ----

using Bytes = std::span<std::byte>;

void last_row_first(NamedTensor& t) {
  if (t.shape[0] < 1) return;
  t.read = [read = t.read, rows = static_cast<size_t>(t.shape[0])](Bytes out) {
    read(out);
    std::rotate(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(out.size() / rows * (rows - 1)), out.end());
  };
}

void rows_of_zeros_before(NamedTensor& t, int64_t n) {
  if (t.shape[0] < 1) return;
  const size_t front = t.bytes() / static_cast<size_t>(t.shape[0]) * static_cast<size_t>(n);
  t.read = [read = t.read, front](Bytes out) {
    std::ranges::fill(out.first(front), std::byte{0});
    read(out.subspan(front));
  };
  t.shape[0] += n;
}

void repeated(NamedTensor& t, int64_t times) {
  t.read = [read = t.read, times](Bytes out) {
    const size_t once = out.size() / static_cast<size_t>(times);
    read(out.first(once));
    for (size_t at = once; at < out.size(); at += once) std::memcpy(out.data() + at, out.data(), once);
  };
  t.shape[0] *= times;
}

// Rows of `of_anchor` numbers, by size and then ratio → by ratio and then size.
void anchors_by_ratio(NamedTensor& t, size_t of_anchor) {
  constexpr size_t ratios = 3;
  const size_t rows = static_cast<size_t>(t.shape[0]), anchors = rows / of_anchor, sizes = anchors / ratios;
  if (anchors <= ratios || rows != sizes * ratios * of_anchor) return;
  t.read = [read = t.read, sizes, anchors](Bytes out) {
    std::vector<std::byte> by_size(out.size());
    read(by_size);
    const size_t bytes = out.size() / anchors;
    for (size_t a = 0; a < anchors; ++a)
      std::memcpy(out.data() + a * bytes, by_size.data() + (a % sizes * ratios + a / sizes) * bytes, bytes);
  };
}

void move_anchors(std::vector<Candidate>& candidates) {
  for (Candidate& c : candidates) {
    if (c.tensor.shape.empty() || c.tensor.shape[0] < 1) continue;
    if (c.tensor.name.starts_with("rpn.head.cls_logits.")) anchors_by_ratio(c.tensor, 1);
    if (c.tensor.name.starts_with("rpn.head.bbox_pred.")) anchors_by_ratio(c.tensor, 4);
  }
}

void move_background(std::vector<Candidate>& candidates, const Parameters& parameters) {
  const std::string scores = "roi_heads.box_predictor.cls_score.", boxes = "roi_heads.box_predictor.bbox_pred.";
  const std::string masks = "roi_heads.mask_predictor.mask_fcn_logits.";
  constexpr int64_t most_classes = 1'000'000;
  int64_t classes = 0;
  for (const Candidate& c : candidates)
    if (c.tensor.name == scores + "weight" && !c.tensor.shape.empty()) classes = std::min(c.tensor.shape[0] - 1, most_classes);
  for (Candidate& c : candidates) {
    NamedTensor& t = c.tensor;
    if (t.shape.empty()) continue;
    if (t.name.starts_with(scores)) last_row_first(t);
    if (t.name.starts_with(boxes)) {
      if (t.shape[0] == 4 && classes > 1)
        repeated(t, classes + 1);
      else
        rows_of_zeros_before(t, 4);
    }
    if (t.name.starts_with(masks)) {
      const auto at = std::ranges::find(parameters.all(), t.name, &Parameter::name);
      const bool agnostic = t.shape[0] == 1 && (classes > 1 || (at != parameters.all().end() && at->var.size(0) == 1));
      if (!agnostic) rows_of_zeros_before(t, 1);
    }
  }
}

// Mean and variance for norms that are scale and shift alone.
void add_statistics(std::vector<Candidate>& candidates, const Parameters& parameters, double epsilon) {
  const auto constant = [](const std::string& name, FileShape shape, float value) {
    NamedTensor t{name, FileType::f32, std::move(shape), {}};
    t.read = [value](Bytes out) {
      for (size_t at = 0; at < out.size(); at += sizeof value) std::memcpy(out.data() + at, &value, sizeof value);
    };
    return t;
  };
  std::vector<Candidate> added;
  for (const Parameter& p : parameters.all()) {
    if (!p.name.ends_with(".running_mean")) continue;
    const std::string norm = p.name.substr(0, p.name.rfind('.'));
    const auto scale = std::ranges::find(candidates, norm + ".weight", [](const Candidate& c) { return c.tensor.name; });
    if (scale == candidates.end()) continue;
    for (const auto& [name, value] : {std::pair{"mean", 0.f}, std::pair{"var", static_cast<float>(1 - epsilon)}})
      added.push_back({constant(norm + ".running_" + name, scale->tensor.shape, value), scale->original, scale->wrapper, scale->renamed});
  }
  candidates.insert(candidates.end(), added.begin(), added.end());
}

Naming recognise(const std::vector<Candidate>& candidates) {
  bool stem = false, stage = false, caffe_stem = false, caffe_stage = false;
  for (const Candidate& c : candidates) {
    const std::string_view name = c.tensor.name;
    if (name.starts_with("backbone.bottom_up.") || name.starts_with("proposal_generator.")) return Naming::detectron2;
    stem |= name == "stem.conv1.weight" || name == "backbone.stem.conv1.weight";
    stage |= name == "res2.0.conv1.weight" || name == "backbone.res2.0.conv1.weight";
    caffe_stem |= name == "conv1_w";
    caffe_stage |= name == "res2_0_branch2a_w";
  }
  return caffe_stem && caffe_stage ? Naming::detectron : stem && stage ? Naming::detectron2 : Naming::torchvision;
}

}  // namespace

Naming translate_detectron(std::vector<Candidate>& candidates, const Parameters& parameters, double norm_epsilon) {
  const Naming naming = recognise(candidates);
  if (naming == Naming::torchvision) return naming;
  for (Candidate& c : candidates) {
    if (naming == Naming::detectron) c.tensor.name = from_caffe(c.tensor.name);
    if (!c.tensor.name.empty()) c.tensor.name = from_detectron2(c.tensor.name);
  }
  if (naming == Naming::detectron2) {
    move_background(candidates, parameters);
    move_anchors(candidates);
  } else {
    add_statistics(candidates, parameters, norm_epsilon);
  }
  return naming;
}

const std::vector<std::pair<std::string, std::string>>& usual_settings(Naming naming) {
  using Settings = std::vector<std::pair<std::string, std::string>>;
  static const Settings torchvision = {{"preprocess.unit", "true"},
                                       {"preprocess.bgr", "false"},
                                       {"preprocess.mean", "[0.485, 0.456, 0.406]"},
                                       {"preprocess.std", "[0.229, 0.224, 0.225]"},
                                       {"model.backbone.stride_in_1x1", "false"}};
  static const Settings detectron2 = {{"preprocess.unit", "false"},
                                      {"preprocess.bgr", "true"},
                                      {"preprocess.mean", "[103.53, 116.28, 123.675]"},
                                      {"preprocess.std", "[1.0, 1.0, 1.0]"},
                                      {"model.backbone.stride_in_1x1", "true"},
                                      {"model.roi.aligned", "true"},
                                      {"model.roi.sampling", "0"},
                                      {"model.proposals.round_anchors", "false"}};
  static const Settings detectron = {{"preprocess.unit", "false"},
                                     {"preprocess.bgr", "true"},
                                     {"preprocess.mean", "[102.9801, 115.9465, 122.7717]"},
                                     {"preprocess.std", "[1.0, 1.0, 1.0]"},
                                     {"model.backbone.stride_in_1x1", "true"},
                                     {"model.proposals.round_anchors", "false"}};
  return naming == Naming::detectron2 ? detectron2 : naming == Naming::detectron ? detectron : torchvision;
}

}  // namespace mr
