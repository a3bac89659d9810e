// Pictures of a mask as people have them: deep samples, transparency, losses.
#include "tests/data/convert/convert_files.h"
#include "tests/data/more_image_files.h"

using namespace mr;
using namespace mr::test;

namespace {

constexpr int kHeight = 30, kWidth = 40;

bool inside(int y, int x) { return (y - 12) * (y - 12) + (x - 17) * (x - 17) < 70 && (x + y) % 5 != 0; }
const Bitmap kMask = drawn(kHeight, kWidth, inside);

// The object that `--from masks` makes of this picture.
Rle object_in(const File& bytes, const std::string& extension) {
  const Folder f;
  picture(f, "images/a.png", kHeight, kWidth);
  f.file("masks/a/0" + extension, std::string(bytes.begin(), bytes.end()));
  const Converted c = converted("masks", {f.path()}, f);
  return c.mask(0);
}

Png png(int color_type, int depth, const std::function<uint32_t(int y, int x, int c)>& sample) {
  Png p;
  p.height = kHeight, p.width = kWidth, p.color_type = color_type, p.depth = depth, p.sample = sample;
  return p;
}

Tif tif(int samples, int bits, uint16_t photometric, const std::function<uint32_t(int y, int x, int c)>& sample) {
  Tif t;
  t.height = kHeight, t.width = kWidth, t.samples = samples, t.bits = bits, t.photometric = photometric, t.sample = sample;
  return t;
}

File pnm(const std::string& kind, uint32_t top, uint32_t value) {
  File f;
  text(f, kind + "\n40 30\n" + std::to_string(top) + "\n");
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x) {
      const uint32_t v = inside(y, x) ? value : 0;
      if (kind == "P2") text(f, std::to_string(v) + " ");
      if (kind == "P5") f.insert(f.end(), {static_cast<uint8_t>(v >> 8), static_cast<uint8_t>(v)});
    }
  return f;
}

File webp_rgba(const std::function<uint32_t(int y, int x, int c)>& sample, bool lossless) {
  File rgba;
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x)
      for (int c = 0; c < 4; ++c) rgba.push_back(static_cast<uint8_t>(sample(y, x, c)));
  uint8_t* out = nullptr;
  const size_t n = lossless ? WebPEncodeLosslessRGBA(rgba.data(), kWidth, kHeight, kWidth * 4, &out)
                            : WebPEncodeRGBA(rgba.data(), kWidth, kHeight, kWidth * 4, 80, &out);
  File f(out, out + n);
  WebPFree(out);
  return f;
}

}  // namespace

TEST_CASE("masks: the smallest value of deep samples is the object", "[convert]") {
  const Rle expected = rle_encode(kMask);
  const auto one = [](int y, int x, int) { return inside(y, x) ? 1u : 0u; };
  const auto blue = [](int y, int x, int c) { return inside(y, x) && c == 2 ? 1u : 0u; };
  CHECK(object_in(png(0, 16, one).file(), ".png") == expected);
  CHECK(object_in(png(2, 16, blue).file(), ".png") == expected);
  CHECK(object_in(tif(1, 16, PHOTOMETRIC_MINISBLACK, one).file(), ".tif") == expected);
  CHECK(object_in(tif(3, 16, PHOTOMETRIC_RGB, blue).file(), ".tiff") == expected);
  const auto dark = [](int y, int x, int) { return inside(y, x) ? 65534u : 65535u; };
  CHECK(object_in(tif(1, 16, PHOTOMETRIC_MINISWHITE, dark).file(), ".tif") == expected);
  Tif planes = tif(3, 16, PHOTOMETRIC_RGB, blue);
  planes.planes = true, planes.tile = 16;
  CHECK(object_in(planes.file(), ".tif") == expected);
  CHECK(object_in(pnm("P5", 65535, 1), ".pgm") == expected);
  CHECK(object_in(pnm("P5", 1000, 1), ".pgm") == expected);
  CHECK(object_in(pnm("P2", 65535, 1), ".pnm") == expected);
}

TEST_CASE("masks: where a picture is transparent there is no object", "[convert]") {
  const Rle expected = rle_encode(kMask);
  const auto white = [](int y, int x, int c) { return c == 3 && !inside(y, x) ? 0u : 255u; };
  const auto black = [](int y, int x, int c) { return c == 3 && inside(y, x) ? 255u : 0u; };
  const auto opaque = [](int y, int x, int c) { return c == 3 || inside(y, x) ? 255u : 0u; };
  // white on black within a window, around which nothing shows
  const auto window = [](int y, int x, int c) { return c == 3 ? (y < 28 ? 255u : 0u) : inside(y, x) || y >= 28 ? 255u : 0u; };
  for (const std::function<uint32_t(int, int, int)>& sample :
       std::vector<std::function<uint32_t(int, int, int)>>{white, black, opaque, window}) {
    CHECK(object_in(png(6, 8, sample).file(), ".png") == expected);
    CHECK(object_in(webp_rgba(sample, true), ".webp") == expected);
    Tif t = tif(4, 8, PHOTOMETRIC_RGB, sample);
    CHECK(object_in(t.file(), ".tif") == expected);
    t.planes = true, t.tile = 16;
    CHECK(object_in(t.file(), ".tif") == expected);
  }
  CHECK(object_in(png(4, 8, [](int y, int x, int c) { return c == 0 || inside(y, x) ? 255u : 0u; }).file(), ".png") == expected);
  CHECK(object_in(png(6, 16, [](int y, int x, int c) { return c == 3 ? (inside(y, x) ? 1u : 0u) : 65535u; }).file(), ".png") == expected);
  CHECK(object_in(webp_rgba([](int y, int x, int c) { return c == 3 && (y < 8 || x < 8) ? 0u : 255u; }, false), ".webp") ==
        rle_encode(drawn(kHeight, kWidth, [](int y, int x) { return y >= 8 && x >= 8; })));
}

TEST_CASE("masks: transparency without an alpha channel", "[convert]") {
  const Rle expected = rle_encode(kMask);
  Png indexed = png(3, 8, [](int y, int x, int) { return inside(y, x) ? 1u : 0u; });
  indexed.palette = {255, 255, 255, 255, 255, 255};
  chunk(indexed.extra, "tRNS", {0});  // index 0 is not to be seen
  CHECK(object_in(indexed.file(), ".png") == expected);
  Png keyed = png(2, 8, [](int y, int x, int c) { return inside(y, x) ? 200u : 10u + static_cast<uint32_t>(c); });
  chunk(keyed.extra, "tRNS", {0, 10, 0, 11, 0, 12});
  CHECK(object_in(keyed.file(), ".png") == expected);
  Png grey = png(0, 8, [](int y, int x, int) { return inside(y, x) ? 0u : 255u; });
  chunk(grey.extra, "tRNS", {0, 255});
  CHECK(object_in(grey.file(), ".png") == expected);

  GifPicture p;
  p.height = kHeight, p.width = kWidth, p.transparent = 0;
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x) p.indices.push_back(inside(y, x) ? 1 : 0);
  std::vector<uint8_t> palette(768, 0);
  palette[0] = palette[1] = palette[2] = 255;  // what does not show is white, what shows black
  CHECK(object_in(gif(kHeight, kWidth, palette, {p}), ".gif") == expected);

  Image colours(kHeight, kWidth);
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x) colours.at(y, x)[1] = inside(y, x) ? 255 : 0;
  CHECK(object_in(tga(colours, {2, 32}), ".tga") == expected);  // states that its fourth byte is no alpha
}

TEST_CASE("masks: the zeros of lossy files are not exact", "[convert]") {
  Image grey(kHeight, kWidth);
  const auto square = [](int y, int x) { return y >= 8 && y < 24 && x >= 8 && x < 32; };
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x) std::fill_n(grey.at(y, x), 3, static_cast<uint8_t>(square(y, x) ? 250 : 6));
  const Rle expected = rle_encode(drawn(kHeight, kWidth, square));
  CHECK(object_in(webp(grey, false, 60), ".webp") == expected);
  Tif jpeg = tif_of(grey);
  jpeg.compression = COMPRESSION_JPEG, jpeg.photometric = PHOTOMETRIC_YCBCR, jpeg.rows = 32;
  CHECK(object_in(jpeg.file(), ".tif") == expected);
  for (uint8_t& v : grey.rgb) v = v > 6 ? 1 : 0;
  CHECK(object_in(webp(grey, true), ".webp") == expected);  // lossless ones are
}
