// BMP, uncompressed: 1, 4 and 8 bits through a palette; 16, 24 and 32 bits, with channel masks where the header has them.
// Run-length coded files are refused. The size of the pixels is checked against the file before the first is read.
#include <algorithm>
#include <bit>

#include "data/image/canvas.h"

namespace mr::image {
namespace {

struct Header {
  int height = 0, width = 0, bits = 0;
  bool top_down = false;
  size_t pixels_at = 0, palette_at = 0, palette_entry = 4, palette_size = 0;
  uint32_t masks[3] = {0, 0, 0};  // R, G, B; of 16 and 32 bits
};

uint32_t little(Bytes b, size_t at, int n) {
  uint32_t v = 0;
  for (int i = n - 1; i >= 0; --i) v = v << 8 | b[at + static_cast<size_t>(i)];
  return v;
}

bool contiguous(uint32_t mask) { return mask != 0 && std::has_single_bit((mask >> std::countr_zero(mask)) + uint64_t{1}); }

void read_masks(const Source& s, size_t header_size, uint32_t compression, Header& h) {
  if (compression == 0) {
    const uint32_t five[3] = {0x7c00, 0x03e0, 0x001f}, eight[3] = {0xff0000, 0xff00, 0xff};
    std::copy_n(h.bits == 16 ? five : eight, 3, h.masks);
    return;
  }
  if (s.bytes.size() < 14 + 40 + 12) corrupt(s, "BMP: the header is truncated");
  for (size_t c = 0; c < 3; ++c) {  // behind a header of 40 bytes or inside a longer one
    h.masks[c] = little(s.bytes, 14 + 40 + 4 * c, 4);
    if (!contiguous(h.masks[c]) || (h.bits == 16 && h.masks[c] > 0xffff)) corrupt(s, str("BMP: channel mask ", h.masks[c]));
  }
  if (header_size == 40) h.palette_at += 12;
}

Header read_header(const Source& s) {
  const Bytes b = s.bytes;
  if (b.size() < 14 + 12) corrupt(s, "BMP: the header is truncated");
  Header h;
  h.pixels_at = little(b, 10, 4);
  const size_t size = little(b, 14, 4);
  const bool old = size == 12;  // OS/2's
  if (!old && size != 40 && size != 52 && size != 56 && size != 108 && size != 124)
    unsupported(s, str("BMP: a header of ", size, " bytes, which is not read"));
  if (b.size() < 14 + size) corrupt(s, "BMP: the header is truncated");
  const int64_t width = old ? int64_t{little(b, 18, 2)} : static_cast<int32_t>(little(b, 18, 4));
  int64_t height = old ? int64_t{little(b, 20, 2)} : static_cast<int32_t>(little(b, 22, 4));
  h.top_down = height < 0;
  height = h.top_down ? -height : height;
  check_extent(s, height, width);
  h.height = static_cast<int>(height);
  h.width = static_cast<int>(width);
  h.bits = static_cast<int>(little(b, old ? 24 : 28, 2));
  if (h.bits != 1 && h.bits != 4 && h.bits != 8 && h.bits != 16 && h.bits != 24 && h.bits != 32)
    corrupt(s, str("BMP: ", h.bits, " bits a pixel"));
  const uint32_t compression = old ? 0 : little(b, 30, 4);
  const bool masks = (compression == 3 || compression == 6) && (h.bits == 16 || h.bits == 32);
  if (compression != 0 && !masks) unsupported(s, str("BMP: compression ", compression, ", which is not read"));
  h.palette_at = 14 + size;
  h.palette_entry = old ? 3 : 4;
  if (h.bits == 16 || h.bits == 32) read_masks(s, size, compression, h);
  if (h.bits <= 8) {
    const uint32_t used = old ? 0 : little(b, 46, 4);
    h.palette_size = used > 0 ? std::min(used, 256u) : 1u << h.bits;
    if (h.palette_at + h.palette_size * h.palette_entry > std::min(b.size(), h.pixels_at)) {
      if (!old) corrupt(s, "BMP: the palette does not fit");
      if (h.pixels_at < h.palette_at) corrupt(s, "BMP: the pixels begin inside the header");
      h.palette_size = (std::min(b.size(), h.pixels_at) - h.palette_at) / h.palette_entry;
    }
  }
  if (h.pixels_at < h.palette_at) corrupt(s, "BMP: the pixels begin inside the header");
  return h;
}

uint8_t channel(uint32_t pixel, uint32_t mask) {
  const int shift = std::countr_zero(mask), bits = std::popcount(mask);
  uint32_t v = (pixel & mask) >> shift;
  if (bits > 16) v >>= bits - 16;
  return to_8_bits(v, std::min(bits, 16));
}

void read_row(const Source& s, const Header& h, const uint8_t* row, uint8_t* to) {
  for (int x = 0; x < h.width; ++x, to += 3) {
    if (h.bits <= 8) {
      const int per_byte = 8 / h.bits, shift = 8 - h.bits * (x % per_byte + 1);
      const size_t i = static_cast<size_t>(row[x / per_byte] >> shift & ((1 << h.bits) - 1));
      if (i >= h.palette_size) corrupt(s, str("BMP: palette index ", i, " of ", h.palette_size, " colours"));
      const uint8_t* e = s.bytes.data() + h.palette_at + i * h.palette_entry;
      for (int c = 0; c < 3; ++c) to[c] = e[2 - c];
    } else if (h.bits == 24) {
      for (int c = 0; c < 3; ++c) to[c] = row[3 * x + 2 - c];
    } else {
      const size_t bytes = static_cast<size_t>(h.bits / 8);
      const uint32_t pixel = little({row + static_cast<size_t>(x) * bytes, bytes}, 0, static_cast<int>(bytes));
      for (int c = 0; c < 3; ++c) to[c] = channel(pixel, h.masks[c]);
    }
  }
}

void note(const Header& h, ImageNotes& notes) {
  notes.channels = h.bits <= 8 ? 1 : 3;
  notes.bits = h.bits <= 8 ? h.bits : h.bits == 16 ? 5 : 8;
}

}  // namespace

PixelSize bmp_extent(const Source& s, ImageNotes& notes) {
  const Header h = read_header(s);
  note(h, notes);
  return {h.height, h.width};
}

Image decode_bmp(const Source& s, ImageNotes& notes) {
  const Header h = read_header(s);
  note(h, notes);
  const size_t stride = (static_cast<size_t>(h.width) * static_cast<size_t>(h.bits) + 31) / 32 * 4, height = static_cast<size_t>(h.height);
  // The padding of the last row is often missing.
  const size_t last = (static_cast<size_t>(h.width) * static_cast<size_t>(h.bits) + 7) / 8;
  const size_t need = h.pixels_at + stride * (height - 1) + last;
  if (s.bytes.size() < need) corrupt(s, str("BMP: truncated: ", need, " bytes expected, got ", s.bytes.size()));
  Canvas canvas(s, h.height, h.width);
  for (int y = 0; y < h.height; ++y) {
    const size_t stored = static_cast<size_t>(h.top_down ? y : h.height - 1 - y);
    read_row(s, h, s.bytes.data() + h.pixels_at + stored * stride, canvas.row());
    canvas.put(y, 0, h.width, canvas.row());
  }
  return canvas.finish(notes);
}

}  // namespace mr::image
