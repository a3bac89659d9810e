#include "geometry/polygon.h"

#include <algorithm>
#include <cstdint>
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

// The rule of polygon.h, point by point along the trace, for one column: whether each of its pixels is inside.
static std::vector<bool> traced_column(const std::vector<double>& xy, int height, int x) {
  std::vector<int> swaps(static_cast<size_t>(height) + 1);
  const size_t n = xy.size() / 2;
  for (size_t i = 0; i < n; ++i) {
    long x1 = static_cast<long>(5 * xy[2 * i] + 0.5), y1 = static_cast<long>(5 * xy[2 * i + 1] + 0.5);
    long x2 = static_cast<long>(5 * xy[2 * ((i + 1) % n)] + 0.5), y2 = static_cast<long>(5 * xy[2 * ((i + 1) % n) + 1] + 0.5);
    const bool flat = std::abs(x2 - x1) >= std::abs(y2 - y1);
    if (flat ? x1 > x2 : y1 > y2) std::swap(x1, x2), std::swap(y1, y2);
    const long steps = flat ? x2 - x1 : y2 - y1;
    long before_u = 0, before_v = 0;
    for (long t = 0; t <= steps; ++t) {
      const double slope = steps == 0 ? 0 : static_cast<double>(flat ? y2 - y1 : x2 - x1) / static_cast<double>(steps);
      const long u = flat ? x1 + t : static_cast<long>(static_cast<double>(x1) + slope * static_cast<double>(t) + 0.5);
      const long v = flat ? static_cast<long>(static_cast<double>(y1) + slope * static_cast<double>(t) + 0.5) : y1 + t;
      if (t > 0 && (before_u < 5 * x + 3) != (u < 5 * x + 3)) {
        long row = 0;
        while (row < height && 5 * row + 2 < std::min(v, before_v)) ++row;
        ++swaps[static_cast<size_t>(row)];
      }
      before_u = u, before_v = v;
    }
  }
  std::vector<bool> inside;
  bool now = false;
  for (int y = 0; y < height; ++y) {
    now = now != (swaps[static_cast<size_t>(y)] % 2 == 1);
    inside.push_back(now);
  }
  return inside;
}

TEST_CASE("rasterise: a tangle over a large image takes time by its outline, and is the mask that the rule says", "[polygon]") {
  constexpr int side = 9000;  // more columns than are held at a time
  std::vector<double> xy;
  uint64_t state = 1;
  for (int i = 0; i < 1800; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    xy.push_back(static_cast<double>(state >> 40) * side / (1 << 24));
  }
  const Rle mask = polygon(xy, side, side);
  rle_check(mask);
  CHECK(mask.counts.size() > 1'000'000);
  std::vector<uint32_t> ends;  // of the runs, to find a pixel's
  for (uint32_t at = 0; const uint32_t count : mask.counts) ends.push_back(at += count);
  for (const int x : {0, 4500, 7455, 7456, 8999}) {
    const std::vector<bool> expected = traced_column(xy, side, x);
    std::vector<bool> got;
    for (uint32_t y = 0; y < side; ++y)
      got.push_back((std::upper_bound(ends.begin(), ends.end(), static_cast<uint32_t>(x) * side + y) - ends.begin()) % 2 == 1);
    INFO("column " << x);
    const bool same = got == expected;
    CHECK(same);
  }
}

TEST_CASE("rasterise: an object in very many parts", "[polygon]") {
  std::vector<std::vector<double>> parts;
  for (int i = 0; i < 40'000; ++i) {
    const double x = 4 * (i % 200), y = 4 * (i / 200);
    parts.push_back({x, y, x + 2, y, x + 2, y + 2, x, y + 2});
  }
  const Rle mask = rasterise(parts, 800, 800);
  CHECK(rle_area(mask) == 160'000);
  CHECK(mask.counts.size() == 1 + 2 * 80'000);
}
