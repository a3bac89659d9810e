// What mrcnn explain says of convolution, normalisation, pooling and upsampling, against sums by hand.
#include "tests/app/explain.h"

using namespace mr;
using nlohmann::json;

TEST_CASE("explain conv: output and both gradients by hand", "[explain]") {
  // x = 1 2 0 1 / 0 1 3 2 / 2 0 1 1 / 1 3 2 0, w = 1 0 2 / 0 −1 1 / 1 1 0, gy = 1 2 / 0 −1
  const json page = drawn("conv", {"y[0,0] = 1·1 + 2·0 + 0·2 + 0·0 + 1·(-1) + 3·1 + 2·1 + 0·1 + 1·0 = 5",
                                   "gx[1,2] = Σ gy[i,j] · w[1−i, 2−j] = 1·1 + 2·(-1) + 0·2 + (-1)·0 = -1",
                                   "gw[1,2] = Σ gy[i,j] · x[1+i, 2+j] = 1·3 + 2·2 + 0·1 + (-1)·1 = 6"});
  check_numbers(table(page, "y"), 1, {{5, 4}, {11, 10}});
  check_numbers(table(page, "gx, the gradient of x"), 1, {{1, 2, 2, 4}, {0, -2, -1, 0}, {1, 3, 3, -1}, {0, -1, -1, 0}});
  check_numbers(table(page, "gw, the gradient of w"), 1, {{4, -1, 0}, {2, 6, 6}, {-1, 0, 3}});
  double sum = 0;
  for (const json& r : table(page, "What y[0, 0] reads")) {
    CHECK(r[4].get<double>() == r[2].get<double>() * r[3].get<double>());
    sum += r[4].get<double>();
  }
  CHECK(sum == 5);
  CHECK(says(page, "gb = Σ gy = 2"));
  CHECK(says(page, "3, 3, 3."));  // 5·1 + 4·2 − 10
  const json sizes = table(page, "Some of Mask R-CNN's, on an image of 800 × 800");
  CHECK(sizes[0][3] == 400);
  CHECK(sizes[2][3] == 100);
  CHECK(sizes[0][5].get<double>() == Approx(400 * 400 * 64 * 49 * 3 / 1e6));
  CHECK(sizes[4][5].get<double>() == Approx(200.0 * 200 * 256 * 256 * 9 / 1e6));
}

TEST_CASE("explain norm: means, variances and gradients by hand", "[explain]") {
  const json page = drawn("norm", {"batch norm", "group norm, 2 groups", "gradient, frozen"});
  // channel 0 holds 1, 5, 9, 13; channel 2: 0, 2, 8, 10; group 0 of image 0: 1, 3, 5, 7
  check_numbers(table(page, "Which values share a statistic"), 2,
                {{4, 7, 20}, {4, 9, 20}, {4, 5, 17}, {4, 9, 17}, {4, 4, 5}, {4, 3, 5}, {4, 12, 5}, {4, 11, 5}});
  const json rows = table(page, "Every value, and the gradient that the first output alone sends back");
  REQUIRE(rows.size() == 16);
  const double s20 = std::sqrt(20.0), s5 = std::sqrt(5.0);
  for (size_t i = 0; i < 4; ++i) {  // channel 0: pixels 0 and 1 of image 0, then of image 1
    const json& r = rows[4 * i];
    INFO(r.dump());
    CHECK(r[4].get<double>() == Approx((4.0 * static_cast<double>(i) - 6) / s20));
    const double xhat = (4.0 * static_cast<double>(i) - 6) / s20, first = -6 / s20;
    CHECK(r[7].get<double>() == Approx(((i == 0) - 0.25 - xhat * first / 4) / s20).margin(1e-12));
    CHECK(r[9].get<double>() == Approx(i == 0 ? 0.25 : 0).margin(1e-12));  // 1/√16
  }
  for (size_t i = 0; i < 8; ++i) {  // image 1 is image 0 and 8, and looks the same
    CHECK(rows[i][5].get<double>() == Approx(rows[i + 8][5].get<double>()).margin(1e-12));
    CHECK(rows[i][6].get<double>() == Approx((rows[i][3].get<double>() - 7) / 4));
  }
  const size_t group[] = {0, 1, 4, 5};  // 1, 3, 5, 7
  double sum = 0, along = 0;
  for (size_t k = 0; k < 4; ++k) {
    const double xhat = (2.0 * static_cast<double>(k) - 3) / s5, g = rows[group[k]][8].get<double>();
    CHECK(rows[group[k]][5].get<double>() == Approx(xhat));
    CHECK(g == Approx(((k == 0) - 0.25 - xhat * (-3 / s5) / 4) / s5).margin(1e-12));
    sum += g;
    along += g * xhat;
  }
  CHECK(sum == Approx(0).margin(1e-12));
  CHECK(along == Approx(0).margin(1e-12));
  for (const size_t i : {2, 3, 6, 7, 8, 9, 12, 15}) CHECK(rows[i][8] == 0);
}

TEST_CASE("explain pool: the largest of each window, and its gradient", "[explain]") {
  const json page = drawn("pool", {"y: their maxima", "gradient of the mean"});
  check_numbers(table(page, "y, 3 × 3 windows of stride 2"), 1, {{4, 9, 5}, {7, 9, 6}, {7, 5, 6}});
  check_numbers(table(page, "1 × 1 windows of stride 2: every second pixel (FPN's P6, from P5)"), 1, {{1, 2, 1}, {0, 3, 2}, {3, 5, 2}});
  check_numbers(table(page, "The gradient of x for a gradient of 1 at every output"), 1,
                {{0, 0, 0, 0, 0}, {1, 0, 2, 0, 1}, {0, 0, 0, 0, 0}, {2, 0, 0, 0, 2}, {0, 1, 0, 0, 0}});
  CHECK(says(page, "one number a channel, 2.8400, and each of the 25 pixels gets 1/25 = 0.0400"));  // 71/25
}

TEST_CASE("explain upsample: a cell becomes a block, a block's gradient a cell's", "[explain]") {
  const json page = drawn("upsample", {"lateral", "gradient of coarse"});
  check_numbers(table(page, "y, of lateral = 0, 10 … 150 and coarse = 1 2 / 3 4"), 1,
                {{1, 11, 22, 32}, {41, 51, 62, 72}, {83, 93, 104, 114}, {123, 133, 144, 154}});
  check_numbers(table(page, "The gradient of coarse, for gy = 0, 1 … 15"), 1, {{10, 18}, {42, 50}});
  check_numbers(table(page, "Other ratios: which cell of n a pixel reads"), 2, {{0, 0, 0, 1, 1}, {0, 0, 1, 1, 2}, {0, 0, 1, 2, 3}});
}
