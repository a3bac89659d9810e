#include "models/weights/architecture.h"

#include <array>
#include <cmath>
#include <map>

#include "base/check.h"

namespace mr {
namespace {

class Reader {
 public:
  explicit Reader(const NamedTensors& named) {
    for (const Candidate& c : named.candidates) {
      if (!c.tensor.name.empty()) shapes_.emplace(c.tensor.name, c.tensor.shape);
      for (const char* classifier : {"fc.weight", "linear.weight", "fc1000_w", "pred_w"})  // of no use to a detector, and so without a name
        if (c.tensor.name.empty() && c.original.ends_with(classifier) && c.tensor.shape.size() == 2) labels_ = c.tensor.shape[0];
    }
  }
  bool has(const std::string& name) const { return shapes_.contains(name); }
  int64_t labels() const { return labels_; }
  // A size of a tensor; 0 where it is absent.
  int64_t size(const std::string& name, size_t axis) const {
    const auto at = shapes_.find(name);
    return at != shapes_.end() && axis < at->second.size() ? at->second[axis] : 0;
  }
  // How many of before + "0" + after, before + "1" + after, … there are.
  int64_t count(const std::string& before, const std::string& after) const {
    int64_t n = 0;
    while (n < 1000 && has(str(before, n, after))) ++n;
    return n;
  }

 private:
  std::map<std::string, FileShape> shapes_;
  int64_t labels_ = 0;
};

const std::string body = "backbone.body.", heads = "roi_heads.", any_pyramid = "backbone.fpn.inner_blocks.0.0.weight";

// 18, 34, 50, 101 or 152 by the numbers of blocks; 0 for another network.
int64_t depth_of(const Reader& r) {
  std::array<int64_t, 4> blocks{};
  for (size_t s = 0; s < 4; ++s) blocks[s] = r.count(body + "layer" + std::to_string(s + 1) + ".", ".conv1.weight");
  const bool bottleneck = r.has(body + "layer1.0.conv3.weight");
  if (blocks == std::array<int64_t, 4>{2, 2, 2, 2} && !bottleneck) return 18;
  if (blocks == std::array<int64_t, 4>{3, 4, 6, 3}) return bottleneck ? 50 : 34;
  if (blocks == std::array<int64_t, 4>{3, 4, 23, 3} && bottleneck) return 101;
  if (blocks == std::array<int64_t, 4>{3, 8, 36, 3} && bottleneck) return 152;
  return 0;
}

// The file is of an R-CNN on a ResNet's pyramid, or of a ResNet: what it does not tell is the base's
// where that has such a part.
template <class Kind, class Variant> Kind& become(Variant& v) {
  if (!std::holds_alternative<Kind>(v)) v = Kind{};
  return std::get<Kind>(v);
}
ResNetFPNConfig& backbone_of(RCNNConfig& c) { return become<ResNetFPNConfig>(c.backbone); }

void read_backbone(const Reader& r, Architecture& a) {
  const int64_t width = r.size(body + "conv1.weight", 0), depth = depth_of(r);
  if (width == 0) return;
  const std::string second = body + "layer1.0.conv2.weight";
  if (depth == 0) {
    a.odd = "a network whose stages are not those of ResNet-18, 34, 50, 101 or 152";
  } else if (const int64_t inner = r.size(second, 0), of_group = r.size(second, 1);
             of_group < 1 || inner % of_group != 0 || (depth < 50 && inner != width)) {
    a.odd = str("a ResNet whose ", second, " is ", inner, " x ", of_group, " channels");
  } else {
    ResNetConfig& c = backbone_of(a.model).resnet;
    a.backbone = true;
    c.depth = depth;
    c.width = width;
    c.groups = depth < 50 ? 1 : inner / of_group;
    c.group_width = c.groups == 1 && inner == width ? 0 : of_group;
    const bool statistics = r.has(body + "bn1.running_mean") || a.naming == Naming::detectron;
    if (!statistics && r.has(body + "bn1.weight")) c.norm = NormKind::group;
    if (statistics && c.norm == NormKind::group) c.norm = NormKind::frozen;
  }
}

// Layers of a detector that the model has no place for; torchvision's _v2 models have all of them.
std::string more_than_ours(const Reader& r) {
  std::string list;
  const auto more = [&list](bool there, const char* what) {
    if (there) list += (list.empty() ? "" : ", ") + std::string(what);
  };
  more(r.has("backbone.fpn.inner_blocks.0.1.weight") || r.has("backbone.fpn_lateral2.norm.weight"), "norms in the pyramid");
  more(r.has("rpn.head.conv.1.0.weight") || r.has("proposal_generator.rpn_head.conv.conv1.weight"),
       "more than one 3x3 convolution in the RPN");
  const bool convolutions = r.has(heads + "box_head.0.0.weight") || r.has(heads + "box_head.conv1.weight");
  more(convolutions, "convolutions in the box head");
  more(!convolutions && !r.has(heads + "box_head.fc6.weight") && r.has(any_pyramid), "a box head of other layers than fc6 and fc7");
  more(r.has(heads + "mask_head.0.1.weight") || r.has(heads + "mask_head.mask_fcn1.norm.weight"), "norms in the mask head");
  return list;
}

// On maps of `channels`, with anchors of so many sizes at a place.
void read_rpn(const Reader& r, int64_t channels, size_t sizes, Architecture& a) {
  RPNConfig& rpn = become<RPNConfig>(a.model.proposals);
  const int64_t hidden = r.size("rpn.head.conv.0.0.weight", 0);
  rpn.channels = hidden == channels ? 0 : hidden;
  const auto anchors = static_cast<size_t>(r.size("rpn.head.cls_logits.weight", 0));
  if (anchors == 0 || anchors == sizes * rpn.anchor_ratios.size()) return;
  const std::vector<double> usual = RPNConfig{}.anchor_ratios;
  if (anchors == sizes * usual.size())
    rpn.anchor_ratios = usual;
  else
    a.odd = str("a detector with ", anchors, " anchors a place, whose ratios the file does not tell");
}

void read_box_layers(const Reader& r, int64_t channels, RCNNConfig& m) {
  TwoFCConfig& layers = become<TwoFCConfig>(m.box.layers);
  layers.width = r.size(heads + "box_head.fc6.weight", 0);
  layers.size = std::llround(std::sqrt(static_cast<double>(r.size(heads + "box_head.fc6.weight", 1)) / static_cast<double>(channels)));
}

void read_masks(const Reader& r, bool behind_res5, RCNNConfig& m) {
  const int64_t masks = r.size(heads + "mask_predictor.mask_fcn_logits.weight", 0), convs = r.count(heads + "mask_head.", ".0.weight");
  if (masks == 0) {
    m.mask = NoMaskConfig{};
    return;
  }
  const auto predictor = [&](MaskPredictorConfig& c) {
    c.width = r.size(heads + "mask_predictor.conv5_mask.weight", 1);
    c.class_agnostic = masks == 1;
  };
  if (behind_res5 && convs == 0) return predictor(become<MaskRes5Config>(m.mask));
  MaskFCNConfig& mask = become<MaskFCNConfig>(m.mask);
  mask.convs = convs;
  predictor(mask);
}

// A detector on one map. What the file does not tell is as detectron2 and Detectron, whose such
// detectors are, have it: res5 on RoIs of 14×14 with stride 2, a res5 in the trunk dilated.
void read_on_map(const Reader& r, Architecture& a) {
  RCNNConfig& m = a.model;
  const ResNetConfig resnet = backbone_of(m).resnet;
  const int64_t channels = r.size("rpn.head.conv.0.0.weight", 1);
  const bool c4 = channels == resnet.outer_width(4), fully_connected = r.has(heads + "box_head.fc6.weight");
  const bool res5 = c4 && !fully_connected && r.size(heads + "box_predictor.cls_score.weight", 1) == resnet.outer_width(5);
  if (!res5 && (!fully_connected || (!c4 && channels != resnet.outer_width(5)))) return;
  a.detector = true;
  m.backbone = ResNetMapConfig{resnet, c4 ? ResNetOutput::c4 : a.naming == Naming::torchvision ? ResNetOutput::c5 : ResNetOutput::dc5};
  read_rpn(r, channels, become<RPNConfig>(m.proposals).anchor_sizes.size(), a);
  if (res5)
    m.box.layers = Res5Config{.bins = 14, .stride = 2};
  else
    read_box_layers(r, channels, m);
  read_masks(r, res5, m);
}

void read_heads(const Reader& r, Architecture& a) {
  const int64_t channels = r.size(any_pyramid, 0), rows = r.size(heads + "box_predictor.cls_score.weight", 0);
  if (rows < 2) return;
  if (const std::string more = more_than_ours(r); !more.empty()) {
    a.odd = "a detector with " + more;
    return;
  }
  if (channels == 0) {
    read_on_map(r, a);
    a.classes = a.detector ? rows - 1 : 0;
    return;
  }
  a.detector = true;
  a.classes = rows - 1;
  backbone_of(a.model).fpn.channels = channels;
  read_rpn(r, channels, 1, a);
  read_box_layers(r, channels, a.model);
  read_masks(r, false, a.model);
}

}  // namespace

Architecture recognise_architecture(const WeightFile& file, const std::vector<Rename>& renames, const RCNNConfig& base) {
  Architecture a{.model = base};
  const NamedTensors named = name_tensors(file, renames, Parameters(), backbone_of(a.model).resnet.norm_epsilon);
  a.naming = named.naming;
  const Reader r(named);
  a.labels = r.labels();
  read_backbone(r, a);
  if (a.backbone) read_heads(r, a);
  return a;
}

}  // namespace mr
