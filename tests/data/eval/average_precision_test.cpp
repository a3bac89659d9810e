#include "data/eval/average_precision.h"

#include <vector>

#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

struct Points {
  std::vector<double> recall, precision;
};
// Two objects, found at .9 and .7, a false one at .8.
const std::vector<ScoredHit> kToy = {{.9, true}, {.8, false}, {.7, true}};
Points toy() { return {{.5, .5, 1}, {1, .5, 2.0 / 3}}; }

}  // namespace

TEST_CASE("average precision: one curve as COCO, VOC 2007 and Cityscapes read it", "[average_precision]") {
  Points coco = toy(), voc = toy();
  CHECK(interpolated_ap(coco.recall, coco.precision, 101) == Approx((51 + 50 * 2.0 / 3) / 101).epsilon(1e-12));
  CHECK(interpolated_ap(coco.recall, coco.precision, 101) == Approx(0.834983).margin(5e-7));
  CHECK(interpolated_ap(voc.recall, voc.precision, 11) == Approx(0.848485).margin(5e-7));
  CHECK(stepped_ap(kToy, 2) == Approx(0.791667).margin(5e-7));
  CHECK(stepped_ap(kToy, 2) == Approx((1 + 1 + 0.5 + 2.0 / 3) / 4).epsilon(1e-12));
}

TEST_CASE("average precision: everything found is 1, nothing found is 0", "[average_precision]") {
  Points all{{.25, .5, .75, 1}, {1, 1, 1, 1}}, none{{0, 0}, {0, 0}};
  CHECK(interpolated_ap(all.recall, all.precision, 101) == Approx(1));
  CHECK(interpolated_ap(none.recall, none.precision, 101) == 0);
  CHECK(interpolated_ap({}, {}, 11) == 0);
  const std::vector<ScoredHit> right(4, {.5, true}), wrong(3, {.5, false});
  CHECK(stepped_ap(right, 4) == Approx(1));
  CHECK(stepped_ap(wrong, 4) == 0);
  CHECK(stepped_ap({}, 4) == 0);
}

TEST_CASE("average precision: the precisions that COCO's mean is made of", "[average_precision]") {
  Points p = toy();
  std::vector<double> at(101);
  interpolated_precision(p.recall, p.precision, at);
  for (size_t k = 0; k < at.size(); ++k) CHECK(at[k] == (k <= 50 ? 1 : 2.0 / 3));
  Points half{{.5}, {.25}};
  interpolated_precision(half.recall, half.precision, std::span(at).first(11));
  CHECK(std::vector<double>(at.begin(), at.begin() + 11) == std::vector<double>{.25, .25, .25, .25, .25, .25, 0, 0, 0, 0, 0});
  CHECK_THROWS_WITH(interpolated_precision(half.recall, half.precision, std::span(at).first(1)), Contains("two points or more, got 1"));
}

TEST_CASE("average precision: a recall never reached counts 0, and equal scores are one point", "[average_precision]") {
  Points half{{.5}, {1}};
  CHECK(interpolated_ap(half.recall, half.precision, 11) == Approx(6.0 / 11));
  // (0, 1) and (½, ½) from both hits at once: ½·(1·½ + ½·½)
  CHECK(stepped_ap(std::vector<ScoredHit>{{.9, false}, {.9, true}}, 2) == Approx(0.375));
  CHECK(stepped_ap(std::vector<ScoredHit>{{.9, true}, {.9, false}}, 2) == Approx(0.375));
}

TEST_CASE("average precision: errors", "[average_precision]") {
  Points p = toy();
  CHECK_THROWS_WITH(interpolated_ap(std::vector<double>{.5}, p.precision, 11),
                    Contains("expected a precision for each of 1 recalls, got 3"));
  CHECK_THROWS_WITH(interpolated_ap(p.recall, p.precision, 1), Contains("expected two points or more, got 1"));
  CHECK_THROWS_WITH(stepped_ap(kToy, 0), Contains("expected objects to be found, got 0"));
  CHECK_THROWS_WITH(stepped_ap(std::vector<ScoredHit>{{.1, true}, {.2, true}}, 2), Contains("expected falling scores, got 0.2 after 0.1"));
}
