#include "train/datasets.h"

#include "data/eval/coco_eval.h"
#include "models/systems/make.h"
#include "ops/boxes/sampler.h"
#include "tests/catch.h"
#include "tests/models/parts.h"
#include "train/batches.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

// Three classes with gaps in their ids; image i has one object of class i % 3 and a crowd.
class Toy : public Dataset {
 public:
  int64_t size() const override { return 10; }
  const std::vector<std::string>& class_names() const override { return names_; }
  std::vector<int64_t> category_ids() const override { return {2, 5, 7}; }
  ImageInfo info(int64_t i) const override { return {100 + i, 32, 48, ""}; }
  std::vector<Instance> instances(int64_t i) const override {
    Instance one;
    one.label = static_cast<int>(i % 3) + 1;
    one.box = {2, 3, 10, 12};
    Instance crowd = one;
    crowd.crowd = true;
    return {one, crowd};
  }
  Sample sample(int64_t i) const override { return {info(i), Image(32, 48), instances(i)}; }

 private:
  std::vector<std::string> names_ = {"cat", "dog", "fox"};
};

}  // namespace

TEST_CASE("classes come from the data, or from the recipe's lists, contiguous or by category id", "[datasets]") {
  const Toy toy;
  Recipe r;
  Classes c = classes_of(r, toy);
  CHECK(c.names == toy.class_names());
  CHECK(c.ids == std::vector<int64_t>{2, 5, 7});
  CHECK(c.label_of("fox") == 3);
  CHECK(c.label_of("cow") == 0);
  r.data.classes = {"fox", "cat"};
  c = classes_of(r, toy);
  CHECK(c.ids == std::vector<int64_t>{7, 2});
  r.data.labels = Labels::category_id;
  c = classes_of(r, toy);
  CHECK(c.size() == 7);
  CHECK(c.names[1] == "cat");
  CHECK(c.names[6] == "fox");
  CHECK(c.label_of("") == 0);
  r.data.classes = {"foxx"};
  CHECK_THROWS_WITH(classes_of(r, toy), Contains("have no class foxx; the nearest is fox"));
  r.data.category_ids = {1, 2};
  CHECK_THROWS_WITH(classes_of(r, toy), Contains("2 ids for 1 class"));
  r.data.classes = {"fox", "cat"};
  r.data.category_ids = {2, 2};
  CHECK_THROWS_WITH(classes_of(r, toy), Contains("data.category_ids: expected a different id for each class, got 2 twice (cat)"));
  r.data.classes = {"lynx"};
  r.data.category_ids = {};
  CHECK_THROWS_WITH(classes_of(r, toy), !Contains("nearest") && Contains("have no class lynx"));
}

TEST_CASE("classes are matched by id and name, else by a name that stands once in either list", "[classes]") {
  const Classes model{{"cat", "dog", "", "fox"}, {1, 2, 0, 4}};
  using Labels = std::vector<int>;
  CHECK(match_classes(model, model, "w") == Labels{1, 2, 0, 4});
  CHECK(match_classes(model, {{"fox", "cow", "cat"}, {1, 2, 3}}, "w") == Labels{3, 0, 0, 1});  // ids of other classes do not count
  CHECK(describe_mismatch(model, {{"fox", "cow", "cat"}, {1, 2, 3}}, {3, 0, 0, 1}) ==
        "classes of the model that the annotations lack: dog; classes of the annotations that the model lacks: cow; "
        "category 2 is 'dog' in the model and 'cow' in the annotations");
  CHECK(describe_mismatch(model, model, match_classes(model, model, "w")).empty());
  const ResultIds results = result_ids(model, {{"fox", "cow", "cat"}, {1, 2, 3}}, "w");
  CHECK(results.ids == std::vector<int64_t>{3, 2, 0, 1});
  CHECK(results.left_out == Labels{2});  // its 2 is the annotations' cow
  // A root category named like the class, as some exporters write it.
  const Classes twice{{"cells", "cells"}, {0, 1}};
  CHECK(match_classes(twice, twice, "w") == Labels{1, 2});
  CHECK(match_classes({{"cells"}, {1}}, twice, "w") == Labels{2});
  CHECK(describe_mismatch({{"cells"}, {1}}, twice, {2}) == "classes of the annotations that the model lacks: cells (id 0)");
  CHECK(match_classes(twice, {{"cells"}, {1}}, "w") == Labels{0, 1});
  CHECK_THROWS_WITH(
      match_classes({{"cells"}, {7}}, twice, "evaluation"),
      Contains("evaluation: cells is the name of the categories 0, 1 of the annotations and of the model's 7: data.category_ids = [ID"));
  CHECK_THROWS_WITH(match_classes(twice, {{"cells"}, {7}}, "evaluation"),
                    Contains("categories 7 of the annotations and of the model's 0, 1"));
}

TEST_CASE("a class name that stands twice is an error unless its id is told", "[classes]") {
  class Twice : public Toy {
    const std::vector<std::string>& class_names() const override { return names_; }
    std::vector<std::string> names_ = {"cells", "fox", "cells"};
  };
  const auto toy = std::make_shared<Twice>();
  Recipe r;
  CHECK(classes_of(r, *toy).ids == std::vector<int64_t>{2, 5, 7});  // all as they are: no name is asked for
  CHECK(relabelled(toy, classes_of(r, *toy)) == toy);
  r.data.classes = {"cells"};
  CHECK_THROWS_WITH(classes_of(r, *toy), Contains("data.classes: cells is the name of the categories 2, 7: data.category_ids = [ID, …]"));
  r.data.category_ids = {7};
  const auto view = relabelled(toy, classes_of(r, *toy));
  CHECK(view->instances(0).empty());
  CHECK(view->instances(2).at(0).label == 1);
  CHECK(view->truth(2, false).at(0).label == 1);
  CHECK(view->truth(1, false).empty());
}

TEST_CASE("a set with nothing to learn from ends a run, and classes without an example are named", "[datasets]") {
  class Counted : public Toy {
   public:
    std::vector<ObjectCount> counts = {{3, 0}, {0, 4}, {0, 0}};
    std::vector<ObjectCount> object_counts() const override { return counts; }
  };
  const auto toy = std::make_shared<Counted>();
  CHECK(check_objects(*toy, "data.train_annotations") ==
        std::vector<std::string>{"data.train_annotations: classes without an example, which cannot be learnt: dog (id 5), fox (id 7)"});
  CHECK(check_objects(*relabelled(toy, {{"cat"}, {2}}), "k").empty());
  CHECK_THROWS_WITH(check_objects(*relabelled(toy, {{"dog"}, {5}}), "k"),
                    Contains("k: holds no object to learn from: all of its 4 annotations are crowds"));
  CHECK_THROWS_WITH(check_objects(*relabelled(toy, {{"fox"}, {7}}), "k"),
                    Contains("k: holds no object to learn from: there is no annotation of these classes"));
  CHECK(check_objects(Toy(), "k").empty());  // not known
}

TEST_CASE("a relabelled dataset keeps the known classes under their new labels", "[datasets]") {
  const auto toy = std::make_shared<Toy>();
  const auto view = relabelled(toy, {{"fox", "cat"}, {7, 2}});
  CHECK(view->instances(0).at(0).label == 2);
  CHECK(view->instances(1).empty());
  CHECK(view->sample(2).instances.at(0).label == 1);
  CHECK(relabelled(toy, {toy->class_names(), toy->category_ids()}) == toy);
  CHECK_THROWS_WITH(relabelled(toy, {{"cow"}, {1}}), Contains("none of the model's classes"));
  const auto some = subset(toy, 4);
  CHECK(some->size() == 4);
  CHECK(some->info(3).image_id == 107);
  CHECK(subset(toy, 0) == toy);
}

TEST_CASE("training batches leave crowds out and are keyed by their number", "[datasets]") {
  Recipe r;
  r.train.batch = 2;
  r.data.workers = 0;
  r.augment.min_sides = {};
  r.augment.flip_horizontal = 0;
  const auto toy = std::make_shared<Toy>();
  const auto none = [](const std::string&) {};
  const auto next = training_batches(r, toy, 0, none, {.masks = false});
  const DeviceBatch first = next(), second = next();
  CHECK(first.images.shape() == Shape{2, 32, 64, 3});
  CHECK(first.sizes.at(1) == 48);
  CHECK(first.objects.boxes.shape() == Shape{2, 16, 4});
  CHECK(first.objects.count.at(0) == 1);
  CHECK(first.objects.boxes.at(2) == 10);
  CHECK(!first.masks.bits.defined());
  const auto keys = [](const DeviceBatch& b) {
    const auto k = b.anchor_rng.values<int32_t>();
    return std::vector<int32_t>(k.begin(), k.end());
  };
  const auto key_of = [&](uint64_t batch) {
    std::vector<Rng> rngs;
    for (const int64_t id : second.image_ids) rngs.emplace_back(1, "rpn sample", batch, static_cast<uint64_t>(id));
    const Tensor t = generator_streams(rngs);
    return std::vector<int32_t>(t.values<int32_t>().begin(), t.values<int32_t>().end());
  };
  CHECK(keys(second) == key_of(1));
  CHECK(keys(second) != key_of(0));
  const DeviceBatch again = training_batches(r, toy, 1, none, {.masks = false})();
  CHECK(again.image_ids == second.image_ids);
  CHECK(keys(again) == keys(second));
  CHECK(again.labels.at(0) == second.labels.at(0));
}

TEST_CASE("the fullest batch is as large as any, and fills the quota of positive RoIs", "[datasets]") {
  Recipe r;
  r.train.batch = 2;
  test::rcnn(r).box.batch = 35;
  test::rcnn(r).box.positive_fraction = 0.25;
  r.augment.min_sides = {100, 160};
  r.augment.max_side = 200;
  const Toy toy;
  const DeviceBatch b = fullest_batch(r, toy, {.rois = traits_of(r.model).rois});
  const ImageInfo info = toy.info(0);
  const PixelSize most = resized_extent(info.height, info.width, 160, 200);
  CHECK(b.sizes.at(2) == most.height);
  CHECK(b.sizes.at(3) == most.width);
  CHECK(b.images.shape() == Shape{2, (most.height + 31) / 32 * 32, (most.width + 31) / 32 * 32, 3});
  REQUIRE(b.objects.boxes.shape() == Shape{2, 16, 4});
  REQUIRE(b.objects.count.at(1) == 8);
  REQUIRE(b.masks.place.shape() == Shape{2, 16, 7});
  double area = 0;
  for (int64_t i = 0; i < 8; ++i) {
    const auto box = [&](int64_t k) { return b.objects.boxes.at(4 * (16 + i) + k); };
    CHECK(b.masks.place.at(7 * (16 + i) + 3) == box(3) - box(1));
    CHECK(b.masks.place.at(7 * (16 + i) + 4) == box(2) - box(0));
    area += (box(2) - box(0)) * (box(3) - box(1));
  }
  CHECK(area <= static_cast<double>(most.height) * most.width);
  r.augment.rotate90 = true;
  CHECK(fullest_batch(r, toy, {}).sizes.at(0) == most.width);
  r.augment.crop_size = 64;
  CHECK(fullest_batch(r, toy, {}).images.shape() == Shape{2, 64, 64, 3});
}

TEST_CASE("datasets that are not there are errors that say what to set", "[datasets]") {
  Recipe r;
  r.data.root = "/nowhere";
  CHECK_THROWS_WITH(open_dataset(r, Split::train),
                    Contains("data.train_annotations: /nowhere/instances_train.json: there is no such file; --set data.root=DIR"));
  r.data.train_annotations = "/none/a.json";  // no root can help
  CHECK_THROWS_WITH(open_dataset(r, Split::train),
                    !Contains("data.root") && Contains("data.train_annotations: /none/a.json: there is no such file"));
  CHECK_THROWS_WITH(recipe_from_toml("data.kind = \"kitti\"", "my.toml"),
                    Contains("my.toml:1: data.kind: expects one of scenes, coco, cityscapes, folders, got \"kitti\""));
  r = recipe_from_toml("data.kind = \"cityscapes\"", "my.toml");
  CHECK_THROWS_WITH(open_dataset(r, Split::train), Contains("data.root: expected the folder of Cityscapes"));
  r.data.root = "/nowhere";
  CHECK_THROWS_WITH(open_dataset(r, Split::val), Contains("/nowhere: there is no such folder; expected Cityscapes unpacked"));
  CHECK(has_split(r, Split::val));
  r.data.cityscapes.val.clear();
  CHECK_FALSE(has_split(r, Split::val));
}
