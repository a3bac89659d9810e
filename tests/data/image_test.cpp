#include "data/image/image.h"

#include <unistd.h>

#include <filesystem>

#include "tests/catch.h"
#include "tests/data/image_files.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / str("mr_image_test_", ::getpid());
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  std::string operator/(const char* name) const { return (path / name).string(); }
};

// What an 8-bit reading of v is.
int to8(uint32_t v, int depth) { return static_cast<int>(v * 255.0 / ((1u << depth) - 1) + 0.5); }

}  // namespace

TEST_CASE("PNG files keep every pixel", "[image]") {
  const Folder folder;
  const Image image = noise(13, 17);
  write_png(folder / "a.png", image);
  const Image back = read_image(folder / "a.png");
  CHECK(back.height == 13);
  CHECK(back.width == 17);
  CHECK(back.rgb == image.rgb);
  CHECK(image_size(folder / "a.png") == PixelSize{13, 17});
  CHECK(decode_image(encode_png(image), "memory").rgb == image.rgb);

  Bitmap16 ids(3, 2);
  ids.pixels = {0, 26003, 65535, 255, 256, 1};
  write_png(folder / "ids.png", ids);
  CHECK(read_png16(folder / "ids.png").pixels == ids.pixels);
  CHECK(read_image(folder / "ids.png").rgb[3] == 101);  // why read_png16 exists

  Bitmap grey(2, 3);
  grey.pixels = {0, 1, 2, 253, 254, 255};
  write_png(folder / "grey.png", grey);
  CHECK(read_png16(folder / "grey.png").pixels == std::vector<uint16_t>{0, 1, 2, 253, 254, 255});
  CHECK(read_image(folder / "grey.png").rgb[9] == 253);
}

TEST_CASE("PNG of every colour type, depth and interlacing", "[image]") {
  struct Kind {
    int color_type, depth;
  };
  for (const Kind kind :
       {Kind{0, 1}, {0, 2}, {0, 4}, {0, 8}, {0, 16}, {2, 8}, {2, 16}, {3, 1}, {3, 2}, {3, 4}, {3, 8}, {4, 8}, {4, 16}, {6, 8}, {6, 16}})
    for (const bool interlaced : {false, true})
      for (const int width : {1, 2, 5, 13, 19}) {
        INFO("colour type " << kind.color_type << ", depth " << kind.depth << ", interlaced " << interlaced << ", width " << width);
        Png png;
        png.height = width == 5 ? 1 : 11;
        png.width = width;
        png.color_type = kind.color_type;
        png.depth = kind.depth;
        png.interlaced = interlaced;
        const uint32_t top = (1u << kind.depth) - 1;
        png.sample = [&](int y, int x, int c) { return static_cast<uint32_t>(mix64(static_cast<uint64_t>(y * 1000 + x * 10 + c))) & top; };
        if (kind.color_type == 3)
          for (uint32_t i = 0; i < 3 * (top + 1); ++i) png.palette.push_back(static_cast<uint8_t>(mix64(i)));
        const File file = png.file();
        ImageNotes notes;
        const Image image = decode_image(file, "made.png", {}, &notes);
        REQUIRE(image.width == width);
        REQUIRE(image.height == png.height);
        CHECK(notes.bits == kind.depth);
        CHECK(notes.channels == png.channels());
        int wrong = 0;
        for (int y = 0; y < image.height; ++y)
          for (int x = 0; x < width; ++x)
            for (int c = 0; c < 3; ++c) {
              const int expected = kind.color_type == 3
                                       ? png.palette[3 * png.sample(y, x, 0) + static_cast<uint32_t>(c)]
                                       : to8(png.sample(y, x, kind.color_type == 2 || kind.color_type == 6 ? c : 0), kind.depth);
              wrong += image.at(y, x)[c] != expected;
            }
        CHECK(wrong == 0);
        if (png.channels() == 1) {
          const Bitmap16 numbers = decode_png16(file, "made.png");
          wrong = 0;
          for (int y = 0; y < image.height; ++y)
            for (int x = 0; x < width; ++x) wrong += numbers.at(y, x) != png.sample(y, x, 0);
          CHECK(wrong == 0);
        } else {
          CHECK_THROWS_WITH(decode_png16(file, "made.png"), Contains("expected a grey or palette PNG"));
        }
      }
}

TEST_CASE("JPEG: colour, grey, progressive, CMYK and YCCK", "[image]") {
  const Image image = smooth(37, 50);
  Jpeg o;
  CHECK(worst_difference(decode_image(encode_jpeg(image), "a"), image) <= 6);
  o.progressive = true;
  CHECK(worst_difference(decode_image(encode_jpeg(image, o), "a"), image) <= 6);
  Image grey(9, 11);
  std::vector<uint8_t> levels;
  for (size_t i = 0; i < 99; ++i) {
    levels.push_back(static_cast<uint8_t>(2 * i));
    for (size_t c = 0; c < 3; ++c) grey.rgb[3 * i + c] = levels.back();
  }
  Jpeg g;
  g.stored_as = JCS_GRAYSCALE;
  ImageNotes notes;
  CHECK(worst_difference(decode_image(encode_jpeg(levels, 9, 11, JCS_GRAYSCALE, g), "g", {}, &notes), grey) <= 4);
  CHECK(notes.channels == 1);

  // 255 − ink, as Adobe stores it; R = C'·K'/255
  std::vector<uint8_t> cmyk;
  Image expected(16, 16);
  for (int y = 0; y < 16; ++y)
    for (int x = 0; x < 16; ++x) {
      const int values[] = {100 + 8 * x, 80 + 8 * y, 200, 255 - 4 * x};
      for (const int v : values) cmyk.push_back(static_cast<uint8_t>(v));
      for (int c = 0; c < 3; ++c) expected.at(y, x)[c] = static_cast<uint8_t>(values[c] * values[3] / 255);
    }
  for (const J_COLOR_SPACE space : {JCS_CMYK, JCS_YCCK}) {
    Jpeg k;
    k.stored_as = space;
    k.quality = 98;
    k.full_chroma = true;
    File file = encode_jpeg(cmyk, 16, 16, JCS_CMYK, k);
    CHECK(worst_difference(decode_image(file, "k", {}, &notes), expected) <= 6);
    CHECK(notes.channels == 4);
    if (space == JCS_YCCK) continue;
    // Without Adobe's marker the numbers are ink.
    for (size_t i = 0; i + 5 < file.size(); ++i)
      if (std::memcmp(file.data() + i, "Adobe", 5) == 0) file[i] = 'X';
    const Image ink = decode_image(file, "ink");
    CHECK(std::abs(ink.rgb[0] - (255 - 100) * 0 / 255) <= 3);
    CHECK(std::abs(ink.at(3, 15)[2] - (255 - 200) * 60 / 255) <= 3);
  }
}

TEST_CASE("EXIF orientations 1 to 8 stand the picture upright", "[image]") {
  const Image upright = smooth(24, 40);
  // How each orientation's file was stored: (y, x) of the stored picture → of the upright one, by the EXIF standard's table of which edges
  // row 0 and column 0 are: 1 top-left, 2 top-right, 3 bottom-right, 4 bottom-left, 5 left-top, 6 right-top, 7 right-bottom, 8 left-bottom.
  const Folder folder;
  for (int o = 1; o <= 8; ++o) {
    const bool swap = o >= 5;
    Image stored(swap ? 40 : 24, swap ? 24 : 40);
    for (int r = 0; r < stored.height; ++r)
      for (int c = 0; c < stored.width; ++c) {
        const int H = 24, W = 40;
        int y = 0, x = 0;
        switch (o) {
          case 1:
            y = r, x = c;
            break;
          case 2:
            y = r, x = W - 1 - c;
            break;
          case 3:
            y = H - 1 - r, x = W - 1 - c;
            break;
          case 4:
            y = H - 1 - r, x = c;
            break;
          case 5:
            y = c, x = r;
            break;
          case 6:
            y = c, x = W - 1 - r;
            break;
          case 7:
            y = H - 1 - c, x = W - 1 - r;
            break;
          case 8:
            y = H - 1 - c, x = r;
            break;
        }
        std::memcpy(stored.at(r, c), upright.at(y, x), 3);
      }
    Jpeg j;
    j.full_chroma = true;
    j.exif = exif_marker(o, o % 2 == 0);
    const File file = encode_jpeg(stored, j);
    INFO("orientation " << o);
    ImageNotes notes;
    CHECK(worst_difference(decode_image(file, "o", {}, &notes), upright) <= 6);
    CHECK(notes.orientation == o);
    ImageOptions as_stored;
    as_stored.orient = false;
    CHECK(decode_image(file, "o", as_stored).height == stored.height);
    Png png;
    png.height = stored.height;
    png.width = stored.width;
    png.sample = [&](int y, int x, int c) { return stored.at(y, x)[c]; };
    chunk(png.extra, "eXIf", tiff_orientation(o, o % 2 == 1));
    CHECK(decode_image(png.file(), "o").rgb == upright.rgb);
    const std::string path = folder / "o";
    std::FILE* f = std::fopen(path.c_str(), "wb");
    std::fwrite(file.data(), 1, file.size(), f);
    std::fclose(f);
    CHECK(image_size(path) == PixelSize{24, 40});
    CHECK(image_size(path, as_stored) == PixelSize{stored.height, stored.width});
  }
  // Damaged tags are ignored.
  for (const size_t cut : {1u, 7u, 13u, 20u, 33u}) {
    Jpeg j;
    j.exif = exif_marker(6, true);
    j.exif.resize(cut);
    CHECK(decode_image(encode_jpeg(upright, j), "o").height == 24);
  }
  Jpeg nine;
  nine.exif = exif_marker(9, true);
  CHECK(decode_image(encode_jpeg(upright, nine), "o").height == 24);
}

TEST_CASE("BMP of 1 to 32 bits", "[image]") {
  const Image image = noise(5, 7);
  CHECK(decode_image(bmp24(image), "a").rgb == image.rgb);
  File top_down = bmp24(image);
  const int32_t negative = -5;
  std::memcpy(top_down.data() + 22, &negative, 4);
  Image flipped = decode_image(top_down, "a");
  CHECK(std::memcmp(flipped.at(0, 0), image.at(4, 0), 21) == 0);
  for (const int bits : {1, 4, 8}) {
    File f;
    text(f, "BM");
    const uint32_t colours = 1u << bits, at = 54 + 4 * colours;
    for (const uint32_t v : {0u, 0u, at, 40u, 9u, 2u}) little(f, v, 4);
    little(f, 1, 2);
    little(f, static_cast<uint32_t>(bits), 2);
    for (int i = 0; i < 6; ++i) little(f, 0, 4);
    for (uint32_t i = 0; i < colours; ++i) little(f, static_cast<uint32_t>(mix64(i)) & 0xffffff, 4);
    const auto index = [&](int y, int x) { return static_cast<uint32_t>(mix64(static_cast<uint64_t>(100 * y + x))) & (colours - 1); };
    for (int y = 1; y >= 0; --y) {
      uint32_t byte = 0;
      int n = 0;
      for (int x = 0; x < 9 || n || (f.size() - at) % 4; ++x) {
        byte = byte << bits | (x < 9 ? index(y, x) : 0);
        if ((n += bits) < 8) continue;
        f.push_back(static_cast<uint8_t>(byte));
        byte = 0;
        n = 0;
      }
    }
    const Image out = decode_image(f, "palette.bmp");
    int wrong = 0;
    for (int y = 0; y < 2; ++y)
      for (int x = 0; x < 9; ++x)
        for (int c = 0; c < 3; ++c) wrong += out.at(y, x)[c] != (static_cast<uint32_t>(mix64(index(y, x))) >> 8 * (2 - c) & 255);
    CHECK(wrong == 0);
  }
  // 16 bits: 5-6-5 by masks; 32 bits without masks
  File f;
  text(f, "BM");
  for (const uint32_t v : {0u, 0u, 66u, 40u, 2u, 1u}) little(f, v, 4);
  little(f, 1, 2);
  little(f, 16, 2);
  for (const uint32_t v : {3u, 0u, 0u, 0u, 0u, 0u, 0xf800u, 0x07e0u, 0x001fu}) little(f, v, 4);
  little(f, 0xf800 | 31 << 5, 2);
  little(f, 0x001f, 2);
  CHECK(decode_image(f, "a").rgb == std::vector<uint8_t>{255, 125, 0, 0, 0, 255});
}

TEST_CASE("PNM of the six kinds", "[image]") {
  CHECK(decode_image(pnm("P6 2 1 255\n", {1, 2, 3, 250, 251, 252}), "a").rgb == std::vector<uint8_t>{1, 2, 3, 250, 251, 252});
  CHECK(decode_image(pnm("P5\n# a comment\n2 1\n100 ", {0, 100}), "a").rgb == std::vector<uint8_t>{0, 0, 0, 255, 255, 255});
  CHECK(decode_image(pnm("P5 1 1 65535\n", {0x80, 0x00}), "a").rgb == std::vector<uint8_t>{128, 128, 128});
  CHECK(decode_image(pnm("P4 9 1\n", {0xff, 0x00}), "a").rgb == [] {
    std::vector<uint8_t> v(27, 0);
    v[24] = v[25] = v[26] = 255;
    return v;
  }());
  CHECK(decode_image(pnm("P1 2 2\n01 1 0", {}), "a").rgb == std::vector<uint8_t>{255, 255, 255, 0, 0, 0, 0, 0, 0, 255, 255, 255});
  CHECK(decode_image(pnm("P2 2 1 10\n0 10\n", {}), "a").rgb == std::vector<uint8_t>{0, 0, 0, 255, 255, 255});
  CHECK(decode_image(pnm("P3 1 1 255\n1 2 3", {}), "a").rgb == std::vector<uint8_t>{1, 2, 3});
}
