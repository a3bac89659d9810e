// The pixels of a TIFF's first picture, row by row: of strips as they follow one another, of tiles and of planes a block at a time.
#include <algorithm>

#include "data/image/canvas.h"
#include "data/image/tiff.h"

namespace mr::image {
namespace {

// A row's samples as the file has them: channel c of pixel x is sample (x·step + c) of the row, or sample x of its plane.
struct Row {
  const uint8_t* planes[5] = {};
  size_t step = 1;
};

class Converter {
 public:
  Converter(const Source& s, const Tiff& t) : tiff_(t), marks_(s.options.marks) {
    if (t.photometric != PHOTOMETRIC_PALETTE) return;
    uint16_t* table[3] = {};
    if (!TIFFGetField(t.handle(), TIFFTAG_COLORMAP, &table[0], &table[1], &table[2])) corrupt(s, "TIFF: the palette is missing");
    const size_t n = size_t{1} << t.bits;
    // Some writers put 8 bits where 16 belong.
    const bool small =
        std::all_of(table, table + 3, [n](const uint16_t* p) { return std::all_of(p, p + n, [](int v) { return v < 256; }); });
    for (size_t c = 0; c < 3; ++c)
      for (size_t i = 0; i < n; ++i) palette_[c][i] = small ? static_cast<uint8_t>(table[c][i]) : eight(table[c][i], 16);
  }

  void operator()(const Row& row, int n, uint8_t* to) const {
    const Tiff& t = tiff_;
    const auto value = [&](size_t x, size_t c) {
      return t.planes ? sample(row.planes[c], x, t.bits) : sample(row.planes[0], x * row.step + c, t.bits);
    };
    const uint32_t flip = t.photometric == PHOTOMETRIC_MINISWHITE ? (1u << t.bits) - 1 : 0;
    for (size_t x = 0; x < static_cast<size_t>(n); ++x, to += 3) {
      if (t.photometric == PHOTOMETRIC_PALETTE) {
        for (size_t c = 0; c < 3; ++c) to[c] = palette_[c][value(x, 0)];
      } else if (t.channels == 1) {
        to[0] = to[1] = to[2] = eight(value(x, 0) ^ flip, t.bits);
      } else if (t.channels == 3) {
        for (size_t c = 0; c < 3; ++c) to[c] = eight(value(x, c), t.bits);
      } else {
        const uint32_t white = 255u - to_8_bits(value(x, 3), t.bits);
        for (size_t c = 0; c < 3; ++c) to[c] = static_cast<uint8_t>(((255u - to_8_bits(value(x, c), t.bits)) * white + 127) / 255);
      }
      if (!marks_) continue;
      const uint8_t opacity = t.alpha ? mark(value(x, static_cast<size_t>(t.channels)), t.bits) : uint8_t{255};
      to[0] = std::max({to[0], to[1], to[2]}), to[1] = opacity, to[2] = 0;
    }
  }

 private:
  uint8_t eight(uint32_t v, int bits) const { return marks_ ? mark(v, bits) : to_8_bits(v, bits); }

  const Tiff& tiff_;
  bool marks_;
  uint8_t palette_[3][256] = {};
};

size_t row_bytes(const Tiff& t, int pixels) {
  const size_t n = static_cast<size_t>(pixels) * static_cast<size_t>(t.planes ? 1 : t.samples);
  return (n * static_cast<size_t>(t.bits) + 7) / 8;
}

int64_t block_bytes(const Tiff& t) {
  const bool whole = t.tiles || t.planes || t.compression == COMPRESSION_WEBP;
  const int64_t rows = whole ? t.block_height : 1, planes = t.planes ? t.channels + t.alpha : 1;
  return static_cast<int64_t>(row_bytes(t, t.block_width)) * rows * planes;
}

void read_rows(const Source& s, Tiff& t, const Converter& convert, Canvas& canvas) {
  const size_t bytes = row_bytes(t, t.width);
  if (TIFFScanlineSize64(t.handle()) != bytes) corrupt(s, "TIFF: the rows have another length than their pixels");
  std::vector<uint16_t> room(bytes / 2 + 1);  // aligned for samples of 16 bits
  auto* row = reinterpret_cast<uint8_t*>(room.data());
  for (int y = 0; y < t.height; ++y) {
    if (TIFFReadScanline(t.handle(), row, static_cast<uint32_t>(y), 0) < 0) t.corrupt_pixels("a row");
    convert({{row}, static_cast<size_t>(t.samples)}, t.width, canvas.row());
    canvas.put(y, 0, t.width, canvas.row());
  }
}

// Tiles, and strips of planes.
void read_blocks(const Source& s, Tiff& t, const Converter& convert, Canvas& canvas) {
  const size_t stride = row_bytes(t, t.block_width),
               planes = t.planes ? static_cast<size_t>(t.channels) + (s.options.marks && t.alpha ? 1 : 0) : 1;
  if ((t.tiles ? TIFFTileRowSize64(t.handle()) : TIFFScanlineSize64(t.handle())) != stride)
    corrupt(s, "TIFF: the rows have another length than their pixels");
  std::vector<std::vector<uint16_t>> blocks(planes, std::vector<uint16_t>(stride * static_cast<size_t>(t.block_height) / 2 + 1));
  for (int y0 = 0; y0 < t.height; y0 += t.block_height)
    for (int x0 = 0; x0 < t.width; x0 += t.block_width) {
      const int rows = std::min(t.block_height, t.height - y0), columns = std::min(t.block_width, t.width - x0);
      const size_t used = stride * static_cast<size_t>(t.tiles ? t.block_height : rows);
      for (size_t p = 0; p < planes; ++p) {
        const auto size = static_cast<tmsize_t>(used), plane = static_cast<tmsize_t>(p);
        const auto y = static_cast<uint32_t>(y0), x = static_cast<uint32_t>(x0);
        const auto sample_plane = static_cast<uint16_t>(plane);
        const tmsize_t got =
            t.tiles ? TIFFReadEncodedTile(t.handle(), TIFFComputeTile(t.handle(), x, y, 0, sample_plane), blocks[p].data(), size)
                    : TIFFReadEncodedStrip(t.handle(), TIFFComputeStrip(t.handle(), y, sample_plane), blocks[p].data(), size);
        if (got != size) t.corrupt_pixels(t.tiles ? "a tile" : "a strip");
      }
      for (int r = 0; r < rows; ++r) {
        Row row;
        row.step = static_cast<size_t>(t.samples);
        for (size_t p = 0; p < planes; ++p)
          row.planes[p] = reinterpret_cast<const uint8_t*>(blocks[p].data()) + stride * static_cast<size_t>(r);
        convert(row, columns, canvas.row());
        canvas.put(y0 + r, x0, columns, canvas.row());
      }
    }
}

void note(const Source& s, const Tiff& t, ImageNotes& notes) {
  uint16_t orientation = 1;
  TIFFGetFieldDefaulted(t.handle(), TIFFTAG_ORIENTATION, &orientation);
  notes.orientation = orientation >= 1 && orientation <= 8 ? orientation : 1;
  notes.channels = t.channels == 4 ? 4 : t.samples > t.channels ? t.channels + 1 : t.channels;
  notes.bits = t.bits;
  notes.lossy = t.compression == COMPRESSION_JPEG || t.compression == COMPRESSION_WEBP;
  notes.pictures = count_pages(s);
  notes.warnings = t.log().warnings;
  notes.working_bytes = block_bytes(t);
}

}  // namespace

PixelSize tiff_extent(const Source& s, ImageNotes& notes) {
  const Tiff t(s);
  note(s, t, notes);
  return {t.height, t.width};
}

Image decode_tiff(const Source& s, ImageNotes& notes) {
  Tiff t(s);
  note(s, t, notes);
  Canvas canvas(s, t.height, t.width);
  const Converter convert(s, t);
  if (t.tiles || t.planes)
    read_blocks(s, t, convert, canvas);
  else
    read_rows(s, t, convert, canvas);
  // JPEG's and a fax's decoders go on behind a fault with made-up pixels and a warning.
  const bool made_up =
      t.compression == COMPRESSION_JPEG || (t.compression >= COMPRESSION_CCITTRLE && t.compression <= COMPRESSION_CCITTFAX4);
  if (made_up && t.log().warnings > notes.warnings) corrupt(s, "TIFF: the pixels are damaged");
  if (!t.log().error.empty()) t.corrupt_pixels("the picture");
  notes.warnings = t.log().warnings;
  return canvas.finish(notes);
}

}  // namespace mr::image
