// PNG through libspng, which checks every chunk's CRC and reports errors by value. Samples are taken as stored and converted here,
// so that 16 bits and palette indices can be kept; row by row, but for interlaced files, whose rows are whole only at the end.
#include <spng.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include "data/image/canvas.h"
#include "data/image/mask_picture.h"

namespace mr {
namespace image {
namespace {

// Colour profiles, texts and the like are skipped, but read: no more than this.
constexpr size_t kMaxChunk = size_t{32} << 20, kMaxChunks = size_t{64} << 20;

class Png {
 public:
  explicit Png(const Source& s) : source_(s), context_(spng_ctx_new(0), spng_ctx_free) {
    if (!context_) fail("png: out of memory");
    good(spng_set_chunk_limits(png(), kMaxChunk, kMaxChunks));
    good(spng_set_crc_action(png(), SPNG_CRC_ERROR, SPNG_CRC_DISCARD));
    good(spng_set_png_buffer(png(), s.bytes.data(), s.bytes.size()));
    good(spng_get_ihdr(png(), &header_));
    check_extent(s, header_.height, header_.width);
  }

  int height() const { return static_cast<int>(header_.height); }
  int width() const { return static_cast<int>(header_.width); }
  int bits() const { return header_.bit_depth; }
  bool palette() const { return header_.color_type == SPNG_COLOR_TYPE_INDEXED; }
  int channels() const {
    switch (header_.color_type) {
      case SPNG_COLOR_TYPE_TRUECOLOR:
        return 3;
      case SPNG_COLOR_TYPE_TRUECOLOR_ALPHA:
        return 4;
      case SPNG_COLOR_TYPE_GRAYSCALE_ALPHA:
        return 2;
      default:
        return 1;
    }
  }
  size_t stride() const { return (static_cast<size_t>(width()) * static_cast<size_t>(channels() * bits()) + 7) / 8; }

  // Only where it stands before the pixels: the others are read too late to know the size from the header.
  int orientation() {
    spng_exif exif{};
    const int error = spng_get_exif(png(), &exif);
    if (error == SPNG_ECHUNKAVAIL) return 1;
    good(error);
    return exif_orientation({reinterpret_cast<const uint8_t*>(exif.data), exif.length});
  }

  spng_plte colours() {
    spng_plte plte{};
    good(spng_get_plte(png(), &plte));
    return plte;
  }

  // What makes pixels transparent without an alpha channel: an opacity for each index, or a colour. False where there is none.
  bool transparent(spng_trns& key) {
    const int error = spng_get_trns(png(), &key);
    if (error == SPNG_ECHUNKAVAIL) return false;
    good(error);
    return true;
  }

  bool interlaced() const { return header_.interlace_method != SPNG_INTERLACE_NONE; }

  // use(y, row) for every row from the top, to the end of the file: samples as stored (16 bits in the processor's order, below 8 bits packed
  // from the high end).
  template <class Use> void rows(const Use& use) {
    const size_t rows = interlaced() ? static_cast<size_t>(height()) : 1;
    std::vector<uint16_t> room((stride() * rows + 1) / 2);  // aligned for samples of 16 bits
    auto* bytes = reinterpret_cast<uint8_t*>(room.data());
    size_t size = 0;
    good(spng_decoded_image_size(png(), SPNG_FMT_PNG, &size));
    check(size == stride() * static_cast<size_t>(height()), "png: expected ", stride() * static_cast<size_t>(height()), " bytes, got ",
          size);
    if (interlaced()) {
      good(spng_decode_image(png(), bytes, size, SPNG_FMT_PNG, 0));
    } else {
      good(spng_decode_image(png(), nullptr, 0, SPNG_FMT_PNG, SPNG_DECODE_PROGRESSIVE));
    }
    for (int y = 0; y < height(); ++y) {
      if (!interlaced()) {
        const int error = spng_decode_row(png(), bytes, stride());
        if (error != SPNG_EOI || y + 1 < height()) good(error);  // the last row is the end
      }
      use(y, interlaced() ? bytes + stride() * static_cast<size_t>(y) : bytes);
    }
    good(spng_decode_chunks(png()));
    check_end();
  }

  // One channel, unpacked to 16 bits.
  Bitmap16 read_samples() {
    Bitmap16 out(height(), width());
    rows([&](int y, const uint8_t* row) {
      uint16_t* to = out.pixels.data() + static_cast<size_t>(y) * static_cast<size_t>(width());
      for (size_t x = 0; x < static_cast<size_t>(width()); ++x) to[x] = static_cast<uint16_t>(sample(row, x, bits()));
    });
    return out;
  }

 private:
  // libspng stops before the checksum of the end chunk: without this a file that lacks its last bytes would pass.
  void check_end() const {
    const Bytes b = source_.bytes;
    size_t at = 8;
    while (at + 12 <= b.size()) {
      const size_t length = size_t{b[at]} << 24 | size_t{b[at + 1]} << 16 | size_t{b[at + 2]} << 8 | b[at + 3];
      if (std::memcmp(b.data() + at + 4, "IEND", 4) == 0) return;
      at += 12 + length;
    }
    corrupt(source_, "PNG: the end is missing");
  }
  spng_ctx* png() { return context_.get(); }
  void good(int error) const {
    if (error == 0) return;
    if (error == SPNG_EMEM || error == SPNG_EOVERFLOW || error == SPNG_ECHUNK_LIMITS)
      throw ImageError(ImageFault::too_large, source_.name, str("PNG: ", spng_strerror(error)));
    corrupt(source_, str("PNG: ", spng_strerror(error)));
  }

  Source source_;
  std::unique_ptr<spng_ctx, void (*)(spng_ctx*)> context_;
  spng_ihdr header_{};
};

void note(Png& png, ImageNotes& notes) {
  notes.channels = png.channels();
  notes.bits = png.bits();
  notes.orientation = png.orientation();
  notes.working_bytes = static_cast<int64_t>(png.stride()) * (png.interlaced() ? png.height() : 1);
}

// An index beyond the palette's end is corrupt.
void check_index(const Source& s, uint32_t i, const spng_plte& colours) {
  if (i >= colours.n_entries) corrupt(s, str("PNG: palette index ", i, " of ", colours.n_entries, " colours"));
}

void look_up(const Source& s, const uint8_t* row, int width, int bits, const spng_plte& colours, uint8_t* to) {
  for (size_t x = 0; x < static_cast<size_t>(width); ++x, to += 3) {
    const uint32_t i = sample(row, x, bits);
    check_index(s, i, colours);
    const spng_plte_entry& e = colours.entries[i];
    to[0] = e.red;
    to[1] = e.green;
    to[2] = e.blue;
  }
}

void to_rgb(const uint8_t* row, int width, int channels, int bits, uint8_t* to) {
  const size_t step = channels >= 3 ? 1 : 0;  // grey: the same sample three times
  size_t at = 0;
  for (int x = 0; x < width; ++x, to += 3, at += static_cast<size_t>(channels))
    for (size_t c = 0; c < 3; ++c) to[c] = to_8_bits(sample(row, at + c * step, bits), bits);
}

// Rows of ImageOptions::marks.
class Marks {
 public:
  Marks(const Source& s, Png& png, const spng_plte& colours)
      : source_(s),
        colours_(colours),
        palette_(png.palette()),
        width_(static_cast<size_t>(png.width())),
        channels_(static_cast<size_t>(png.channels())),
        bits_(png.bits()),
        keyed_(s.options.marks && png.transparent(key_)) {}

  void operator()(const uint8_t* row, uint8_t* to) const {
    for (size_t x = 0; x < width_; ++x, to += 3) {
      if (palette_)
        indexed(sample(row, x, bits_), to);
      else
        sampled(row, x * channels_, to);
      to[2] = 0;
    }
  }

 private:
  void indexed(uint32_t i, uint8_t* to) const {
    check_index(source_, i, colours_);
    const spng_plte_entry& e = colours_.entries[i];
    to[0] = std::max({e.red, e.green, e.blue});
    to[1] = keyed_ && i < key_.n_type3_entries ? key_.type3_alpha[i] : uint8_t{255};
  }
  void sampled(const uint8_t* row, size_t at, uint8_t* to) const {
    const bool alpha = channels_ % 2 == 0;
    const size_t colours = channels_ - (alpha ? 1 : 0);
    const uint32_t key[3] = {colours == 1 ? key_.gray : key_.red, key_.green, key_.blue};
    uint32_t most = 0;
    bool hidden = keyed_;
    for (size_t c = 0; c < colours; ++c) {
      const uint32_t v = sample(row, at + c, bits_);
      most = std::max(most, v);
      hidden = hidden && v == key[c];
    }
    to[0] = mark(most, bits_);
    to[1] = alpha ? mark(sample(row, at + colours, bits_), bits_) : hidden ? uint8_t{0} : uint8_t{255};
  }

  const Source& source_;
  const spng_plte& colours_;
  bool palette_;
  size_t width_, channels_;
  int bits_;
  spng_trns key_{};
  bool keyed_;
};

}  // namespace

PixelSize png_extent(const Source& s, ImageNotes& notes) {
  Png png(s);
  note(png, notes);
  return {png.height(), png.width()};
}

Image decode_png(const Source& s, ImageNotes& notes) {
  Png png(s);
  note(png, notes);
  Canvas canvas(s, png.height(), png.width());
  const int width = png.width(), channels = png.channels(), bits = png.bits();
  const spng_plte colours = png.palette() ? png.colours() : spng_plte{};
  const bool as_stored = channels == 3 && bits == 8 && !s.options.marks;
  const Marks marks(s, png, colours);
  png.rows([&](int y, const uint8_t* row) {
    if (s.options.marks)
      marks(row, canvas.row());
    else if (png.palette())
      look_up(s, row, width, bits, colours, canvas.row());
    else if (!as_stored)
      to_rgb(row, width, channels, bits, canvas.row());
    canvas.put(y, 0, width, as_stored ? row : canvas.row());
  });
  return canvas.finish(notes);
}

}  // namespace image

Bitmap16 decode_png16(std::span<const uint8_t> bytes, const std::string& name, const ImageOptions& options) {
  const image::Source s{bytes, name, options};
  static constexpr uint8_t kSignature[] = {0x89, 'P', 'N', 'G'};
  if (bytes.empty()) image::corrupt(s, "the file is empty");
  if (bytes.size() < 4 || std::memcmp(bytes.data(), kSignature, 4) != 0)
    image::unsupported(s, "expected a PNG, whose numbers are kept as stored");
  image::Png png(s);
  if (png.channels() != 1) image::unsupported(s, str("expected a grey or palette PNG, got ", png.channels(), " channels"));
  Bitmap16 samples = png.read_samples();
  if (png.palette()) {
    const spng_plte colours = png.colours();
    for (const uint16_t i : samples.pixels) image::check_index(s, i, colours);
  }
  return samples;
}

Bitmap16 read_png16(const std::string& path, const ImageOptions& options) {
  return decode_png16(read_image_bytes(path, options.max_bytes), path, options);
}

namespace {

bool blank(const uint8_t* row, size_t bytes) { return row[0] == 0 && std::memcmp(row, row + 1, bytes - 1) == 0; }

// A row of samples as bits: 0 or 1.
void mark_row(const uint8_t* row, int bits, std::span<uint8_t> marks) {
  if (bits == 8) {
    for (size_t x = 0; x < marks.size(); ++x) marks[x] = row[x] != 0;
  } else {
    for (size_t x = 0; x < marks.size(); ++x) marks[x] = image::sample(row, x, bits) != 0;
  }
}

// The columns of [0, width) outside which no row has a mark: [first, end).
std::pair<size_t, size_t> marked_columns(const std::vector<uint8_t>& marks, size_t width) {
  std::vector<uint8_t> any(width);
  for (size_t row = 0; row < marks.size(); row += width)
    for (size_t x = 0; x < width; ++x) any[x] |= marks[row + x];
  const auto first = std::find(any.begin(), any.end(), 1);
  const auto last = std::find(any.rbegin(), std::make_reverse_iterator(first), 1);
  return {first - any.begin(), any.rend() - last};
}

// Of a grey PNG, cut to the smallest window.
CroppedMask grey_mask(const image::Source& s) {
  image::Png png(s);
  const auto width = static_cast<size_t>(png.width());
  std::vector<uint8_t> marks;  // the rows from the first to the last that have any
  int top = 0, rows = 0;
  png.rows([&](int y, const uint8_t* row) {
    const bool empty = blank(row, png.stride());
    if (empty && marks.empty()) return;
    if (marks.empty()) top = y;
    marks.resize(marks.size() + width);
    if (empty) return;
    rows = y - top + 1;
    mark_row(row, png.bits(), std::span(marks).last(width));
  });
  CroppedMask mask{png.height(), png.width(), 0, top, {}};
  if (rows == 0) return mask;
  marks.resize(static_cast<size_t>(rows) * width);
  const auto [first, end] = marked_columns(marks, width);
  mask.x0 = static_cast<int>(first);
  mask.bits = Bitmap(rows, static_cast<int>(end - first));
  for (int y = 0; y < rows; ++y) std::copy_n(marks.data() + static_cast<size_t>(y) * width + first, end - first, &mask.bits.at(y, 0));
  return mask;
}

}  // namespace

CroppedMask read_mask_picture(const std::string& path) {
  ImageOptions options;
  options.orient = false;
  const std::vector<uint8_t> bytes = read_image_bytes(path, options.max_bytes);
  const image::Source s{bytes, path, options};
  if (image::format_of(s) == ImageFormat::png)
    if (const image::Png png(s); png.channels() == 1 && !png.palette()) return grey_mask(s);
  const Image picture = decode_image(bytes, path, options);
  CroppedMask mask{picture.height, picture.width, 0, 0, Bitmap(picture.height, picture.width)};
  const uint8_t* p = picture.rgb.data();
  for (uint8_t& bit : mask.bits.pixels) {
    bit = 19595 * p[0] + 38470 * p[1] + 7471 * p[2] >= 1 << 15;
    p += 3;
  }
  return mask;
}

}  // namespace mr
