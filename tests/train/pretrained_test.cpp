#include "train/pretrained.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <span>

#include "models/weights/safetensors.h"
#include "tests/catch.h"
#include "tests/train/fake.h"
#include "tests/train/weights_files.h"
#include "train/datasets.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

Recipe drawn(std::vector<std::string> settings) {
  settings.insert(settings.end(), {"model.mask.convs=4", "model.backbone.norm=frozen"});
  return load_recipe("scenes_small", settings);
}

std::string fault_of(const WeightFile& file, const Recipe& recipe) {
  return architecture_fault(file, fit_weights(file, recipe, {}), recipe, {});
}

Detector detector_of(const Recipe& recipe, const std::vector<std::string>& classes) {
  Classes c{classes, {}};
  for (size_t i = 0; i < classes.size(); ++i) c.ids.push_back(static_cast<int64_t>(i) + 1);
  return make_detector(recipe, c);
}

std::vector<float> floats_of(const Detector& d, const char* name) { return read_floats(to_file(*d.system->parameters().find(name))); }

const char* const scores = "roi_heads.box_predictor.cls_score.bias";

}  // namespace

TEST_CASE("torchvision's names and shapes fit the recipe that has its model, with two classes all but the rows of classes",
          "[pretrained]") {
  const Recipe coco = load_recipe("coco_r50_fpn_torchvision");
  const WeightFile file = in_memory(coco.model);
  CHECK(shipped_recipe_for(file, {}, ModelConfig()) == "coco_r50_fpn_torchvision");
  CHECK(fault_of(file, coco).empty());
  Recipe two = coco;
  two.data.classes = {"a", "b"};
  two.model.classes = 2;
  const LoadReport r = fit_weights(file, two, {});
  CHECK(fault_of(file, two).empty());
  CHECK(r.missing.empty());
  CHECK(r.mismatched.size() == 6);
  CHECK(std::ranges::all_of(r.mismatched, [](const Mismatch& m) { return is_class_row(m.name); }));
  CHECK(r.loaded.size() == file.tensors.size() - 6);
  CHECK_THROWS_WITH(
      throw Error(fault_of(file, load_recipe("nuclei_small"))),
      Contains("memory.pth: another architecture than the recipe's model: ") && Contains("tensors would load, ") &&
          Contains("; for the file it is model.backbone.depth = 50 (here 18), model.backbone.norm = \"frozen\" (here \"group\"), "
                   "model.backbone.fpn.channels = 256 (here 128)") &&
          Contains("; the recipe coco_r50_fpn_torchvision fits; mrcnn recipe new --init memory.pth --annotations FILE makes one"));
}

TEST_CASE("a trunk that would load less than whole, or is a part of a larger one, is refused", "[pretrained]") {
  const WeightFile shallow = in_memory(narrow(18, 3)), deep = in_memory(narrow(34, 3));
  CHECK(fault_of(shallow, drawn(narrow_settings(18))).empty());
  CHECK(fault_of(deep, drawn(narrow_settings(34))).empty());
  CHECK_THROWS_WITH(throw Error(fault_of(shallow, drawn(narrow_settings(34)))), Contains("model.backbone.depth = 18 (here 34)"));
  // Each tensor of the shallow one is there in the deep one, in its shape.
  CHECK_THROWS_WITH(throw Error(fault_of(deep, drawn(narrow_settings(18)))), Contains("model.backbone.depth = 34 (here 18)"));
  for (const char* lost : {"backbone.body.layer2.1.conv2.weight", "backbone.body.bn1.running_var"}) {
    WeightFile file = shallow;
    std::erase_if(file.tensors, [lost](const NamedTensor& t) { return t.name == lost; });
    CHECK_THROWS_WITH(throw Error(fault_of(file, drawn(narrow_settings(18)))), Contains("another architecture"));
  }
  // Norms of a group have no statistics, and those of statistics would lose them.
  ModelConfig group = narrow(18, 3);
  resnet(group).width = 32;
  resnet(group).norm = NormKind::group;
  std::vector<std::string> wide = narrow_settings(18);
  wide[1] = "model.backbone.width=32";
  CHECK_THROWS_WITH(throw Error(fault_of(in_memory(group), drawn(wide))), Contains("model.backbone.norm = \"group\" (here \"frozen\")"));
  resnet(group).norm = NormKind::frozen;
  Recipe other = drawn(wide);
  resnet(other).norm = NormKind::group;
  CHECK_THROWS_WITH(throw Error(fault_of(in_memory(group), other)), Contains("model.backbone.norm = \"frozen\" (here \"group\")"));
  resnet(other).norm = NormKind::batch;  // live, and so the same tensors
  CHECK(fault_of(in_memory(group), other).empty());
}

TEST_CASE("a classifier's ResNet starts a trunk, and nothing but a trunk of its kind", "[pretrained]") {
  const WeightFile file = as_classifier(in_memory(narrow(18, 3)), 1000);
  const Recipe recipe = drawn(narrow_settings(18));
  CHECK(fault_of(file, recipe).empty());
  const LoadReport r = fit_weights(file, recipe, {});
  CHECK(r.loaded.size() == file.tensors.size() - 1);
  CHECK(recognise_architecture(file, {}, {}).labels == 1000);
  Recipe wider = recipe;
  fpn(wider).channels = 32;  // not the classifier's to say
  CHECK(fault_of(file, wider).empty());
  CHECK_THROWS_WITH(throw Error(fault_of(file, drawn(narrow_settings(34)))), Contains("model.backbone.depth = 18 (here 34)"));
}

TEST_CASE("what no recipe can build is named", "[pretrained]") {
  WeightFile v2 = in_memory(narrow(50, 3));
  for (const char* norm : {"backbone.fpn.inner_blocks.0.1.weight", "rpn.head.conv.1.0.weight", "roi_heads.box_head.0.0.weight",
                           "roi_heads.mask_head.0.1.weight"})
    v2.tensors.push_back({norm, FileType::f32, {16}, {}});
  std::erase_if(v2.tensors, [](const NamedTensor& t) { return t.name.starts_with("roi_heads.box_head.fc"); });
  CHECK_THROWS_WITH(
      throw Error(fault_of(v2, drawn(narrow_settings(50)))),
      Contains("the file is of a detector with norms in the pyramid, more than one 3x3 convolution in the RPN, convolutions in "
               "the box head, norms in the mask head, which no recipe can build"));
  WeightFile uneven = in_memory(narrow(50, 3));
  for (NamedTensor& t : uneven.tensors)
    if (t.name == "backbone.body.layer1.0.conv2.weight") t.shape = {8, 3, 3, 3};
  CHECK_THROWS_WITH(throw Error(fault_of(uneven, drawn(narrow_settings(50)))),
                    Contains("a ResNet whose backbone.body.layer1.0.conv2.weight is 8 x 3"));
}

TEST_CASE("a file's groups and heads without a pyramid are told apart from the recipe's", "[pretrained]") {
  ModelConfig grouped = narrow(50, 3), on_map = narrow(50, 3);
  resnet(grouped).groups = 4;
  resnet(grouped).group_width = 3;
  CHECK_THROWS_WITH(throw Error(fault_of(in_memory(grouped), drawn(narrow_settings(50)))),
                    Contains("model.backbone.groups = 4 (here 1), model.backbone.group_width = 3 (here 0)"));
  rcnn(on_map).backbone = ResNetMapConfig{resnet(on_map), ResNetOutput::c4};
  rcnn(on_map).box.layers = Res5Config();
  rcnn(on_map).mask = MaskRes5Config();
  CHECK_THROWS_WITH(
      throw Error(fault_of(in_memory(on_map), drawn(narrow_settings(50)))),
      Contains("model.backbone.kind = \"resnet\" (here \"resnet_fpn\")") && Contains("model.box.kind = \"res5\" (here \"fc\")"));
}

TEST_CASE("init: another architecture is an error, which --skip-mismatch does not mend and --force passes over", "[pretrained]") {
  const TestFolder folder;
  save_weights(make_rcnn(narrow(34, 3), 5)->parameters(), folder / "deep.safetensors", {});
  Detector d = detector_of(drawn(narrow_settings(18)), {"a", "b", "c"});
  d.recipe.train.init = folder / "elsewhere.safetensors";
  CHECK_THROWS_WITH(init_weights(d), Contains("there is no such file; --init FILE names the weights where they are now"));
  d.recipe.train.init = folder / "deep.safetensors";
  for (const bool skip : {false, true}) {
    d.recipe.train.skip_mismatch = skip;
    CHECK_THROWS_WITH(init_weights(d), Contains("train.init: ") && Contains("another architecture than the recipe's model") &&
                                           Contains("; --force (train.force) loads what fits"));
  }
  d.recipe.train.force = true;
  CHECK_THROWS_WITH(throw Error(init_weights(d)), Contains("tensors loaded"));
}

TEST_CASE("init: rows of classes of another number are an error, skipped, or matched by name", "[pretrained]") {
  const TestFolder folder;
  const Recipe recipe = drawn(narrow_settings(18));
  Detector made = detector_of(recipe, {"cat", "dog", "cow"});
  std::copy_n(std::vector<float>{10, 11, 12, 13}.data(), 4, made.system->parameters().find(scores)->var.value().data<float>());
  save_detector(made, folder / "a.safetensors");
  Detector two = detector_of(recipe, {"cow", "zebra"});
  two.recipe.train.init = folder / "a.safetensors";
  CHECK_THROWS_WITH(init_weights(two), Contains("roi_heads.box_predictor.cls_score.weight") &&
                                           Contains("--skip-mismatch (train.skip_mismatch)") && Contains("--match-classes copies"));
  two.recipe.train.skip_mismatch = true;
  CHECK_THROWS_WITH(throw Error(init_weights(two)),
                    Contains("tensors loaded; the others keep their initial values") && Contains("[4, 32]"));
  CHECK(floats_of(two, scores) == std::vector<float>{0, 0, 0});
  two.recipe.train.skip_mismatch = false;
  two.recipe.train.match_classes = true;
  CHECK_THROWS_WITH(throw Error(init_weights(two)),
                    Contains("rows of classes copied by name: cow; with their initial values: zebra") && !Contains("of another shape"));
  CHECK(floats_of(two, scores) == std::vector<float>{10, 13, 0});
  Detector same = detector_of(recipe, {"dog", "cow", "cat"});  // as many, in another order
  same.recipe.train = two.recipe.train;
  init_weights(same);
  CHECK(floats_of(same, scores) == std::vector<float>{10, 12, 13, 11});
  Detector none = detector_of(recipe, {"fish"});
  none.recipe.train = two.recipe.train;
  CHECK_THROWS_WITH(init_weights(none), Contains("knows none of the model's classes fish; its own are cat, dog, cow"));
  save_weights(made.system->parameters(), folder / "bare.safetensors", {});
  two.recipe.train.init = folder / "bare.safetensors";
  CHECK_THROWS_WITH(init_weights(two), Contains("train.match_classes: ") && Contains("expected rows of classes with names"));
}

TEST_CASE("COCO's classes are known by the number of rows", "[pretrained]") {
  const auto names = [](int64_t classes) { return classes_of_weights(in_memory(narrow(18, classes)), {}); };
  const std::vector<std::string> torchvision = names(90), detectron2 = names(80);
  REQUIRE(torchvision.size() == 90);
  CHECK(torchvision[0] == "person");
  CHECK(torchvision[11].empty());  // category 12 is none of COCO's
  CHECK(torchvision[12] == "stop sign");
  CHECK(torchvision[89] == "toothbrush");
  REQUIRE(detectron2.size() == 80);
  CHECK(detectron2[11] == "stop sign");
  CHECK(detectron2[79] == "toothbrush");
  CHECK(names(3).empty());
  CHECK(classes_of_weights(as_classifier(in_memory(narrow(18, 90)), 1000), {}).empty());
}

TEST_CASE("settings that do not go with the weights are named, with those that would", "[pretrained]") {
  const TestFolder folder;
  const Recipe r = drawn(narrow_settings(18));
  save_detector(detector_of(r, {"a"}), folder / "a.safetensors");
  CHECK(load_detector(folder / "a.safetensors").notes.empty());
  CHECK_THROWS_WITH(throw Error(load_detector(folder / "a.safetensors", {.assignments = {"preprocess.bgr=true"}}).notes),
                    Contains("these weights were trained with other settings") && Contains("--set 'preprocess.bgr=false'"));
  WeightFile detectron2;
  CHECK_THROWS_WITH(throw Error(unlike_settings(detectron2, Naming::detectron2, r)),
                    Contains("preprocess.bgr = true (here false)") && Contains("--set 'preprocess.mean=[103.53, 116.28, 123.675]'"));
  CHECK(unlike_settings(detectron2, Naming::detectron, load_recipe("coco_r50_fpn_paper")).empty());
  CHECK(unlike_settings(detectron2, Naming::torchvision, load_recipe("coco_r50_fpn_torchvision")).empty());
}

namespace {

const std::vector<std::string> cityscapes_names = {"person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle"};

// Every value of the classes' rows is its place in its tensor.
WeightFile with_numbered_rows(WeightFile file) {
  for (NamedTensor& t : file.tensors)
    if (is_class_row(t.name))
      t.read = [](std::span<std::byte> out) {
        for (size_t i = 0; i * sizeof(float) < out.size(); ++i) {
          const auto v = static_cast<float>(i);
          std::memcpy(out.data() + i * sizeof v, &v, sizeof v);
        }
      };
  return file;
}

}  // namespace

TEST_CASE("Cityscapes from COCO: seven classes' rows by name and the rider's anew, of torchvision's layout and detectron2's",
          "[pretrained]") {
  const TestFolder folder;
  const Recipe recipe = load_recipe("cityscapes_r50_fpn_from_coco", narrow_settings(50));
  // In torchvision's 91 rows a class stands at its category id, in detectron2's 81 at its place among the 80; of these they are the same.
  const std::vector<int> row_of = {1, -1, 3, 8, 6, 7, 4, 2};
  for (const bool detectron2 : {false, true}) {
    INFO((detectron2 ? "detectron2" : "torchvision"));
    WeightFile coco = with_numbered_rows(in_memory(narrow(50, detectron2 ? 80 : 90)));
    if (detectron2) coco = as_detectron2(coco);
    write_safetensors(folder / "coco.safetensors", {}, coco.tensors);
    Detector d = detector_of(recipe, cityscapes_names);
    const Detector initial = detector_of(recipe, cityscapes_names);
    d.recipe.train.init = folder / "coco.safetensors";
    const std::string told = init_weights(d);
    CHECK_THAT(
        told,
        Contains("rows of classes copied by name: person, car, truck, bus, train, motorcycle, bicycle; with their initial values: rider"));
    CHECK_THAT(told, Contains(detectron2 ? "detectron2's names" : "torchvision's names"));
    int tensors = 0;
    for (const Parameter& p : d.system->parameters().all()) {
      if (!is_class_row(p.name)) continue;
      INFO(p.name);
      ++tensors;
      const std::vector<float> got = read_floats(to_file(p)), before = floats_of(initial, p.name.c_str());
      const size_t row = got.size() / 9, first = p.name.find("cls_score") != std::string::npos || !detectron2 ? 0 : 1;
      for (size_t k = first; k < 9; ++k)  // detectron2 has no box and no mask of the background
        for (size_t i = 0; i < row; ++i) {
          const int from = k == 0 ? 0 : row_of[k - 1];
          const float expected = from < 0 ? before[k * row + i] : static_cast<float>(static_cast<size_t>(from) * row + i);
          if (got[k * row + i] != expected)
            FAIL("row " << k << ", value " << i << ": expected " << expected << ", got " << got[k * row + i]);
        }
    }
    CHECK(tensors == 6);
    // All else is the file's.
    const LoadReport report = fit_weights(coco, recipe, {});
    CHECK(report.missing.empty());
    CHECK(report.unused.empty());
  }
}

TEST_CASE("before any training the classes that were copied are found where the source finds them", "[pretrained]") {
  const TestFolder folder;
  std::vector<std::string> settings = narrow_settings(18);
  settings.insert(settings.end(), {"model.box.score=0", "model.box.nms=1", "model.box.detections=1000", "model.proposals.post_nms_test=20",
                                   "data.scenes.height=96", "data.scenes.width=128"});
  const Recipe recipe = drawn(settings);
  const std::vector<std::string> known = {"car", "person", "bus"}, wanted = {"bus", "rider", "car", "person"};
  const Detector source = detector_of(recipe, known);
  // As of a trained model: every row another one, and scores far apart.
  for (const char* rows : {"cls_score.weight", "bbox_pred.weight"}) {
    const Tensor w = source.system->parameters().find(str("roi_heads.box_predictor.", rows))->var.value();
    for (int64_t i = 0; i < w.numel(); ++i) w.data<float>()[i] *= 20;
  }
  save_detector(source, folder / "source.safetensors");
  Detector d = detector_of(recipe, wanted);
  d.recipe.train.init = folder / "source.safetensors";
  d.recipe.train.match_classes = true;
  init_weights(d);
  const Image image = open_dataset(recipe, Split::val)->sample(0).image;
  const std::vector<Detection> before = detect(source, image), after = detect(d, image);
  REQUIRE(before.size() == 3 * 20);
  CHECK(after.size() == 4 * 20);
  // The softmax has one class more to share with: all scores of one RoI lose the same part.
  std::map<std::string, std::vector<float>> kept;
  for (const Detection& x : before) {
    const std::string& name = known[static_cast<size_t>(x.label - 1)];
    const auto same = [&](const Detection& y) {
      const auto near = [](float a, float b) { return std::abs(a - b) < 0.01f; };
      return wanted[static_cast<size_t>(y.label - 1)] == name && near(x.box.x1, y.box.x1) && near(x.box.y1, y.box.y1) &&
             near(x.box.x2, y.box.x2) && near(x.box.y2, y.box.y2) && y.score <= x.score * 1.0001f;
    };
    INFO(name << " " << x.score << " at " << x.box.x1 << ", " << x.box.y1);
    const auto found = std::ranges::find_if(after, same);
    REQUIRE(found != after.end());
    kept[name].push_back(found->score / x.score);
  }
  for (const std::string& name : known) std::ranges::sort(kept[name]);
  for (size_t roi = 0; roi < 20; ++roi)
    for (const std::string& name : known) CHECK(kept[name][roi] == Approx(kept["car"][roi]).epsilon(1e-3));
}
