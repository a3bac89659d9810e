// Weights files in torchvision's layout, made of our models: the names and shapes are torchvision's (tests/models/weights hold files of
// its own making against them).
#pragma once

#include <algorithm>
#include <regex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "models/weights/load.h"
#include "tests/models/parts.h"

namespace mr::test {

// Narrow, so that a file has about a megabyte; the names are those of any width.
inline ModelConfig narrow(int64_t depth, int64_t classes) {
  ModelConfig c;
  c.classes = classes;
  resnet(c).depth = depth;
  resnet(c).width = 8;
  fpn(c).channels = 16;
  fc(c).width = 32;
  mask(c).width = 16;
  return c;
}

// What such a model is, as settings over a recipe.
inline std::vector<std::string> narrow_settings(int64_t depth) {
  return {"model.backbone.depth=" + std::to_string(depth), "model.backbone.width=8", "model.backbone.fpn.channels=16", "model.box.width=32",
          "model.mask.width=16"};
}

// The tensors of a model, without a file.
inline WeightFile in_memory(const ModelConfig& config, uint64_t seed = 5) {
  WeightFile file;
  file.path = "memory.pth";
  const auto system = make_rcnn(config, seed);
  for (const Parameter& p : system->parameters().all()) file.tensors.push_back(to_file(p));
  return file;
}

// The same tensors under detectron2's names, and in its rows: background last for scores, and none for boxes and masks.
inline WeightFile as_detectron2(const WeightFile& torchvision) {
  const std::pair<std::regex, const char*> names[] = {
      {std::regex("backbone\\.body\\.conv1\\.(.*)"), "backbone.bottom_up.stem.conv1.$1"},
      {std::regex("backbone\\.body\\.bn1\\.(.*)"), "backbone.bottom_up.stem.conv1.norm.$1"},
      {std::regex("backbone\\.body\\.layer1\\.(.*)"), "backbone.bottom_up.res2.$1"},
      {std::regex("backbone\\.body\\.layer2\\.(.*)"), "backbone.bottom_up.res3.$1"},
      {std::regex("backbone\\.body\\.layer3\\.(.*)"), "backbone.bottom_up.res4.$1"},
      {std::regex("backbone\\.body\\.layer4\\.(.*)"), "backbone.bottom_up.res5.$1"},
      {std::regex("(.*)\\.bn([123])\\.(.*)"), "$1.conv$2.norm.$3"},
      {std::regex("(.*)\\.downsample\\.0\\.(.*)"), "$1.shortcut.$2"},
      {std::regex("(.*)\\.downsample\\.1\\.(.*)"), "$1.shortcut.norm.$2"},
      {std::regex("rpn\\.head\\.conv\\.0\\.0\\.(.*)"), "proposal_generator.rpn_head.conv.$1"},
      {std::regex("rpn\\.head\\.cls_logits\\.(.*)"), "proposal_generator.rpn_head.objectness_logits.$1"},
      {std::regex("rpn\\.head\\.bbox_pred\\.(.*)"), "proposal_generator.rpn_head.anchor_deltas.$1"},
      {std::regex("roi_heads\\.box_head\\.fc6\\.(.*)"), "roi_heads.box_head.fc1.$1"},
      {std::regex("roi_heads\\.box_head\\.fc7\\.(.*)"), "roi_heads.box_head.fc2.$1"},
      {std::regex("roi_heads\\.mask_predictor\\.conv5_mask\\.(.*)"), "roi_heads.mask_head.deconv.$1"},
      {std::regex("roi_heads\\.mask_predictor\\.mask_fcn_logits\\.(.*)"), "roi_heads.mask_head.predictor.$1"}};
  WeightFile file;
  file.path = "detectron2.pkl";
  for (const NamedTensor& ours : torchvision.tensors) {
    NamedTensor t = ours;
    for (const auto& [pattern, theirs] : names) t.name = std::regex_replace(t.name, pattern, theirs);
    for (int i = 0; i < 4; ++i) {
      const auto level = [&t](const std::string& from, const std::string& to) {
        if (t.name.starts_with(from)) t.name = to + t.name.substr(from.size());
      };
      level(str("backbone.fpn.inner_blocks.", i, ".0."), str("backbone.fpn_lateral", i + 2, "."));
      level(str("backbone.fpn.layer_blocks.", i, ".0."), str("backbone.fpn_output", i + 2, "."));
      level(str("roi_heads.mask_head.", i, ".0."), str("roi_heads.mask_head.mask_fcn", i + 1, "."));
    }
    const bool scores = ours.name.find("cls_score") != std::string::npos,
               boxes = ours.name.find("box_predictor.bbox_pred") != std::string::npos;
    if (is_class_row(ours.name)) {
      const size_t front = ours.bytes() / static_cast<size_t>(ours.shape[0]) * (boxes ? 4 : 1);
      if (!scores) t.shape[0] -= boxes ? 4 : 1;
      t.read = [read = ours.read, all = ours.bytes(), front, scores](std::span<std::byte> out) {
        std::vector<std::byte> rows(all);
        read(rows);
        std::ranges::rotate(rows, rows.begin() + static_cast<std::ptrdiff_t>(front));
        if (!scores) rows.resize(all - front);
        std::ranges::copy(rows, out.begin());
      };
    }
    file.tensors.push_back(std::move(t));
  }
  return file;
}

// The trunk of a model under a classifier's names, with the classifier's last layer.
inline WeightFile as_classifier(const WeightFile& detector, int64_t labels) {
  constexpr std::string_view body = "backbone.body.";
  WeightFile file;
  file.path = "resnet.pth";
  for (NamedTensor t : detector.tensors) {
    if (!t.name.starts_with(body)) continue;
    t.name.erase(0, body.size());
    file.tensors.push_back(t);
  }
  file.tensors.push_back({"fc.weight", FileType::f32, {labels, 1}, [](std::span<std::byte> out) {
                            for (std::byte& b : out) b = std::byte{0};
                          }});
  return file;
}

}  // namespace mr::test
