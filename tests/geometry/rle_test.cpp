#include "geometry/rle.h"

#include <cmath>
#include <limits>
#include <stdexcept>

#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

// A small generator of its own, so that the test needs nothing but what it judges.
struct Random {
  uint64_t state = 1;
  uint32_t operator()(uint32_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(state >> 33) % below;
  }
};

Bitmap blobs(Random& random, int h, int w) {
  Bitmap m(h, w);
  const int rectangles = static_cast<int>(random(4));
  for (int k = 0; k < rectangles; ++k) {
    const int y1 = static_cast<int>(random(static_cast<uint32_t>(h))), x1 = static_cast<int>(random(static_cast<uint32_t>(w)));
    const int y2 = y1 + static_cast<int>(random(static_cast<uint32_t>(h))), x2 = x1 + static_cast<int>(random(static_cast<uint32_t>(w)));
    for (int y = y1; y <= y2 && y < h; ++y)
      for (int x = x1; x <= x2 && x < w; ++x) m.at(y, x) = 1;
  }
  for (uint32_t k = random(4); k > 0; --k) m.pixels[random(static_cast<uint32_t>(m.pixels.size()))] ^= 1;
  return m;
}

struct Counted {
  int a = 0, b = 0, both = 0;
};
Counted count(const Bitmap& a, const Bitmap& b) {
  Counted n;
  for (size_t i = 0; i < a.pixels.size(); ++i) n.a += a.pixels[i], n.b += b.pixels[i], n.both += a.pixels[i] & b.pixels[i];
  return n;
}

Rle mask(int h, int w, std::vector<uint32_t> counts) { return {h, w, std::move(counts)}; }

}  // namespace

TEST_CASE("rle: the worked example of the header", "[rle]") {
  Bitmap m(3, 3);
  m.pixels = {0, 1, 1, 0, 1, 0, 0, 0, 0};
  const Rle r = rle_encode(m);
  CHECK(r.counts == std::vector<uint32_t>{3, 2, 1, 1, 2});
  CHECK(rle_to_string(r) == "321O1");
  CHECK(rle_from_string("321O1", 3, 3) == r);
  CHECK(rle_decode(r).pixels == m.pixels);
  CHECK(rle_area(r) == 3);
  CHECK(rle_box(r) == Box{1, 0, 3, 2});
  const CroppedMask c = rle_crop(r);
  CHECK(c.x0 == 1);
  CHECK(c.y0 == 0);
  CHECK(c.bits.pixels == std::vector<uint8_t>{1, 1, 1, 0});
}

TEST_CASE("rle: there and back, area, box, union, intersection and IoU against counting pixels", "[rle]") {
  Random random;
  for (int round = 0; round < 2000; ++round) {
    const int h = 1 + static_cast<int>(random(12)), w = 1 + static_cast<int>(random(150));
    const Bitmap a = blobs(random, h, w), b = blobs(random, h, w);
    const Rle ra = rle_encode(a), rb = rle_encode(b);
    const Counted n = count(a, b);
    const CroppedMask crop = rle_crop(ra);
    int left = w, top = h, right = 0, bottom = 0;
    Bitmap any(h, w), all(h, w);
    for (int y = 0; y < h; ++y)
      for (int x = 0; x < w; ++x) {
        any.at(y, x) = a.at(y, x) | b.at(y, x);
        all.at(y, x) = a.at(y, x) & b.at(y, x);
        if (a.at(y, x)) left = std::min(left, x), right = std::max(right, x + 1), top = std::min(top, y), bottom = std::max(bottom, y + 1);
      }
    const Box box = right == 0 ? Box() : Box{float(left), float(top), float(right), float(bottom)};
    const double both = n.both;
    bool ok = rle_decode(ra).pixels == a.pixels && rle_from_string(rle_to_string(ra), h, w) == ra && rle_encode(crop) == ra;
    ok = ok && rle_area(ra) == n.a && rle_box(ra) == box && crop.bits.height == bottom - std::min(top, bottom);
    ok = ok && rle_merge(std::vector{ra, rb}) == rle_encode(any) && rle_merge(std::vector{ra, rb}, true) == rle_encode(all);
    ok = ok && rle_iou(ra, rb) == (n.both ? both / (n.a + n.b - n.both) : 0) && rle_iou(ra, rb, true) == (n.both ? both / n.a : 0);
    INFO("round " << round);
    REQUIRE(ok);
  }
}

TEST_CASE("rle: a window that hangs over the image's edges is cut", "[rle]") {
  CroppedMask m{4, 5, -1, 3, Bitmap(3, 3)};
  for (uint8_t& p : m.bits.pixels) p = 255;  // any non-zero pixel is inside
  CHECK(rle_encode(m).counts == std::vector<uint32_t>{3, 1, 3, 1, 12});
  m.x0 = 5;
  CHECK(rle_encode(m).counts == std::vector<uint32_t>{20});
}

TEST_CASE("rle: full, empty and one-pixel masks", "[rle]") {
  CHECK(rle_encode(Bitmap(1, 1)).counts == std::vector<uint32_t>{1});
  CHECK(rle_decode(mask(1, 1, {0, 1})).pixels == std::vector<uint8_t>{1});
  CHECK(rle_box(mask(2, 2, {4})) == Box());
  CHECK(rle_crop(mask(2, 2, {4})).bits.pixels.empty());
  CHECK(rle_box(mask(2, 3, {0, 6})) == Box{0, 0, 3, 2});
  CHECK(rle_iou(mask(2, 2, {4}), mask(2, 2, {4})) == 0);
  CHECK(rle_merge(std::vector{mask(2, 2, {1, 3})}) == mask(2, 2, {1, 3}));
}

TEST_CASE("rle: runs of length zero inside a mask change nothing", "[rle]") {
  const Rle plain = mask(3, 3, {3, 3, 3}), odd = rle_from_counts(std::vector<int64_t>{3, 1, 0, 2, 3, 0, 0}, 3, 3);
  CHECK(rle_decode(odd).pixels == rle_decode(plain).pixels);
  CHECK(rle_iou(odd, plain) == 1);
  CHECK(rle_box(odd) == rle_box(plain));
  CHECK(rle_merge(std::vector{odd, plain}) == plain);
}

TEST_CASE("rle: what crashes cocoapi is an error", "[rle]") {
  CHECK_THROWS_WITH(rle_from_string("32Q", 3, 3), Contains("ends inside a number"));
  CHECK_THROWS_WITH(rle_from_string("3\x20", 3, 3), Contains("byte 32 at 1"));
  CHECK_THROWS_WITH(rle_from_string("3\xff", 3, 3), Contains("byte 255 at 1"));
  CHECK_THROWS_WITH(rle_from_string("ooooooooooooooooo", 3, 3), Contains("more than 8 characters"));
  CHECK_THROWS_WITH(rle_from_string("000000000000", 3, 3), Contains("more runs than pixels"));
  CHECK_THROWS_WITH(rle_from_string("3O", 3, 3), Contains("0 ... 9, got -1"));
  CHECK_THROWS_WITH(rle_from_string("", 3, 3), Contains("counts must not be empty"));
  CHECK_THROWS_WITH(rle_from_string("32", 3, 3), Contains("sum to 3x3 = 9 pixels, got 5"));
  CHECK_THROWS_WITH(rle_from_string("321O1", 0, 0), Contains("got 0x0"));
  CHECK_THROWS_WITH(rle_from_string("321O1", int64_t{1} << 40, int64_t{1} << 40), Contains("2^31-1"));
  const std::vector<int64_t> past = {int64_t{1} << 31, int64_t{1} << 31, 9};
  CHECK_THROWS_WITH(rle_from_counts(past, 3, 3), Contains("0 ... 9, got 2147483648"));
  CHECK_THROWS_WITH(rle_from_counts(std::vector<int64_t>{9, 9, 9}, 3, 3), Contains("got 27"));
  CHECK_THROWS_WITH(rle_from_counts(std::vector<int64_t>{}, 3, 3), Contains("empty"));
  CHECK_THROWS_WITH(rle_from_counts(std::vector<int64_t>{-1, 10}, 3, 3), Contains("got -1"));
  CHECK_THROWS_WITH(rle_decode(mask(2, 2, {0, 4294967295u, 5})), Contains("sum to 2x2"));
  CHECK_THROWS_WITH(rle_decode(mask(0, 5, {0})), Contains("0x5"));
  CHECK_THROWS_WITH(rle_iou(mask(2, 2, {4}), mask(2, 3, {6})), Contains("one size"));
  CHECK_THROWS_WITH(rle_merge(std::vector{mask(2, 2, {4}), mask(2, 3, {6})}), Contains("one size"));
  CHECK_THROWS_WITH(rle_merge(std::vector<Rle>{}), Contains("at least one"));
}

TEST_CASE("rle: random strings give a mask or an error, never more", "[rle]") {
  Random random;
  int good = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string s;
    for (uint32_t n = random(8); n > 0; --n) s.push_back(static_cast<char>(random(20) == 0 ? random(256) : 48 + random(64)));
    try {
      const Rle r = rle_from_string(s, 1 + random(4), 1 + random(4));
      rle_check(r);
      good += rle_decode(r).pixels.size() > 0;
    } catch (const std::runtime_error&) {}
  }
  CHECK(good > 20);
}
