// Figures of cityscapesScripts, to 1e-12: scripts/golden_cityscapes wrote them. What that script
// stops at is worked out by hand.
#include "data/cityscapes/evaluation.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "data/cityscapes/labels.h"
#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

struct Drawn {
  CityscapesTruth truth;
  std::vector<CityscapesPrediction> predictions;
};

void paint(CityscapesTruth& t, uint16_t id, int x0, int y0, int x1, int y1) {
  for (int y = y0; y < y1; ++y)
    for (int x = x0; x < x1; ++x) t.ids[static_cast<size_t>(y * t.width + x)] = id;
}

CityscapesTruth blank(int height, int width, uint16_t id = 0) {
  CityscapesTruth t{height, width, std::vector<uint16_t>(static_cast<size_t>(height * width), id), {}};
  return t;
}

// The union of rectangles, in a window of its own that reaches out of the image where `slack` is
// not 0.
CityscapesPrediction predicted(const CityscapesTruth& t, int label, double score, const std::vector<int>& rectangles, int slack = 0) {
  CityscapesPrediction p{label, score, {t.height, t.width, -slack, -slack, Bitmap(t.height + 2 * slack, t.width + 2 * slack)}};
  for (size_t k = 0; k + 3 < rectangles.size(); k += 4)
    for (int y = rectangles[k + 1]; y < rectangles[k + 3]; ++y)
      for (int x = rectangles[k]; x < rectangles[k + 2]; ++x) p.mask.bits.at(y + slack, x + slack) = 1;
  return p;
}

Drawn drawn(const nlohmann::json& image) {
  Drawn d;
  d.truth = blank(image["size"][0], image["size"][1]);
  for (const auto& r : image["truth"]) paint(d.truth, r[0], r[1], r[2], r[3], r[4]);
  for (const auto& p : image["predictions"])
    d.predictions.push_back(predicted(d.truth, p[0], p[1], p[2], static_cast<int>(d.predictions.size()) % 3));
  if (image.contains("distances"))
    for (const auto& [id, of] : image["distances"].items()) d.truth.distances[static_cast<uint16_t>(std::stoi(id))] = {of[0], of[1]};
  return d;
}

CityscapesFigures evaluate(const std::vector<Drawn>& images, bool distances = false) {
  CityscapesEvaluation e(images.size(), distances);
  for (size_t i = 0; i < images.size(); ++i) e.image(i, images[i].truth, images[i].predictions);
  return e.figures();
}

bool same(double ours, const nlohmann::json& theirs) {
  return theirs.is_null() ? std::isnan(ours) : std::abs(ours - theirs.get<double>()) <= 1e-12;
}

double car(const Drawn& d, double CityscapesAP::*figure = &CityscapesAP::AP) { return evaluate({d}).classes[2].figures.*figure; }

}  // namespace

TEST_CASE("cityscapes evaluation: the figures of the script on 220 drawn images, to 1e-12", "[cityscapes]") {
  const auto golden = nlohmann::json::parse(read_text_file(MR_SOURCE_DIR "/tests/data/cityscapes/goldens/evaluation.json"));
  size_t images = 0, empty = 0;
  for (const auto& [name, set] : golden.items()) {
    std::vector<Drawn> all;
    for (const auto& image : set["images"]) {
      all.push_back(drawn(image));
      empty += all.back().predictions.empty();
    }
    images += all.size();
    const bool distances = name == "distances";
    const CityscapesFigures f = evaluate(all, distances);
    const auto& averages = set["averages"];
    const auto compare = [&, set_name = name](const CityscapesAP& ours, const nlohmann::json& theirs, const std::string& all_,
                                              const std::string& upper) {
      INFO(set_name << " " << theirs);
      CHECK(same(ours.AP, theirs.at(all_ + upper)));
      CHECK(same(ours.AP50, theirs.at(all_ + upper + "50%")));
      if (!distances) return;
      CHECK(same(ours.AP100m, theirs.at(all_ + upper + "100m")));
      CHECK(same(ours.AP50m, theirs.at(all_ + upper + "50m")));
      CHECK(same(ours.AP50_50m, theirs.at(all_ + upper + "50%50m")));
    };
    compare(f.all, averages, "all", "Ap");
    REQUIRE(f.classes.size() == 8);
    for (const CityscapesFigures::Class& c : f.classes) compare(c.figures, averages["classes"].at(c.name), "", "ap");
  }
  CHECK(images == 220);
  CHECK(empty > 10);
}

TEST_CASE("cityscapes evaluation: predictions that all count for nothing leave an AP of 0, where the script stops", "[cityscapes]") {
  Drawn d{blank(40, 60), {}};
  paint(d.truth, 26000, 0, 0, 20, 20);
  d.predictions = {predicted(d.truth, 26, 0.9, {30, 10, 50, 30})};  // in void alone
  CHECK(car(d) == 0);
  CHECK(std::isnan(evaluate({d}).classes[0].figures.AP));
  CHECK(evaluate({d}).all.AP == 0);
  d.predictions.clear();
  CHECK(car(d) == 0);
  CHECK(std::isnan(evaluate({Drawn{blank(4, 4), {}}}).all.AP));
  CHECK(std::isnan(evaluate({}).all.AP50));
}

TEST_CASE("cityscapes evaluation: thresholds are strict, small objects and groups count for nothing", "[cityscapes]") {
  Drawn d{blank(40, 60, 7), {}};
  paint(d.truth, 26000, 0, 0, 20, 20);
  d.predictions = {predicted(d.truth, 26, 0.9, {0, 0, 20, 10})};  // IoU 1/2, not above it
  CHECK(car(d, &CityscapesAP::AP50) == 0);
  d.predictions = {predicted(d.truth, 26, 0.9, {0, 0, 20, 11})};
  CHECK(car(d, &CityscapesAP::AP50) == 1);
  CHECK(car(d) == Approx(0.1));  // 0.55 is above 0.5 alone
  d.predictions.push_back(predicted(d.truth, 26, 0.8, {0, 0, 20, 20}));
  CHECK(car(d, &CityscapesAP::AP50) == 1);       // both find it, the surer one is right
  CHECK(car(d) == Approx((1 + 9 * 0.25) / 10));  // above .55 that one is wrong: (0, 1), (0, 0), (1, 1/2)
  d.predictions = {predicted(d.truth, 26, 0.9, {0, 0, 20, 20})};
  CHECK(car(d) == 1);
  paint(d.truth, 26001, 30, 0, 40, 10);  // 100 pixels: counts
  CHECK(evaluate({d}).classes[2].objects == 2);
  paint(d.truth, 7, 30, 0, 31, 1);
  CHECK(evaluate({d}).classes[2].objects == 1);
  d.predictions.push_back(predicted(d.truth, 26, 0.95, {30, 0, 40, 10}));  // finds the small one: left out
  CHECK(car(d) == 1);
  paint(d.truth, 26, 30, 20, 50, 40);
  d.predictions.push_back(predicted(d.truth, 26, 0.96, {30, 20, 40, 30}));  // within a group
  CHECK(car(d) == 1);
  d.predictions.push_back(predicted(d.truth, 26, 0.97, {0, 30, 20, 40}));  // on the road: wrong, and the surest
  CHECK(car(d) == Approx(0.25));
}

TEST_CASE("cityscapes evaluation: single caravans are not void, groups of them are", "[cityscapes]") {
  for (const auto& [id, left_out] :
       std::vector<std::pair<uint16_t, bool>>{{29000, false}, {29, true}, {30, true}, {30001, false}, {4, true}, {7, false}, {23, false}}) {
    Drawn d{blank(40, 60, 7), {}};
    paint(d.truth, 26000, 0, 0, 20, 20);
    paint(d.truth, id, 30, 0, 50, 20);
    d.predictions = {predicted(d.truth, 26, 0.5, {0, 0, 20, 20}), predicted(d.truth, 26, 0.9, {30, 0, 50, 20})};
    INFO(id);
    CHECK(car(d) == Approx(left_out ? 1 : 0.25));
  }
}

TEST_CASE("cityscapes evaluation: more than 100 predictions an image, and labels that are not evaluated", "[cityscapes]") {
  Drawn d{blank(20, 2400, 7), {}};
  for (int k = 0; k < 120; ++k) {
    paint(d.truth, static_cast<uint16_t>(26000 + k), 20 * k, 0, 20 * k + 10, 10);
    d.predictions.push_back(predicted(d.truth, 26, 0.5 + k / 1000.0, {20 * k, 0, 20 * k + 10, 10}));
    d.predictions.push_back(predicted(d.truth, 29, 0.99, {20 * k, 0, 20 * k + 10, 10}));
  }
  CHECK(car(d) == Approx(1));
}

TEST_CASE("cityscapes evaluation: figures as JSON and as a table", "[cityscapes]") {
  Drawn d{blank(40, 60, 7), {}};
  paint(d.truth, 26000, 0, 0, 20, 20);
  d.predictions = {predicted(d.truth, 26, 0.9, {0, 0, 20, 20})};
  const auto json = nlohmann::json::parse(to_json(evaluate({d})));
  CHECK(json["AP"] == 1);
  CHECK(json["AP50"] == 1);
  CHECK(json["per_class"].size() == 8);
  CHECK(json["per_class"]["car"] == nlohmann::json{{"AP", 1}, {"AP50", 1}});
  CHECK(json["per_class"]["person"] == nlohmann::json{{"AP", nullptr}, {"AP50", nullptr}});
  CHECK(json.size() == 3);
  d.truth.distances[26000] = {20, 0.9};
  const auto far = nlohmann::json::parse(to_json(evaluate({d}, true)));
  CHECK(far["AP50m"].is_null());  // 400 pixels
  CHECK(far["per_class"]["car"].size() == 5);
  const Table table = table_of(evaluate({d}));
  CHECK(table.columns == std::vector<std::string>{"class", "objects", "AP", "AP50"});
  REQUIRE(table.rows.size() == 9);
  CHECK(table.rows[2] == std::vector<Cell>{"car", int64_t{1}, 1.0, 1.0});
  CHECK(table.rows[0] == std::vector<Cell>{"person", int64_t{0}, no_value, no_value});
  CHECK(table.rows[8] == std::vector<Cell>{"all", int64_t{1}, 1.0, 1.0});
  CHECK(table_of(evaluate({d}, true)).columns.size() == 7);
}

TEST_CASE("cityscapes evaluation: refuses what does not fit", "[cityscapes]") {
  Drawn d{blank(4, 6), {}};
  d.predictions = {predicted(blank(4, 5), 26, 0.9, {})};
  CHECK_THROWS_WITH(evaluate({d}), Contains("expected a mask of 4x6 pixels, as the image has, got 4x5"));
  d.predictions = {predicted(d.truth, 26, NAN, {0, 0, 1, 1})};
  CHECK_THROWS_WITH(evaluate({d}), Contains("a score must be finite, got nan"));
  d.predictions.clear();
  d.truth.ids[3] = 34000;
  CHECK_THROWS_WITH(evaluate({d}), Contains("the instance id 34000 is that of no label"));
  d.truth.ids.pop_back();
  CHECK_THROWS_WITH(evaluate({d}), Contains("expected 4x6 instance ids, got 23"));
}
