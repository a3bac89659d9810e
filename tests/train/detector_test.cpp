#include "train/detector.h"

#include <algorithm>
#include <map>

#include "base/files.h"
#include "data/eval/coco_metric.h"
#include "data/image/image.h"
#include "data/scenes/scene_dataset.h"
#include "data/transforms/transforms.h"
#include "models/weights/load.h"
#include "tests/catch.h"
#include "tests/train/fake.h"
#include "train/evaluate.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

Recipe tiny() {
  return load_recipe("scenes_small", {"model.backbone.width=32", "model.backbone.fpn.channels=16", "model.box.width=16",
                                      "model.mask.width=16", "data.scenes.height=64", "data.scenes.width=96", "data.scenes.images=4",
                                      "data.val_scenes=3", "data.workers=0", "model.box.score=0.0", "model.box.detections=20"});
}

Detector tiny_detector(const Recipe& r) { return make_detector(r, classes_of(r, *open_dataset(r, Split::train))); }

}  // namespace

TEST_CASE("a weights file alone predicts: recipe, classes and preprocessing are in it", "[detector]") {
  const TestFolder folder;
  const Recipe r = tiny();
  const Detector d = tiny_detector(r);
  CHECK(d.recipe.model.classes == 8);
  save_detector(d, folder / "a.safetensors");
  const Detector again = load_detector(folder / "a.safetensors");
  CHECK(again.classes.names == d.classes.names);
  CHECK(again.classes.ids == d.classes.ids);
  CHECK(all_values(again.system->parameters()) == all_values(d.system->parameters()));
  const Image image = open_dataset(r, Split::val)->sample(0).image;
  const auto a = detect(d, image), b = detect(again, image);
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i].score == b[i].score);
    CHECK(a[i].box == b[i].box);
  }
}

TEST_CASE("the number of workers leaves no trace in a weights file", "[detector]") {
  const TestFolder folder;
  Recipe r = tiny();
  save_detector(tiny_detector(r), folder / "a.safetensors");
  r.data.workers = 4;
  r.checkpoint.every = 3;
  save_detector(tiny_detector(r), folder / "b.safetensors");
  const bool same = read_text_file(folder / "a.safetensors") == read_text_file(folder / "b.safetensors");
  CHECK(same);
}

TEST_CASE("boxes and masks come back in pixels of the picture, whatever size the network saw", "[detector]") {
  Recipe r = tiny();
  for (const int64_t side : {0, 32, 128}) {
    r.preprocess.min_side = side;
    const Detector d = tiny_detector(r);
    const auto val = open_dataset(r, Split::val);
    float right = 0;
    for (int64_t i = 0; i < val->size(); ++i) {
      const auto found = detect(d, val->sample(i).image);
      CHECK(!found.empty());
      for (const Detection& x : found) {
        CHECK(x.box.x1 >= 0);
        CHECK(x.box.x2 <= 96.001f);
        CHECK(x.box.y2 <= 64.001f);
        CHECK(x.mask.image_height == 64);
        CHECK(x.mask.image_width == 96);
        CHECK((x.label >= 1 && x.label <= 8));
        right = std::max(right, x.box.x2);
      }
    }
    CHECK(right > 60);
  }
}

TEST_CASE("evaluation gives COCO's figures with classes matched by name", "[detector]") {
  Recipe r = tiny();
  Detector d = tiny_detector(r);
  const auto val = open_dataset(r, Split::val);
  Evaluator evaluator(val, d);
  CHECK(evaluator.notes().empty());
  const Evaluation e = evaluator.run(d);
  CHECK(e.images == 3);
  const auto& coco = dynamic_cast<const CocoJudgement&>(*e.judgement);
  CHECK(coco.has_masks);
  CHECK(coco.segm.AP >= 0);
  CHECK(coco.bbox.per_class.size() == 8);
  CHECK_THROWS_WITH(throw Error(to_json(e)), Contains("{\"bbox\": {\"AP\": "));
  CHECK(outcome_of(e).score == coco.segm.AP);
  CHECK_THROWS_WITH(throw Error(to_json(e)), Contains("}}, \"images\": 3, \"skipped\": 0, \"confusions\": {\"type\": \"segm\", "));
  CHECK_THROWS_WITH(throw Error(outcome_of(e).json), Contains("}}, \"images\": 3, \"skipped\": 0}"));
  CHECK(evaluator.estimate_seconds(d) > 0);
  for (std::string& name : d.classes.names) name += "?";
  CHECK_THROWS_WITH(Evaluator(val, d), Contains("none of the model's classes"));
}

TEST_CASE("a metric of one's own judges what is found, chooses the best weights and forgets what it was tried with", "[detector]") {
  struct Count : Metric {  // how many objects were found
    std::map<int64_t, size_t> found;
    void begin() override { found.clear(); }
    void add(int64_t index, const std::vector<Detection>& detections) override {
      CHECK(found.emplace(index, detections.size()).second);
      for (const Detection& d : detections) CHECK((d.label >= 1 && d.label <= 8));
    }
    std::unique_ptr<Judgement> finish() override {
      auto j = std::make_unique<Judgement>();
      for (const auto& [index, n] : found) j->score += static_cast<double>(n);
      j->summary = str(j->score, " objects");
      j->figures.emplace_back("objects", str(j->score));
      j->details.emplace_back("images", str(found.size()));
      return j;
    }
    std::vector<std::string> notes() const override { return {"it only counts"}; }
  };
  const Recipe r = tiny();
  Detector d = tiny_detector(r);
  const auto val = open_dataset(r, Split::val);
  double objects = 0;
  for (int64_t i = 0; i < val->size(); ++i) objects += static_cast<double>(detect(d, val->sample(i).image).size());
  Evaluator evaluator(val, d, std::make_unique<Count>());
  CHECK(evaluator.notes() == std::vector<std::string>{"it only counts"});
  CHECK(evaluator.estimate_seconds(d) > 0);
  for (int again = 0; again < 2; ++again) {
    const EvaluationOutcome outcome = outcome_of(evaluator.run(d));
    CHECK(outcome.score == objects);
    CHECK(outcome.summary == str(objects, " objects"));
    CHECK(outcome.json == str("{\"objects\": ", objects, ", \"images\": 3, \"skipped\": 0}"));
  }
  // A class that the dataset lacks.
  d.classes.names.back() = "zeppelin";
  d.classes.ids.back() = 77;
  int64_t of_others = 0;
  for (int64_t i = 0; i < val->size(); ++i)
    for (const Detection& x : detect(d, val->sample(i).image)) of_others += x.label != 8;
  CHECK(of_others < objects);
  CHECK(outcome_of(Evaluator(val, d, std::make_unique<Count>()).run(d)).score == static_cast<double>(of_others));
}

TEST_CASE("the figures are those of one image after the other, whatever the number that is looked at at once", "[detector]") {
  // Scenes of two sizes in turn.
  class Mixed : public Dataset {
   public:
    explicit Mixed(std::shared_ptr<const Dataset> from) : from_(std::move(from)) {}
    int64_t size() const override { return from_->size(); }
    const std::vector<std::string>& class_names() const override { return from_->class_names(); }
    std::vector<int64_t> category_ids() const override { return from_->category_ids(); }
    ImageInfo info(int64_t i) const override {
      ImageInfo all = from_->info(i);
      if (i % 2 == 1) all.width = 40;
      return all;
    }
    std::vector<Instance> instances(int64_t i) const override { return sample(i).instances; }
    Sample sample(int64_t i) const override {
      Sample s = from_->sample(i);
      if (i % 2 == 1) crop(s, {.y = 0, .x = 20, .height = s.image.height, .width = 40}, s.image.height, 40, 1);
      return s;
    }

   private:
    std::shared_ptr<const Dataset> from_;
  };
  Recipe r = tiny();
  r.data.val_scenes = 7;
  r.preprocess.min_side = 0;
  Detector d = tiny_detector(r);
  const auto mixed = std::make_shared<Mixed>(open_dataset(r, Split::val));
  CHECK(evaluation_batch(r, Device{}) == 1);
  CHECK(evaluation_batch(r, Device{DeviceType::cuda, 0}) == r.train.batch);
  std::vector<CocoDetection> want;
  for (const int64_t at_once : {1, 2, 3, 7}) {
    INFO(at_once << " at once");
    d.recipe.evaluation.batch = at_once;
    CHECK(evaluation_batch(d.recipe, Device{}) == at_once);
    const Evaluation e = Evaluator(mixed, d).run(d);
    CHECK(e.images == 7);
    std::vector<CocoDetection> got = dynamic_cast<const CocoJudgement&>(*e.judgement).detections;
    std::ranges::stable_sort(got, {}, &CocoDetection::image_id);
    if (at_once == 1) want = got;
    REQUIRE(got.size() == want.size());
    CHECK(want.size() > 20);
    for (size_t i = 0; i < want.size(); ++i) {
      CHECK(got[i].image_id == want[i].image_id);
      CHECK(got[i].label == want[i].label);
      CHECK(got[i].score == Approx(want[i].score).margin(1e-5));
      CHECK(got[i].box.x == Approx(want[i].box.x).margin(1e-3));
      CHECK(got[i].box.w == Approx(want[i].box.w).margin(1e-3));
    }
  }
}

TEST_CASE("an image that cannot be decoded does not count, nor do its objects, and it is said", "[detector]") {
  // Its objects are what the detector finds, so that nothing but a skipped image can be missed.
  class Echo : public Dataset {
   public:
    Echo(std::shared_ptr<const Dataset> from, const Detector& d) : from_(std::move(from)), detector_(d) {}
    int64_t torn = -1;
    int64_t size() const override { return from_->size(); }
    const std::vector<std::string>& class_names() const override { return from_->class_names(); }
    std::vector<int64_t> category_ids() const override { return from_->category_ids(); }
    ImageInfo info(int64_t i) const override { return from_->info(i); }
    std::vector<Instance> instances(int64_t i) const override { return from_->instances(i); }
    Sample sample(int64_t i) const override {
      if (i == torn) throw ImageError(ImageFault::corrupt, "torn.jpg", "corrupt");
      return from_->sample(i);
    }
    std::vector<CocoObject> truth(int64_t i, bool masks) const override {
      std::vector<CocoObject> out;
      for (const CocoDetection& d : coco_detections(detect(detector_, from_->sample(i).image), info(i).image_id, masks))
        out.push_back({static_cast<int64_t>(out.size()) + 100 * i + 1, d.image_id, d.label, d.box, d.mask, d.box.w * d.box.h, false});
      return out;
    }

   private:
    std::shared_ptr<const Dataset> from_;
    const Detector& detector_;
  };
  Recipe r = tiny();
  r.data.corrupt_images = CorruptImages::skip;
  const Detector d = tiny_detector(r);
  const auto echo = std::make_shared<Echo>(open_dataset(r, Split::val), d);
  const auto boxes_of = [](const Evaluation& e) { return dynamic_cast<const CocoJudgement&>(*e.judgement).bbox; };
  CHECK(boxes_of(Evaluator(echo, d).run(d)).AR100 == Approx(1));
  for (const int64_t torn : {0, 1}) {
    echo->torn = torn;
    Evaluator evaluator(echo, d);
    const Evaluation e = evaluator.run(d);
    CHECK(e.images == 2);
    REQUIRE(e.skipped.size() == 1);
    CHECK(e.skipped[0].find("torn.jpg") != std::string::npos);
    CHECK(boxes_of(e).AR100 == Approx(1));
    CHECK(boxes_of(e).AP > 0.9);
    CHECK_THROWS_WITH(throw Error(to_json(e)), Contains("\"images\": 2, \"skipped\": 1, "));
    CHECK(outcome_of(e).summary.find("; 1 images could not be read, and do not count") != std::string::npos);
    CHECK(evaluator.estimate_seconds(d) > 0);
  }
}

TEST_CASE("weights that do not fit are errors", "[detector]") {
  const TestFolder folder;
  const Recipe r = tiny();
  const Detector d = tiny_detector(r);
  save_detector(d, folder / "a.safetensors");
  CHECK_THROWS_WITH(load_detector(folder / "a.safetensors", {.assignments = {"model.backbone.fpn.channels=32"}}), Contains("backbone.fpn"));
  CHECK_THROWS_WITH(load_detector(folder / "a.safetensors", {.assignments = {"model.classes=3"}}),
                    Contains("the recipe says 3, the data has 8"));
  CHECK_THROWS_WITH(load_detector(folder / "a.safetensors", {.assignments = {"model.backbone.fpn.chanels=32"}}),
                    Contains("nearest is model.backbone.fpn.channels"));
  save_weights(d.system->parameters(), folder / "bare.safetensors", {});
  CHECK_THROWS_WITH(load_detector(folder / "bare.safetensors"), Contains("holds no recipe; name one"));
  CHECK_THROWS_WITH(load_detector(folder / "bare.safetensors", {.recipe = "scenes_small"}), Contains("names no classes"));
  save_weights(d.system->parameters(), folder / "odd.safetensors", {{"recipe", to_toml(d.recipe)}, {"classes", "[1, 2"}});
  CHECK_THROWS_WITH(load_detector(folder / "odd.safetensors"),
                    Contains("metadata classes: expected a list in JSON: line 1, column 2 (byte 1): expected a string, got '1'"));
  save_weights(d.system->parameters(), folder / "twice.safetensors",
               {{"recipe", to_toml(d.recipe)},
                {"classes", R"(["a", "b", "c", "d", "e", "f", "g", "h"])"},
                {"category_ids", "[1, 2, 3, 4, 5, 6, 7, 2]"}});
  CHECK_THROWS_WITH(load_detector(folder / "twice.safetensors"),
                    Contains("twice.safetensors: metadata category_ids: expected a different id for each class, got 2 twice (h)"));
  CHECK(load_detector(folder / "a.safetensors", {.assignments = {"data.category_ids=[11, 12, 13, 14, 15, 16, 17, 18]"}}).classes.ids[7] ==
        18);
  CHECK_THROWS_WITH(load_detector(folder / "a.safetensors", {.assignments = {"data.category_ids=[11]"}}),
                    Contains("data.category_ids: expected an id for each of the 8 classes of ") && Contains(", got 1"));
}

TEST_CASE("a picture read at a fraction of its size gives boxes and masks of the whole one", "[detector]") {
  Recipe r = tiny();
  r.preprocess.min_side = 0;  // the network sees the reduced picture as it is
  const Detector d = tiny_detector(r);
  const Image image = open_dataset(r, Split::val)->sample(0).image;
  const FoundObjects plain = find_objects(d, image);
  const auto pasted = detect(d, image);
  REQUIRE(plain.objects.size() == pasted.size());
  REQUIRE(!pasted.empty());
  for (size_t i = 0; i < pasted.size(); ++i) {
    CHECK(plain.objects[i].box == pasted[i].box);
    CHECK(plain.rle(i, {image.height, image.width}) == rle_encode(pasted[i].mask));
  }
  // The same picture as one of three times its sides, whose last blocks reach out of it; turned, so that the first ones do.
  const PixelSize whole{3 * image.height - 1, 3 * image.width - 2};
  for (const bool turned : {false, true}) {
    const Reduction reduction{3, 3, turned ? -1.0 : 0.0, turned ? -2.0 : 0.0, whole};
    const FoundObjects found = find_objects(d, image, reduction);
    REQUIRE(found.objects.size() == plain.objects.size());
    for (size_t i = 0; i < found.objects.size(); ++i) {
      const Box &a = plain.objects[i].box, &b = found.objects[i].box;
      const auto x = [&](float v) { return std::clamp(3 * v + static_cast<float>(reduction.x0), 0.0f, static_cast<float>(whole.width)); };
      const auto y = [&](float v) { return std::clamp(3 * v + static_cast<float>(reduction.y0), 0.0f, static_cast<float>(whole.height)); };
      CHECK(b.x1 == Approx(x(a.x1)).margin(1e-3));
      CHECK(b.y1 == Approx(y(a.y1)).margin(1e-3));
      CHECK(b.x2 == Approx(x(a.x2)).margin(1e-3));
      CHECK(b.y2 == Approx(y(a.y2)).margin(1e-3));
      const Rle mask = found.rle(i, whole);
      CHECK(mask.height == whole.height);
      CHECK(mask.width == whole.width);
    }
  }
  CHECK(least_network_bytes(d, whole) > int64_t{12} * whole.height * whole.width);
}
