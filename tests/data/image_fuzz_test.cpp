// Every image reader against thousands of damaged files.
#include "data/image/image.h"
#include "tests/catch.h"
#include "tests/data/more_image_files.h"
#include "tests/fuzz.h"

using namespace mr;
using namespace mr::test;

namespace {

std::string text_of(const File& f) { return {f.begin(), f.end()}; }

// Read whole or reduced, or by the header alone.
void read(const std::string& bytes, Rng& rng) {
  ImageOptions options;
  options.max_pixels = 1 << 18;
  options.reduce = rng.below(2) ? 1 : 1 + static_cast<int>(rng.below(9));
  options.marks = rng.below(4) == 0;
  decode_image({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, "file.tga", options);
}

void fuzz_files(const char* name, int64_t rounds, const std::vector<File>& files, size_t head = 64) {
  const FuzzRun r = fuzz(fuzz_rounds(rounds), name, [&](Rng& rng) {
    const File& file = files[rng.below(files.size())];
    read(damaged(text_of(file), rng, head), rng);
  });
  if (std::getenv("MR_FUZZ")) std::printf("%s: %ld inputs, %ld read, slowest %.3f s\n", name, r.inputs, r.read, r.slowest);
}

const Image& small() {
  static const Image image = noise(12, 10);
  return image;
}

}  // namespace

TEST_CASE("fuzz: JPEG", "[image][fuzz]") {
  Jpeg progressive, grey;
  progressive.progressive = true;
  progressive.exif = exif_marker(6, true);
  grey.stored_as = JCS_GRAYSCALE;
  fuzz_files(
      "fuzz jpeg", 2000,
      {encode_jpeg(small()), encode_jpeg(small(), progressive), encode_jpeg(std::vector<uint8_t>(99, 7), 9, 11, JCS_GRAYSCALE, grey)}, 700);
}

// Checksums would turn all damage away: half of the files have theirs put right.
TEST_CASE("fuzz: PNG", "[image][fuzz]") {
  std::vector<Png> pngs(3);
  for (Png& p : pngs) p.height = 9, p.width = 7;
  pngs[0].sample = [](int y, int x, int c) { return static_cast<uint32_t>(y * x * 5 + c) & 255; };
  pngs[1].color_type = 3, pngs[1].depth = 4, pngs[1].palette.assign(48, 3);
  pngs[1].sample = [](int y, int x, int) { return static_cast<uint32_t>(x * y) & 15; };
  chunk(pngs[1].extra, "eXIf", tiff_orientation(5, false));
  pngs[2].color_type = 6, pngs[2].depth = 16, pngs[2].interlaced = true;
  pngs[2].sample = [](int y, int x, int c) { return static_cast<uint32_t>(y * 999 + x * 77 + c); };
  const FuzzRun r = fuzz(fuzz_rounds(2000), "fuzz png", [&](Rng& rng) {
    const Png& png = pngs[rng.below(pngs.size())];
    if (rng.below(2)) return read(damaged(text_of(png.file()), rng, 64), rng);
    Png other = png;
    const std::string idat = damaged(text_of(stored(png.pixels())), rng, 16);
    const std::string extra = png.extra.empty() ? "" : damaged(text_of(tiff_orientation(3, true)), rng, 40);
    other.extra.clear();
    if (!extra.empty()) chunk(other.extra, "eXIf", File(extra.begin(), extra.end()));
    if (rng.below(4) == 0) other.width = static_cast<int>(rng.below(600));
    if (rng.below(4) == 0) other.depth = 1 << rng.below(5);
    if (rng.below(4) == 0) other.color_type = static_cast<int>(rng.below(7));
    read(text_of(other.file(File(idat.begin(), idat.end()))), rng);
  });
  if (std::getenv("MR_FUZZ")) std::printf("fuzz png: %ld inputs, %ld read, slowest %.3f s\n", r.inputs, r.read, r.slowest);
}

TEST_CASE("fuzz: BMP", "[image][fuzz]") { fuzz_files("fuzz bmp", 2000, {bmp24(small()), bmp24(noise(1, 3))}); }

TEST_CASE("fuzz: PNM", "[image][fuzz]") {
  fuzz_files("fuzz pnm", 2000,
             {pnm("P6 10 12 255\n", small().rgb), pnm("P2 2 2 9\n1 2 3 4 ", {}), pnm("P4 9 2\n", {1, 2, 3, 4}),
              pnm("P1 3 2\n010 1 0 1", {}), pnm("P5 3 2 65535\n", File(12, 200)), pnm("P3 1 1 255\n1 2 3", {})},
             20);
}

TEST_CASE("fuzz: WebP", "[image][fuzz]") {
  fuzz_files("fuzz webp", 1500,
             {webp(small()), webp(smooth(24, 20), false), webp_alpha(small(), 9), webp_with_exif(small(), tiff_orientation(6, true)),
              webp_animation(20, 30, {{small(), 2, 4}, {noise(4, 4)}})});
}

TEST_CASE("fuzz: TIFF", "[image][fuzz]") {
  std::vector<File> files;
  const auto add = [&](const Tif& t) { files.push_back(t.file()); };
  for (const uint16_t compression : {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_PACKBITS, COMPRESSION_JPEG})
    for (const int tile : {0, 16}) {
      Tif t = tif_of(small());
      t.compression = compression;
      t.tile = tile;
      t.rows = 8;
      t.pages = tile ? 1 : 2;
      t.orientation = 6;
      t.planes = compression == COMPRESSION_LZW;
      t.big_endian = compression == COMPRESSION_NONE;
      add(t);
    }
  Tif fax;
  fax.height = fax.width = 20;
  fax.samples = fax.bits = 1;
  fax.photometric = PHOTOMETRIC_MINISWHITE;
  fax.sample = [](int y, int x, int) { return (x + y) % 3 == 0 ? 1u : 0u; };
  for (const uint16_t compression : {COMPRESSION_CCITTRLE, COMPRESSION_CCITTFAX3, COMPRESSION_CCITTFAX4}) {
    fax.compression = compression;
    add(fax);
  }
  Tif palette = tif_of(small());
  palette.samples = 1;
  palette.photometric = PHOTOMETRIC_PALETTE;
  for (auto& channel : palette.palette) channel.assign(256, 999);
  palette.big = true;
  add(palette);
  std::vector<File> directories;  // the directory lies at the end: half of the damage is to fall on it
  for (const File& f : files) directories.emplace_back(f.rbegin(), f.rend());
  fuzz_files("fuzz tiff", 1500, files);
  const FuzzRun r = fuzz(fuzz_rounds(1500), "fuzz tiff directories", [&](Rng& rng) {
    std::string s = damaged(text_of(directories[rng.below(directories.size())]), rng, 200);
    std::reverse(s.begin(), s.end());
    read(s, rng);
  });
  if (std::getenv("MR_FUZZ")) std::printf("fuzz tiff directories: %ld inputs, %ld read, slowest %.3f s\n", r.inputs, r.read, r.slowest);
}

TEST_CASE("fuzz: GIF", "[image][fuzz]") {
  const std::vector<uint8_t> palette(768, 5);
  GifPicture all{0, 0, 9, 8, std::vector<uint8_t>(72, 200)}, part{2, 3, 5, 4, std::vector<uint8_t>(20, 9), 9, true};
  File first = gif(9, 8, palette, {all}), second = gif(11, 13, palette, {part, all}, 5);
  for (File* f : {&first, &second}) {  // a palette of two colours, or else nearly all of the file is palette
    (*f)[10] = 0x80;
    f->erase(f->begin() + 19, f->begin() + 13 + 768);
  }
  fuzz_files("fuzz gif", 2000, {first, second});
}

TEST_CASE("fuzz: TGA", "[image][fuzz]") {
  std::vector<File> files;
  for (const TgaKind kind : {TgaKind{2, 24}, {2, 32}, {2, 16}, {3, 8}, {1, 8}, {10, 24}, {10, 16}, {11, 8}, {9, 8}})
    files.push_back(tga(small(), kind));
  fuzz_files("fuzz tga", 2000, files, 18);
}
