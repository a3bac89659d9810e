#include "models/weights/load.h"

#include <limits>

#include "base/check.h"
#include "models/weights/safetensors.h"
#include "tensor/rng.h"
#include "tests/catch.h"
#include "tests/models/weights/make_files.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

NamedTensor counting(const std::string& name, FileShape shape) {  // 0, 1, 2, … in the file's order
  return {name, FileType::f32, std::move(shape), [](std::span<std::byte> out) {
            for (size_t i = 0; i < out.size() / 4; ++i) {
              const auto v = static_cast<float>(i);
              std::memcpy(out.data() + 4 * i, &v, 4);
            }
          }};
}

WeightFile file_of(std::vector<NamedTensor> tensors) {
  WeightFile f;
  f.path = "memory";
  f.tensors = std::move(tensors);
  return f;
}

std::vector<float> values(Parameters& p, const std::string& name) {
  const auto v = p.find(name)->var.value().values<float>();
  return {v.begin(), v.end()};
}

// Some names of torchvision's maskrcnn_resnet50_fpn, small.
Parameters small_model(uint64_t seed = 1) {
  Parameters p;
  p.add("backbone.body.conv1.weight", {4, 2, 3, 5}, Init::kaiming(), ParameterKind::weight, FileLayout::conv);
  p.add_buffer("backbone.body.bn1.running_mean", {4}, 0);
  p.add("backbone.body.layer1.0.conv1.weight", {2, 1, 1, 4}, Init::kaiming(), ParameterKind::weight, FileLayout::conv);
  p.add("backbone.fpn.inner_blocks.0.0.weight", {3, 1, 1, 2}, Init::kaiming(), ParameterKind::weight, FileLayout::conv);
  p.add("backbone.fpn.layer_blocks.10.0.bias", {3}, Init::zeros(), ParameterKind::bias);
  p.add("rpn.head.conv.0.0.weight", {3, 3, 3, 3}, Init::normal(0.01), ParameterKind::weight, FileLayout::conv);
  p.add_fc_of_map("roi_heads.box_head.fc6.weight", 2, 2, 3, 4, Init::kaiming_uniform_a1());
  p.add("roi_heads.box_predictor.cls_score.weight", {5, 3}, Init::normal(0.01));
  p.add("roi_heads.mask_head.2.0.weight", {2, 3, 3, 2}, Init::kaiming(), ParameterKind::weight, FileLayout::conv);
  p.add("roi_heads.mask_predictor.conv5_mask.weight", {3, 2, 2, 4}, Init::kaiming(), ParameterKind::weight, FileLayout::deconv);
  p.pack(seed);
  return p;
}

}  // namespace

TEST_CASE("load: each layout, element by element", "[weights]") {
  Parameters p;
  p.add("conv", {2, 3, 4, 5}, Init::zeros(), ParameterKind::weight, FileLayout::conv);
  p.add("deconv", {2, 3, 4, 5}, Init::zeros(), ParameterKind::weight, FileLayout::deconv);
  p.add_fc_of_map("fc6", 2, 3, 4, 5, Init::zeros());
  p.add("fc7", {2, 3}, Init::zeros());
  p.pack(1);
  const LoadReport r = load_weights(
      p, file_of({counting("conv", {2, 5, 3, 4}), counting("deconv", {2, 5, 3, 4}), counting("fc6", {2, 60}), counting("fc7", {2, 3})}));
  CHECK(r.loaded.size() == 4);
  int wrong = 0;
  for (int o = 0; o < 2; ++o)
    for (int y = 0; y < 3; ++y)
      for (int x = 0; x < 4; ++x)
        for (int i = 0; i < 5; ++i) {
          const auto here = static_cast<size_t>(((o * 3 + y) * 4 + x) * 5 + i);
          const auto in_file = static_cast<float>(((o * 5 + i) * 3 + y) * 4 + x);
          for (const char* name : {"conv", "deconv", "fc6"}) wrong += values(p, name)[here] != in_file;
        }
  CHECK(wrong == 0);
  CHECK(values(p, "fc7") == std::vector<float>{0, 1, 2, 3, 4, 5});
}

TEST_CASE("save and load: a round trip, through torchvision's shapes", "[weights]") {
  const Folder folder;
  const Parameters a = small_model(1);
  save_weights(a, folder / "a.safetensors", {{"classes", "cat"}});
  const WeightFile f = open_weights(folder / "a.safetensors");
  CHECK(f.metadata.at("classes") == "cat");
  CHECK(f.find("backbone.body.conv1.weight")->shape == FileShape{4, 5, 2, 3});
  CHECK(f.find("roi_heads.mask_predictor.conv5_mask.weight")->shape == FileShape{3, 4, 2, 2});
  CHECK(f.find("roi_heads.box_head.fc6.weight")->shape == FileShape{2, 24});
  Parameters b = small_model(2);
  const LoadReport r = load_weights(b, f);
  CHECK(r.loaded.size() == a.all().size());
  CHECK(summary(r) == "10 tensors loaded");
  for (size_t i = 0; i < a.all().size(); ++i) CHECK(values(b, a.all()[i].name) == values(const_cast<Parameters&>(a), a.all()[i].name));
  save_weights(b, folder / "b.safetensors", {{"classes", "cat"}});
  CHECK(read_file(folder / "a.safetensors") == read_file(folder / "b.safetensors"));
}

TEST_CASE("load: half, bfloat16 and double become f32, integers do not", "[weights]") {
  Parameters p;
  p.add("w", {2}, Init::zeros());
  p.pack(1);
  const auto load = [&](FileType type, const std::string& bytes) {
    load_weights(p, file_of({{"w", type, {2}, [bytes](std::span<std::byte> out) { std::memcpy(out.data(), bytes.data(), out.size()); }}}));
    return values(p, "w");
  };
  CHECK(load(FileType::f16, le<uint16_t>(0x3c00) + le<uint16_t>(0xc100)) == std::vector<float>{1, -2.5f});
  CHECK(load(FileType::bf16, le<uint16_t>(0x3f80) + le<uint16_t>(0xc020)) == std::vector<float>{1, -2.5f});
  CHECK(load(FileType::f64, le(0.1) + le(-2.5)) == std::vector<float>{0.1f, -2.5f});
  CHECK_THROWS_WITH(load(FileType::f64, le(0.1) + le(1e300)), Contains("memory: w: expected finite numbers, got inf as value 1 of [2]"));
  CHECK_THROWS_WITH(load(FileType::i64, le<int64_t>(1) + le<int64_t>(2)), Contains("memory: w: expected a floating type, got I64"));
}

TEST_CASE("load: a plain ResNet fills the backbone", "[weights]") {
  for (const std::string prefix : {"", "module."}) {
    Parameters p = small_model();
    const std::vector<float> before = values(p, "rpn.head.conv.0.0.weight");
    const WeightFile f =
        file_of({counting(prefix + "conv1.weight", {4, 5, 2, 3}), counting(prefix + "layer1.0.conv1.weight", {2, 4, 1, 1}),
                 counting(prefix + "bn1.running_mean", {4}), counting(prefix + "bn1.num_batches_tracked", {}),
                 counting(prefix + "fc.weight", {1000, 2}), counting(prefix + "fc.bias", {1000}), counting(prefix + "other", {1})});
    CHECK_THROWS_WITH(load_weights(p, f), Contains("memory: expected 7 more tensors: backbone.fpn.inner_blocks.0.0.weight, "));
    const LoadReport r = load_weights(p, f, {.allow_missing = true});
    CHECK(r.loaded ==
          std::vector<std::string>{"backbone.body.conv1.weight", "backbone.body.bn1.running_mean", "backbone.body.layer1.0.conv1.weight"});
    CHECK(r.missing.size() == 7);
    CHECK(r.unused == std::vector<std::string>{prefix + "other"});
    CHECK(r.ignored.size() == 3);
    CHECK(values(p, "backbone.body.bn1.running_mean") == std::vector<float>{0, 1, 2, 3});
    CHECK(values(p, "rpn.head.conv.0.0.weight") == before);
  }
}

TEST_CASE("load: torchvision's older names, and a prefix put before every name", "[weights]") {
  Parameters p = small_model();
  const LoadReport r = load_weights(
      p,
      file_of({counting("backbone.fpn.inner_blocks.0.weight", {3, 2, 1, 1}), counting("backbone.fpn.layer_blocks.10.bias", {3}),
               counting("rpn.head.conv.weight", {3, 3, 3, 3}), counting("roi_heads.mask_head.mask_fcn3.weight", {2, 2, 3, 3}),
               counting("roi_heads.mask_head.mask_fcn0.weight", {1}), counting("backbone.fpn.inner_blocks.0.weird", {1})}),
      {.allow_missing = true});
  CHECK(r.loaded == std::vector<std::string>{"backbone.fpn.inner_blocks.0.0.weight", "backbone.fpn.layer_blocks.10.0.bias",
                                             "rpn.head.conv.0.0.weight", "roi_heads.mask_head.2.0.weight"});
  CHECK(r.unused.size() == 2);
  CHECK(load_weights(p, file_of({counting("conv1.weight", {4, 5, 2, 3})}),
                     {.allow_missing = true, .renames = {parse_rename("=backbone.body.")}})
            .loaded.size() == 1);
  CHECK_THROWS_WITH(
      load_weights(p, file_of({counting("rpn.head.conv.weight", {3, 3, 3, 3}), counting("rpn.head.conv.0.0.weight", {3, 3, 3, 3})})),
      Contains("both rpn.head.conv.weight and rpn.head.conv.0.0.weight stand for rpn.head.conv.0.0.weight"));
}

TEST_CASE("load: wrappers come off, nested, in the middle, and where not every name has one", "[weights]") {
  const auto loads = [](const std::string& name, const FileShape& shape = {3, 3, 3, 3}) {
    Parameters p = small_model();
    const LoadReport r = load_weights(p, file_of({counting(name, shape), counting("n_averaged", {})}), {.allow_missing = true});
    return r.loaded.size() == 1 && r.ignored == std::vector<std::string>{"n_averaged"};
  };
  for (const char* wrapper : {"", "module.", "model.", "_orig_mod.", "ema.", "model._orig_mod.module.", "_orig_mod.module.", "ema.module."})
    CHECK(loads(wrapper + std::string("rpn.head.conv.0.0.weight")));
  CHECK(loads("backbone._orig_mod.body.conv1.weight", {4, 5, 2, 3}));
  CHECK(loads("model.backbone.body._orig_mod.layer1.0.conv1.weight", {2, 4, 1, 1}));

  Parameters p = small_model();
  const LoadReport r = load_weights(p,
                                    file_of({counting("model.rpn.head.conv.0.0.weight", {3, 3, 3, 3}),
                                             counting("roi_heads.mask_head.2.0.weight", {2, 2, 3, 3}), counting("criterion.weight", {1})}),
                                    {.allow_missing = true});
  CHECK(r.loaded.size() == 2);
  CHECK(r.unused == std::vector<std::string>{"criterion.weight"});
}

TEST_CASE("load: a model's own names that begin like a wrapper stay", "[weights]") {
  Parameters p;
  p.add("model.w", {2}, Init::zeros());
  p.add("w", {3}, Init::zeros());
  p.pack(1);
  const LoadReport r = load_weights(p, file_of({counting("model.w", {2}), counting("module.w", {3})}));
  CHECK(r.loaded.size() == 2);
  CHECK(values(p, "model.w") == std::vector<float>{0, 1});
}

TEST_CASE("load: of weights and their average in one file, the more complete ones are read, or those renamed", "[weights]") {
  const auto from = [](float value, const std::string& name) {
    return NamedTensor{name, FileType::f32, {3, 3, 3, 3}, [value](std::span<std::byte> out) {
                         for (size_t i = 0; i < out.size(); i += 4) std::memcpy(out.data() + i, &value, 4);
                       }};
  };
  const std::string conv = "rpn.head.conv.0.0.weight";
  const WeightFile f =
      file_of({from(1, "ema." + conv), from(2, "model." + conv), counting("model.roi_heads.mask_head.2.0.weight", {2, 2, 3, 3})});
  Parameters p = small_model();
  const LoadReport r = load_weights(p, f, {.allow_missing = true});
  CHECK(values(p, conv)[0] == 2);
  CHECK(r.unused == std::vector<std::string>{"ema." + conv});
  REQUIRE(r.notes.size() == 1);
  CHECK_THROWS_WITH(throw Error(r.notes[0]), Contains("\"ema.\"") && Contains("--rename ema.= reads the others"));
  load_weights(p, f, {.allow_missing = true, .renames = {parse_rename("ema.=")}});
  CHECK(values(p, conv)[0] == 1);
}

TEST_CASE("load: renames replace prefixes, and one that fits nothing is an error", "[weights]") {
  Parameters p = small_model();
  const WeightFile f = file_of({counting("net.head.conv.0.0.weight", {3, 3, 3, 3}), counting("net.mask.2.0.weight", {2, 2, 3, 3})});
  const LoadReport r =
      load_weights(p, f, {.allow_missing = true, .renames = {parse_rename("net.mask.=roi_heads.mask_head."), parse_rename("net.=rpn.")}});
  CHECK(r.loaded.size() == 2);
  CHECK_THROWS_WITH(
      load_weights(p, f, {.renames = {parse_rename("not.=rpn.")}}),
      Contains("--rename not.=rpn.: no tensor of memory has a name that begins with not. (the first is net.head.conv.0.0.weight)"));
  CHECK_THROWS_WITH(parse_rename("net."), Contains("--rename net.: expected FROM=TO"));
}

TEST_CASE("load: the rename that would help is named", "[weights]") {
  Parameters p = small_model();
  const WeightFile f = file_of({counting("encoder.conv1.weight", {4, 5, 2, 3}), counting("encoder.bn1.running_mean", {4}),
                                counting("encoder.layer1.0.conv1.weight", {2, 4, 1, 1}), counting("head.weight", {9})});
  CHECK_THROWS_WITH(load_weights(p, f, {.allow_missing = true}),
                    Contains("found none") && Contains("--rename encoder.=backbone.body. would make 3 of them the model's"));
}

TEST_CASE("load: the report counts by part, and is whole in its list and as JSON", "[weights]") {
  Parameters p = small_model();
  const LoadReport r = load_weights(
      p,
      file_of({counting("backbone.body.conv1.weight", {4, 5, 2, 3}), counting("roi_heads.box_predictor.cls_score.weight", {91, 3}),
               counting("roi_heads.keypoint_head.0.weight", {1}), counting("roi_heads.keypoint_head.2.weight", {1}), counting("lr", {1})}),
      {.skip_mismatch = true, .allow_missing = true});
  const std::string text = summary(r), all = every_tensor(r), json = report_json(r, "no");
  const auto says = [](const std::string& in, const char* what) { return in.find(what) != std::string::npos; };
  INFO(text);
  CHECK(says(text, "1 of 10 tensors loaded; the others keep their initial values:"));
  CHECK(says(text, "  backbone.body                                  1             0             2\n"));
  CHECK(says(text, "  roi_heads.box_predictor                        0             1             0\n"));
  CHECK(says(text, "3 tensors of the file not used: lr, roi_heads.keypoint_head (2)"));
  CHECK(says(all, "loaded          backbone.body.conv1.weight\n"));
  CHECK(says(all, "other shape     roi_heads.box_predictor.cls_score.weight: [91, 3] in the file, [5, 3] in the model\n"));
  CHECK(says(all, "not used        roi_heads.keypoint_head.2.weight\n"));
  CHECK(says(json, R"("loaded": ["backbone.body.conv1.weight"], "missing": [)"));
  CHECK(says(json, R"("refusal": "no"})"));
  CHECK(says(json, R"("mismatched": [{"name": "roi_heads.box_predictor.cls_score.weight", "file": [91, 3], "model": [5, 3]}])"));
}

TEST_CASE("load: other class counts are an error with a table, or skipped", "[weights]") {
  Parameters p = small_model();
  const std::vector<float> before = values(p, "roi_heads.box_predictor.cls_score.weight");
  std::vector<NamedTensor> tensors;
  for (const Parameter& q : p.all()) tensors.push_back(counting(q.name, file_shape(q)));
  for (NamedTensor& t : tensors) {
    if (t.name == "roi_heads.box_predictor.cls_score.weight") t.shape = {91, 3};
    if (t.name == "roi_heads.mask_predictor.conv5_mask.weight") t.shape = {3, 2, 2, 4};  // ours, but not the file's layout
  }
  const WeightFile f = file_of(tensors);
  CHECK_THROWS_WITH(load_weights(p, f), Contains("2 tensors of another shape than the model's:\n"));
  CHECK_THROWS_WITH(load_weights(p, f, {.skip_mismatch = true, .advice = "; --skip"}),
                    Contains("2 tensors of another shape than the model's:\n"));  // one of them is no row of classes
  CHECK_THROWS_WITH(load_weights(p, f), Contains("  roi_heads.box_predictor.cls_score.weight        [91, 3]             [5, 3]\n"));
  CHECK_THROWS_WITH(load_weights(p, f), Contains("[3, 2, 2, 4]        [3, 4, 2, 2]"));
  CHECK(values(p, "backbone.body.conv1.weight")[1] != 10);  // nothing was changed
  const LoadReport forced = load_weights(p, f, {.force = true});
  CHECK(forced.mismatched.size() == 2);
  CHECK(forced.loaded.size() == 8);
  for (NamedTensor& t : tensors)
    if (t.name == "roi_heads.mask_predictor.conv5_mask.weight") t.shape = {3, 4, 2, 2};
  const WeightFile other_classes = file_of(tensors);
  CHECK_THROWS_WITH(load_weights(p, other_classes, {.advice = "; --skip"}),
                    Contains("1 tensor of another shape than the model's; --skip:\n"));
  const LoadReport r = load_weights(p, other_classes, {.skip_mismatch = true});
  CHECK(r.mismatched.size() == 1);
  CHECK(r.loaded.size() == 9);
  CHECK(values(p, "roi_heads.box_predictor.cls_score.weight") == before);
  CHECK(summary(r).find("[91, 3]") != std::string::npos);
}

TEST_CASE("load: rows of classes by name, four a class for boxes, and background's", "[weights]") {
  Parameters p;
  p.add("roi_heads.box_predictor.cls_score.weight", {3, 2}, Init{Init::Kind::constant, 7});
  p.add("roi_heads.box_predictor.bbox_pred.bias", {12}, Init{Init::Kind::constant, 7}, ParameterKind::bias);
  p.add("roi_heads.mask_predictor.mask_fcn_logits.weight", {3, 1, 1, 2}, Init{Init::Kind::constant, 7}, ParameterKind::weight,
        FileLayout::conv);
  p.add("roi_heads.box_head.fc7.bias", {3}, Init{Init::Kind::constant, 7}, ParameterKind::bias);
  p.pack(1);
  const WeightFile f =
      file_of({counting("roi_heads.box_predictor.cls_score.weight", {5, 2}), counting("roi_heads.box_predictor.bbox_pred.bias", {20}),
               counting("roi_heads.mask_predictor.mask_fcn_logits.weight", {5, 2, 1, 1}), counting("roi_heads.box_head.fc7.bias", {3})});
  const LoadReport r = load_weights(p, f, {.class_rows = {0, 3, -1}});
  CHECK(r.loaded.size() == 4);
  CHECK(r.mismatched.empty());
  CHECK(values(p, "roi_heads.box_predictor.cls_score.weight") == std::vector<float>{0, 1, 6, 7, 7, 7});
  CHECK(values(p, "roi_heads.box_predictor.bbox_pred.bias") == std::vector<float>{0, 1, 2, 3, 12, 13, 14, 15, 7, 7, 7, 7});
  CHECK(values(p, "roi_heads.mask_predictor.mask_fcn_logits.weight") == std::vector<float>{0, 1, 6, 7, 7, 7});
  CHECK(values(p, "roi_heads.box_head.fc7.bias") == std::vector<float>{0, 1, 2});
  CHECK_THROWS_WITH(load_weights(p, f, {.class_rows = {0, 5, -1}}), Contains("3 tensors of another shape"));  // the file has no class 5
  CHECK_THROWS_WITH(load_weights(p, f, {.class_rows = {0, 1}}), Contains("tensors of another shape"));        // the model has one more
}

TEST_CASE("load: a file that fails halfway changes nothing, and one of another model is refused", "[weights][faults]") {
  Parameters p = small_model();
  const std::vector<float> before = values(p, "backbone.body.conv1.weight");
  std::vector<NamedTensor> tensors;
  for (const Parameter& q : p.all()) tensors.push_back(counting(q.name, file_shape(q)));
  tensors.back().read = [](std::span<std::byte>) { fail("damaged"); };
  CHECK_THROWS_WITH(load_weights(p, file_of(tensors)), Contains("damaged"));
  CHECK(values(p, "backbone.body.conv1.weight") == before);
  CHECK_THROWS_WITH(load_weights(p, file_of({counting("a", {1}), counting("b", {1})}), {.allow_missing = true}),
                    Contains("expected tensors of this model, found none; the file holds 2 tensors: a, b"));
  CHECK_THROWS_WITH(load_weights(p, file_of({}), {.skip_mismatch = true, .allow_missing = true}), Contains("found none"));
}

TEST_CASE("load: a value that is not finite is named, and nothing is changed", "[weights][faults]") {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  for (const auto& [odd, name] : {std::pair{nan, "nan"}, std::pair{-inf, "-inf"}})
    for (const size_t at : {0, 4095, 4096, 4999}) {  // first_not_finite looks at blocks of 4096
      Parameters p;
      p.add("fc.weight", {50, 100}, Init::ones());
      p.pack(1);
      NamedTensor t = counting("fc.weight", {50, 100});
      t.read = [read = t.read, at, v = odd](std::span<std::byte> out) {
        read(out);
        std::memcpy(out.data() + 4 * at, &v, 4);
      };
      CHECK_THROWS_WITH(load_weights(p, file_of({t})), Contains(str("weights: memory: fc.weight: expected finite numbers, got ", name,
                                                                    " as value ", at, " of [50, 100]")));
      CHECK(values(p, "fc.weight")[1] == 1);
    }
}

TEST_CASE("load: derived copies of the old values go stale", "[weights]") {
  Parameters p;
  const Var w = p.add("w", {2}, Init::zeros());
  p.pack(1);
  const auto doubled = [&] {
    return w.derived("double",
                     [](const Tensor& t) {
                       return Tensor::of<float>({2}, {2 * t.data<float>()[0], 2 * t.data<float>()[1]});
                     })
        .at(1);
  };
  CHECK(doubled() == 0);
  load_weights(p, file_of({counting("w", {2})}));
  CHECK(doubled() == 2);
}
