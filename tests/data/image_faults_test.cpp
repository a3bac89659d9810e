// Damaged, hostile and misnamed image files: each an ImageError that names the file; none crashes, hangs or takes gigabytes.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "data/image/image.h"
#include "tests/catch.h"
#include "tests/data/more_image_files.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

// The fault and a part of the message; the message always begins with the file.
void expect(const File& file, ImageFault fault, const std::string& part, const ImageOptions& options = {}) {
  ImageFault got = ImageFault::cannot_open;
  const std::string what = error_of(file, &got, options);
  INFO("message: " << what);
  CHECK(what.rfind("image 'file': ", 0) == 0);
  CHECK(what.find(part) != std::string::npos);
  CHECK(got == fault);
}

size_t find_marker(const File& f, uint8_t marker) {
  for (size_t i = 0; i + 1 < f.size(); ++i)
    if (f[i] == 0xff && f[i + 1] == marker) return i;
  return f.size();
}

// Each component in a scan of its own; the last scan can be repeated without breaking a rule.
Jpeg sequential_scans() {
  Jpeg o;
  for (int c = 0; c < 3; ++c) {
    jpeg_scan_info scan{};
    scan.comps_in_scan = 1;
    scan.component_index[0] = c;
    scan.Se = 63;
    o.scans.push_back(scan);
  }
  return o;
}

struct Folder {
  fs::path path = fs::temp_directory_path() / str("mr_image_faults_", ::getpid());
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  std::string operator/(const char* name) const { return (path / name).string(); }
};

void write(const std::string& path, const File& file) {
  std::FILE* f = std::fopen(path.c_str(), "wb");
  std::fwrite(file.data(), 1, file.size(), f);
  std::fclose(f);
}

}  // namespace

TEST_CASE("files that are no images", "[faults]") {
  expect({}, ImageFault::corrupt, "the file is empty");
  expect({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, ImageFault::unsupported, "its first bytes are 01 02 03 04 05 06 07 08");
  expect({0xff, 0xd8, 0xff, 0xe0, 0, 16, 'J', 'F', 'I', 'F'}, ImageFault::corrupt, "Premature end");
  expect({0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0}, ImageFault::corrupt, "PNG");
  expect({0x89, 'P', 'N', 'G', '\n', 0x1a, '\n', 0, 0}, ImageFault::corrupt, "signature");
  const std::vector<std::pair<std::string, const char*>> others = {
      {"{\"images\": []}", "is a JSON file, no picture"},
      {"[ {\"image_id\": 1}]", "is a JSON file, no picture"},
      {"[train]\nbatch = 2\n", "is a text file, no picture"},
      {"name = \"mine\"\n", "is a text file, no picture"},
      {std::string("\x40\0\0\0\0\0\0\0{\"a\": 1}", 16), "is a file of weights (safetensors), which is not read: expected a picture"},
      {"\x7f\x45LF\x02\x01\x01", "is a program, which is not read: expected a picture"}};
  for (const auto& [begin, what] : others) {
    File f;
    text(f, begin);
    expect(f, ImageFault::unsupported, what);
  }
  File heif{0, 0, 0, 24};
  text(heif, "ftypheic....mif1");
  expect(heif, ImageFault::unsupported, "is a HEIC picture, which is not read: convert it first");
  File webp;
  text(webp, "RIFF....WEBPVP8 ");
  expect(webp, ImageFault::corrupt, "WebP: the header is truncated");
  for (const char* gif : {"GIF89a\x01", "GIF87a"}) {
    File f;
    text(f, gif);
    expect(f, ImageFault::corrupt, "GIF: truncated");
  }
}

TEST_CASE("paths that are no files", "[faults]") {
  const Folder folder;
  const auto fault_of = [](const std::string& path) {
    try {
      read_image(path);
    } catch (const ImageError& e) {
      CHECK(e.file == path);
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(fault_of(folder / "none.jpg").find("No such file") != std::string::npos);
  CHECK(fault_of(folder.path.string()).find("is a folder") != std::string::npos);
  REQUIRE(::mkfifo((folder / "pipe.jpg").c_str(), 0600) == 0);
  CHECK(fault_of(folder / "pipe.jpg").find("is not a regular file") != std::string::npos);
  CHECK(fault_of("/dev/zero").find("is not a regular file") != std::string::npos);
  write(folder / "large", File(1000, 0));
  CHECK_THROWS_WITH(read_image_bytes(folder / "large", 999), Contains("1000 bytes, more than the limit of 999"));
  CHECK_THROWS_WITH(image_size(folder / "none.png"), Contains("none.png"));
  CHECK_THROWS_WITH(write_png(folder / "no/folder/a.png", noise(2, 2)), Contains("a.png' cannot be written: No such file"));
  CHECK_THROWS_WITH(write_png("/dev/full", noise(300, 300)), Contains("No space left"));
  CHECK_THROWS_WITH(write_png(folder / "a.png", Image()), Contains("at least one pixel, got 0×0"));
  write(folder / "renamed.jpg", [] {
    File f;
    text(f, "%PDF-1.4");
    return f;
  }());
  CHECK_THROWS_WITH(read_image(folder / "renamed.jpg"), Contains("renamed.jpg': is a PDF"));
}

TEST_CASE("a file cut anywhere is corrupt", "[faults]") {
  const Image image = noise(9, 11);
  Jpeg progressive;
  progressive.progressive = true;
  Png interlaced = png_of(image);
  interlaced.interlaced = true;
  Tif lzw = tif_of(image);
  lzw.compression = COMPRESSION_LZW;
  const std::vector<uint8_t> palette(768, 5);
  const File files[] = {encode_jpeg(image),
                        encode_jpeg(image, progressive),
                        png_of(image).file(),
                        interlaced.file(),
                        bmp24(image),
                        pnm("P6 11 9 255\n", image.rgb),
                        webp(image),
                        webp(smooth(32, 32), false),
                        tif_of(image).file(),
                        lzw.file(),
                        gif(2, 2, palette, {{0, 0, 2, 2, {1, 2, 3, 4}}})};
  for (const File& file : files) {
    REQUIRE(error_of(file).empty());
    const size_t padding = file[0] == 'B' ? 3 : file[0] == 'G' ? 1 : 0;  // behind the last row of a BMP; a GIF's end mark
    int accepted = 0, other = 0;
    for (size_t n = 2; n < file.size() - padding; ++n) {
      ImageFault fault = ImageFault::corrupt;
      accepted += error_of(File(file.begin(), file.begin() + static_cast<ptrdiff_t>(n)), &fault).empty();
      other += fault != ImageFault::corrupt && n > 11;  // of fewer bytes the format may not be told
    }
    INFO("first byte " << int{file[0]});
    CHECK(accepted == 0);
    CHECK(other == 0);
  }
}

TEST_CASE("JPEG: bad Huffman code, lost scans, stray bytes", "[faults]") {
  const Image image = smooth(64, 64);
  const File good = encode_jpeg(image);
  const size_t sos = find_marker(good, 0xda);
  REQUIRE(sos < good.size());

  // Sixteen ones and more are no code. Far from the end, too, where libjpeg-turbo's fast decoder would not mind.
  const File large = encode_jpeg(noise(64, 64));
  for (const size_t at : {find_marker(large, 0xda) + 100, large.size() - 200}) {
    File bad = large;
    for (size_t i = at; i < at + 12; i += 2) {
      bad[i] = 0xff;  // stuffed: one byte of ones
      bad[i + 1] = 0;
    }
    expect(bad, ImageFault::corrupt, "bad Huffman code");
  }

  File cut(good.begin(), good.begin() + static_cast<ptrdiff_t>(good.size() * 2 / 5));
  expect(cut, ImageFault::corrupt, "JPEG: ");

  File no_scan(good.begin(), good.begin() + static_cast<ptrdiff_t>(sos));
  no_scan.insert(no_scan.end(), {0xff, 0xd9});
  expect(no_scan, ImageFault::corrupt, "SOS");

  File early_end = good;  // the end marker in the middle of the pixels
  early_end[sos + 40] = 0xff;
  early_end[sos + 41] = 0xd9;
  expect(early_end, ImageFault::corrupt, "premature end of data segment");

  File stray = good;
  const size_t sof = find_marker(good, 0xc0);
  stray.insert(stray.begin() + static_cast<ptrdiff_t>(sof), {1, 2, 3});
  ImageNotes notes;
  CHECK(decode_image(stray, "stray", {}, &notes).rgb == decode_image(good, "good").rgb);
  CHECK(notes.warnings == 1);

  File trailing = good;
  trailing.insert(trailing.end(), 1000, 7);
  CHECK(error_of(trailing).empty());

  File precision = good;
  precision[sof + 4] = 12;
  expect(precision, ImageFault::unsupported, "precision 12");
}

TEST_CASE("headers that promise too much", "[faults]") {
  const Image image = noise(8, 8);
  File jpeg = encode_jpeg(image);
  const size_t sof = find_marker(jpeg, 0xc0);
  for (size_t i = 5; i < 9; ++i) jpeg[sof + i] = 0xff;  // 65535 × 65535
  expect(jpeg, ImageFault::too_large, "65500");         // libjpeg's own limit
  for (size_t i = 5; i < 9; i += 2) jpeg[sof + i] = 0xf0;
  expect(jpeg, ImageFault::too_large, "61695×61695 pixels, more than the limit of 179000000");

  Png png = png_of(image);
  const File idat = stored(png.pixels());
  png.height = png.width = 65535;
  expect(png.file(idat), ImageFault::too_large, "65535×65535");
  png.height = png.width = 0;
  expect(png.file(idat), ImageFault::corrupt, "PNG");
  expect(pnm("P5 99999 99999 255\n", {}), ImageFault::too_large, "99999×99999");
  expect(pnm("P5 99999999999 1 255\n", {}), ImageFault::corrupt, "too large");
  File bmp = bmp24(image);
  for (size_t i = 18; i < 26; ++i) bmp[i] = i % 4 == 1 ? 0x7f : 0xff;
  expect(bmp, ImageFault::too_large, "2147483647×2147483647");
  bmp[25] = 0x80;
  bmp[22] = bmp[23] = bmp[24] = 0;  // height −2³¹
  expect(bmp, ImageFault::too_large, "2147483647×2147483648");

  ImageOptions few;
  few.max_pixels = 63;
  const std::vector<uint8_t> palette(768, 5);
  const File small[] = {encode_jpeg(image),
                        png_of(image).file(),
                        bmp24(image),
                        pnm("P6 8 8 255\n", image.rgb),
                        webp(image),
                        tif_of(image).file(),
                        gif(8, 8, palette, {{0, 0, 1, 1, {1}}})};
  for (const File& f : small) {
    expect(f, ImageFault::too_large, "8×8 pixels, more than the limit of 63", few);
    CHECK(error_of(f).empty());
  }
}

TEST_CASE("ten thousand scans", "[faults]") {
  const File three = encode_jpeg(smooth(16, 16), sequential_scans());
  CHECK(error_of(three).empty());
  size_t last = 0;
  for (size_t i = 0; i + 1 < three.size(); ++i)
    if (three[i] == 0xff && three[i + 1] == 0xda) last = i;
  const File scan(three.begin() + static_cast<ptrdiff_t>(last), three.end() - 2);
  const auto with = [&](int scans) {
    File f(three.begin(), three.end() - 2);
    for (int i = 3; i < scans; ++i) f.insert(f.end(), scan.begin(), scan.end());
    f.insert(f.end(), {0xff, 0xd9});
    return f;
  };
  CHECK(error_of(with(100)).empty());
  expect(with(101), ImageFault::too_large, "more than 100 scans");
  const auto start = std::chrono::steady_clock::now();
  expect(with(10000), ImageFault::too_large, "more than 100 scans");
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(1));
  ImageOptions many;
  many.max_scans = 200;
  CHECK(error_of(with(150), nullptr, many).empty());
}

TEST_CASE("PNG: checksums, bombs, palettes", "[faults]") {
  const Image image = noise(8, 8);
  const File good = png_of(image).file();
  File flipped = good;
  const size_t idat = 8 + 25 + 8;
  flipped[idat + 10] ^= 1;
  expect(flipped, ImageFault::corrupt, "PNG");
  File header = good;
  header[8 + 8 + 3] ^= 1;  // the width, against its CRC
  expect(header, ImageFault::corrupt, "PNG");

  // A stream that ends too soon, and one that never ends.
  File raw = png_of(image).pixels();
  raw.erase(raw.end() - 30, raw.end());
  expect(png_of(image).file(stored(raw)), ImageFault::corrupt, "PNG");
  const File endless = bomb(400'000);  // 100 MB of zeros in 650 kB
  Png black = png_of(Image(8, 8));
  const auto start = std::chrono::steady_clock::now();
  const std::string what = error_of(black.file(endless));  // its 200 bytes may be taken; the rest is not unpacked
  CHECK((what.empty() || what.find("PNG") != std::string::npos));
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(1));
  // The same in a colour profile.
  Png profile = png_of(image);
  File iccp;
  text(iccp, "icc");
  iccp.push_back(0);
  iccp.push_back(0);
  iccp.insert(iccp.end(), endless.begin(), endless.end());
  chunk(profile.extra, "iCCP", iccp);
  CHECK(!error_of(profile.file()).empty());

  Png palette;
  palette.height = palette.width = 4;
  palette.color_type = 3;
  palette.sample = [](int y, int x, int) { return static_cast<uint32_t>(4 * y + x); };
  palette.palette.assign(15 * 3, 9);
  expect(palette.file(), ImageFault::corrupt, "palette index 15 of 15 colours");
  CHECK_THROWS_WITH(decode_png16(palette.file(), "file"), Contains("palette index 15 of 15"));
  palette.palette.assign(16 * 3, 9);
  CHECK(error_of(palette.file()).empty());
  palette.palette.clear();
  expect(palette.file(), ImageFault::corrupt, "PNG");
  CHECK_THROWS_WITH(decode_png16(encode_jpeg(image), "file"), Contains("expected a PNG"));
  CHECK_THROWS_WITH(decode_png16({}, "file"), Contains("is empty"));
}

TEST_CASE("BMP and PNM: headers that contradict themselves", "[faults]") {
  const Image image = noise(8, 8);
  const auto with = [&](size_t at, std::vector<uint8_t> bytes) {
    File f = bmp24(image);
    std::copy(bytes.begin(), bytes.end(), f.begin() + static_cast<ptrdiff_t>(at));
    return f;
  };
  expect(with(10, {0xff, 0xff, 0xff, 0xff}), ImageFault::corrupt, "truncated");
  expect(with(10, {10, 0}), ImageFault::corrupt, "inside the header");
  expect(with(14, {77, 0, 0, 0}), ImageFault::unsupported, "a header of 77 bytes");
  expect(with(28, {7, 0}), ImageFault::corrupt, "7 bits a pixel");
  expect(with(28, {8, 0}), ImageFault::corrupt, "palette does not fit");
  expect(with(30, {1, 0, 0, 0}), ImageFault::unsupported, "compression 1");
  expect(pnm("P5 2 2 0\n", {0, 0, 0, 0}), ImageFault::corrupt, "largest value is 0");
  expect(pnm("P5 2 2 70000\n", {0, 0, 0, 0}), ImageFault::corrupt, "largest value is 70000");
  expect(pnm("P5 2 x 255\n", {0, 0, 0, 0}), ImageFault::corrupt, "expected a number");
  expect(pnm("P5 0 2 255\n", {}), ImageFault::corrupt, "0×2");
  expect(pnm("P2 2 1 10\n0 11\n", {}), ImageFault::corrupt, "value 11 above 10");
  expect(pnm("P1 2 1\n0 2", {}), ImageFault::corrupt, "expected 0 or 1");
}

TEST_CASE("TIFF: tiles, strips and pages that promise too much", "[faults]") {
  const Image image = noise(16, 16);
  Tif t = tif_of(image);
  t.tile = 512;
  ImageOptions few;
  few.max_pixels = 100'000;
  expect(t.file(), ImageFault::too_large, "tiles of 512×512 pixels", few);
  CHECK(error_of(t.file()).empty());

  // A directory that leads to itself: one page.
  File circle = tif_of(image).file();
  const size_t directory = circle[4] | circle[5] << 8 | circle[6] << 16, entries = circle[directory];
  std::copy_n(circle.begin() + 4, 4, circle.begin() + static_cast<ptrdiff_t>(directory + 2 + 12 * entries));
  ImageNotes notes;
  CHECK(decode_image(circle, "circle", {}, &notes).rgb == image.rgb);
  CHECK(notes.pictures == 1);

  t = tif_of(image);
  t.samples = 1;
  t.sample = [](int, int, int) { return 1u; };
  expect(t.file(), ImageFault::corrupt, "1 samples a pixel, expected 3");
}

// What a library says of a file goes into our message, or nowhere: never to the terminal.
TEST_CASE("TIFF: libtiff writes nothing on the terminal", "[faults]") {
  const Folder folder;
  const std::string log = folder / "stderr";
  std::fflush(stderr);
  const int kept = ::dup(2), to = ::open(log.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
  ::dup2(to, 2);
  Tif t = tif_of(noise(16, 16));
  t.compression = COMPRESSION_JPEG;
  t.rows = 16;
  const File good = t.file();
  int warned = 0;
  for (uint64_t k = 0; k < 500; ++k) {
    Rng rng(3, "tiff noise", k);
    File f = good;
    f[rng.below(2) ? rng.below(f.size()) : f.size() - 1 - rng.below(200)] = static_cast<uint8_t>(rng.next());
    try {
      ImageNotes notes;
      decode_image(f, "file", {}, &notes);
      warned += notes.warnings > 0;
    } catch (const ImageError&) {}
  }
  std::fflush(stderr);
  ::dup2(kept, 2);
  ::close(kept);
  ::close(to);
  CHECK(fs::file_size(log) == 0);
  CHECK(warned > 0);
}
