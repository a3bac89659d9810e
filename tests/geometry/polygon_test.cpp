#include "geometry/polygon.h"

#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>

#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

Rle polygon(std::vector<double> xy, int h, int w) { return rasterise(std::span<const double>(xy), h, w); }

}  // namespace

TEST_CASE("rasterise: a triangle by hand", "[polygon]") {
  // Column x is filled from the first pixel whose middle is not above the upper edge; the diagonal passes through the middles.
  const Bitmap m = rle_decode(polygon({0, 0, 4, 4, 0, 4}, 4, 5));
  CHECK(m.pixels == std::vector<uint8_t>{1, 0, 0, 0, 0,  //
                                         1, 1, 0, 0, 0,  //
                                         1, 1, 1, 0, 0,  //
                                         1, 1, 1, 1, 0});
}

TEST_CASE("rasterise: a rectangle on pixel borders fills its pixels, either way round", "[polygon]") {
  const Rle expected = rasterise(std::vector<std::vector<double>>{{1, 2, 4, 2, 4, 5, 1, 5}}, 6, 6);
  CHECK(rle_area(expected) == 9);
  CHECK(rle_box(expected) == Box{1, 2, 4, 5});
  CHECK(polygon({1, 5, 4, 5, 4, 2, 1, 2}, 6, 6) == expected);
  CHECK(polygon({4, 2, 4, 5, 1, 5, 1, 2}, 6, 6) == expected);
}

TEST_CASE("rasterise: the same masks as pycocotools, bit for bit", "[polygon]") {
  const char* more = std::getenv("MR_POLYGONS");  // scripts/golden_polygons writes as many as one likes
  std::ifstream file(more != nullptr ? more : MR_SOURCE_DIR "/tests/geometry/goldens/polygons.txt");
  int n = 0;
  for (std::string line; std::getline(file, line); ++n) {
    std::istringstream in(line);
    int h = 0, w = 0;
    std::string counts;
    in >> h >> w >> counts;
    std::vector<double> xy;
    for (double v; in >> v;) xy.push_back(v);
    const std::string got = rle_to_string(polygon(xy, h, w));
    INFO(line);
    if (got != counts) REQUIRE(got == counts);
  }
  CHECK(n >= 60);
}

TEST_CASE("rasterise: parts are united, not combined by parity", "[polygon]") {
  const std::vector<double> square = {0, 0, 4, 0, 4, 4, 0, 4}, shifted = {2, 0, 6, 0, 6, 4, 2, 4};
  CHECK(rle_area(rasterise(std::vector{square, square}, 8, 8)) == 16);
  CHECK(rle_area(rasterise(std::vector{square, shifted}, 8, 8)) == 24);
  CHECK(rle_area(rasterise(std::vector<std::vector<double>>{}, 8, 8)) == 0);
}

TEST_CASE("rasterise: too few points and points outside enclose nothing", "[polygon]") {
  CHECK(rle_area(polygon({}, 4, 4)) == 0);
  CHECK(rle_area(polygon({1, 1}, 4, 4)) == 0);
  CHECK(rle_area(polygon({1, 1, 3, 3}, 4, 4)) == 0);
  CHECK(rle_area(polygon({100, 1, 300, 3, 300, 1}, 4, 4)) == 0);
  CHECK(rle_area(polygon({-1e6, -1e6, 1e6, -1e6, 1e6, 1e6, -1e6, 1e6}, 4, 4)) == 16);
}

TEST_CASE("rasterise: what crashes cocoapi is an error", "[polygon]") {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH(polygon({0, 0, 1e12, 0, 4, 4}, 4, 4), Contains("within +-1000000, got 1000000000000"));
  CHECK_THROWS_WITH(polygon({0, nan, 4, 0, 4, 4}, 4, 4), Contains("finite"));
  CHECK_THROWS_WITH(polygon({0, 0, 4, -inf, 4, 4}, 4, 4), Contains("finite"));
  CHECK_THROWS_WITH(polygon({0, 0, 4, 0, 4}, 4, 4), Contains("pairs, got 5"));
  CHECK_THROWS_WITH(polygon({0, 0, 4, 0, 4, 4}, 0, 4), Contains("at least 1x1"));
}
