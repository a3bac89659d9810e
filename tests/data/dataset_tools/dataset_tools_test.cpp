#include <algorithm>
#include <atomic>

#include "base/check.h"
#include "data/dataset.h"
#include "data/dataset_tools/lint.h"
#include "data/dataset_tools/stats.h"
#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

// Images of 40×60 with the given objects, classes "car" (category 3) and "cat" (90).
class Listed : public Dataset {
 public:
  explicit Listed(std::vector<std::vector<Instance>> images) : images_(std::move(images)) {}
  int64_t size() const override { return static_cast<int64_t>(images_.size()); }
  const std::vector<std::string>& class_names() const override { return names_; }
  std::vector<int64_t> category_ids() const override { return {3, 90}; }
  ImageInfo info(int64_t i) const override { return {100 + i, 40, 60, "x.png"}; }
  std::vector<Instance> instances(int64_t i) const override { return images_[static_cast<size_t>(i)]; }
  Sample sample(int64_t i) const override { return {info(i), Image(40, 60), instances(i)}; }
  std::vector<std::string> names_ = {"car", "cat"};

 private:
  std::vector<std::vector<Instance>> images_;
};

Instance object(int64_t id, int label, int x1, int y1, int x2, int y2, bool crowd = false) {
  Instance o;
  o.id = id, o.label = label, o.crowd = crowd;
  o.box = {float(x1), float(y1), float(x2), float(y2)};
  o.mask = {40, 60, x1, y1, Bitmap(y2 - y1, x2 - x1)};
  for (uint8_t& p : o.mask.bits.pixels) p = 1;
  o.area = double(x2 - x1) * (y2 - y1);
  return o;
}

std::string lint(const std::vector<Instance>& objects) {
  return to_text(lint_dataset(Listed({objects, {object(99, 1, 0, 0, 9, 9), object(98, 2, 0, 0, 9, 9)}})));
}

}  // namespace

TEST_CASE("lint: a sound data set has no problem", "[lint]") {
  const LintReport r = lint_dataset(Listed({{object(1, 1, 5, 5, 25, 25), object(2, 2, 5, 5, 25, 25)}}));
  CHECK(r.problems.empty());
  CHECK(r.exit_status() == 0);
  CHECK(to_text(r) == "0 errors, 0 warnings in 1 image with 2 annotations\n");
  CHECK(to_json(r) == "{\"file\": \"\", \"problems\": [], \"errors\": 0, \"warnings\": 0, \"images\": 1, \"annotations\": 2}\n");
}

TEST_CASE("lint: every problem, by image and annotation", "[lint]") {
  const auto has = [](const Instance& o, const std::string& line) {
    const std::string text = lint({o});
    INFO(text);
    CHECK(text.find(line) != std::string::npos);
  };
  const Instance good = object(5, 1, 10, 10, 30, 30);
  Instance o = good;
  o.label = 3;
  has(o, "error: annotation 5 (image 100): label: must be in 1 ... 2, got 3\n");
  o = good, o.box.x2 = o.box.x1;
  has(o, "error: annotation 5 (image 100): box: must be finite and have an area, got [10, 10, 10, 30]\n");
  o = good, o.box.y1 = std::nanf("");
  has(o, "box: must be finite");
  o = good, o.box = {70, 10, 80, 20};
  has(o, "error: annotation 5 (image 100): box: lies outside its image of 40x60: [70, 10, 80, 20]\n");
  o = good, o.box.x2 = 70;
  has(o, "warning: annotation 5 (image 100): box: reaches outside its image of 40x60");
  has(o, "warning: annotation 5 (image 100): box: is 40 pixels off the box around its mask: [10, 10, 70, 30], [10, 10, 30, 30]\n");
  o = good, o.mask.image_width = 61;
  has(o, "error: annotation 5 (image 100): mask: must be of its image's size, 40x60, got 40x61\n");
  o = good, o.mask.x0 = 45;
  has(o, "error: annotation 5 (image 100): mask: reaches outside its image: rows 10 ... 30, columns 45 ... 65\n");
  o = good, o.mask.bits = Bitmap(20, 20);
  has(o, "warning: annotation 5 (image 100): mask: has no pixel");
  o = good, o.area = 40;
  has(o, "warning: annotation 5 (image 100): area: is 40, but the mask has 400 pixels\n");
  o = good, o.id = 0;
  has(o, "warning: annotation 0 (image 100): id: is 0");
  has(object(99, 1, 0, 0, 5, 5), "error: annotation 99 (image 101): id: stands twice\n");
}

TEST_CASE("lint: twins, empty images, classes without objects or of one name", "[lint]") {
  const Instance a = object(1, 1, 5, 5, 25, 25), b = object(2, 1, 5, 5, 25, 25);
  Listed d({{a, b}, {object(3, 1, 5, 5, 25, 25, true)}});
  d.names_ = {"car", "car"};
  const LintReport r = lint_dataset(d);
  CHECK(r.errors() == 0);
  const std::string text = to_text(r);
  CHECK(text.find("warning: annotation 2 (image 100): box: is that of another object of the same class") != std::string::npos);
  CHECK(text.find("warning: category 90: name: 'car' is that of category 3 too\n") != std::string::npos);
  CHECK(text.find("warning: category 90: 'car' has no object\n") != std::string::npos);
  CHECK(text.find("warning: images: 1 of 2 have no object\n") != std::string::npos);
  CHECK(text.find("0 errors, 4 warnings in 2 images with 3 annotations\n") != std::string::npos);
  const std::string record =
      "\"record\": \"annotation 2 (image 100)\", \"image_id\": 100, \"annotation_id\": 2, \"field\": \"box\", \"text\": ";
  CHECK(to_json(r).find("{\"severity\": \"warning\", " + record) != std::string::npos);
}

TEST_CASE("lint: errors make the exit status 1", "[lint]") {
  CHECK(lint_dataset(Listed({{object(1, 3, 5, 5, 25, 25)}})).exit_status() == 1);
}

TEST_CASE("stats: counts, sizes and percentiles", "[stats]") {
  const Listed d(
      {{object(1, 1, 0, 0, 10, 20), object(2, 1, 0, 0, 32, 32), object(3, 2, 0, 0, 60, 40, true)}, {}, {object(4, 2, 0, 0, 40, 40)}});
  const DatasetStats s = dataset_stats(d);
  CHECK(s.images == 3);
  CHECK(s.empty_images == 1);
  CHECK(s.objects == 3);
  CHECK(s.crowds == 1);
  CHECK(s.small == 1);
  CHECK(s.medium == 2);
  CHECK(s.large == 0);
  CHECK(s.classes[0].objects == 2);
  CHECK(s.classes[0].images == 1);
  CHECK(s.classes[1].crowds == 1);
  CHECK(s.classes[1].category_id == 90);
  CHECK(s.object_width == DatasetStats::Percentiles{10, 10, 10, 32, 32, 32, 40});
  CHECK(s.object_aspect[6] == 2);
  CHECK(s.objects_per_image == DatasetStats::Percentiles{0, 0, 0, 1, 1, 1, 2});
  CHECK(s.image_shorter[3] == 40);
  CHECK(s.image_longer[3] == 60);
  CHECK(to_text(s).find("3 objects and 1 crowds; 1 small (below 32x32), 2 medium, 0 large") != std::string::npos);
  const std::string json = to_json(s);
  CHECK(
      json.find(
          R"("objects": 3, "crowds": 1, "small": 1, "medium": 2, "large": 0, "percents": [0, 5, 25, 50, 75, 95, 100], "image_width": [60, 60,)") !=
      std::string::npos);
  CHECK(json.find(R"("classes": [{"name": "car", "category_id": 3, "objects": 2, "images": 1, "crowds": 0}, )") != std::string::npos);
}

TEST_CASE("stats: nothing, and a label out of range", "[stats]") {
  const DatasetStats s = dataset_stats(Listed({}));
  CHECK(s.images == 0);
  CHECK(s.object_width[6] == 0);
  CHECK_THROWS_WITH(dataset_stats(Listed({{object(7, 3, 0, 0, 1, 1)}})),
                    Contains("annotation 7 (image 100): label must be in 1 ... 2, got 3"));
}

namespace {

// Many images with one odd object each; it knows how many of them were asked for.
class Counting : public Listed {
 public:
  explicit Counting(int64_t images) : Listed({}), images_(images) {}
  int64_t size() const override { return images_; }
  std::vector<Instance> instances(int64_t i) const override {
    ++asked;
    return {object(i, 1, 5, 5, 25, 25), object(images_ + i, 1, 5, 5, 25, 25)};
  }
  mutable std::atomic<int64_t> asked = 0;

 private:
  int64_t images_;
};

}  // namespace

TEST_CASE("lint: problems are told as they are found, and not kept", "[lint]") {
  const Counting d(1000);
  std::vector<int64_t> told;
  int64_t asked_at_first = 0;
  const LintReport r = lint_dataset(d, true, [&](const LintProblem& p) {
    if (told.empty()) asked_at_first = d.asked;
    if (p.image_id) told.push_back(*p.image_id);
  });
  CHECK(asked_at_first > 0);
  CHECK(asked_at_first < 200);
  CHECK(d.asked == 1000);
  CHECK(told.size() == 1000 + 1);  // a twin in each image, and annotation 0
  CHECK(std::is_sorted(told.begin(), told.end()));
  CHECK(r.problems.empty());
  CHECK(r.warnings() == 1000 + 1 + 1);
  CHECK(r.objects == 2000);
}

TEST_CASE("lint: printed piece by piece, as text and as JSON", "[lint]") {
  LintReport r("a \"b\".json");
  r.add({LintProblem::Severity::error, "annotation 5 (image 7)", 7, 5, "box", "is \"odd\""});
  r.add({LintProblem::Severity::warning, "", {}, {}, "images", "there are none"});
  CHECK(to_text(r) ==
        "a \"b\".json: error: annotation 5 (image 7): box: is \"odd\"\na \"b\".json: warning: images: there are none\n"
        "a \"b\".json: 1 error, 1 warning in 0 images with 0 annotations\n");
  CHECK(to_json(r) ==
        "{\"file\": \"a \\\"b\\\".json\", \"problems\": [\n"
        " {\"severity\": \"error\", \"record\": \"annotation 5 (image 7)\", \"image_id\": 7, \"annotation_id\": 5, \"field\": \"box\", "
        "\"text\": \"is \\\"odd\\\"\"},\n"
        " {\"severity\": \"warning\", \"record\": \"\", \"field\": \"images\", \"text\": \"there are none\"}], "
        "\"errors\": 1, \"warnings\": 1, \"images\": 0, \"annotations\": 0}\n");
}
