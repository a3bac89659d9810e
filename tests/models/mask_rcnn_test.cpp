// A tiny Mask R-CNN against torchvision's figures for the same weights and image (tests/golden/tiny_mask_rcnn.h, made by
// scripts/golden_tiny_mask_rcnn.py).
#include "models/systems/rcnn.h"

#include <cmath>
#include <string>

#include "tensor/rng.h"
#include "tests/catch.h"
#include "tests/golden/tiny_mask_rcnn.h"
#include "tests/models/given_sample.h"
#include "tests/models/golden_weights.h"
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
  rcnn(c).box.width = 32;
  rcnn(c).box.batch = 64;
  mask(c).convs = 2;
  mask(c).width = 16;
  return c;
}

HostBatch golden_batch() {
  HostBatch b;
  b.images = test::golden_image(128, 160);
  b.sizes = {{128, 160}};
  b.image_ids = {1};
  ImageTargets t;
  t.boxes = Tensor::of<float>({3, 4}, {10, 12, 60, 70, 70, 30, 150, 100, 5, 80, 40, 120});
  t.labels = Tensor::of<int32_t>({3}, {2, 5, 1});
  for (int g = 0; g < 3; ++g) {
    const float* q = t.boxes.data<float>() + 4 * g;
    CroppedMask m{.image_height = 128, .image_width = 160, .x0 = 0, .y0 = 0, .bits = Bitmap(128, 160)};
    for (int y = 0; y < 128; ++y)
      for (int x = 0; x < 160; ++x) {
        const float u = (static_cast<float>(x) + 0.5f - (q[0] + q[2]) / 2) / (q[2] - q[0]) * 2;
        const float v = (static_cast<float>(y) + 0.5f - (q[1] + q[3]) / 2) / (q[3] - q[1]) * 2;
        m.bits.at(y, x) = u * u + v * v <= 1;
      }
    t.masks.push_back(m);
  }
  b.targets = {t};
  return b;
}

// The losses of the sample that torchvision trained on.
Losses golden_losses(System& model) {
  DeviceBatch batch(golden_batch(), true, Device{});
  batch.chosen =
      test::training_sample({{golden::anchors_positive, golden::anchors_negative, golden::rois, golden::roi_labels, golden::roi_gt}});
  return model.losses(batch);
}

}  // namespace

TEST_CASE("a tiny Mask R-CNN finds torchvision's detections", "[models][parity]") {
  const std::unique_ptr<RCNN> system = make_rcnn(tiny_config(), 0);
  RCNN& model = *system;
  test::set_golden_weights(model.parameters());
  HostBatch b = golden_batch();
  b.targets.clear();
  const Detections d = predict(model, b)[0];
  REQUIRE(d.boxes.size(0) == static_cast<int64_t>(golden::labels.size()));
  double box = 0, score = 0, mask = 0;
  int labels = 0;
  const int64_t area = d.masks.size(1) * d.masks.size(2);
  for (size_t i = 0; i < golden::labels.size(); ++i) {
    for (size_t k = 0; k < 4; ++k)
      box = std::max(box, std::abs(d.boxes.at(static_cast<int64_t>(4 * i + k)) - double{golden::boxes[4 * i + k]}));
    score = std::max(score, std::abs(d.scores.at(static_cast<int64_t>(i)) - double{golden::scores[i]}));
    labels += d.labels.data<int32_t>()[i] != golden::labels[i];
    double mean = 0;
    for (int64_t p = 0; p < area; ++p) mean += d.masks.data<float>()[static_cast<int64_t>(i) * area + p];
    mask = std::max(mask, std::abs(mean / static_cast<double>(area) - golden::mask_means[i]));
  }
  INFO("largest differences: box " << box << " px, score " << score << ", mask mean " << mask);
  CHECK(box < 0.01);
  CHECK(score < 1e-4);
  CHECK(mask < 1e-4);
  CHECK(labels == 0);
}

TEST_CASE("a training step of the tiny Mask R-CNN has torchvision's losses and gradients", "[models][parity]") {
  const std::unique_ptr<RCNN> system = make_rcnn(tiny_config(), 0);
  RCNN& model = *system;
  test::set_golden_weights(model.parameters());
  model.parameters().zero_gradients();
  const Losses losses = golden_losses(model);
  REQUIRE(losses.size() == golden::losses.size());
  for (size_t i = 0; i < losses.size(); ++i) {
    INFO(losses[i].name);
    CHECK(losses[i].value.value().at(0) == Approx(golden::losses[i]).epsilon(1e-4));
  }
  backward(total_loss(losses));
  test::check_gradient_norms(model.parameters(), golden::gradient_norms);
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
    const Var loss = total_loss(golden_losses(model));
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
