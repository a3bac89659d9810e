// GIF (the first picture) and TGA through stb_image, which trusts a file more than we do: what it would read beyond the end of the file, or
// not notice, is checked here first. Its other readers are compiled out.
#include <algorithm>
#include <climits>
#include <cstring>
#include <memory>

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_GIF
#define STBI_ONLY_TGA
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#include <stb/stb_image.h>

#include "data/image/canvas.h"

namespace mr::image {
namespace {

uint32_t little16(Bytes b, size_t at) { return b[at] | uint32_t{b[at + 1]} << 8; }

// The pixels of a checked file, in RGB; or as marks, whose opacity is 255 unless the file has one.
Image decode(const Source& s, const char* format, Bytes file, PixelSize size, bool alpha, ImageNotes& notes) {
  if (file.size() > INT_MAX) throw ImageError(ImageFault::too_large, s.name, str(format, ": files of 2 GB and more are not read"));
  int width = 0, height = 0, channels = 0;
  const size_t step = s.options.marks ? 4 : 3;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(file.data(), static_cast<int>(file.size()), &width, &height, &channels, static_cast<int>(step)), std::free);
  if (!pixels) corrupt(s, str(format, ": ", stbi_failure_reason()));
  check(width == size.width && height == size.height, format, ": expected ", size.width, "×", size.height, " pixels, got ", width, "×",
        height);
  Canvas canvas(s, height, width);
  for (int y = 0; y < height; ++y) {
    const stbi_uc* row = pixels.get() + step * static_cast<size_t>(y) * static_cast<size_t>(width);
    if (!s.options.marks) {
      canvas.put(y, 0, width, row);
      continue;
    }
    uint8_t* to = canvas.row();
    for (int x = 0; x < width; ++x, row += 4, to += 3)
      to[0] = std::max({row[0], row[1], row[2]}), to[1] = alpha ? row[3] : uint8_t{255}, to[2] = 0;
    canvas.put(y, 0, width, canvas.row());
  }
  return canvas.finish(notes);
}

// ---- GIF

// Walks over the blocks of a GIF: header, palette, extensions, pictures.
class GifBlocks {
 public:
  explicit GifBlocks(const Source& s) : s_(s) {
    need(13);
    at_ = 13;
    size_ = {static_cast<int>(little16(s.bytes, 8)), static_cast<int>(little16(s.bytes, 6))};
    check_extent(s, size_.height, size_.width);
    skip_palette(s.bytes[10]);
  }

  PixelSize size() const { return size_; }
  size_t at() const { return at_; }

  // Goes behind the next picture; false where there is none.
  bool next_picture() {
    for (;;) {
      need(1);
      const uint8_t kind = s_.bytes[at_++];
      if (kind == 0x3b) return false;
      if (kind == 0x21) {  // an extension
        need(1);
        ++at_;
        skip_blocks();
      } else if (kind == 0x2c) {
        need(9);
        const uint8_t flags = s_.bytes[at_ + 8];
        at_ += 9;
        skip_palette(flags);
        need(1);
        ++at_;  // the width of a code
        skip_blocks();
        return true;
      } else {
        corrupt(s_, str("GIF: a block of kind ", int{kind}));
      }
    }
  }

 private:
  void need(size_t n) const {
    if (s_.bytes.size() - at_ < n) corrupt(s_, "GIF: truncated");
  }
  void skip_palette(uint8_t flags) {
    const size_t bytes = flags & 0x80 ? size_t{6} << (flags & 7) : 0;
    need(bytes);
    at_ += bytes;
  }
  void skip_blocks() {
    for (;;) {
      need(1);
      const size_t length = s_.bytes[at_++];
      if (length == 0) return;
      need(length);
      at_ += length;
    }
  }

  const Source& s_;
  size_t at_ = 0;
  PixelSize size_;
};

// ---- TGA

struct Tga {
  int kind = 0;  // 1 palette, 2 colour, 3 grey
  bool runs = false, palette = false, from_right = false;
  int height = 0, width = 0, bits = 0;
  size_t pixels_at = 0, palette_at = 0, palette_size = 0, entry_bits = 0;
  size_t pixel_bytes() const { return (static_cast<size_t>(bits) + 7) / 8; }
};

Tga tga_header(Bytes b) {
  Tga h;
  h.palette = b[1] == 1;
  h.kind = b[2] & 7;
  h.runs = b[2] & 8;
  h.entry_bits = b[7];
  h.palette_size = little16(b, 5);
  h.palette_at = 18 + size_t{b[0]};
  h.pixels_at = h.palette_at + (h.palette ? h.palette_size * ((h.entry_bits + 7) / 8) : 0);
  h.width = static_cast<int>(little16(b, 12));
  h.height = static_cast<int>(little16(b, 14));
  h.bits = b[16];
  h.from_right = b[17] & 16;
  return h;
}

bool one_of(size_t v, std::initializer_list<size_t> all) { return std::find(all.begin(), all.end(), v) != all.end(); }

Tga read_tga(const Source& s, ImageNotes& notes) {
  if (!plausible_tga(s.bytes)) corrupt(s, "TGA: the header contradicts itself");
  const Tga h = tga_header(s.bytes);
  check_extent(s, h.height, h.width);
  if (h.palette && little16(s.bytes, 3) != 0) unsupported(s, "TGA: a palette that does not begin at index 0, which is not read");
  const int bits = h.palette ? static_cast<int>(h.entry_bits) : h.bits;
  notes.channels = h.kind != 2 ? 1 : bits == 32 ? 4 : 3;
  notes.bits = bits == 15 || bits == 16 ? 5 : 8;
  notes.working_bytes = int64_t{h.height} * h.width * 7;
  return h;
}

// Every pixel must be in the file, and every index in the palette: stb_image makes up what is not.
void check_pixels(const Source& s, const Tga& h) {
  const size_t pixels = static_cast<size_t>(h.height) * static_cast<size_t>(h.width), bytes = h.pixel_bytes();
  size_t at = h.pixels_at;
  const auto check_indices = [&](size_t n) {
    if (s.bytes.size() < at || (s.bytes.size() - at) / bytes < n) corrupt(s, "TGA: truncated");
    for (size_t i = 0; h.palette && i < n; ++i) {
      const size_t index = bytes == 1 ? s.bytes[at + i] : little16(s.bytes, at + 2 * i);
      if (index >= h.palette_size) corrupt(s, str("TGA: palette index ", index, " of ", h.palette_size, " colours"));
    }
    at += n * bytes;
  };
  if (!h.runs) return check_indices(pixels);
  for (size_t done = 0; done < pixels;) {
    if (at >= s.bytes.size()) corrupt(s, "TGA: truncated");
    const uint8_t packet = s.bytes[at++];
    const size_t n = size_t{packet & 127u} + 1;
    check_indices(packet & 128 ? 1 : std::min(n, pixels - done));
    done += n;
  }
}

}  // namespace

PixelSize gif_extent(const Source& s, ImageNotes& notes) {
  const PixelSize size = GifBlocks(s).size();
  notes.channels = 1;
  notes.bits = (s.bytes[10] & 7) + 1;
  notes.working_bytes = int64_t{size.height} * size.width * 16;
  return size;
}

Image decode_gif(const Source& s, ImageNotes& notes) {
  const PixelSize size = gif_extent(s, notes);
  GifBlocks blocks(s);
  if (!blocks.next_picture()) corrupt(s, "GIF: there is no picture");
  // The first picture alone, without a background: stb_image fills it in with red and blue exchanged, viewers not at all.
  std::vector<uint8_t> first(s.bytes.begin(), s.bytes.begin() + static_cast<ptrdiff_t>(blocks.at()));
  first[11] = 0;
  while (blocks.next_picture()) ++notes.pictures;
  return decode(s, "GIF", first, size, true, notes);
}

bool plausible_tga(Bytes b) {
  if (b.size() < 18) return false;
  const Tga h = tga_header(b);
  if (b[1] > 1 || (b[2] & ~11) || (b[17] & 0xc0) || h.height < 1 || h.width < 1) return false;
  if (h.palette) return h.kind == 1 && one_of(h.entry_bits, {15, 16, 24, 32}) && one_of(b[16], {8, 16}) && h.palette_size > 0;
  if (h.kind == 3) return h.bits == 8;
  return h.kind == 2 && one_of(b[16], {15, 16, 24, 32});
}

PixelSize tga_extent(const Source& s, ImageNotes& notes) {
  const Tga h = read_tga(s, notes);
  return {h.height, h.width};
}

Image decode_tga(const Source& s, ImageNotes& notes) {
  const Tga h = read_tga(s, notes);
  check_pixels(s, h);
  const bool alpha = notes.channels == 4 && s.bytes[17] & 15;  // else the fourth byte means nothing
  Image image = decode(s, "TGA", s.bytes, {h.height, h.width}, alpha, notes);
  if (!h.from_right) return image;
  constexpr int kMirrored = 2;
  turn(notes.reduction, {image.height, image.width}, kMirrored);
  return upright(std::move(image), kMirrored);
}

}  // namespace mr::image
