// WebP, TIFF, GIF and TGA: every pixel, every kind; what their headers tell.
#include <unistd.h>

#include <filesystem>

#include "data/image/image.h"
#include "tests/catch.h"
#include "tests/data/more_image_files.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / str("mr_image_formats_", ::getpid());
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  std::string write(const char* name, const File& file) const {
    const std::string p = (path / name).string();
    std::FILE* f = std::fopen(p.c_str(), "wb");
    std::fwrite(file.data(), 1, file.size(), f);
    std::fclose(f);
    return p;
  }
};

int to8(uint32_t v, int depth) { return static_cast<int>(v * 255.0 / ((1u << depth) - 1) + 0.5); }

Image black(int height, int width) { return {height, width}; }

void paste(Image& on, const Image& what, int y, int x) {
  for (int r = 0; r < what.height; ++r) std::memcpy(on.at(y + r, x), what.at(r, 0), static_cast<size_t>(what.width) * 3);
}

}  // namespace

TEST_CASE("WebP: lossless, lossy, alpha, EXIF, animation", "[image]") {
  const Image image = noise(13, 17);
  ImageNotes notes;
  CHECK(decode_image(webp(image), "a", {}, &notes).rgb == image.rgb);
  CHECK(notes.format == ImageFormat::webp);
  CHECK(notes.channels == 3);
  CHECK(notes.pictures == 1);
  CHECK(worst_difference(decode_image(webp(smooth(40, 50), false, 95), "a"), smooth(40, 50)) <= 8);
  CHECK(decode_image(webp_alpha(image, 128), "a", {}, &notes).rgb == image.rgb);  // dropped, not composited
  CHECK(notes.channels == 4);

  const Folder folder;
  for (const bool named : {false, true}) {  // some writers put JPEG's "Exif" before the tags
    const File exif = named ? exif_marker(6, true) : tiff_orientation(6, false);
    const File file = webp_with_exif(image, exif);
    const Image turned = decode_image(file, "a", {}, &notes);
    CHECK(notes.orientation == 6);
    CHECK(turned.height == 17);
    CHECK(std::memcmp(turned.at(0, 12), image.at(0, 0), 3) == 0);
    CHECK(image_size(folder.write("a.webp", file)) == PixelSize{17, 13});
  }
  // Behind more pixels than the head of a file that is read at first.
  const Image large = noise(200, 200);
  const std::string path = folder.write("large.jpg", webp_with_exif(large, tiff_orientation(8, true)));
  REQUIRE(fs::file_size(path) > 100'000);
  const ImageHeader header = read_image_header(path);
  CHECK(header.notes.orientation == 8);
  CHECK(header.notes.format == ImageFormat::webp);
  CHECK(header.stored == PixelSize{200, 200});

  // The first picture of an animation, on black.
  const File animation = webp_animation(20, 30, {{image, 4, 6}, {noise(20, 30)}});
  Image expected = black(20, 30);
  paste(expected, image, 4, 6);
  CHECK(decode_image(animation, "a", {}, &notes).rgb == expected.rgb);
  CHECK(notes.pictures == 2);
  CHECK(decode_image(webp_animation(13, 17, {{image}}), "a", {}, &notes).rgb == image.rgb);
  CHECK(notes.pictures == 1);
}

TEST_CASE("WebP is written with little loss", "[image]") {
  Image image(37, 50);
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x)
      for (int c = 0; c < 3; ++c) image.at(y, x)[c] = static_cast<uint8_t>(40 + 3 * y + x + 20 * c);
  const auto mean_error = [&](float quality) {
    const Image back = decode_image(encode_webp(image, quality), "memory");
    REQUIRE(back.height == 37);
    REQUIRE(back.width == 50);
    double sum = 0;
    for (size_t i = 0; i < image.rgb.size(); ++i) sum += std::abs(int{back.rgb[i]} - int{image.rgb[i]});
    return sum / static_cast<double>(image.rgb.size());
  };
  CHECK(mean_error(85) < 2.5);
  CHECK(mean_error(1) > mean_error(85));
  CHECK(encode_webp(image, 85) == encode_webp(image, 85));
  CHECK_THROWS_WITH(encode_webp(Image(1, 16384), 85), Contains("encode_webp: an image of 16384×1 cannot be stored as WebP"));
}

TEST_CASE("TIFF: grey, RGB, palette and CMYK of 1 to 16 bits, in strips, tiles and planes", "[image]") {
  struct Kind {
    uint16_t photometric;
    int samples, bits;
  };
  const Kind kinds[] = {{PHOTOMETRIC_MINISBLACK, 1, 1}, {PHOTOMETRIC_MINISBLACK, 1, 2},  {PHOTOMETRIC_MINISBLACK, 1, 4},
                        {PHOTOMETRIC_MINISBLACK, 1, 8}, {PHOTOMETRIC_MINISBLACK, 1, 16}, {PHOTOMETRIC_MINISWHITE, 1, 1},
                        {PHOTOMETRIC_MINISWHITE, 1, 8}, {PHOTOMETRIC_MINISBLACK, 2, 8},  {PHOTOMETRIC_PALETTE, 1, 1},
                        {PHOTOMETRIC_PALETTE, 1, 4},    {PHOTOMETRIC_PALETTE, 1, 8},     {PHOTOMETRIC_RGB, 3, 8},
                        {PHOTOMETRIC_RGB, 3, 16},       {PHOTOMETRIC_RGB, 4, 8},         {PHOTOMETRIC_RGB, 5, 16},
                        {PHOTOMETRIC_SEPARATED, 4, 8},  {PHOTOMETRIC_SEPARATED, 4, 16},  {PHOTOMETRIC_SEPARATED, 5, 8}};
  int files = 0;
  for (const Kind kind : kinds)
    for (const int tile : {0, 16})
      for (const bool planes : {false, true})
        for (const uint16_t compression : {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_PACKBITS}) {
          if (planes && kind.samples == 1) continue;
          INFO("photometric " << kind.photometric << ", " << kind.samples << " × " << kind.bits << " bits, tile " << tile << ", planes "
                              << planes << ", compression " << compression);
          Tif t;
          t.height = 21;
          t.width = 19;
          t.photometric = kind.photometric;
          t.samples = kind.samples;
          t.bits = kind.bits;
          t.tile = tile;
          t.planes = planes;
          t.compression = compression;
          t.big_endian = ++files % 2;
          t.big = files % 3 == 0;
          const uint32_t top = (1u << kind.bits) - 1;
          t.sample = [&](int y, int x, int c) { return static_cast<uint32_t>(mix64(static_cast<uint64_t>(y * 1000 + x * 10 + c))) & top; };
          for (auto& channel : t.palette)
            for (uint32_t i = 0; i <= top; ++i)
              channel.push_back(static_cast<uint16_t>(mix64(i + 7 * static_cast<uint32_t>(&channel - t.palette))));
          ImageNotes notes;
          const Image image = decode_image(t.file(), "made.tif", {}, &notes);
          REQUIRE(image.height == 21);
          REQUIRE(image.width == 19);
          CHECK(notes.bits == kind.bits);
          CHECK(notes.warnings == 0);
          int wrong = 0;
          for (int y = 0; y < 21; ++y)
            for (int x = 0; x < 19; ++x)
              for (int c = 0; c < 3; ++c) {
                const auto ink = [&](int i) { return 255 - to8(t.sample(y, x, i), kind.bits); };
                int expected = to8(t.sample(y, x, kind.photometric == PHOTOMETRIC_RGB ? c : 0), kind.bits);
                if (kind.photometric == PHOTOMETRIC_MINISWHITE) expected = 255 - expected;
                if (kind.photometric == PHOTOMETRIC_PALETTE) expected = to8(t.palette[c][t.sample(y, x, 0)], 16);
                if (kind.photometric == PHOTOMETRIC_SEPARATED) expected = static_cast<int>(ink(c) * ink(3) / 255.0 + 0.5);
                wrong += image.at(y, x)[c] != expected;
              }
          CHECK(wrong == 0);
        }
  CHECK(files == 12 * 8 + 14 * 8);
}

TEST_CASE("TIFF: JPEG, fax, orientation, pages, old palettes", "[image]") {
  const Image image = smooth(48, 64);
  ImageNotes notes;
  for (const uint16_t photometric : {PHOTOMETRIC_RGB, PHOTOMETRIC_YCBCR})
    for (const int tile : {0, 16}) {
      Tif t = tif_of(image);
      t.compression = COMPRESSION_JPEG;
      t.photometric = photometric;
      t.tile = tile;
      t.rows = 16;
      CHECK(worst_difference(decode_image(t.file(), "a"), image) <= 8);
    }
  Tif fax;
  fax.height = 30;
  fax.width = 70;
  fax.samples = fax.bits = 1;
  fax.photometric = PHOTOMETRIC_MINISWHITE;
  fax.compression = COMPRESSION_CCITTFAX4;
  fax.sample = [](int y, int x, int) { return (x / 5 + y / 3) % 2 == 0 ? 1u : 0u; };
  const Image pages = decode_image(fax.file(), "fax");
  CHECK(pages.at(0, 0)[0] == 0);
  CHECK(pages.at(0, 5)[0] == 255);
  CHECK(pages.at(29, 69)[2] == ((69 / 5 + 29 / 3) % 2 == 0 ? 0 : 255));

  const Folder folder;
  for (int o = 1; o <= 8; ++o) {
    Tif t = tif_of(image);
    t.orientation = o;
    t.pages = o;
    // The same picture under the same tag as a PNG, which another test compares with the standard.
    Png png;
    png.height = image.height;
    png.width = image.width;
    png.sample = [&](int y, int x, int c) { return image.at(y, x)[c]; };
    chunk(png.extra, "eXIf", tiff_orientation(o, true));
    INFO("orientation " << o);
    CHECK(decode_image(t.file(), "a", {}, &notes).rgb == decode_image(png.file(), "a").rgb);
    CHECK(notes.pictures == o);
    const ImageHeader header = read_image_header(folder.write("a.tif", t.file()));
    CHECK(header.notes.orientation == o);
    CHECK(header.upright() == (o >= 5 ? PixelSize{64, 48} : PixelSize{48, 64}));
    CHECK(header.notes.pictures == o);
  }
  // A directory behind more pixels than the head of a file that is read at first.
  const std::string large = folder.write("large.tif", tif_of(noise(200, 300)).file());
  REQUIRE(fs::file_size(large) > 100'000);
  CHECK(image_size(large) == PixelSize{200, 300});

  Tif old;
  old.samples = 1;
  old.photometric = PHOTOMETRIC_PALETTE;
  old.sample = [](int, int, int) { return 3u; };
  for (auto& channel : old.palette) channel.assign(256, 200);  // 8 bits where 16 belong
  CHECK(decode_image(old.file(), "a").rgb == std::vector<uint8_t>(3, 200));
}

TEST_CASE("TIFF: what is not read is told with what to do", "[image]") {
  const auto refused = [](const Tif& t, const std::string& why) {
    ImageFault fault = ImageFault::corrupt;
    const std::string what = error_of(t.file(), &fault);
    INFO(what);
    CHECK(what.find(why) != std::string::npos);
    CHECK(fault == ImageFault::unsupported);
  };
  Tif t = tif_of(noise(4, 4));
  t.bits = 32;
  refused(t, "32 bits a sample");
  t.tags = [](TIFF* f) { TIFFSetField(f, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_IEEEFP); };
  refused(t, "floating point, which are not read: map them to 8 or 16 bits");
  t = tif_of(noise(4, 4));
  t.tags = [](TIFF* f) { TIFFSetField(f, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_INT); };
  refused(t, "signed or complex");
  t.tags = [](TIFF* f) { TIFFSetField(f, TIFFTAG_DNGVERSION, "\1\4\0\0"); };
  refused(t, "a camera's raw file");
  t.tags = nullptr;
  t.photometric = PHOTOMETRIC_CIELAB;
  refused(t, "photometric interpretation 8");
  t = tif_of(noise(16, 16));
  t.compression = COMPRESSION_LZMA;
  refused(t, "compression LZMA, which is not read: save it with another");
}

TEST_CASE("GIF: the first picture", "[image]") {
  std::vector<uint8_t> palette;
  for (uint32_t i = 0; i < 768; ++i) palette.push_back(static_cast<uint8_t>(mix64(i)));
  GifPicture all{0, 0, 11, 13, {}};
  for (uint32_t i = 0; i < 11 * 13; ++i) all.indices.push_back(static_cast<uint8_t>(mix64(i + 999)));
  const auto drawn = [&](const GifPicture& p, int height, int width) {
    Image image = black(height, width);
    std::vector<int> rows;
    for (const auto& [first, step] : {std::pair{0, 8}, {4, 8}, {2, 4}, {1, 2}})
      for (int y = first; p.interlaced && y < p.height; y += step) rows.push_back(y);
    for (int y = 0; !p.interlaced && y < p.height; ++y) rows.push_back(y);
    for (size_t i = 0; i < p.indices.size(); ++i) {
      if (p.indices[i] == p.transparent) continue;
      uint8_t* to = image.at(p.y + rows[i / static_cast<size_t>(p.width)], p.x + static_cast<int>(i) % p.width);
      std::copy_n(palette.data() + 3 * p.indices[i], 3, to);
    }
    return image.rgb;
  };
  ImageNotes notes;
  CHECK(decode_image(gif(11, 13, palette, {all}), "a", {}, &notes).rgb == drawn(all, 11, 13));
  CHECK(notes.pictures == 1);
  CHECK(notes.format == ImageFormat::gif);
  GifPicture interlaced = all;
  interlaced.interlaced = true;
  CHECK(decode_image(gif(11, 13, palette, {interlaced}), "a").rgb == drawn(interlaced, 11, 13));
  GifPicture part{2, 3, 5, 4, std::vector<uint8_t>(20, 9)};
  part.indices[7] = 77;
  part.transparent = 77;
  CHECK(decode_image(gif(11, 13, palette, {part, all, all}, 5), "a", {}, &notes).rgb == drawn(part, 11, 13));
  CHECK(notes.pictures == 3);
  const Folder folder;
  CHECK(image_size(folder.write("a.gif", gif(11, 13, palette, {all}))) == PixelSize{11, 13});
}

TEST_CASE("TGA: by its name and a header that fits", "[image]") {
  Image image = noise(9, 14);
  for (int x = 2; x < 11; ++x) std::memcpy(image.at(4, x), image.at(4, 1), 3);  // a run
  for (const TgaKind kind : {TgaKind{2, 24}, {2, 32}, {2, 16}, {2, 15}, {3, 8}, {1, 8}, {10, 24}, {10, 32}, {10, 16}, {11, 8}, {9, 8}})
    for (const bool from_top : {false, true})
      for (const bool from_right : {false, true}) {
        TgaKind k = kind;
        k.from_top = from_top;
        k.from_right = from_right;
        k.comment = from_top ? 5 : 0;
        INFO("type " << k.type << ", " << k.bits << " bits, from top " << from_top << ", from right " << from_right);
        ImageNotes notes;
        const Image read = decode_tga_file(tga(image, k), &notes);
        REQUIRE(read.width == 14);
        REQUIRE(read.height == 9);
        int wrong = 0;
        for (size_t i = 0; i < image.rgb.size(); ++i) {
          int expected = image.rgb[i];
          if (k.bits <= 16 && k.bits > 8) expected = (expected >> 3) * 255 / 31;
          if (k.bits == 8) expected = image.rgb[i / 3 * 3];
          if ((k.type & 7) == 1) expected = static_cast<uint8_t>(expected + static_cast<int>(i % 3));
          wrong += read.rgb[i] != expected;
        }
        CHECK(wrong == 0);
        CHECK(notes.format == ImageFormat::tga);
      }
  // Under another name it is no TGA, and under that name not everything is one.
  const File file = tga(image, {});
  CHECK(error_of(file).find("is no picture of a known format") != std::string::npos);
  File odd = file;
  odd[2] = 5;
  CHECK_THROWS_WITH(decode_tga_file(odd), Contains("is no picture of a known format"));
  CHECK(decode_tga_file(encode_png(image)).rgb == image.rgb);  // the first bytes count
  File cut = tga(image, {10, 24});
  cut.pop_back();
  CHECK_THROWS_WITH(decode_tga_file(cut), Contains("TGA: truncated"));
  File palette = tga(image, {1, 8});
  palette[5] = 100;  // of 256 colours
  palette[6] = 0;
  CHECK_THROWS_WITH(decode_tga_file(palette), Contains("of 100 colours"));
  palette[3] = 1;
  CHECK_THROWS_WITH(decode_tga_file(palette), Contains("does not begin at index 0"));
}

TEST_CASE("what a file is, by its first bytes", "[image]") {
  const Folder folder;
  const auto kind_of = [&](const char* name, const std::string& bytes) {
    return image_kind(folder.write(name, File(bytes.begin(), bytes.end())));
  };
  using namespace std::string_literals;
  for (const auto& [bytes, what] : std::vector<std::pair<std::string, std::string>>{
           {"\0\0\0\x18"s + "ftypheic", "is a HEIC picture, which is not read: convert it first, as in heif-convert"},
           {"\0\0\0\x18"s + "ftypavif", "is an AVIF picture"},
           {"\0\0\0\x0cjP  \r\n\x87\n"s, "is a JPEG 2000 picture"},
           {"\0\0\0\x18"s + "ftypisom", "is a video, which is not read: take pictures out of it first, as in ffmpeg"},
           {"\0\0\0\x18"s + "ftypcrx ", "is a camera's raw file"},
           {"II*\0\x10\0\0\0CR\2\0"s, "is a camera's raw file"},
           {"%PDF-1.7", "is a PDF, which is not read: draw its pages first"},
           {"<svg xmlns", "is an SVG drawing"},
           {"8BPS", "is a Photoshop file"},
           {"#?RADIANCE", "is a Radiance HDR picture"}}) {
    INFO(what);
    const ImageKind kind = kind_of("x.jpg", bytes);
    CHECK(kind.kind == ImageKind::refused);
    CHECK(kind.what.find(what) != std::string::npos);
    CHECK_THROWS_WITH(read_image((folder.path / "x.jpg").string()), Contains("x.jpg': " + what));
  }
  for (const auto& [bytes, what] : std::vector<std::pair<std::string, std::string>>{
           {"version https://git-lfs.github.com", "git lfs pull"}, {"<!DOCTYPE html>", "a web page"}, {"PK\3\4", "unpack it first"}}) {
    CHECK(kind_of("y.jpg", bytes).kind == ImageKind::other);
    CHECK_THROWS_WITH(read_image((folder.path / "y.jpg").string()), Contains(what));
  }
  CHECK(kind_of("z.txt", "Pictures of cats").kind == ImageKind::other);
  CHECK(kind_of("z.txt", "P6 1 1 255\nabc").kind == ImageKind::read);
  CHECK(kind_of("z", "").kind == ImageKind::other);
  const File small = tga(noise(2, 2), {});
  CHECK(kind_of("z.tga", std::string(small.begin(), small.end())).kind == ImageKind::read);
  CHECK(kind_of("z.dat", std::string(small.begin(), small.end())).kind == ImageKind::other);
}
