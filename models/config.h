// What networks are made of. A recipe holds one ModelConfig as `model`: the number of classes, and
// one of the systems, which has a struct of its own. Where a system's part comes in several kinds, it
// is a variant of their structs (base/fields.h).
//
//   another kind of a part    its struct here, in the variant, and a case each in config.cpp
//                             (check_kind) and systems/rcnn.cpp (make_part)
//   another system            its struct here, in the variant, and a case each in config.cpp
//                             (validate) and systems/make.cpp (make)
//
// A case that is missing does not compile: all are asked for by std::visit.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/fields.h"
#include "models/norm.h"
#include "ops/loss/softmax_rule.h"
#include "ops/roi/modes.h"

namespace mr {

// A term of the loss: its name in logs and in a recipe's [losses], and what it is about.
struct LossTerm {
  const char *name, *about;
};
std::vector<std::string> names_of(const std::vector<LossTerm>& terms);

// ---- backbones ----

struct ResNetConfig {
  static constexpr const char *kind = "resnet", *about = "residual blocks (He et al. 2015)";
  int64_t depth = 50;          // 18, 34: basic blocks; 50, 101, 152: bottlenecks
  int64_t width = 64;          // channels of the stem and, of a ResNet, of res2's 3×3
  int64_t groups = 1;          // of a bottleneck's 3×3: above 1 a ResNeXt
  int64_t group_width = 0;     // channels of a group in res2
  bool stride_in_1x1 = false;  // MSRA's weights: true; torchvision's: false
  NormKind norm = NormKind::frozen;
  double norm_epsilon = 1e-5;
  double norm_momentum = 0.1;
  int64_t freeze = 2;  // stages not trained: 0 none, 1 the stem, 2 the stem and res2
  // Channels that a stage gives, and those of the 3×3 of its bottlenecks (stage: 2 … 5).
  int64_t outer_width(int stage) const { return (depth >= 50 ? 4 * width : width) << (stage - 2); }
  int64_t inner_width(int stage) const { return (groups * (group_width > 0 ? group_width : width / groups)) << (stage - 2); }
  void visit(Fields& f) {
    f.field("depth", depth, "18, 34, 50, 101 or 152");
    f.field("width", width, "channels of the stem (64 in the paper); all later widths follow");
    f.field("groups", groups, "groups of a bottleneck's 3x3: 1 of a ResNet, 32 or 64 of a ResNeXt");
    f.field("group_width", group_width, "channels of a group in res2, doubled by each stage (ResNeXt 32x4d: 4); 0: width / groups");
    f.field("stride_in_1x1", stride_in_1x1, "a bottleneck's stride sits in its 1x1 (MSRA) instead of its 3x3 (torchvision)");
    f.choice("norm", norm, {"frozen", "batch", "group"}, "frozen: fixed affine; batch: live statistics; group: 32 groups");
    f.field("norm_epsilon", norm_epsilon, "added to the variance (0 for torchvision's released detection weights)");
    f.field("norm_momentum", norm_momentum, "share of a step's statistics in the running ones that prediction uses (norm = batch)");
    f.field("freeze", freeze, "stages not trained: 0 none, 1 the stem, 2 the stem and res2");
  }
};

struct FPNConfig {
  int64_t channels = 256;
  void visit(Fields& f) { f.field("channels", channels, "of every pyramid level"); }
};

struct ResNetFPNConfig {
  static constexpr const char *kind = "resnet_fpn", *about = "a ResNet with a feature pyramid on its stages";
  static constexpr size_t levels = 5;  // P2 … P6
  ResNetConfig resnet;
  FPNConfig fpn;
  void visit(Fields& f) {
    resnet.visit(f);
    f.group("fpn", fpn);
  }
};

enum class ResNetOutput : uint8_t { c4, c5, dc5 };

struct ResNetMapConfig {
  static constexpr const char *kind = "resnet", *about = "a ResNet's last map alone, without a pyramid";
  static constexpr size_t levels = 1;
  ResNetConfig resnet;
  ResNetOutput output = ResNetOutput::c4;
  void visit(Fields& f) {
    resnet.visit(f);
    f.choice(
        "output", output, {"c4", "c5", "dc5"},
        "c4: of res4, stride 16 (res5 may be in the box head); c5: of res5, stride 32; dc5: of res5 dilated instead of strided, stride 16");
  }
};

struct VGGConfig {
  static constexpr const char *kind = "vgg16", *about = "VGG-16 (Simonyan & Zisserman 2015), for images of 224x224";
  int64_t width = 64;  // channels of conv1; later ones are 2, 4, 8 and 8 times as many
  int64_t freeze = 2;  // stages not trained: Fast R-CNN leaves conv1 and conv2 as they are
  void visit(Fields& f) {
    f.field("width", width, "channels of conv1 (64 in the paper); all later widths follow");
    f.field("freeze", freeze, "stages not trained, of five");
  }
};

// ---- proposals ----

struct RPNConfig {
  static constexpr const char *kind = "rpn", *about = "a region proposal network on all levels";
  static std::vector<LossTerm> losses() { return {{"rpn_objectness", "the RPN's object or background"}, {"rpn_box", "the RPN's boxes"}}; }
  int64_t channels = 0;                                        // of the 3×3 convolution; 0: as many as the maps have
  std::vector<double> anchor_sizes = {32, 64, 128, 256, 512};  // one a level, P2 … P6; or all on the one level
  std::vector<double> anchor_ratios = {0.5, 1, 2};             // height / width
  bool round_anchors = true;
  double positive_iou = 0.7, negative_iou = 0.3;
  int64_t batch = 256;  // anchors sampled an image
  double positive_fraction = 0.5;
  int64_t pre_nms_train = 2000, pre_nms_test = 1000;    // per level
  int64_t post_nms_train = 2000, post_nms_test = 1000;  // per image
  double nms = 0.7;
  double min_size = 1e-3;
  double beta = 1.0 / 9;
  void visit(Fields& f) {
    f.field("channels", channels, "of its 3x3 convolution; 0: as many as the backbone's maps have");
    f.field("anchor_sizes", anchor_sizes,
            "side of the square anchor, pixels, one a level of the backbone, finest first; a single map has all of them");
    f.field("anchor_ratios", anchor_ratios, "height / width");
    f.field("round_anchors", round_anchors, "half sides rounded to whole pixels, as torchvision does");
    f.field("positive_iou", positive_iou, "anchors at or above are positive");
    f.field("negative_iou", negative_iou, "anchors below are negative; between: ignored");
    f.field("batch", batch, "anchors sampled an image");
    f.field("positive_fraction", positive_fraction, "at most this share of them positive");
    f.field("pre_nms_train", pre_nms_train, "proposals a level before NMS, training");
    f.field("pre_nms_test", pre_nms_test, "the same, prediction");
    f.field("post_nms_train", post_nms_train, "proposals an image after NMS, training");
    f.field("post_nms_test", post_nms_test, "the same, prediction");
    f.field("nms", nms, "IoU above which the lower-scored proposal is dropped");
    f.field("min_size", min_size, "proposals with a shorter side are dropped, pixels");
    f.field("beta", beta, "smooth L1 turns linear here");
  }
};

struct GivenConfig {
  static constexpr const char *kind = "given", *about = "boxes that come with the data (Fast R-CNN): data.proposals";
  static std::vector<LossTerm> losses() { return {}; }
  int64_t most_train = 2000, most_test = 1000;
  void visit(Fields& f) {
    f.field("most_train", most_train, "the best of each image that training samples from");
    f.field("most_test", most_test, "the best of each image that prediction looks at");
  }
};

// ---- heads ----

enum class RoIOp : uint8_t { align, pool, warp, mnc_warp, precise, crop };

struct RoIConfig {
  RoIOp op = RoIOp::align;
  Reduce reduce = Reduce::mean;
  int64_t sampling = 2;  // samples an axis a bin; 0: as many as cells
  bool aligned = false;  // half-pixel correction
  void visit(Fields& f) {
    f.choice(
        "op", op, {"align", "pool", "warp", "mnc_warp", "precise", "crop"},
        "RoIAlign, RoIPool, RoIWarp as the paper's Table 2c has it and as MNC does, Precise RoI pooling, TensorFlow's crop_and_resize");
    f.choice("reduce", reduce, {"mean", "max"}, "of the samples of a bin: align, warp, mnc_warp, crop");
    f.field("sampling", sampling, "align and warp: samples a bin along each axis; align, 0: one a cell");
    f.field("aligned", aligned, "align and precise: shift by half a cell, so that a bin's samples are centred on it");
  }
};

struct TwoFCConfig {
  static constexpr const char *kind = "fc", *about = "two fully connected layers";
  int64_t size = 7;
  int64_t width = 1024;
  void visit(Fields& f) {
    f.field("size", size, "bins of the RoI along each axis");
    f.field("width", width, "of both fully connected layers");
  }
};

struct Res5Config {
  static constexpr const char *kind = "res5", *about = "the ResNet's last stage on each RoI, and its mean (C4)";
  int64_t bins = 7;
  int64_t stride = 1;
  void visit(Fields& f) {
    f.field("bins", bins, "of the RoI along each axis, as res5 sees it (the paper: 7; its release: 14)");
    f.field("stride", stride, "of res5's first block (the paper: 1; its release: 2)");
  }
};

struct BoxHeadConfig {
  static std::vector<LossTerm> losses() { return {{"class", "the RoIs' classes"}, {"box", "the RoIs' boxes"}}; }
  std::variant<TwoFCConfig, Res5Config> layers;
  int64_t batch = 512;
  double positive_fraction = 0.25;
  double positive_iou = 0.5, negative_iou = 0.5;
  double beta = 1.0 / 9;
  double score = 0.05;
  double nms = 0.5;
  int64_t detections = 100;
  double min_size = 1e-2;
  void visit(Fields& f) {
    f.field("batch", batch, "RoIs sampled an image");
    f.field("positive_fraction", positive_fraction, "at most this share of them positive");
    f.field("positive_iou", positive_iou, "RoIs at or above take the class of their object");
    f.field("negative_iou", negative_iou, "RoIs below are background");
    f.field("beta", beta, "smooth L1 turns linear here");
    f.field("score", score, "detections below are dropped");
    f.field("nms", nms, "IoU above which the lower-scored detection of the class is dropped");
    f.field("detections", detections, "kept an image");
    f.field("min_size", min_size, "detections with a shorter side are dropped, pixels");
    f.kind(layers);
  }
};

struct NoMaskConfig {
  static constexpr const char *kind = "none", *about = "boxes alone (Faster R-CNN)";
  static std::vector<LossTerm> losses() { return {}; }
  void visit(Fields&) {}
};

enum class MaskLoss : uint8_t { sigmoid, softmax };

// What the masks of every mask head are, and what they learn from (heads/mask.h).
struct MaskOutputConfig {
  static std::vector<LossTerm> losses() { return {{"mask", "the masks"}}; }
  MaskLoss loss = MaskLoss::sigmoid;
  SoftmaxRule softmax_rule = SoftmaxRule::probability;
  bool class_agnostic = false;
  bool soft_targets = true;
  void visit(Fields& f) {
    f.choice("loss", loss, {"sigmoid", "softmax"},
             "sigmoid: each class has a mask of its own; softmax: classes and background compete for each pixel (Table 2b)");
    f.choice("softmax_rule", softmax_rule, {"probability", "largest", "foreground"},
             "softmax, at test: a pixel's value for class k is p_k, 1 where p_k is the largest, or p_k / (p_k + p of the background)");
    f.field("class_agnostic", class_agnostic, "one mask for all classes");
    f.field("soft_targets", soft_targets, "targets are the resampled mask (torchvision); false: thresholded at a half");
  }
};

// Deconvolutions to twice the size, and the masks' logits.
struct MaskPredictorConfig : MaskOutputConfig {
  int64_t width = 256;
  int64_t deconvs = 1;
  void visit(Fields& f) {
    f.field("width", width, "channels of the deconvolutions, and of the convolutions before them");
    f.field("deconvs", deconvs, "2x2 deconvolutions, each of which doubles the mask's sides");
    MaskOutputConfig::visit(f);
  }
};

struct MaskFCNConfig : MaskPredictorConfig {
  static constexpr const char *kind = "fcn", *about = "convolutions and a deconvolution on each RoI (Mask R-CNN)";
  int64_t size = 14;  // the mask is twice as large
  int64_t convs = 4;
  void visit(Fields& f) {
    f.field("size", size, "bins of the RoI along each axis, which each deconvolution doubles");
    f.field("convs", convs, "3x3 convolutions before the deconvolutions");
    MaskPredictorConfig::visit(f);
  }
};

struct MaskRes5Config : MaskPredictorConfig {
  static constexpr const char *kind = "res5", *about = "a deconvolution on the map that the box head's res5 makes of each RoI (C4)";
};

struct MaskMLPConfig : MaskOutputConfig {
  static constexpr const char *kind = "mlp", *about = "fully connected layers on each RoI (Table 2e)";
  int64_t size = 7;   // the paper does not say: as the box head's
  int64_t side = 28;  // of the mask
  int64_t layers = 2;
  int64_t width = 1024;
  void visit(Fields& f) {
    f.field("size", size, "bins of the RoI along each axis");
    f.field("side", side, "of the mask, along each axis");
    f.field("layers", layers, "hidden layers, before the one that gives the masks (the paper: 2 or 3)");
    f.field("width", width, "of each hidden layer");
    MaskOutputConfig::visit(f);
  }
};

enum class UNetTest : uint8_t { mean, last };

struct MaskUNetConfig : MaskOutputConfig {
  static constexpr const char *kind = "unet", *about = "a U-Net or U-Net++ on each RoI: down to coarse maps, and up again beside them";
  int64_t size = 28;  // the mask is as large
  std::vector<int64_t> widths = {64, 128, 256};
  bool nested = false;
  bool supervise_all = true;
  UNetTest at_test = UNetTest::mean;
  void visit(Fields& f) {
    f.field("size", size, "bins of the RoI along each axis, and of the mask; halved for each level but the first");
    f.field("widths", widths, "channels of each level, finest first");
    f.field("nested", nested, "U-Net++: every level goes up step by step, each map beside all earlier ones of its level");
    f.field("supervise_all", supervise_all,
            "nested: every map of the finest level gives masks, whose losses are averaged; false: the last");
    f.choice("at_test", at_test, {"mean", "last"}, "supervise_all, at test: the mean of these masks, or the last");
    MaskOutputConfig::visit(f);
  }
};

// ---- systems ----

struct RCNNConfig {
  static constexpr const char *kind = "rcnn", *about = "proposals, and heads that look at each of them";
  std::variant<ResNetFPNConfig, ResNetMapConfig> backbone;
  std::variant<RPNConfig, GivenConfig> proposals;
  RoIConfig roi;
  BoxHeadConfig box;
  std::variant<NoMaskConfig, MaskFCNConfig, MaskRes5Config, MaskMLPConfig, MaskUNetConfig> mask = MaskFCNConfig{};
  std::vector<LossTerm> losses() const;
  void lower_score(double to) { box.score = std::min(box.score, to); }
  void visit(Fields& f) {
    f.variant("backbone", backbone);
    f.variant("proposals", proposals);
    f.group("roi", roi);
    f.group("box", box);
    f.variant("mask", mask);
  }
};

struct ClassifierConfig {
  static constexpr const char *kind = "classifier", *about = "the class of the whole image: the trunk of a detector alone";
  static std::vector<LossTerm> losses() { return {{"class", "the images' classes"}}; }
  std::variant<ResNetConfig, VGGConfig> trunk;
  void lower_score(double) {}  // finds the most likely classes, whatever their scores
  void visit(Fields& f) { f.variant("trunk", trunk); }
};

struct ModelConfig {
  int64_t classes = 80;  // without background
  std::variant<RCNNConfig, ClassifierConfig> system;
  void visit(Fields& f) {
    f.field("classes", classes, "object classes, without background; 0: as many as the data has");
    f.kind(system);
  }
};

// With a mask head, the usual one behind its box head where it has none, or without.
void set_masks(RCNNConfig& config, bool masks);

// Errors: a field that no model can be built with, named "model.…".
void validate(const ModelConfig& config);
void validate(const RCNNConfig& config);
void validate(const ClassifierConfig& config);

// Objects of this score are found, too: a limit above it is lowered to it.
void lower_score(ModelConfig& config, double to);

// The terms of its loss, in order: Traits::losses, and what they are about.
std::vector<LossTerm> loss_terms(const ModelConfig& config);

// What is about an R-CNN, or such a part of it, alone asks for it by these, of a model or of the
// R-CNN itself. Errors: the model has another kind, under the name of who asks:
// "recipe new: model.kind: expected …".
template <class Model> auto& rcnn_of(Model& m, const char* who) {
  if constexpr (requires { m.system; })
    return as_kind<RCNNConfig>(m.system, str(who, ": model"));
  else
    return m;
}
template <class Model> auto& resnet_fpn_of(Model& m, const char* who) {
  return as_kind<ResNetFPNConfig>(rcnn_of(m, who).backbone, str(who, ": model.backbone"));
}
// Of any backbone: all are a ResNet so far.
template <class Model> auto& resnet_of(Model& m, const char* who) {
  return std::visit(
      [](auto& backbone) -> auto& { return backbone.resnet; }, rcnn_of(m, who).backbone);
}
template <class Model> auto& rpn_of(Model& m, const char* who) {
  return as_kind<RPNConfig>(rcnn_of(m, who).proposals, str(who, ": model.proposals"));
}

}  // namespace mr
