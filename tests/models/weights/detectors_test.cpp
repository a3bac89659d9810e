// One tiny Mask R-CNN as torchvision's training, torch.compile, averaged models, Lightning, detectron2 and Detectron save it.
// The files and their values: scripts/make_detector_goldens.py.
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/crc32.h"
#include "models/systems/rcnn.h"
#include "models/weights/architecture.h"
#include "models/weights/load.h"
#include "tests/catch.h"
#include "tests/models/parts.h"
#include "tests/models/weights/make_files.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

const std::string golden = MR_SOURCE_DIR "/tests/golden/weights/detectors/";

ModelConfig tiny() {
  ModelConfig c;
  c.classes = 3;
  resnet(c).depth = 18;
  resnet(c).width = 2;
  fpn(c).channels = 4;
  fc(c).width = 8;
  mask(c).convs = 2;
  mask(c).width = 4;
  return c;
}

// Value i of a tensor in a file: ((crc32(name) + 37 i) mod 255 − 127) / 512, of a variance 1 more than its magnitude.
float value(const std::string& name, size_t i) {
  const uint64_t sum = crc32(std::as_bytes(std::span(name))) + 37 * static_cast<uint64_t>(i);
  const float v = static_cast<float>(static_cast<int>(sum % 255) - 127) / 512;
  return name.ends_with("running_var") ? 1 + std::abs(v) : v;
}

// What a file's format leaves out, or cannot say.
enum class Lost : uint8_t { nothing, background, statistics };

float expected(const std::string& name, size_t i, const FileShape& shape, Lost lost) {
  const size_t row = shape.empty() ? 1 : static_cast<size_t>(NamedTensor{name, FileType::f32, shape, {}}.numel() / shape[0]);
  const bool box = name.starts_with("roi_heads.box_predictor.bbox_pred"), mask = name.find("mask_fcn_logits") != std::string::npos;
  if (lost == Lost::background && ((box && i < 4 * row) || (mask && i < row))) return 0;
  if (lost == Lost::statistics && name.ends_with("running_mean")) return 0;
  if (lost == Lost::statistics && name.ends_with("running_var")) return static_cast<float>(1 - 1e-5);
  return value(name, i);
}

LoadReport check_loaded(const std::string& file, Lost lost, const LoadOptions& options = {}) {
  INFO(file);
  const auto system = test::make_rcnn(tiny(), 1);
  Parameters& parameters = system->parameters();
  const LoadReport report = load_weights(parameters, open_weights(golden + file), options);
  CHECK(report.loaded.size() == parameters.all().size());
  int wrong = 0;
  for (const Parameter& p : parameters.all()) {
    const NamedTensor t = to_file(p);
    const std::vector<float> got = read_floats(t);
    for (size_t i = 0; i < got.size(); ++i) wrong += got[i] != expected(p.name, i, t.shape, lost);
  }
  CHECK(wrong == 0);
  return report;
}

}  // namespace

TEST_CASE("weights as torchvision's reference training writes them, with a Namespace of everything beside them", "[weights]") {
  const LoadReport r = check_loaded("reference.pth", Lost::nothing);
  CHECK(r.unused.empty());
  CHECK(r.naming == Naming::torchvision);
  CHECK(summary(r).find("tensors loaded") != std::string::npos);
}

TEST_CASE("weights of torch.compile, of an averaged model and of Lightning, by name without an option", "[weights]") {
  for (const char* file : {"compiled.pth", "averaged.pth", "lightning.ckpt"}) {
    const LoadReport r = check_loaded(file, Lost::nothing);
    CHECK(r.unused.empty());
  }
  CHECK(check_loaded("averaged.pth", Lost::nothing).ignored == std::vector<std::string>{"n_averaged"});
}

TEST_CASE("weights under a prefix of their own load with one rename, which the error names", "[weights]") {
  check_loaded("renamed.pth", Lost::nothing, {.renames = {parse_rename("detector.=")}});
  const auto system = test::make_rcnn(tiny(), 1);
  CHECK_THROWS_WITH(
      load_weights(system->parameters(), open_weights(golden + "renamed.pth"), {.allow_missing = true}),
      Contains("--rename detector.= would make " + std::to_string(system->parameters().all().size()) + " of them the model's"));
}

TEST_CASE("weights of detectron2: background is moved to the front", "[weights]") {
  for (const char* file : {"detectron2.pth", "detectron2.pkl"}) {
    const LoadReport r = check_loaded(file, Lost::background);
    CHECK(r.naming == Naming::detectron2);
    CHECK(r.unused.empty());
    CHECK(r.ignored == std::vector<std::string>{"proposal_generator.anchor_generator.cell_anchors.0"});
    CHECK(summary(r).find("tensors loaded, by detectron2's names") != std::string::npos);
  }
}

TEST_CASE("weights of Detectron: norms without statistics get those that do nothing", "[weights]") {
  const LoadReport r = check_loaded("detectron.pkl", Lost::statistics);
  CHECK(r.naming == Naming::detectron);
  CHECK(r.unused.empty());
  CHECK(r.ignored == std::vector<std::string>{"conv1_w_momentum"});
}

// 1, 2, 3, …
NamedTensor counting(const std::string& name, FileShape shape) {
  return {name, FileType::f32, std::move(shape), [](std::span<std::byte> out) {
            for (size_t i = 0; i < out.size() / 4; ++i) {
              const auto v = static_cast<float>(i + 1);
              std::memcpy(out.data() + 4 * i, &v, 4);
            }
          }};
}

// A tiny Mask R-CNN C4 with bottlenecks: 16 channels of res5's RoIs, 32 behind it.
ModelConfig tiny_c4() {
  ModelConfig c = tiny();
  ResNetConfig trunk;
  trunk.width = 1;
  rcnn(c).backbone = ResNetMapConfig{trunk, ResNetOutput::c4};
  rcnn(c).box.layers = Res5Config();
  MaskRes5Config of_res5;
  of_res5.width = 4;
  rcnn(c).mask = of_res5;
  return c;
}

TEST_CASE("weights without a pyramid: res5 of detectron2 and Detectron, and detectron2's anchors, by size and then ratio", "[weights]") {
  const auto system = test::make_rcnn(tiny_c4(), 1);
  const auto values = [&](const char* name) { return read_floats(to_file(*system->parameters().find(name))); };
  WeightFile f;
  f.path = "memory";
  f.tensors = {counting("backbone.stem.conv1.weight", {1, 3, 7, 7}),
               counting("backbone.res2.0.conv1.weight", {1, 1, 1, 1}),
               counting("roi_heads.res5.0.conv3.weight", {32, 8, 1, 1}),
               counting("roi_heads.res5.2.conv3.norm.bias", {32}),
               counting("roi_heads.res5.0.shortcut.weight", {32, 16, 1, 1}),
               counting("proposal_generator.rpn_head.objectness_logits.bias", {15}),
               counting("proposal_generator.rpn_head.anchor_deltas.bias", {60}),
               counting("roi_heads.mask_head.deconv.bias", {4})};
  const LoadReport r = load_weights(system->parameters(), f, {.allow_missing = true});
  CHECK(r.naming == Naming::detectron2);
  CHECK(r.unused.empty());
  CHECK(r.loaded.size() == 8);
  CHECK(values("backbone.body.layer4.0.conv3.weight")[255] == 256);
  CHECK(values("backbone.body.layer4.2.bn3.bias")[31] == 32);
  CHECK(values("backbone.body.layer4.0.downsample.0.weight")[511] == 512);
  // Five sizes of ratio ½ (theirs at 0, 3, 6, …), then of ratio 1, then of ratio 2.
  CHECK(values("rpn.head.cls_logits.bias") == std::vector<float>{1, 4, 7, 10, 13, 2, 5, 8, 11, 14, 3, 6, 9, 12, 15});
  const std::vector<float> deltas = values("rpn.head.bbox_pred.bias");
  CHECK(std::vector<float>(deltas.begin(), deltas.begin() + 8) == std::vector<float>{1, 2, 3, 4, 13, 14, 15, 16});
  CHECK(std::vector<float>(deltas.begin() + 20, deltas.begin() + 24) == std::vector<float>{5, 6, 7, 8});

  f.tensors = {counting("conv1_w", {1, 3, 7, 7}), counting("res2_0_branch2a_w", {1, 1, 1, 1}), counting("res5_0_branch1_w", {32, 16, 1, 1}),
               counting("res5_2_branch2c_bn_b", {32}), counting("rpn_cls_logits_b", {15})};
  CHECK(load_weights(system->parameters(), f, {.allow_missing = true}).naming == Naming::detectron);
  CHECK(values("backbone.body.layer4.0.downsample.0.weight")[511] == 512);
  CHECK(values("rpn.head.cls_logits.bias")[1] == 2);  // by ratio already
}

TEST_CASE("the architecture of a file without a pyramid is read: res5 in the head, or heads on one map", "[weights]") {
  ModelConfig c = tiny_c4();
  rpn(c).channels = 6;
  const auto recognised = [](const ModelConfig& config) {
    WeightFile file;
    file.path = "memory";
    const auto system = test::make_rcnn(config, 1);
    for (const Parameter& p : system->parameters().all()) file.tensors.push_back(to_file(p));
    return recognise_architecture(file, {}, {});
  };
  Architecture a = recognised(c);
  CHECK(a.odd.empty());
  CHECK(a.detector);
  CHECK(a.classes == 3);
  CHECK(std::get<ResNetMapConfig>(a.model.backbone).output == ResNetOutput::c4);
  CHECK(std::get<Res5Config>(a.model.box.layers).bins == 14);  // which a file does not tell: the release's
  CHECK(std::get<MaskRes5Config>(a.model.mask).width == 4);
  CHECK(rpn(a).channels == 6);
  CHECK(rpn(a).anchor_sizes.size() == 5);

  rcnn(c).backbone = ResNetMapConfig{resnet_of(c, "test"), ResNetOutput::c5};
  rcnn(c).box.layers = TwoFCConfig{.size = 5, .width = 8};
  rcnn(c).mask = NoMaskConfig();
  rpn(c).channels = 0;
  a = recognised(c);
  CHECK(a.detector);
  CHECK(std::get<ResNetMapConfig>(a.model.backbone).output == ResNetOutput::c5);
  CHECK(fc(a).size == 5);
  CHECK(fc(a).width == 8);
  CHECK_FALSE(has_masks(a));
  CHECK(rpn(a).channels == 0);
}

TEST_CASE("detectron2: class-agnostic boxes serve every class, class-agnostic masks stay", "[weights]") {
  for (const int64_t classes : {3, 1}) {
    ModelConfig c = tiny();
    c.classes = classes;
    mask(c).class_agnostic = true;
    const auto system = test::make_rcnn(c, 1);
    WeightFile f;
    f.path = "memory";
    f.tensors = {counting("proposal_generator.rpn_head.anchor_deltas.bias", {12}),
                 counting("roi_heads.box_predictor.cls_score.weight", {classes + 1, 8}),
                 counting("roi_heads.box_predictor.cls_score.bias", {classes + 1}), counting("roi_heads.box_predictor.bbox_pred.bias", {4}),
                 counting("roi_heads.mask_head.predictor.bias", {1})};
    const LoadReport r = load_weights(system->parameters(), f, {.allow_missing = true});
    CHECK(r.loaded.size() == 5);
    const auto values = [&](const char* name) { return read_floats(to_file(*system->parameters().find(name))); };
    CHECK(values("roi_heads.mask_predictor.mask_fcn_logits.bias") == std::vector<float>{1});
    if (classes == 3) {
      CHECK(values("roi_heads.box_predictor.cls_score.bias") == std::vector<float>{4, 1, 2, 3});
      CHECK(values("roi_heads.box_predictor.bbox_pred.bias") == std::vector<float>{1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4});
    } else {
      CHECK(values("roi_heads.box_predictor.bbox_pred.bias") == std::vector<float>{0, 0, 0, 0, 1, 2, 3, 4});
    }
  }
}

TEST_CASE("the architecture of a file is read from names and shapes", "[weights]") {
  for (const char* file : {"reference.pth", "lightning.ckpt", "detectron2.pkl", "detectron.pkl"}) {
    INFO(file);
    const Architecture a = recognise_architecture(open_weights(golden + file), {}, {});
    CHECK(a.detector);
    CHECK(a.classes == 3);
    CHECK(a.odd.empty());
    CHECK(resnet(a).depth == 18);
    CHECK(resnet(a).width == 2);
    CHECK(fpn(a).channels == 4);
    CHECK(fc(a).size == 7);
    CHECK(fc(a).width == 8);
    CHECK(mask(a).convs == 2);
    CHECK(mask(a).width == 4);
    CHECK(has_masks(a));
  }
}

TEST_CASE("what is no file of weights though torch wrote it is named", "[weights][faults]") {
  CHECK_THROWS_WITH(open_weights(golden + "whole_module.pt"),
                    Contains("a whole pickled module, of the class torch.nn.modules.container.Sequential") &&
                        Contains("torch.save(model.state_dict(), FILE)"));
  CHECK_THROWS_WITH(open_weights(golden + "torchscript.pt"), Contains("a TorchScript program") && Contains("save its state_dict()"));
  CHECK_THROWS_WITH(open_weights(golden + "optimiser.pth"), Contains("the state of an optimiser, without weights"));
}
