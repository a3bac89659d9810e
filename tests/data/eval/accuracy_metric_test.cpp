// How often the class of an image is found first, and among five.
#include "data/eval/accuracy_metric.h"

#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

// Images of one object each, of these labels; 0: an image without an object.
class Labelled final : public Dataset {
 public:
  explicit Labelled(std::vector<int> labels) : labels_(std::move(labels)) {}
  int64_t size() const override { return static_cast<int64_t>(labels_.size()); }
  const std::vector<std::string>& class_names() const override { return names_; }
  std::vector<int64_t> category_ids() const override { return {1, 2, 3, 4, 5, 6, 7}; }
  ImageInfo info(int64_t i) const override { return {i + 1, 4, 4, ""}; }
  std::vector<Instance> instances(int64_t i) const override {
    if (labels_[static_cast<size_t>(i)] == 0) return {};
    return {{i, labels_[static_cast<size_t>(i)], {0, 0, 4, 4}, {}, 16, false}};
  }
  Sample sample(int64_t i) const override { return {info(i), Image(4, 4), instances(i)}; }

 private:
  std::vector<int> labels_;
  std::vector<std::string> names_ = {"a", "b", "c", "d", "e", "f", "g"};
};

std::vector<Detection> found(const std::vector<int>& labels) {
  std::vector<Detection> all;
  for (const int label : labels) all.push_back({label, 0.5f, {}, {}});
  return all;
}

const std::string& figure(const Judgement& j, const std::string& key) {
  for (const auto& [name, json] : j.figures)
    if (name == key) return json;
  static const std::string none;
  return none;
}

}  // namespace

TEST_CASE("accuracy: first, among five, behind five, not at all", "[data]") {
  AccuracyMetric metric(std::make_shared<Labelled>(std::vector<int>{1, 1, 2, 2, 0}));
  metric.begin();
  metric.add(0, found({1, 2, 3, 4, 5}));
  metric.add(1, found({2, 3, 4, 5, 1}));
  metric.add(2, found({1, 3, 4, 5, 6, 2}));  // the sixth
  metric.add(3, found({}));
  metric.add(4, found({7}));  // has no class, and does not count
  const auto j = metric.finish();
  CHECK(j->score == 0.25);
  CHECK(figure(*j, "top1") == "0.25");
  CHECK(figure(*j, "top5") == "0.5");
  CHECK(figure(*j, "per_class") == R"({"a": {"top1": 0.5, "top5": 1, "images": 2}, "b": {"top1": 0, "top5": 0, "images": 2}})");
  CHECK(j->summary == "top-1 0.250, top-5 0.500");
  REQUIRE(j->tables.size() == 1);
  CHECK(j->tables[0].rows.size() == 8);
}

TEST_CASE("accuracy forgets at a new beginning, and wants an image that counts", "[data]") {
  AccuracyMetric metric(std::make_shared<Labelled>(std::vector<int>{3, 0}));
  metric.begin();
  metric.add(0, found({1}));
  metric.begin();
  metric.add(0, found({3}));
  CHECK(metric.finish()->score == 1);
  metric.begin();
  metric.add(1, found({3}));
  CHECK_THROWS_WITH(metric.finish(), Contains("no image with an object"));
}
