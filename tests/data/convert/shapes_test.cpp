#include "data/convert/shapes.h"

#include <cmath>
#include <numbers>

#include "geometry/polygon.h"
#include "tests/data/convert/convert_files.h"

using namespace mr;
using namespace mr::convert;
using namespace mr::test;

TEST_CASE("shapes: edges of an ellipse keep within a twentieth of a pixel of it", "[convert]") {
  for (const double r : {0.3, 2.0, 17.5, 400.0, 9000.0}) {
    CAPTURE(r);
    const Polygon p = ellipse(10, 20, r, r);
    double farthest = 0;
    for (size_t i = 0; i < p.size(); i += 2) {
      const size_t j = (i + 2) % p.size();
      CHECK(std::hypot(p[i] - 10, p[i + 1] - 20) == Approx(r));
      farthest = std::max(farthest, r - std::hypot((p[i] + p[j]) / 2 - 10, (p[i + 1] + p[j + 1]) / 2 - 20));
    }
    CHECK(farthest <= 0.05);
  }
  CHECK(ellipse(0, 0, 0, 3).empty());
  CHECK(ellipse(0, 0, 3, -1).empty());
  CHECK(ellipse(0, 0, 3, std::nan("")).empty());
  CHECK(ellipse(0, 0, 1e300, 3).empty());
  CHECK(ellipse(HUGE_VAL, 0, 3, 3).empty());
}

TEST_CASE("shapes: an ellipse and a rectangle turn from x towards y", "[convert]") {
  const double angle = std::numbers::pi / 6, c = std::cos(angle), s = std::sin(angle);
  const Polygon p = ellipse(30, 25, 20, 8, angle);
  for (size_t i = 0; i < p.size(); i += 2) {
    const double u = c * (p[i] - 30) + s * (p[i + 1] - 25), v = -s * (p[i] - 30) + c * (p[i + 1] - 25);
    CHECK(u * u / 400 + v * v / 64 == Approx(1));
  }
  CHECK(p[0] == Approx(30 + 20 * c));
  CHECK(p[1] == Approx(25 + 20 * s));  // down, on the screen
  const Polygon quarter = turned_rectangle(10, 10, 30, 20, std::numbers::pi / 2);
  CHECK(quarter[0] == Approx(25));  // the upper left corner comes to the upper right
  CHECK(quarter[1] == Approx(5));
  CHECK(quarter[4] == Approx(15));
  CHECK(quarter[5] == Approx(25));
}
