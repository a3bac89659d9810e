#include "train/recipe.h"

#include "base/files.h"
#include "models/systems/make.h"
#include "tensor/context.h"
#include "tensor/simd.h"
#include "tests/catch.h"
#include "tests/train/fake.h"
#include "train/detector.h"
#include "train/length.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

Recipe with(const std::vector<std::string>& assignments) { return load_recipe("nuclei_small", assignments); }

}  // namespace

TEST_CASE("every shipped recipe can be read, says what it is, and survives writing", "[recipe]") {
  CHECK(shipped_recipes().size() >= 9);
  for (const ShippedRecipe& s : shipped_recipes()) {
    INFO(s.name);
    const Recipe r = load_recipe(s.name);
    CHECK(r.name == s.name);
    CHECK(r.about.size() > 20);
    CHECK(r.notes.size() > 100);
    for (const bool docs : {false, true}) {
      const Recipe again = recipe_from_toml(to_toml(r, docs), "again");
      CHECK(differences(visit_of(r), visit_of(again)).empty());
      CHECK(config_hash(visit_of(r)) == config_hash(visit_of(again)));
    }
  }
}

TEST_CASE("the COCO recipes state the published schedules", "[recipe]") {
  const Recipe paper = load_recipe("coco_r50_fpn_paper"), tv = load_recipe("coco_r50_fpn_torchvision");
  CHECK(paper.data.classes.size() == 80);
  CHECK(paper.data.category_ids.back() == 90);
  CHECK(paper.model.classes == 80);
  CHECK(tv.model.classes == 90);
  ScheduleConfig s = paper.schedule;
  CHECK(learning_rate(s, 0.02, 160000, 119999) == Approx(0.02));
  CHECK(learning_rate(s, 0.02, 160000, 120000) == Approx(0.002));
  s = tv.schedule;
  CHECK(learning_rate(s, 0.02, 26000, 15999) == Approx(0.02));
  CHECK(learning_rate(s, 0.02, 26000, 16000) == Approx(0.002));
  CHECK(learning_rate(s, 0.02, 26000, 22000) == Approx(0.0002));
}

TEST_CASE("the Cityscapes recipes state the paper's schedules, for any batch", "[recipe]") {
  struct Case {
    const char *recipe, *batch;
    double lr;
    int64_t iterations, cut, warmup;
    const char* words;
  };
  for (const Case& c : {Case{"cityscapes_r50_fpn_paper", "8", 0.01, 24000, 18000, 500, ""},
                        Case{"cityscapes_r50_fpn_paper", "1", 0.00125, 192000, 144000, 4000,
                             "learning rate 0.00125 for 1 image a step (stated: 0.01 for 8), 192000 iterations (stated: 24000)"},
                        Case{"cityscapes_r50_fpn_from_coco", "8", 0.01, 4000, 3000, 400, ""},
                        Case{"cityscapes_r50_fpn_from_coco", "16", 0.02, 2000, 1500, 200,
                             "learning rate 0.02 for 16 images a step (stated: 0.01 for 8), 2000 iterations (stated: 4000)"}}) {
    INFO(c.recipe << " of " << c.batch);
    Recipe r = load_recipe(c.recipe, {std::string("train.batch=") + c.batch});
    std::vector<std::string> words;
    resolve(r, 2975, words);
    CHECK(r.optimiser.lr == Approx(c.lr));
    CHECK(r.train.iterations == c.iterations);
    CHECK(r.schedule.warmup == c.warmup);
    CHECK(learning_rate(r.schedule, r.optimiser.lr, c.iterations, c.cut - 1) == Approx(c.lr));
    CHECK(learning_rate(r.schedule, r.optimiser.lr, c.iterations, c.cut) == Approx(c.lr / 10));
    std::string told;
    for (const std::string& w : words) told += w;
    CHECK(told == c.words);
  }
  const Recipe paper = load_recipe("cityscapes_r50_fpn_paper"), coco = load_recipe("cityscapes_r50_fpn_from_coco");
  CHECK(paper.data.kind == DataKind::cityscapes);
  CHECK(paper.augment.min_sides.front() == 800);
  CHECK(paper.augment.min_sides.back() == 1024);
  CHECK(paper.preprocess.min_side == 1024);
  CHECK(paper.evaluation.metric == MetricKind::cityscapes);
  CHECK(paper.model.classes == 0);
  CHECK_FALSE(paper.train.match_classes);
  CHECK(coco.train.match_classes);
  for (const char* night : {"cityscapes_night", "cityscapes_night_gpu"}) {
    const Recipe r = load_recipe(night);
    CHECK(r.train.budget == "8h");
    CHECK(r.train.iterations == 0);
    CHECK(r.data.cache == "mrcnn_cache");
  }
}

TEST_CASE("the recipes without a pyramid state the paper's networks", "[recipe]") {
  const Recipe paper = load_recipe("coco_r50_c4_paper");
  const RCNNConfig& c4 = rcnn_of(paper.model, "test");
  const auto& trunk = std::get<ResNetMapConfig>(c4.backbone);
  const auto& rpn = std::get<RPNConfig>(c4.proposals);
  CHECK(trunk.output == ResNetOutput::c4);
  CHECK(trunk.resnet.depth == 50);
  CHECK(trunk.resnet.stride_in_1x1);
  CHECK(rpn.channels == 512);
  CHECK(rpn.anchor_sizes.size() * rpn.anchor_ratios.size() == 15);
  CHECK_FALSE(rpn.round_anchors);
  CHECK(rpn.post_nms_test == 300);
  CHECK(c4.box.batch == 64);
  CHECK(std::get<Res5Config>(c4.box.layers).bins == 7);
  CHECK(std::get<Res5Config>(c4.box.layers).stride == 1);
  CHECK_FALSE(std::get<MaskRes5Config>(c4.mask).soft_targets);
  CHECK(learning_rate(paper.schedule, 0.02, 160000, 120000) == Approx(0.002));
  for (const auto& [name, divisor] : {std::pair{"scenes_c4", 16}, {"scenes_c5", 32}, {"scenes_dc5", 16}}) {
    INFO(name);
    const Recipe small = load_recipe(name);
    CHECK(traits_of(small.model).divisor == divisor);
    CHECK(traits_of(small.model).masks);
    CHECK(small.data.scenes.width == load_recipe("scenes_small").data.scenes.width);
  }
}

TEST_CASE("the recipes of other mask branches are scenes_small but for the branch", "[recipe]") {
  const Recipe small = load_recipe("scenes_small");
  const RCNNConfig& plain = rcnn_of(small.model, "test");
  for (const std::string name : {"scenes_mlp", "scenes_unet"}) {
    INFO(name);
    const Recipe recipe = load_recipe(name);
    const RCNNConfig& model = rcnn_of(recipe.model, "test");
    CHECK(model.box.batch == plain.box.batch);
    CHECK(traits_of(recipe.model).masks);
    CHECK(recipe.train.budget == small.train.budget);
  }
  const Recipe mlp = load_recipe("scenes_mlp", {"model.mask.layers=3"}), unet = load_recipe("scenes_unet", {"model.mask.nested=true"});
  CHECK(std::get<MaskMLPConfig>(rcnn_of(mlp.model, "test").mask).layers == 3);
  CHECK(std::get<MaskMLPConfig>(rcnn_of(mlp.model, "test").mask).side == 28);
  CHECK(std::get<MaskUNetConfig>(rcnn_of(unet.model, "test").mask).widths == std::vector<int64_t>{16, 32, 64});
  CHECK(std::get<MaskUNetConfig>(rcnn_of(unet.model, "test").mask).nested);
  const Recipe multinomial = load_recipe("scenes_c4", {"model.mask.loss=softmax"});
  CHECK(std::get<MaskRes5Config>(rcnn_of(multinomial.model, "test").mask).loss == MaskLoss::softmax);
}

TEST_CASE("a recipe is based on another, by name or by file beside it", "[recipe]") {
  const TestFolder folder;
  write_text_file(folder / "a.toml", "base = \"nuclei_small\"\nname = \"a\"\n[optimiser]\nlr = 0.5\nmomentum = 0.5\n");
  write_text_file(folder / "b.toml", "base = \"a.toml\"\nname = \"b\"\n[optimiser]\nlr = 0.25\n");
  const Recipe b = load_recipe(folder / "b.toml", {"optimiser.nesterov=false"});
  CHECK(b.name == "b");
  CHECK(b.optimiser.lr == 0.25);
  CHECK(b.optimiser.momentum == 0.5);
  CHECK_FALSE(b.optimiser.nesterov);
  CHECK(b.train.batch == load_recipe("nuclei_small").train.batch);
  write_text_file(folder / "c.toml", "base = \"c.toml\"\n");
  CHECK_THROWS_WITH(load_recipe(folder / "c.toml"), Contains("in a circle"));
  write_text_file(folder / "d.toml", "base = 3\n");
  CHECK_THROWS_WITH(load_recipe(folder / "d.toml"), Contains("d.toml:1: base: expects the name"));
}

TEST_CASE("a precision that the device lacks falls back to f32, and says so", "[recipe]") {
  const ContextGuard guard;
  Recipe r;
  CHECK(!use_context_of(r));
  r.train.precision = Precision::tf32;
  CHECK(use_context_of(r) == "train.precision: tf32 needs a GPU; working in f32");
  CHECK(!context().tf32);
  r.train.precision = Precision::bf16;
  const bool able = isa() == Isa::v4;
  CHECK(use_context_of(r).has_value() == !able);
  CHECK(context().precision == (able ? DType::bf16 : DType::f32));
}

TEST_CASE("a rate that was set for another kind of optimiser is told", "[recipe]") {
  const TestFolder folder;
  write_text_file(folder / "adam.toml", "base = \"scenes_small\"\n[optimiser]\nkind = \"adamw\"\nlr = 5e-4\n");
  const auto words = [&folder](const char* name, const std::vector<std::string>& assignments) {
    std::vector<std::string> said;
    load_recipe(std::string(name) == "adam" ? folder / "adam.toml" : name, assignments, &said);
    std::string all;
    for (const std::string& w : said) all += w + "\n";
    return all;
  };
  CHECK(words("scenes_small", {"optimiser.kind=adamw"}).starts_with("optimiser.lr = 0.05 (scenes_small.toml:"));
  CHECK_THROWS_WITH(throw Error(words("scenes_small", {"optimiser.kind=adamw"})),
                    Contains(") was set for sgd: adam and adamw usually want 1e-4 … 1e-3"));
  CHECK_THROWS_WITH(throw Error(words("adam", {"optimiser.kind=sgd"})), Contains("adam.toml:4) was set for adam: sgd usually wants"));
  CHECK(words("scenes_small", {}).empty());
  CHECK(words("scenes_small", {"optimiser.kind=adamw", "optimiser.lr=1e-4"}).empty());
  CHECK(words("scenes_small", {"optimiser.lr=1e-4", "optimiser.kind=adamw"}).empty());
  CHECK(words("adam", {}).empty());
  CHECK(words("adam", {"optimiser.kind=adam"}).empty());
  CHECK(words("adam", {"optimiser.kind=sgd", "optimiser.lr=0.01"}).empty());
}

TEST_CASE("files that are no recipes are called by their names", "[recipe]") {
  const TestFolder folder;
  const auto given = [&](const std::string& bytes) {
    write_text_file(folder / "given", bytes);
    return load_recipe(folder / "given");
  };
  const std::string large(2 << 20, ' '), zip = std::string("PK\x03\x04") + std::string(26, '\0') + "plain/data.pkl" + std::string(40, '\0');
  CHECK_THROWS_WITH(given(zip), Contains("given: is a file of weights (torch's), not a recipe"));
  CHECK_THROWS_WITH(given(zip + large), Contains("is a file of weights (torch's)"));
  CHECK_THROWS_WITH(given(std::string("\x40\0\0\0\0\0\0\0{\"a\": {", 15) + large), Contains("is a file of weights (safetensors)"));
  CHECK_THROWS_WITH(given("\x89PNG\r\n\x1a\n" + std::string(9, '\0')), Contains("is a PNG picture"));
  CHECK_THROWS_WITH(given("seed = 1\n" + large), Contains("2097161 bytes; at most 1048576 are read"));
}

TEST_CASE("bad recipes are errors that name the place, the key and the value", "[recipe]") {
  const TestFolder folder;
  write_text_file(folder / "bad.toml", "base = \"nuclei_small\"\n\n[train]\nbacth = 3\n");
  CHECK_THROWS_WITH(load_recipe(folder / "bad.toml"),
                    Contains("bad.toml:4: train.bacth: there is no such key; the nearest is train.batch"));
  write_text_file(folder / "nan.toml", "[optimiser]\nlr = nan\n");
  CHECK_THROWS_WITH(load_recipe(folder / "nan.toml"), Contains("nan.toml:2: optimiser.lr: must be above 0, got nan"));
  CHECK_THROWS_WITH(load_recipe("nuclei_smal"), Contains("the nearest is nuclei_small"));
  CHECK_THROWS_WITH(load_recipe(folder.path()), Contains("is a folder, not a recipe"));
  CHECK_THROWS_WITH(with({"train.batch=0"}), Contains("--set: train.batch: must be from 1 to 4096, got 0"));
  CHECK_THROWS_WITH(with({"train.iterations=99999999999999999"}),
                    Contains("--set: train.iterations: must be from 0 to 100000000, got 99999999999999999"));
  CHECK_THROWS_WITH(with({"data.workers=-1"}), Contains("data.workers: must be from 0 to 256, got -1"));
  CHECK_THROWS_WITH(with({"optimiser.lr=inf"}), Contains("optimiser.lr: must be above 0, got inf"));
  CHECK_THROWS_WITH(with({"optimiser.momentum=1"}), Contains("optimiser.momentum"));
  CHECK_THROWS_WITH(with({"optimiser.beta1=1"}), Contains("--set: optimiser.beta1: must be from 0 to below 1, got 1"));
  CHECK_THROWS_WITH(with({"optimiser.beta2=-1"}), Contains("--set: optimiser.beta2: must be from 0 to below 1, got -1"));
  CHECK_THROWS_WITH(with({"optimiser.epsilon=0"}), Contains("--set: optimiser.epsilon: must be above 0 in f32, got 0"));
  CHECK_THROWS_WITH(with({"optimiser.kind=adamv"}), Contains("optimiser.kind: expects one of sgd, adam, adamw, got adamv"));
  CHECK_THROWS_WITH(with({"schedule.milestones=[0.8, 0.5]"}), Contains("schedule.milestones: must rise"));
  CHECK_THROWS_WITH(with({"train.budget=soon"}), Contains("train.budget: expects a time such as"));
  CHECK_THROWS_WITH(with({"schedule.warmup=0"}), Contains("under train.budget"));
  CHECK_THROWS_WITH(with({"train.precision=fp16"}), Contains("expects one of f32, bf16, tf32, got fp16"));
  CHECK_THROWS_WITH(with({"checkpoint.keep=1"}), Contains("checkpoint.keep: must be 2 or more, got 1"));
  CHECK_THROWS_WITH(with({"model.backbone.depth=19"}), Contains("model.backbone.depth"));
  CHECK_THROWS_WITH(with({"model.proposals.anchor_sizes=[8.0]"}),
                    Contains("model.proposals.anchor_sizes: one a level of the backbone, so 5, got 1"));
  CHECK_THROWS_WITH(with({"preprocess.std=[0.0, 1.0, 1.0]"}), Contains("std"));
  CHECK_THROWS_WITH(with({"augment.flip_horizontal=2"}), Contains("flip_horizontal"));
  CHECK_THROWS_WITH(with({"data.scenes.distance=9"}), Contains("data.scenes.distance: must be from 0.3 to 3, got 9"));
}

TEST_CASE("losses are weighted by name, and the names are those of the model", "[recipe]") {
  CHECK(with({"losses.mask=2"}).losses.weight_of("mask") == 2);
  CHECK(with({"losses.class=0.5"}).losses.weight_of("class") == 0.5);
  CHECK(with({}).losses.weight_of("rpn_box") == 1);
  for (const ShippedRecipe& s : shipped_recipes()) {
    const Recipe r = load_recipe(s.name);
    CHECK(names_of(loss_terms(r.model)) == traits_of(r.model).losses);
  }
  CHECK_THROWS_WITH(with({"losses.dice=2"}), Contains("--set: losses.dice: there is no such key") &&
                                                 Contains("; losses has rpn_objectness, rpn_box, class, box, mask"));
  CHECK_THROWS_WITH(with({"losses.box=-1"}), Contains("--set: losses.box: must be from 0 to 1000000, got -1"));
  // A model without masks has no such term, whatever its base says of it.
  const TestFolder folder;
  write_text_file(folder / "heavy.toml", "base = \"nuclei_small\"\n[losses]\nmask = 2.0\nbox = 3.0\n");
  const Recipe boxes = load_recipe(folder / "heavy.toml", {"model.mask.kind=none"});
  CHECK(names_of(loss_terms(boxes.model)) == traits_of(boxes.model).losses);
  CHECK(boxes.losses.weights.count("mask") == 0);
  CHECK(boxes.losses.weight_of("box") == 3);
  CHECK(recipe_from_toml(to_toml(boxes), "again").losses.weights == boxes.losses.weights);
  CHECK_THROWS_WITH(with({"model.mask.kind=none", "losses.mask=2"}), Contains("losses has rpn_objectness, rpn_box, class, box"));
  LossConfig l;
  l.weights["dice"] = 2;
  CHECK_THROWS_WITH(l.check_terms({"class", "box"}), Contains("losses.dice: the model has no such term; its terms are class, box"));
  l.weights["dice"] = 1;  // as without it
  l.check_terms({"class", "box"});
}

TEST_CASE("what a model needs and gives is known before there is one", "[recipe]") {
  const Traits small = traits_of(load_recipe("scenes_small").model), boxes = traits_of(with({"model.mask.kind=none"}).model);
  CHECK(small.masks);
  CHECK_FALSE(boxes.masks);
  CHECK(small.divisor == 32);
  CHECK(small.rois == 32);
  CHECK(boxes.losses == std::vector<std::string>{"rpn_objectness", "rpn_box", "class", "box"});
  CHECK(traits_of(with({"model.backbone.norm_epsilon=0.25"}).model).norm_epsilon == 0.25);
  CHECK(with({"model.mask.kind=none"}).model.classes == 0);  // the data's, which does not matter here
}
