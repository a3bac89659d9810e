#include "train/looks.h"

#include <algorithm>
#include <cmath>

#include "data/transforms/transforms.h"
#include "tests/catch.h"
#include "train/datasets.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

// A network with random weights that finds some boxes of each class.
Detector detector_with(std::vector<std::string> more, const std::string& recipe = "scenes_small") {
  std::vector<std::string> settings = {"model.backbone.width=32", "data.scenes.height=64",  "data.scenes.width=96",
                                       "data.scenes.images=2",    "data.val_scenes=1",      "train.precision=f32",
                                       "model.box.score=0.05",    "model.box.detections=20"};
  settings.insert(settings.end(), more.begin(), more.end());
  const Recipe r = load_recipe(recipe, settings);
  Detector d = make_detector(r, classes_of(r, *open_dataset(r, Split::train)));
  // Scores apart from one another: those of new weights are all alike.
  Parameter* scores = d.system->parameters().find("roi_heads.box_predictor.cls_score.weight");
  for (float& v : scores->var.value().values<float>()) v *= 30;
  d.system->parameters().changed();
  return d;
}

Image scene(const Detector& d) { return open_dataset(d.recipe, Split::val)->sample(0).image; }

Image mirror(const Image& image) {
  PixelChange swap = whole_image(image.height, image.width);
  swap.flip_horizontal = true;
  return changed(image, swap);
}

}  // namespace

TEST_CASE("a box goes into a look and back: worked example", "[looks]") {
  const LookFrame plain{{20, 40}, {40, 80}, false}, swapped{{20, 40}, {10, 20}, true};
  CHECK(plain.into({1, 2, 3, 4}) == Box{2, 4, 6, 8});
  CHECK(swapped.into({0, 0, 10, 20}) == Box{15, 0, 20, 10});
  for (const LookFrame& f : {plain, swapped}) CHECK(f.back(f.into({4, 6, 16, 12})) == Box{4, 6, 16, 12});
}

TEST_CASE("one look at the usual size is what is seen without", "[looks]") {
  const Detector d = detector_with({"preprocess.min_side=64", "preprocess.max_side=1000"});
  Detector one = detector_with({"preprocess.min_side=64", "preprocess.max_side=1000"});
  one.recipe.evaluation.looks.min_sides = {64};
  one.recipe.evaluation.looks.max_side = 1000;
  const Image image = scene(d);
  const std::vector<Detection> want = detect(d, image), got = detect(one, image);
  REQUIRE(!want.empty());
  REQUIRE(got.size() == want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    CHECK(got[i].label == want[i].label);
    CHECK(got[i].score == want[i].score);
    CHECK(got[i].box.x1 == Approx(want[i].box.x1).margin(1e-4));
    CHECK(got[i].box.y2 == Approx(want[i].box.y2).margin(1e-4));
    CHECK(got[i].mask.bits.pixels == want[i].mask.bits.pixels);
  }
}

TEST_CASE("with flips a mirrored picture shows the mirrored objects", "[looks]") {
  for (const std::string recipe : {"scenes_small", "scenes_c4"}) {
    INFO(recipe);
    const Detector d = detector_with({"evaluation.looks.flip=true"}, recipe);
    const Image image = scene(d);
    const Detections a = look_several_times(d, image), b = look_several_times(d, mirror(image));
    const int64_t n = a.scores.numel(), m = a.masks.size(1);
    REQUIRE(n > 0);
    REQUIRE(b.scores.numel() == n);
    for (int64_t i = 0; i < n; ++i) {
      CHECK(a.scores.at(i) == Approx(b.scores.at(i)).margin(1e-5));
      if (a.scores.at(i) != b.scores.at(i)) continue;  // told apart by their scores
      const float *p = a.boxes.data<float>() + 4 * i, *q = b.boxes.data<float>() + 4 * i;
      CHECK(p[0] == Approx(static_cast<float>(image.width) - q[2]).margin(1e-3));
      CHECK(p[1] == Approx(q[1]).margin(1e-3));
      for (int64_t y = 0; y < m; ++y)
        for (int64_t x = 0; x < m; ++x)
          CHECK(a.masks.at((i * m + y) * m + x) == Approx(b.masks.at((i * m + y) * m + m - 1 - x)).margin(1e-3));
    }
  }
}

TEST_CASE("looks at several sizes find the best of all, once each", "[looks]") {
  Detector d = detector_with({"preprocess.min_side=64", "preprocess.max_side=1000"});
  const Image image = scene(d);
  d.recipe.evaluation.looks = {{48, 64, 96}, 1000, true};
  const Detections all = look_several_times(d, image);
  REQUIRE(all.scores.numel() > 0);
  CHECK(all.scores.numel() <= 20);
  CHECK(std::ranges::is_sorted(all.scores.values<float>(), std::ranges::greater{}));
  double best = 0;
  for (const int64_t side : {48, 64, 96}) {
    d.recipe.evaluation.looks = {{side}, 1000, false};
    const Detections one = look_several_times(d, image);
    if (one.scores.numel() > 0) best = std::max(best, one.scores.at(0));
  }
  CHECK(all.scores.at(0) >= best);  // no look's best is lost
  for (int64_t i = 0; i < all.scores.numel(); ++i)
    for (int64_t j = 0; j < i; ++j) {
      const auto box = [&](int64_t k) {
        const float* b = all.boxes.data<float>() + 4 * k;
        return Box{b[0], b[1], b[2], b[3]};
      };
      if (all.labels.data<int32_t>()[i] == all.labels.data<int32_t>()[j]) CHECK(iou(box(i), box(j)) <= 0.5f + 1e-5f);
    }
  for (const float v : all.masks.values<float>()) CHECK((v >= 0 && v <= 1));
}

TEST_CASE("looks that cannot be are errors that name the setting", "[looks]") {
  CHECK_THROWS_WITH(load_recipe("scenes_small", {"evaluation.looks.min_sides=[400, 0]"}),
                    Contains("evaluation.looks.min_sides: must be from 1 to 65536, got 0"));
  CHECK_THROWS_WITH(load_recipe("scenes_small", {"evaluation.looks.max_side=0"}), Contains("evaluation.looks.max_side"));
  const Recipe recipe = load_recipe("trunk_r18", {"evaluation.looks.flip=true"});
  const Detector d = make_detector(recipe, {{"a", "b"}, {1, 2}});
  CHECK_THROWS_WITH(look_several_times(d, Image(64, 64)), Contains("evaluation.looks: only a model of kind \"rcnn\""));
}
