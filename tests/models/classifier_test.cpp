// Narrow classifiers against torchvision's figures for the same weights and image (tests/golden/classifiers.h, made by
// scripts/golden_classifiers.py).
#include "models/systems/make.h"

#include <algorithm>
#include <cmath>

#include "models/weights/load.h"
#include "tests/catch.h"
#include "tests/golden/classifiers.h"
#include "tests/models/golden_weights.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

ClassifierConfig resnet_config(NormKind norm = NormKind::frozen) {
  ResNetConfig trunk;
  trunk.depth = 18;
  trunk.width = 8;
  trunk.freeze = 0;
  trunk.norm = norm;
  return {trunk};
}

ClassifierConfig vgg_config() { return {VGGConfig{.width = 4, .freeze = 0}}; }

std::unique_ptr<System> classifier(const ClassifierConfig& config, uint64_t seed) {
  return make_system({.classes = 5, .system = config}, seed);
}

// Images of one size, with an object of the class over each.
HostBatch batch_of(const Tensor& images, const std::vector<int32_t>& labels) {
  HostBatch b;
  b.images = images;
  for (const int32_t label : labels) {
    const PixelSize size{static_cast<int>(images.size(1)), static_cast<int>(images.size(2))};
    const auto w = static_cast<float>(size.width), h = static_cast<float>(size.height);
    b.sizes.push_back(size);
    b.targets.push_back({Tensor::of<float>({1, 4}, {0, 0, w, h}), Tensor::of<int32_t>({1}, {label}), {}});
    b.image_ids.push_back(static_cast<int64_t>(b.image_ids.size()) + 1);
  }
  return b;
}

// Of each class 1 … 5, from what was found: best first.
void check_found(const Detections& d, const std::vector<float>& probabilities) {
  REQUIRE(d.scores.numel() == 5);
  for (int64_t i = 0; i < 5; ++i) {
    const int32_t label = d.labels.data<int32_t>()[i];
    REQUIRE(label >= 1);
    REQUIRE(label <= 5);
    CHECK(d.scores.at(i) == Approx(probabilities[static_cast<size_t>(label) - 1]).margin(1e-5));
    if (i > 0) CHECK(d.scores.at(i) <= d.scores.at(i - 1));
  }
}

}  // namespace

TEST_CASE("classifiers give torchvision's probabilities", "[models][parity]") {
  const auto resnet_system = classifier(resnet_config(), 0);
  System& resnet = *resnet_system;
  test::set_golden_weights(resnet.parameters());
  HostBatch b = batch_of(test::golden_image(128, 160), {3});
  b.targets.clear();
  const Detections d = predict(resnet, b).at(0);
  check_found(d, golden::classifiers::resnet);
  for (int64_t i = 0; i < 5; ++i) CHECK(d.boxes.slice(i, i + 1).values<float>()[2] == 160);  // the whole image

  const auto vgg_system = classifier(vgg_config(), 0);
  System& vgg = *vgg_system;
  test::set_golden_weights(vgg.parameters());
  b = batch_of(test::golden_image(224, 224), {3});
  b.targets.clear();
  check_found(predict(vgg, b).at(0), golden::classifiers::vgg);
}

TEST_CASE("a training step of a ResNet classifier has torchvision's loss and gradients", "[models][parity]") {
  const auto model_system = classifier(resnet_config(), 0);
  System& model = *model_system;
  test::set_golden_weights(model.parameters());
  model.parameters().zero_gradients();
  const Losses losses = model.losses(to_device(batch_of(test::golden_image(128, 160), {3}), model));
  REQUIRE(losses.size() == 1);
  CHECK(losses[0].name == "class");
  CHECK(losses[0].value.value().at(0) == Approx(golden::classifiers::resnet_loss).epsilon(1e-5));
  backward(total_loss(losses));
  test::check_gradient_norms(model.parameters(), golden::classifiers::resnet_gradient_norms);
}

TEST_CASE("dropout of a VGG classifier is drawn from seed and step, and is not in prediction", "[models]") {
  const auto model_system = classifier(vgg_config(), 7);
  System& model = *model_system;
  HostBatch b = batch_of(test::golden_image(224, 224), {2});
  const auto loss_at = [&](uint64_t seed, uint64_t step) {
    b.seed = seed, b.step = step;
    return model.losses(to_device(b, model))[0].value.value().at(0);
  };
  const double first = loss_at(1, 1);
  CHECK(loss_at(1, 1) == first);
  CHECK(loss_at(1, 2) != first);
  CHECK(loss_at(2, 1) != first);
  b.targets.clear();
  const double score = predict(model, b).at(0).scores.at(0);
  b.step = 9;
  CHECK(predict(model, b).at(0).scores.at(0) == score);
}

TEST_CASE("a classifier's tensors are found by name: its own, a detector's trunk, ImageNet's but for the classes", "[models]") {
  const auto from = classifier(resnet_config(), 3), to = classifier(resnet_config(), 4);
  WeightFile file;
  file.path = "memory.pth";
  for (const Parameter& p : from->parameters().all()) file.tensors.push_back(to_file(p));
  const size_t all = file.tensors.size();
  CHECK(load_weights(to->parameters(), file).loaded.size() == all);
  const auto a = from->parameters().weights().values<float>(), b = to->parameters().weights().values<float>();
  CHECK(std::equal(a.begin(), a.end(), b.begin(), b.end()));

  WeightFile detector = file;
  std::erase_if(detector.tensors, [](const NamedTensor& t) { return t.name.starts_with("fc."); });
  for (NamedTensor& t : detector.tensors) t.name.insert(0, "backbone.body.");
  const auto fresh = classifier(resnet_config(), 5);
  CHECK(load_weights(fresh->parameters(), detector, {.allow_missing = true}).missing == std::vector<std::string>{"fc.weight", "fc.bias"});

  const auto seven = make_system({.classes = 7, .system = resnet_config()}, 6);
  CHECK_THROWS_WITH(load_weights(seven->parameters(), file), Contains("fc.weight"));
  CHECK(load_weights(seven->parameters(), file, {.skip_mismatch = true}).loaded.size() == all - 2);
}

TEST_CASE("a classifier learns four images by heart", "[models]") {
  const auto model_system = classifier(resnet_config(NormKind::batch), 1);
  System& model = *model_system;
  Tensor images = Tensor::empty({4, 32, 32, 3});
  const std::vector<float> pixels = test::noise("pixels", images.numel());
  std::ranges::copy(pixels, images.data<float>());
  const HostBatch b = batch_of(images, {1, 2, 4, 5});
  double loss = 0;
  for (int step = 0; step < 40; ++step) {
    model.parameters().zero_gradients();
    const Losses losses = model.losses(to_device(b, model));
    loss = losses[0].value.value().at(0);
    backward(total_loss(losses));
    for (int64_t i = 0; i < model.parameters().weights().numel(); ++i)
      model.parameters().weights().data<float>()[i] -= 0.05f * model.parameters().gradients().data<float>()[i];
    model.parameters().changed();
  }
  CHECK(loss < 0.05);
}

TEST_CASE("what a classifier cannot be built with, or fed, is named", "[models]") {
  CHECK_THROWS_WITH(make_system({.classes = 0, .system = resnet_config()}, 0), Contains("model.classes: must be 1 or more"));
  const auto vgg_system = classifier(vgg_config(), 0);
  System& vgg = *vgg_system;
  CHECK_THROWS_WITH(vgg.losses(to_device(batch_of(test::golden_image(128, 160), {1}), vgg)), Contains("224x224"));
  const auto model_system = classifier(resnet_config(), 0);
  System& model = *model_system;
  HostBatch b = batch_of(test::golden_image(128, 160), {1});
  b.targets[0] = {Tensor::empty({0, 4}), Tensor::empty({0}, DType::i32), {}};
  CHECK_THROWS_WITH(model.losses(to_device(b, model)), Contains("image 1 of the batch has no object"));
}
