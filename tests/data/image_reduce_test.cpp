// Pictures read at a fraction of their size: each pixel is the mean of its block, and Reduction tells where it lies.
#include <cmath>

#include "data/image/image.h"
#include "tests/catch.h"
#include "tests/data/more_image_files.h"

using namespace mr;
using namespace mr::test;

namespace {

// The mean of the block's pixels, of those of them that the picture has, rounded.
Image means(const Image& image, int factor) {
  Image out((image.height + factor - 1) / factor, (image.width + factor - 1) / factor);
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x)
      for (int c = 0; c < 3; ++c) {
        double sum = 0;
        int n = 0;
        for (int r = y * factor; r < std::min(image.height, (y + 1) * factor); ++r)
          for (int k = x * factor; k < std::min(image.width, (x + 1) * factor); ++k, ++n) sum += image.at(r, k)[c];
        out.at(y, x)[c] = static_cast<uint8_t>(std::floor(sum / n + 0.5));
      }
  return out;
}

}  // namespace

TEST_CASE("a reduced picture is the means of blocks", "[image]") {
  const Image image = noise(47, 61);
  Png interlaced = png_of(image);
  interlaced.interlaced = true;
  Tif tiles = tif_of(image), planes = tif_of(image);
  tiles.tile = 16;
  planes.planes = true;
  planes.compression = COMPRESSION_LZW;
  const std::pair<const char*, File> files[] = {{"png", png_of(image).file()},
                                                {"interlaced png", interlaced.file()},
                                                {"bmp", bmp24(image)},
                                                {"pnm", pnm("P6 61 47 255\n", image.rgb)},
                                                {"tiff", tif_of(image).file()},
                                                {"tiff in tiles", tiles.file()},
                                                {"tiff in planes", planes.file()},
                                                {"tga", tga(image, {})}};
  for (const auto& [name, file] : files)
    for (const int factor : {1, 2, 3, 7, 16, 61, 1000}) {
      INFO(name << " by " << factor);
      ImageOptions options;
      options.reduce = factor;
      ImageNotes notes;
      const Image read = decode_image(file, "a.tga", options, &notes);
      const Image expected = means(image, factor);
      CHECK(read.height == expected.height);
      CHECK(read.rgb == expected.rgb);
      CHECK(notes.reduction.fy == factor);
      CHECK(notes.reduction.fx == factor);
      CHECK(notes.reduction.none() == (factor == 1));
      CHECK(notes.reduction.whole == PixelSize{47, 61});
    }
  ImageOptions wrong;
  wrong.reduce = 0;
  CHECK_THROWS_WITH(decode_image(bmp24(image), "a", wrong), Catch::Matchers::Contains("reduce must be in 1"));
}

TEST_CASE("JPEG and WebP are reduced by their own scalers", "[image]") {
  const Image image = smooth(83, 122);
  Jpeg full;
  full.full_chroma = true;
  for (const int factor : {2, 3, 4, 7, 8, 20}) {
    const int used = factor >= 8 ? 8 : factor >= 4 ? 4 : 2;
    ImageOptions options;
    options.reduce = factor;
    ImageNotes notes;
    INFO("by " << factor);
    CHECK(worst_difference(decode_image(encode_jpeg(image, full), "a", options, &notes), means(image, used)) <= 6);
    CHECK(notes.reduction.fx == used);
    CHECK(notes.reduction.whole == PixelSize{83, 122});
    const Image read = decode_image(webp(image), "a", options, &notes);
    CHECK(read.width == (122 + factor - 1) / factor);
    CHECK(notes.reduction.fx == 122.0 / read.width);
    CHECK(notes.reduction.fy == 83.0 / read.height);
    if (factor <= 8) CHECK(worst_difference(read, means(image, factor)) <= 12);  // later the last, smaller blocks differ more
  }
  // An animation's first picture that does not fill its canvas goes the way of the others.
  ImageOptions options;
  options.reduce = 4;
  Image canvas(100, 130);
  for (int y = 0; y < 83; ++y) std::memcpy(canvas.at(y + 2, 4), image.at(y, 0), size_t{122} * 3);
  CHECK(decode_image(webp_animation(100, 130, {{image, 2, 4}}), "a", options).rgb == means(canvas, 4).rgb);
}

TEST_CASE("a turned picture's blocks lie where Reduction says", "[image]") {
  // One white pixel; its block, found in the reduced picture, must cover the place where it is in the whole one.
  for (int o = 1; o <= 8; ++o)
    for (const auto& [y, x] : {std::pair{0, 0}, {46, 60}, {13, 29}, {46, 0}}) {
      Image image(47, 61);
      std::memset(image.at(y, x), 255, 3);
      Png png = png_of(image);
      chunk(png.extra, "eXIf", tiff_orientation(o, true));
      const File file = png.file();
      const auto brightest = [](const Image& i) {
        const auto at = std::max_element(i.rgb.begin(), i.rgb.end()) - i.rgb.begin();
        return std::pair<int, int>(static_cast<int>(at) / 3 / i.width, static_cast<int>(at) / 3 % i.width);
      };
      const Image whole = decode_image(file, "a");
      ImageOptions options;
      options.reduce = 5;
      ImageNotes notes;
      const Image reduced = decode_image(file, "a", options, &notes);
      const auto [wy, wx] = brightest(whole);
      const auto [ry, rx] = brightest(reduced);
      const Reduction& r = notes.reduction;
      INFO("orientation " << o << ", pixel " << y << ", " << x);
      CHECK(r.whole == PixelSize{whole.height, whole.width});
      CHECK(r.y0 + r.fy * ry <= wy);
      CHECK(r.y0 + r.fy * (ry + 1) >= wy + 1);
      CHECK(r.x0 + r.fx * rx <= wx);
      CHECK(r.x0 + r.fx * (rx + 1) >= wx + 1);
      CHECK(r.x0 <= 0);
      CHECK(r.y0 + r.fy * reduced.height >= whole.height);
    }
}

TEST_CASE("the memory that decoding takes is told by the header", "[image]") {
  ImageHeader header;
  header.stored = {13000, 13000};
  header.notes.format = ImageFormat::png;
  constexpr int64_t whole = int64_t{13000} * 13000 * 3;
  CHECK(decoding_bytes(header, 1000) >= whole);
  CHECK(decoding_bytes(header, 1000) < whole + 1'000'000);
  CHECK(decoding_bytes(header, 1000, 9) < 40'000'000);
  header.notes.orientation = 6;
  CHECK(decoding_bytes(header, 1000) >= 2 * whole);
  header.notes.working_bytes = 1'000'000'000;
  CHECK(decoding_bytes(header, 1000, 9) >= 1'000'000'000);
}
