// What mrcnn explain says of masks, keypoints and the losses, against their formulas by hand.
#include <cmath>

#include "tests/app/explain.h"

using namespace mr;
using nlohmann::json;

TEST_CASE("explain mask-target: a diagonal outline, both ways", "[explain]") {
  const json page = drawn("mask-target", {"target, torchvision's", "0.3125", "0.9375"});
  // bin (p, q) reads pixels 2p … 2p + 2 with weights ¼ ½ ¼: 5/16 of them lie inside where p + q = 1, 15/16 where it is 2
  check_numbers(table(page, "As torchvision trains: not aligned, fractions kept"), 1,
                {{0, 0.3125, 0.9375, 1}, {0.3125, 0.9375, 1, 1}, {0.9375, 1, 1, 1}, {1, 1, 1, 1}});
  check_numbers(table(page, "Aligned, then 1 from a half on"), 1, {{0, 0, 1, 1}, {0, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}});
}

TEST_CASE("explain mask-paste: the worked example, both ways", "[explain]") {
  const json page = drawn("mask-paste", {"0.5625", "0.1875", "the first release's way"});
  const double accurate[] = {0.25, 0.75, 0.75, 0.25, 0, 0};
  // the border's box is 9 pixels from −1 on: pixel x reads u = (x + 1.5)·4/9 − ½ of 0 1 0 0
  const double first[] = {1.0 / 6, 11.0 / 18, 17.0 / 18, 0.5, 1.0 / 18, 0};
  const auto product = [](const double(&w)[6], double threshold) {
    Numbers n(6, std::vector<double>(6));
    for (size_t i = 0; i < 6; ++i)
      for (size_t j = 0; j < 6; ++j) n[i][j] = threshold < 0 ? w[i] * w[j] : w[i] * w[j] >= threshold;
    return n;
  };
  check_numbers(table(page, "Values"), 1, product(accurate, -1), 1e-6);
  check_numbers(table(page, "On, from ½"), 1, product(accurate, 0.5));
  check_numbers(table(page, "Values, the first release's way"), 1, product(first, -1), 1e-6);
  check_numbers(table(page, "On, above ½"), 1, product(first, 0.5));
  double before = 0;
  const json pan = page["tables"].back()["rows"];
  REQUIRE(pan.size() == 5);
  for (const json& r : pan) {
    CHECK(r[1].get<double>() > before);
    before = r[1].get<double>();
  }
  CHECK(before > 0.97);
  CHECK(before < 1);
}

TEST_CASE("explain keypoints: labels, loss, gradient, decoding", "[explain]") {
  const json page = drawn("keypoints", {"1540", "1541", "1484", "3135"});
  const json labels = page["tables"][0]["rows"];
  const int expected[] = {1540, 3135, 0, -1, -1};
  for (size_t i = 0; i < 5; ++i) CHECK(labels[i][5] == expected[i]);
  CHECK(labels[0][3] == "28");
  CHECK(labels[0][4] == "27");
  const double e10 = std::exp(10.0);
  check_numbers(table(page, "Loss of the point (38.2, 75.9)"), 1,
                {{std::log(3136.0)}, {std::log(3135 + e10) - 10}, {std::log(3135 + e10)}, {std::log(3135 + e10)}}, 1e-9);
  // logits −2·distance²: the softmax is a product over the axes; its sum along one is 1 + 2e^−2 + 2e^−8 + …
  const double along = 1 + 2 * std::exp(-2.0) + 2 * std::exp(-8.0) + 2 * std::exp(-18.0), top = 1 / (along * along);
  char text[80];
  snprintf(text, sizeof text, "The loss is %.4f,", 4 - std::log(top));
  CHECK(says(page, text));
  snprintf(text, sizeof text, "is %.4f at the label and %.4f where", top * std::exp(-4.0) - 1, top);
  CHECK(says(page, text));
  check_numbers(table(page, "Decoded, for the point (38.2, 75.9)"), 1, {{38.5, 74.5}, {38.5, 75.5}}, 1e-5);
}

TEST_CASE("explain mask-loss: one class's mask, or all of them", "[explain]") {
  const json page = drawn("mask-loss", {"sigmoid: cat", "softmax: background"});
  const double person[] = {1.5, -2, 2.5, -0.5}, target[] = {1, 0, 1, 0};
  double loss = 0;
  for (const json& r : page["tables"][0]["rows"]) CHECK((r[1] == "person") == (r[6] != 0));
  for (size_t p = 0; p < 4; ++p) {
    CHECK(page["tables"][0]["rows"][3 * p + 2][6].get<double>() == Approx((1 / (1 + std::exp(-person[p])) - target[p]) / 4));
    loss += (std::log1p(std::exp(person[p])) - target[p] * person[p]) / 4;
  }
  CHECK(says(page, "L = " + std::to_string(loss).substr(0, 5)));
  // pixel (0, 0): logits 0, 2, −1, 1.5, and it is the person's
  const double e[] = {1, std::exp(2.0), std::exp(-1.0), std::exp(1.5)}, sum = e[0] + e[1] + e[2] + e[3];
  const json rows = page["tables"][1]["rows"];
  REQUIRE(rows.size() == 16);
  for (size_t k = 0; k < 4; ++k) CHECK(rows[k][4].get<double>() == Approx((e[k] / sum - (k == 3)) / 4));
  CHECK(rows[4][4] < 0);  // the next one is not: the background's
  CHECK(rows[7][4] > 0);
  for (const json& r : rows) CHECK(r[4] != 0);
}

TEST_CASE("explain losses: values and gradients by hand", "[explain]") {
  const json page = drawn("losses", {"sigmoid cross entropy", "its gradient, σ(z) − t", "smooth L1", "t = 0.3125", "β = 1/9"});
  const json rows = page["tables"][0]["rows"];
  const auto sigma = [](double z) { return 1 / (1 + std::exp(-z)); };
  for (const json& r : rows) {
    const double z = r[0].get<double>(), rest = std::log1p(std::exp(-std::abs(z)));
    check_numbers(json::array({r}), 1, {{sigma(z), (z < 0 ? -z : 0) + rest, sigma(z) - 1, (z > 0 ? z : 0) + rest, sigma(z)}}, 1e-12);
  }
  CHECK(rows[3][2].get<double>() == Approx(0.2014).margin(5e-5));  // z = 1.5
  CHECK(rows[3][3].get<double>() == Approx(-0.1824).margin(5e-5));
  CHECK(rows[0][2] == 100);  // z = −100, t = 1
  check_numbers(page["tables"][1]["rows"], 1,
                {{1.5, -1, 2 - 1.0 / 18, -1, 2, -1},
                 {0.125, -0.5, 0.5 - 1.0 / 18, -1, 0.5, -1},
                 {0, 0, 0, 0, 0, 0},
                 {0.00125, 0.05, 0.01125, 0.45, 0.05, 1},
                 {0.125, 0.5, 0.5 - 1.0 / 18, 1, 0.5, 1},
                 {1.5, 1, 2 - 1.0 / 18, 1, 2, 1}},
                1e-12);
  const double e[] = {std::exp(2.0), std::exp(-1.0), std::exp(1.5)}, sum = e[0] + e[1] + e[2];
  check_numbers(page["tables"][2]["rows"], 1,
                {{2, e[0] / sum, e[0] / sum}, {-1, e[1] / sum, e[1] / sum}, {1.5, e[2] / sum, e[2] / sum - 1}}, 1e-12);
  char text[40];
  snprintf(text, sizeof text, "person's = %.4f", std::log(sum) - 1.5);
  CHECK(says(page, text));
}
