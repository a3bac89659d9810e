// A ResNet's map without a pyramid: Mask R-CNN C4, with res5 on each RoI, against torchvision's figures (tests/golden/tiny_c4.h, made by
// scripts/golden_tiny_c4.py), and its relatives on C5 and the dilated C5.
#include <cmath>
#include <set>

#include "models/backbones/resnet_map.h"
#include "models/heads/res5.h"
#include "ops/pool/avg_pool.h"
#include "tests/golden/tiny_c4.h"
#include "tests/models/golden_detector.h"
#include "tests/models/parts.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

constexpr Res5Config paper_form{.bins = 7, .stride = 1}, released_form{.bins = 14, .stride = 2};

ModelConfig config_on(ResNetOutput output) {
  ModelConfig c;
  c.classes = 5;
  ResNetMapConfig trunk{.resnet = {}, .output = output};
  trunk.resnet.depth = 18;
  trunk.resnet.width = 8;
  trunk.resnet.freeze = 0;
  rcnn(c).backbone = trunk;
  rpn(c).anchor_sizes = {8, 16, 32, 64, 128};
  rpn(c).batch = 64;
  rcnn(c).box.batch = 64;
  return c;
}

ModelConfig tiny_c4(const Res5Config& form) {
  ModelConfig c = config_on(ResNetOutput::c4);
  rcnn(c).box.layers = form;
  MaskRes5Config mask;
  mask.width = 16;
  rcnn(c).mask = mask;
  return c;
}

ResNetConfig& trunk_of(ModelConfig& c) { return resnet_of(c, "test"); }

GoldenDetector golden_paper() {
  using namespace golden::c4::paper;
  return {boxes, scores, labels, mask_means, {anchors_positive, anchors_negative, rois, roi_labels, roi_gt}, losses, gradient_norms};
}
GoldenDetector golden_release() {
  using namespace golden::c4::release;
  return {boxes, scores, labels, mask_means, {anchors_positive, anchors_negative, rois, roi_labels, roi_gt}, losses, gradient_norms};
}

double norm_of(const Parameters& parameters, const std::string& prefix) {
  double sum = 0;
  for (const Parameter& p : parameters.all())
    if (p.trainable && p.name.starts_with(prefix))
      for (const float g : p.var.grad().values<float>()) sum += double{g} * g;
  return std::sqrt(sum);
}

}  // namespace

TEST_CASE("C4 in the paper's form and in its release's finds torchvision's detections", "[models][c4][parity]") {
  for (const bool paper : {true, false}) {
    INFO((paper ? "7x7, stride 1" : "14x14, stride 2"));
    const std::unique_ptr<RCNN> model = make_rcnn(tiny_c4(paper ? paper_form : released_form), 0);
    set_golden_weights(model->parameters());
    check_detections(*model, paper ? golden_paper() : golden_release());
  }
}

TEST_CASE("a training step of C4 in either form has torchvision's losses and gradients", "[models][c4][parity]") {
  for (const bool paper : {true, false}) {
    INFO((paper ? "7x7, stride 1" : "14x14, stride 2"));
    const std::unique_ptr<RCNN> model = make_rcnn(tiny_c4(paper ? paper_form : released_form), 0);
    set_golden_weights(model->parameters());
    check_step(*model, paper ? golden_paper() : golden_release());
  }
}

TEST_CASE("C4's masks are twice the map that res5 makes of a RoI, 14x14 in both forms", "[models][c4]") {
  for (const Res5Config& form : {paper_form, released_form}) {
    const std::unique_ptr<RCNN> model = make_rcnn(tiny_c4(form), 0);
    set_golden_weights(model->parameters());
    HostBatch b = golden_batch();
    b.targets.clear();
    const Detections d = predict(*model, b)[0];
    REQUIRE(d.boxes.size(0) > 0);
    CHECK(d.masks.shape() == Shape{d.boxes.size(0), 14, 14});
  }
}

TEST_CASE("C4 computes res5 once for each sampled RoI, and its masks are what a res5 of their own would give", "[models][c4]") {
  const ModelConfig config = tiny_c4(paper_form);
  const std::unique_ptr<RCNN> model = make_rcnn(config, 9);
  DeviceBatch batch(golden_batch(), true, Device{});
  batch.chosen = training_sample({golden_paper().sample});
  const Features f = model->features(batch, true);
  const TrainingRoIs rois = RoISampler(rcnn(config).box)({}, batch);
  REQUIRE(rois.objects.labels.numel() > 0);
  REQUIRE(rois.objects.labels.numel() < rois.all.labels.numel());
  model->parameters().zero_gradients();
  const Losses shared = model->parts().heads.at(0)->losses(f, rois, batch);
  REQUIRE(shared.size() == 3);
  REQUIRE(shared[2].name == "mask");
  backward(shared[2].value);

  // The same values, since initial ones are drawn by name.
  Parameters apart;
  const RoIFeatures features(model->parts().backbone->levels(), rcnn(config).roi);
  const ResNetStage res5(apart, "backbone.body.", std::get<ResNetMapConfig>(rcnn(config).backbone).resnet, {.number = 5, .stride = 1});
  const MaskPredictor predictor(apart, "roi_heads.mask_predictor.", 64, 5, std::get<MaskRes5Config>(rcnn(config).mask));
  apart.pack(9);
  apart.zero_gradients();
  const Var x = res5(features({{f.maps[0].detach()}, f.strides}, rois.objects.rois, 7), true);
  const Losses alone = predictor.losses(x, rois.objects, batch);
  backward(alone.at(0).value);
  CHECK(shared[2].value.value().at(0) == Approx(alone[0].value.value().at(0)).epsilon(1e-6));
  for (const char* part : {"backbone.body.layer4.", "roi_heads.mask_predictor."}) {
    INFO(part);
    CHECK(norm_of(apart, part) > 0);
    CHECK(norm_of(model->parameters(), part) == Approx(norm_of(apart, part)).epsilon(1e-5));
  }
}

TEST_CASE("C4 without masks has no such loss, and an image without objects has finite losses", "[models][c4]") {
  ModelConfig c = tiny_c4(paper_form);
  const std::unique_ptr<RCNN> with = make_rcnn(c, 3);
  HostBatch b = golden_batch();
  const double once = total_loss(with->losses(to_device(b, *with))).value().at(0);
  CHECK(once == total_loss(with->losses(to_device(b, *with))).value().at(0));
  b.targets[0] = {Tensor::empty({0, 4}), Tensor::empty({0}, DType::i32), {}};
  const Losses losses = with->losses(to_device(b, *with));
  REQUIRE(losses.size() == 5);
  for (const NamedLoss& l : losses) CHECK(std::isfinite(l.value.value().at(0)));
  CHECK(losses.back().value.value().at(0) == 0);
  backward(total_loss(losses));

  rcnn(c).mask = NoMaskConfig();
  const std::unique_ptr<RCNN> without = make_rcnn(c, 3);
  CHECK_FALSE(without->traits().masks);
  CHECK(without->traits().losses == std::vector<std::string>{"rpn_objectness", "rpn_box", "class", "box"});
  CHECK(with->traits().losses == names_of(rcnn(tiny_c4(paper_form)).losses()));
  CHECK(without->parameters().find("roi_heads.mask_predictor.conv5_mask.weight") == nullptr);
}

TEST_CASE("res5 is called layer4 wherever it runs, and is frozen as a stage of the trunk", "[models][c4]") {
  ModelConfig c4 = tiny_c4(paper_form), c5 = config_on(ResNetOutput::c5);
  const auto names = [](const ModelConfig& c) {
    std::set<std::string> trunk;
    const auto system = make_rcnn(c, 0);
    for (const Parameter& p : system->parameters().all())
      if (p.name.starts_with("backbone.body.")) trunk.insert(p.name);
    return trunk;
  };
  CHECK(names(c4) == names(c5));
  trunk_of(c4).freeze = 5;
  const std::unique_ptr<RCNN> frozen = make_rcnn(c4, 0);
  CHECK_FALSE(frozen->parameters().find("backbone.body.layer4.0.conv1.weight")->trainable);
  trunk_of(c4).freeze = 4;
  const std::unique_ptr<RCNN> trained = make_rcnn(c4, 0);
  CHECK(trained->parameters().find("backbone.body.layer4.0.conv1.weight")->trainable);
  CHECK_FALSE(trained->parameters().find("backbone.body.layer3.0.conv1.weight")->trainable);
}

TEST_CASE("heads of a pyramid work on one map: C4, C5 of stride 32, and the dilated C5", "[models][c4]") {
  for (const ResNetOutput output : {ResNetOutput::c4, ResNetOutput::c5, ResNetOutput::dc5}) {
    ModelConfig c = config_on(output);
    fc(c).width = 32;
    mask(c).convs = 1;
    mask(c).width = 16;
    rpn(c).channels = 24;
    const std::unique_ptr<RCNN> model = make_rcnn(c, 1);
    const Level& level = model->parts().backbone->levels().at(0);
    INFO(level.name << " of stride " << level.stride);
    CHECK(model->traits().divisor == level.stride);
    CHECK(model->parameters().find("rpn.head.conv.0.0.weight")->var.shape() == Shape{24, 3, 3, level.channels});
    CHECK(model->parameters().find("rpn.head.cls_logits.weight")->var.shape() == Shape{15, 1, 1, 24});
    model->parameters().zero_gradients();
    const Losses losses = model->losses(to_device(golden_batch(), *model));
    for (const NamedLoss& l : losses) CHECK(std::isfinite(l.value.value().at(0)));
    backward(total_loss(losses));
    CHECK(norm_of(model->parameters(), "backbone.body.layer1.") > 0);
    CHECK((norm_of(model->parameters(), "backbone.body.layer4.") > 0) == (output != ResNetOutput::c4));
    HostBatch b = golden_batch();
    b.targets.clear();
    CHECK(predict(*model, b).at(0).masks.size(1) == 28);
  }
}

TEST_CASE("networks that no res5 fits are errors that name the fields", "[models][c4]") {
  const auto refused = [](const ModelConfig& c) {
    try {
      validate(c);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  ModelConfig c = tiny_c4(paper_form);
  CHECK(refused(c).empty());
  trunk_of(c).norm = NormKind::batch;
  CHECK_THAT(refused(c), Contains("model.backbone.norm: res5 on RoIs") && Contains("expected frozen or group, got batch"));
  c = tiny_c4(paper_form);
  std::get<ResNetMapConfig>(rcnn(c).backbone).output = ResNetOutput::dc5;
  CHECK_THAT(refused(c), Contains("model.box.kind: res5 goes on RoIs of res4's map") && Contains("got an output of res5 itself"));
  c = tiny_c4(paper_form);
  rcnn(c).backbone = ResNetFPNConfig();
  CHECK_THAT(refused(c), Contains("model.box.kind: res5 goes on RoIs") && Contains("got kind = \"resnet_fpn\""));
  c = tiny_c4(paper_form);
  rcnn(c).box.layers = TwoFCConfig();
  CHECK_THAT(refused(c), Contains("model.mask.kind: res5 sees what the box head's res5 makes") && Contains("got \"fc\""));
  CHECK_THAT(refused(tiny_c4({.bins = 14, .stride = 3})), Contains("model.box.stride: must be 1 or 2, got 3"));
  CHECK_THAT(refused(tiny_c4({.bins = 7, .stride = 2})), Contains("model.box.bins: must be a multiple of stride 2, got 7"));
  c = tiny_c4(paper_form);
  rpn(c).channels = -1;
  CHECK_THAT(refused(c), Contains("model.proposals.channels: must be 0 or more, got -1"));
  rpn(c).channels = 0;
  rpn(c).anchor_sizes = {8};
  CHECK(refused(c).empty());  // of one map there may be any number
}
