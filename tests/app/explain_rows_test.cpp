// What mrcnn explain says of fully connected layers and of what stands between layers, against sums by hand.
#include <cmath>

#include "tests/app/explain.h"

using namespace mr;
using nlohmann::json;

TEST_CASE("explain linear: output and gradients by hand", "[explain]") {
  // x = 1 2 / 3 4, w = 1 0 / 0 1 / −1 −1, b = 0 10 1: x·wᵀ + b = 1 12 −2 / 3 14 −6
  const json page = drawn("linear", {"y[1,1] = 3·0 + 4·1 + 10 = 14", "gx[1,1] = 1·0 + 2·1 + 0·(-1) = 2", "gw[1,0] = 1·1 + 2·3 = 7"});
  check_numbers(table(page, "y"), 1, {{1, 12, 0}, {3, 14, 0}});
  check_numbers(table(page, "g"), 1, {{1, 1, 0}, {1, 2, 0}});
  check_numbers(table(page, "gx, the gradient of x"), 1, {{1, 1}, {1, 2}});
  check_numbers(table(page, "gw, the gradient of w"), 1, {{4, 6}, {7, 10}, {0, 0}});
  CHECK(says(page, "gb = 2, 3, 0"));
  CHECK(row(page, "fc7")[4].get<double>() == Approx(1000.0 * 1024 * 1024 / 1e6));
}

TEST_CASE("explain elementwise: values and gradients by hand", "[explain]") {
  const json page = drawn("elementwise", {"ReLU", "sigmoid", "x, and its rows 2, 0, 2"});
  const double s = 1 / (1 + std::exp(-1.5));
  check_numbers(json::array({table(page, "")[0], table(page, "")[2], table(page, "")[4]}), 0,
                {{-4, 0, 0, 1 / (1 + std::exp(4.0)), std::exp(4.0) / std::pow(1 + std::exp(4.0), 2)},
                 {0, 0, 0, 0.5, 0.25},
                 {1.5, 1.5, 1, s, s * (1 - s)}});
  check_numbers(table(page, "a + b"), 0, {{1, 10, 11, 0.5, 0.5, 0.5}, {2, 20, 22, -3, -3, -3}});
  check_numbers(table(page, "bf16"), 0, {{1, 1}, {1 + 1.0 / 256, 1}, {1 + 1.0 / 128, 1 + 1.0 / 128}, {1 + 3.0 / 256, 1 + 1.0 / 64}}, 1e-9);
  check_numbers(table(page, "taken"), 1, {{7}, {5}, {7}});
  check_numbers(table(page, "gx, for gy = 1, 2, 3"), 1, {{2}, {0}, {4}});
}
