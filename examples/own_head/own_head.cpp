// A Mask R-CNN with a mask head of one's own, trained on drawn street scenes: one 3×3 convolution on each
// RoI, and masks of the RoI's own 14×14 cells. Everything else is the recipe's.
//
//   own_head DIR [SETTING]...      trains into DIR, then prints what the best weights find in a new scene;
//                                  a setting is one of the recipe, such as train.iterations=100
#include <cstdio>

#include "maskrcnn/data/scenes/scene_dataset.h"
#include "maskrcnn/models/backbones/resnet_fpn.h"
#include "maskrcnn/models/heads/box.h"
#include "maskrcnn/models/proposals/rpn.h"
#include "maskrcnn/models/systems/rcnn.h"
#include "maskrcnn/ops/boxes/mask_target.h"
#include "maskrcnn/ops/elementwise/reshape.h"
#include "maskrcnn/ops/elementwise/sigmoid.h"
#include "maskrcnn/ops/gemm/class_linear.h"
#include "maskrcnn/ops/loss/sigmoid_bce.h"
#include "maskrcnn/train/train.h"

namespace {

class CellMaskHead : public mr::Head {
 public:
  static constexpr int size = 14, width = 64;

  CellMaskHead(mr::Parameters& p, mr::RoIFeatures features, int64_t classes)
      : features_(std::move(features)),
        conv_(p, "cells.conv", features_.channels(), width, 3, mr::Init::kaiming(), {.padding = 1}),
        weight_(p.add("cells.weight", {classes + 1, width}, mr::Init::normal(0.01))),  // row 0, background's, is not used
        bias_(p.add("cells.bias", {classes + 1}, mr::Init::zeros(), mr::ParameterKind::bias)) {}

  std::vector<std::string> names() const override { return {"mask"}; }  // of its losses
  bool masks() const override { return true; }

  mr::Losses losses(const mr::Features& f, const mr::TrainingRoIs& rois, const mr::DeviceBatch& batch) const override {
    const mr::RoITargets& t = rois.objects;
    const mr::Tensor inside = mask_targets(batch.masks, t.rois, t.object, size, mr::MaskRule::thresholded);  // [R,14,14]
    const mr::Var logits = reshape(run(f, t.rois, t.labels), {t.labels.numel(), size, size, 1});
    return {{"mask", mask_loss(logits, one_channel(t.labels), inside)}};
  }

  void predict(const mr::Features& f, const mr::Tensor&, mr::Found& found) const override {
    const mr::Var logits = run(f, to_rows(found.boxes).rois, to_rows(found.labels, found.boxes.count));
    found.masks = sigmoid(logits).value().to(mr::DType::f32);  // pasted into each box at 14×14
  }

 private:
  // The logits of each RoI's own class, [R,14,14].
  mr::Var run(const mr::Features& f, const mr::Tensor& rois, const mr::Tensor& labels) const {
    const mr::Var x = conv_(features_(f, rois, size), true);  // [R,14,14,64]
    const mr::Var y = class_linear(reshape(x, {x.size(0), size * size, width}), weight_, bias_, labels);
    return reshape(y, {x.size(0), size, size});
  }

  mr::RoIFeatures features_;
  mr::Conv conv_;
  mr::Var weight_, bias_;
};

// The parts of the recipe's R-CNN, and this head in the place of its own.
std::unique_ptr<mr::System> make(const mr::ModelConfig& model, std::optional<uint64_t> seed) {
  const mr::RCNNConfig& c = rcnn_of(model, "own_head");
  auto system = std::make_unique<mr::RCNN>(mr::RoISampler(c.box), [&](mr::Parameters& p) {
    mr::RCNN::Parts parts;
    parts.backbone = std::make_unique<mr::ResNetFPN>(p, resnet_fpn_of(model, "own_head"));
    const std::vector<mr::Level>& levels = parts.backbone->levels();
    parts.proposer = std::make_unique<mr::RPN>(p, "rpn.head.", levels, rpn_of(model, "own_head"));
    const mr::RoIFeatures features(levels, c.roi);
    parts.heads.push_back(std::make_unique<mr::BoxHead>(p, "roi_heads.", features, model.classes, c.box));
    parts.heads.push_back(std::make_unique<CellMaskHead>(p, features, model.classes));
    return parts;
  });
  if (seed) system->parameters().pack(*seed);
  return system;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) return std::fputs("usage: own_head DIR [SETTING]...\n", stderr), 2;
  std::vector<std::string> settings = {"train.iterations=600", "data.val_scenes=20"};
  settings.insert(settings.end(), argv + 2, argv + argc);
  const mr::Recipe recipe = mr::load_recipe("scenes_small", settings);
  mr::Console console;
  train(recipe, {.folder = argv[1], .make_system = make}, console);
  const mr::Detector detector = mr::load_detector(mr::str(argv[1], "/best.safetensors"), {.make_system = make});
  mr::SceneOptions scenes = recipe.data.scenes;
  scenes.first = 1'000'000, scenes.images = 1;
  for (const mr::Detection& d : detect(detector, mr::SceneDataset(scenes).sample(0).image))
    std::printf("%-12s %.2f  at %.0f, %.0f\n", detector.classes.names[static_cast<size_t>(d.label) - 1].c_str(), d.score, d.box.x1,
                d.box.y1);
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "own_head: %s\n", e.what());
  return 1;
}
