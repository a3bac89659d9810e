// Weights files in torchvision's layout, made of our models: the names and shapes are torchvision's (tests/models/weights hold files of
// its own making against them).
#pragma once

#include <string>

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
  rcnn(c).box.width = 32;
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
