// WebP, TIFF, GIF and TGA files made by the tests: WebP and TIFF by their libraries' encoders, what surrounds them and the rest by hand.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <tiffio.h>
#include <webp/encode.h>

#include "base/check.h"
#include "tests/data/image_files.h"

namespace mr::test {

// ---- WebP

// A whole file with one picture. Lossless keeps every value.
inline File webp(const Image& image, bool lossless = true, float quality = 90) {
  uint8_t* out = nullptr;
  const size_t n = lossless ? WebPEncodeLosslessRGB(image.rgb.data(), image.width, image.height, image.width * 3, &out)
                            : WebPEncodeRGB(image.rgb.data(), image.width, image.height, image.width * 3, quality, &out);
  File f(out, out + n);
  WebPFree(out);
  return f;
}

inline File webp_alpha(const Image& image, uint8_t alpha) {
  std::vector<uint8_t> rgba;
  for (size_t i = 0; i < image.rgb.size(); ++i) {
    rgba.push_back(image.rgb[i]);
    if (i % 3 == 2) rgba.push_back(alpha);
  }
  uint8_t* out = nullptr;
  const size_t n = WebPEncodeLosslessRGBA(rgba.data(), image.width, image.height, image.width * 4, &out);
  File f(out, out + n);
  WebPFree(out);
  return f;
}

inline void riff_chunk(File& f, const std::string& name, const File& data) {
  text(f, name);
  little(f, static_cast<uint32_t>(data.size()), 4);
  f.insert(f.end(), data.begin(), data.end());
  if (data.size() % 2) f.push_back(0);
}

// The extended form: a canvas, and chunks behind its header.
inline File webp_extended(int height, int width, uint8_t flags, const File& chunks) {
  File head{flags, 0, 0, 0};
  little(head, static_cast<uint32_t>(width - 1), 3);
  little(head, static_cast<uint32_t>(height - 1), 3);
  File body;
  text(body, "WEBP");
  riff_chunk(body, "VP8X", head);
  body.insert(body.end(), chunks.begin(), chunks.end());
  File f;
  text(f, "RIFF");
  little(f, static_cast<uint32_t>(body.size()), 4);
  f.insert(f.end(), body.begin(), body.end());
  return f;
}

inline File webp_with_exif(const Image& image, const File& exif) {
  const File plain = webp(image);
  File chunks(plain.begin() + 12, plain.end());
  riff_chunk(chunks, "EXIF", exif);
  return webp_extended(image.height, image.width, 0x08, chunks);
}

struct WebpFrame {
  Image image;
  int y = 0, x = 0;  // even
};
inline File webp_animation(int height, int width, const std::vector<WebpFrame>& frames) {
  File chunks;
  riff_chunk(chunks, "ANIM", File(6, 0));
  for (const WebpFrame& frame : frames) {
    File data;
    for (const int v : {frame.x / 2, frame.y / 2, frame.image.width - 1, frame.image.height - 1, 100})
      little(data, static_cast<uint32_t>(v), 3);
    data.push_back(0);
    const File plain = webp(frame.image);
    data.insert(data.end(), plain.begin() + 12, plain.end());
    riff_chunk(chunks, "ANMF", data);
  }
  return webp_extended(height, width, 0x02, chunks);
}

// ---- TIFF

struct Tif {
  int height = 1, width = 1, samples = 3, bits = 8;
  uint16_t photometric = PHOTOMETRIC_RGB, compression = COMPRESSION_NONE;
  int tile = 0;  // side; 0: strips of `rows`
  int rows = 4;
  bool planes = false, big_endian = false, big = false;
  int orientation = 0;                                  // 0: no tag
  std::function<uint32_t(int y, int x, int c)> sample;  // below 2^bits
  std::vector<uint16_t> palette[3];
  std::function<void(TIFF*)> tags;  // more of them, or others
  int pages = 1;

  File file() const {
    File out;
    Memory memory{out, 0};
    std::string mode = "w";
    mode += big_endian ? "b" : "l";
    if (big) mode += "8";
    TIFF* t = TIFFClientOpen(
        "memory", mode.c_str(), &memory, read, write, seek, [](thandle_t) { return 0; }, size, nullptr, nullptr);
    check(t != nullptr, "Tif: libtiff opens no file");
    for (int page = 0; page < pages; ++page) write_page(t);
    TIFFClose(t);
    return out;
  }

 private:
  struct Memory {
    File& bytes;
    size_t at;
  };
  static tmsize_t read(thandle_t self, void* to, tmsize_t n) {
    auto& m = *static_cast<Memory*>(self);
    const size_t have = std::min(static_cast<size_t>(n), m.bytes.size() - std::min(m.at, m.bytes.size()));
    std::memcpy(to, m.bytes.data() + m.at, have);
    m.at += have;
    return static_cast<tmsize_t>(have);
  }
  static tmsize_t write(thandle_t self, void* from, tmsize_t n) {
    auto& m = *static_cast<Memory*>(self);
    if (m.bytes.size() < m.at + static_cast<size_t>(n)) m.bytes.resize(m.at + static_cast<size_t>(n));
    std::memcpy(m.bytes.data() + m.at, from, static_cast<size_t>(n));
    m.at += static_cast<size_t>(n);
    return n;
  }
  static toff_t seek(thandle_t self, toff_t offset, int from) {
    auto& m = *static_cast<Memory*>(self);
    m.at = from == SEEK_CUR ? m.at + offset : from == SEEK_END ? m.bytes.size() + offset : offset;
    return m.at;
  }
  static toff_t size(thandle_t self) { return static_cast<Memory*>(self)->bytes.size(); }

  void write_page(TIFF* t) const {
    TIFFSetField(t, TIFFTAG_IMAGEWIDTH, width);
    TIFFSetField(t, TIFFTAG_IMAGELENGTH, height);
    TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, samples);
    TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, bits);
    TIFFSetField(t, TIFFTAG_PHOTOMETRIC, photometric);
    TIFFSetField(t, TIFFTAG_COMPRESSION, compression);
    TIFFSetField(t, TIFFTAG_PLANARCONFIG, planes ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
    if (orientation) TIFFSetField(t, TIFFTAG_ORIENTATION, orientation);
    if (tile) TIFFSetField(t, TIFFTAG_TILEWIDTH, tile), TIFFSetField(t, TIFFTAG_TILELENGTH, tile);
    if (!tile) TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, rows);
    const int colours = photometric == PHOTOMETRIC_SEPARATED                                 ? 4
                        : photometric == PHOTOMETRIC_RGB || photometric == PHOTOMETRIC_YCBCR ? 3
                                                                                             : 1;
    const std::vector<uint16_t> alpha(static_cast<size_t>(std::max(samples - colours, 0)), EXTRASAMPLE_UNASSALPHA);
    if (!alpha.empty()) TIFFSetField(t, TIFFTAG_EXTRASAMPLES, static_cast<int>(alpha.size()), alpha.data());
    if (photometric == PHOTOMETRIC_PALETTE) TIFFSetField(t, TIFFTAG_COLORMAP, palette[0].data(), palette[1].data(), palette[2].data());
    if (photometric == PHOTOMETRIC_YCBCR) TIFFSetField(t, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    if (compression == COMPRESSION_JPEG) TIFFSetField(t, TIFFTAG_JPEGQUALITY, 95);
    if (tags) tags(t);
    const int block_h = tile ? tile : rows, block_w = tile ? tile : width;
    for (int plane = 0; plane < (planes ? samples : 1); ++plane)
      for (int y = 0; y < height; y += block_h)
        for (int x = 0; x < width; x += block_w) write_block(t, plane, y, x, tile ? tile : std::min(rows, height - y), block_w);
    TIFFWriteDirectory(t);
  }
  void write_block(TIFF* t, int plane, int y0, int x0, int block_h, int block_w) const {
    File block;
    for (int y = y0; y < y0 + block_h; ++y) {
      uint32_t byte = 0;
      int have = 0;
      for (int x = x0; x < x0 + block_w; ++x)
        for (int c = planes ? plane : 0; c < (planes ? plane + 1 : samples); ++c) {
          const uint32_t v = y < height && x < width ? sample(y, x, c) : 0;
          if (bits >= 16) {
            for (int i = 0; i < bits / 8; ++i)
              block.push_back(static_cast<uint8_t>(v >> 8 * i));  // the processor's order; libtiff turns it
            continue;
          }
          byte = byte << bits | v;
          if ((have += bits) < 8) continue;
          block.push_back(static_cast<uint8_t>(byte));
          byte = 0, have = 0;
        }
      if (have) block.push_back(static_cast<uint8_t>(byte << (8 - have)));
    }
    const auto n = static_cast<tmsize_t>(block.size());
    const auto at_y = static_cast<uint32_t>(y0), at_x = static_cast<uint32_t>(x0);
    const auto p = static_cast<uint16_t>(plane);
    const tmsize_t written = tile ? TIFFWriteEncodedTile(t, TIFFComputeTile(t, at_x, at_y, 0, p), block.data(), n)
                                  : TIFFWriteEncodedStrip(t, TIFFComputeStrip(t, at_y, p), block.data(), n);
    check(written >= 0, "Tif: libtiff writes no block");
  }
};

inline Tif tif_of(const Image& image) {
  Tif t;
  t.height = image.height;
  t.width = image.width;
  t.sample = [image](int y, int x, int c) { return c < 3 ? image.at(y, x)[c] : 77u; };
  return t;
}

// ---- GIF

struct GifPicture {
  int y = 0, x = 0, height = 1, width = 1;
  std::vector<uint8_t> indices;
  int transparent = -1;
  bool interlaced = false;
};

// A palette of 256 colours (R, G, B, …). Codes of 9 bits, never longer: the table is cleared before it grows so far.
inline File gif(int height, int width, const std::vector<uint8_t>& palette, const std::vector<GifPicture>& pictures,
                uint8_t background = 0) {
  File f;
  text(f, "GIF89a");
  little(f, static_cast<uint32_t>(width), 2);
  little(f, static_cast<uint32_t>(height), 2);
  f.insert(f.end(), {0xf7, background, 0});
  f.insert(f.end(), palette.begin(), palette.end());
  for (const GifPicture& p : pictures) {
    if (p.transparent >= 0) f.insert(f.end(), {0x21, 0xf9, 4, 1, 0, 0, static_cast<uint8_t>(p.transparent), 0});
    f.push_back(0x2c);
    for (const int v : {p.x, p.y, p.width, p.height}) little(f, static_cast<uint32_t>(v), 2);
    f.insert(f.end(), {static_cast<uint8_t>(p.interlaced ? 0x40 : 0), 8});
    File codes;
    uint32_t bits = 0;
    int have = 0;
    const auto put = [&](uint32_t code) {
      bits |= code << have;
      for (have += 9; have >= 8; have -= 8, bits >>= 8) codes.push_back(static_cast<uint8_t>(bits));
    };
    constexpr uint32_t clear = 256, end = 257;
    for (size_t i = 0; i < p.indices.size(); ++i) {
      if (i % 200 == 0) put(clear);
      put(p.indices[i]);
    }
    put(end);
    if (have) codes.push_back(static_cast<uint8_t>(bits));
    for (size_t at = 0; at < codes.size(); at += 255) {
      const size_t n = std::min<size_t>(255, codes.size() - at);
      f.push_back(static_cast<uint8_t>(n));
      f.insert(f.end(), codes.begin() + static_cast<ptrdiff_t>(at), codes.begin() + static_cast<ptrdiff_t>(at + n));
    }
    f.push_back(0);
  }
  f.push_back(0x3b);
  return f;
}

// ---- TGA

struct TgaKind {
  int type = 2, bits = 24;  // 1 palette, 2 colour, 3 grey; + 8: in runs
  bool from_top = false, from_right = false;
  int comment = 0;  // bytes before the pixels
};

// Of a palette of 24 bits the index is the red value.
inline File tga(const Image& image, const TgaKind& kind) {
  const bool palette = (kind.type & 7) == 1;
  File f{static_cast<uint8_t>(kind.comment), palette, static_cast<uint8_t>(kind.type)};
  little(f, 0, 2);
  little(f, palette ? 256 : 0, 2);
  f.push_back(palette ? 24 : 0);
  little(f, 0, 4);
  little(f, static_cast<uint32_t>(image.width), 2);
  little(f, static_cast<uint32_t>(image.height), 2);
  f.push_back(static_cast<uint8_t>(kind.bits));
  f.push_back(static_cast<uint8_t>((kind.from_top ? 0x20 : 0) | (kind.from_right ? 0x10 : 0)));
  f.insert(f.end(), static_cast<size_t>(kind.comment), 'c');
  for (int i = 0; palette && i < 256; ++i)
    f.insert(f.end(), {static_cast<uint8_t>(i + 2), static_cast<uint8_t>(i + 1), static_cast<uint8_t>(i)});
  const auto put = [&](const uint8_t* p) {
    if (kind.bits == 8) return f.push_back(p[0]);
    if (kind.bits <= 16) return little(f, static_cast<uint32_t>((p[0] >> 3) << 10 | (p[1] >> 3) << 5 | p[2] >> 3), 2);
    f.insert(f.end(), {p[2], p[1], p[0]});
    if (kind.bits == 32) f.push_back(99);
  };
  std::vector<const uint8_t*> pixels;
  for (int r = 0; r < image.height; ++r)
    for (int c = 0; c < image.width; ++c)
      pixels.push_back(image.at(kind.from_top ? r : image.height - 1 - r, kind.from_right ? image.width - 1 - c : c));
  for (size_t i = 0; i < pixels.size();) {
    size_t n = 1;
    if (kind.type & 8) {  // runs of equal pixels, others one by one
      while (i + n < pixels.size() && n < 128 && std::memcmp(pixels[i], pixels[i + n], 3) == 0) ++n;
      f.push_back(static_cast<uint8_t>(n > 1 ? 0x80 | (n - 1) : 0));
    }
    put(pixels[i]);
    i += n;
  }
  return f;
}

// Of decode_image under the name of a TGA file.
inline Image decode_tga_file(const File& file, ImageNotes* notes = nullptr, const ImageOptions& options = {}) {
  return decode_image(file, "file.TGA", options, notes);
}

}  // namespace mr::test
