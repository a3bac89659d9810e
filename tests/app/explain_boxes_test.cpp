// What mrcnn explain says of matching, the box coder and NMS, against areas and logarithms by hand.
#include <cmath>

#include "tests/app/explain.h"

using namespace mr;
using nlohmann::json;

TEST_CASE("explain matching: thresholds, ties, promotion", "[explain]") {
  const json page = drawn("matching", {"anchor 0: positive", "anchor 3: not used", "anchor 4: negative", "anchor 5: promoted",
                                       "anchor 6: promoted", "IoU with A: 0.6667", "touches no object"});
  const json rows = page["tables"][0]["rows"];
  check_numbers(rows, 2,
                {{0.875, 0, 120.0 / 5760, 0},
                 {0.7, 0, 280.0 / 4480, 0},
                 {64.0 * 80 / (12800 - 64 * 80), 0, 280.0 / 6400, 0},
                 {0.3, 0, 0, 0},
                 {0.25, 360.0 / 6440, 0, 0},
                 {0, 400.0 / 1024, 0, 0},
                 {0, 400.0 / 1024, 0, 0},
                 {0, 0, 0, 0}},
                1e-6);
  const char* plain[] = {"positive", "positive", "not used", "not used", "negative", "not used", "not used", "negative"};
  const char* promoted[] = {"positive, A", "positive, A", "not used", "not used", "negative", "positive, B", "positive, B", "negative"};
  for (size_t i = 0; i < 8; ++i) {
    CHECK(rows[i][7] == plain[i]);
    CHECK(rows[i][8] == promoted[i]);
  }
  CHECK(says(page, "below 0.3 negative"));
}

TEST_CASE("explain box-coder: the worked example, its way back, and the cut", "[explain]") {
  const json page =
      drawn("box-coder", {"dx = (40 − 30)/40 = 0.25", "dy = (60 − 60)/80 = 0", "dw = ln(50/40) = 0.2231", "dh = ln(60/80) = -0.2877"});
  // middle and side of anchor and box, delta, weight, product
  check_numbers(
      page["tables"][0]["rows"], 2,
      {{30, 40, 0.25, 10, 2.5}, {60, 60, 0, 10, 0}, {40, 50, std::log(1.25), 5, 1.115718}, {80, 60, std::log(0.75), 5, -1.438410}}, 2e-6);
  CHECK(says(page, "would be 2.4390, 0, 1.0913, -1.4179"));  // sides 41, 81 and 51, 61; middles 10 apart
  check_numbers(table(page, "Decoded again"), 1, {{15, 30, 65, 90}}, 1e-4);
  check_numbers(table(page, "Decoded width of the anchor, 40 pixels wide"), 1,
                {{40 / std::exp(1.0)}, {40}, {40 * std::exp(1.0)}, {40 * std::exp(4.0)}, {2500}, {2500}}, 0.01);
  check_numbers(explained("box-coder --box 10,20,50,100")["tables"][0]["rows"], 4, {{0}, {0}, {0}, {0}});
  drawn("box-coder --box 0,60,10,70", {"dx = (5 − 30)/40 = -0.625"});
}

TEST_CASE("explain nms: who goes, because of whom", "[explain]") {
  const json page = drawn("nms", {"1. box 4, score 0.95, is kept", "2. box 0, score 0.9, is kept", "3. box 2, score 0.7, is kept",
                                  "4. box 3, score 0.6, is kept", "takes with it 5 (IoU 0.6667), 6 (IoU 0.6)", "takes with it 1 (IoU 0.6)",
                                  "no box that is left overlaps it by more than 0.5"});
  const json rows = table(page, "In falling order of score");
  const int order[] = {4, 0, 1, 2, 6, 3, 5};
  const char* nms[] = {"kept", "kept", "gone", "kept", "gone", "kept", "gone"};
  const char* by[] = {"–", "–", "0", "–", "4", "–", "4"};
  const char* iou[] = {"–", "–", "0.6000", "–", "0.6000", "–", "0.6667"};  // 30/50, 30/50, 32/48
  const char* apart[] = {"kept", "kept", "gone", "kept", "kept", "kept", "gone"};
  REQUIRE(rows.size() == 7);
  for (size_t i = 0; i < 7; ++i) {
    INFO(rows[i].dump());
    CHECK(rows[i][0] == order[i]);
    CHECK(rows[i][4] == nms[i]);
    CHECK(rows[i][5] == by[i]);
    CHECK(rows[i][6] == iou[i]);
    CHECK(rows[i][7] == apart[i]);
  }
  const json strict = table(explained("nms --threshold 0.45"), "In falling order of score");  // box 3, at 0.5, goes now
  CHECK(strict[5][4] == "gone");
  CHECK(strict[5][5] == "0");
  for (const json& r : table(explained("nms --threshold 0.9"), "In falling order of score")) CHECK(r[4] == "kept");
}
