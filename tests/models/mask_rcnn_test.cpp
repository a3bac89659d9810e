// A tiny Mask R-CNN against torchvision's figures for the same weights and image (tests/golden/tiny_mask_rcnn.h, made by
// scripts/golden_tiny_mask_rcnn.py).
#include "models/systems/rcnn.h"

#include <cmath>

#include "tests/catch.h"
#include "tests/golden/tiny_mask_rcnn.h"
#include "tests/models/golden_detector.h"
#include "tests/models/parts.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

ModelConfig tiny_config() {
  ModelConfig c;
  c.classes = 5;
  resnet(c).depth = 18;
  resnet(c).width = 8;
  resnet(c).freeze = 0;
  fpn(c).channels = 16;
  rpn(c).anchor_sizes = {8, 16, 32, 64, 128};
  rpn(c).batch = 64;
  fc(c).width = 32;
  rcnn(c).box.batch = 64;
  mask(c).convs = 2;
  mask(c).width = 16;
  return c;
}

GoldenDetector golden_detector() {
  return {golden::boxes,
          golden::scores,
          golden::labels,
          golden::mask_means,
          {golden::anchors_positive, golden::anchors_negative, golden::rois, golden::roi_labels, golden::roi_gt},
          golden::losses,
          golden::gradient_norms};
}

}  // namespace

TEST_CASE("a tiny Mask R-CNN finds torchvision's detections", "[models][parity]") {
  const std::unique_ptr<RCNN> model = make_rcnn(tiny_config(), 0);
  set_golden_weights(model->parameters());
  check_detections(*model, golden_detector());
}

TEST_CASE("a training step of the tiny Mask R-CNN has torchvision's losses and gradients", "[models][parity]") {
  const std::unique_ptr<RCNN> model = make_rcnn(tiny_config(), 0);
  set_golden_weights(model->parameters());
  check_step(*model, golden_detector());
}

TEST_CASE("the same seed and step sample the same, and an image without objects has finite losses", "[models]") {
  const std::unique_ptr<RCNN> system = make_rcnn(tiny_config(), 3);
  RCNN& model = *system;
  HostBatch b = golden_batch();
  b.seed = 5;
  const double once = total_loss(model.losses(to_device(b, model))).value().at(0),
               again = total_loss(model.losses(to_device(b, model))).value().at(0);
  CHECK(once == again);
  b.targets[0] = {Tensor::empty({0, 4}), Tensor::empty({0}, DType::i32), {}};
  const Losses losses = model.losses(to_device(b, model));
  for (const NamedLoss& l : losses) {
    INFO(l.name);
    CHECK(std::isfinite(l.value.value().at(0)));
  }
  CHECK(losses.back().value.value().at(0) == 0);
  backward(total_loss(losses));
}

TEST_CASE("every RoI operator trains the heads and sends gradient to the backbone, each its own", "[models]") {
  std::vector<std::pair<double, double>> seen;  // loss, norm of the gradients
  for (const RoIOp op : {RoIOp::align, RoIOp::pool, RoIOp::warp, RoIOp::mnc_warp, RoIOp::precise, RoIOp::crop}) {
    ModelConfig c = tiny_config();
    rcnn(c).roi.op = op;
    const std::unique_ptr<RCNN> system = make_rcnn(c, 0);
    RCNN& model = *system;
    test::set_golden_weights(model.parameters());
    model.parameters().zero_gradients();
    const Var loss = total_loss(golden_losses(model, golden_detector().sample));
    backward(loss);
    const Parameter* first = model.parameters().find("backbone.body.conv1.weight");
    double norm = 0;
    for (const float v : first->var.grad().values<float>()) norm += static_cast<double>(v) * v;
    INFO("operator " << static_cast<int>(op));
    CHECK(std::isfinite(loss.value().at(0)));
    CHECK(norm > 0);
    for (const auto& [l, n] : seen) CHECK((l != loss.value().at(0) && n != norm));
    seen.emplace_back(loss.value().at(0), norm);
  }
}

TEST_CASE("impossible models and batches are errors that say why", "[models]") {
  ModelConfig c = tiny_config();
  resnet(c).depth = 20;
  CHECK_THROWS_WITH(make_rcnn(c, 0), Contains("model.backbone.depth: must be 18, 34, 50, 101 or 152, got 20"));
  c = tiny_config();
  rpn(c).anchor_sizes = {8, 16};
  CHECK_THROWS_WITH(make_rcnn(c, 0), Contains("so 5, got 2"));
  const std::unique_ptr<RCNN> system = make_rcnn(tiny_config(), 0);
  RCNN& model = *system;
  HostBatch b;
  b.images = Tensor::zeros({1, 100, 128, 3});
  b.sizes = {{100, 128}};
  CHECK_THROWS_WITH(model.detect(to_device(b, model)), Contains("multiples of 32"));
}
