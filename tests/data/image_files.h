// Image files made by the tests: PNG put together byte by byte (no PNG or zlib code, so that it judges the one under test), JPEG by
// libjpeg's encoder.
#pragma once

#include <cstdint>
#include <cstdio>  // jpeglib.h needs it first
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <jpeglib.h>

#include "data/image/image.h"
#include "tensor/rng.h"

namespace mr::test {

using File = std::vector<uint8_t>;

inline void big32(File& f, uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) f.push_back(static_cast<uint8_t>(v >> shift));
}
inline void little(File& f, uint32_t v, int bytes) {
  for (int i = 0; i < bytes; ++i) f.push_back(static_cast<uint8_t>(v >> 8 * i));
}
inline void text(File& f, const std::string& s) { f.insert(f.end(), s.begin(), s.end()); }

inline uint32_t crc32(const uint8_t* p, size_t n) {
  uint32_t c = ~0u;
  for (size_t i = 0; i < n; ++i) {
    c ^= p[i];
    for (int k = 0; k < 8; ++k) c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0u);
  }
  return ~c;
}

inline void chunk(File& f, const std::string& type, const File& data) {
  big32(f, static_cast<uint32_t>(data.size()));
  const size_t start = f.size();
  text(f, type);
  f.insert(f.end(), data.begin(), data.end());
  big32(f, crc32(f.data() + start, f.size() - start));
}

// A zlib stream of stored blocks.
inline File stored(const File& raw) {
  File f{0x78, 0x01};
  size_t at = 0;
  do {
    const size_t n = std::min<size_t>(raw.size() - at, 65535);
    f.push_back(at + n == raw.size());
    little(f, static_cast<uint32_t>(n), 2);
    little(f, static_cast<uint32_t>(~n), 2);
    f.insert(f.end(), raw.begin() + static_cast<ptrdiff_t>(at), raw.begin() + static_cast<ptrdiff_t>(at + n));
    at += n;
  } while (at < raw.size());
  uint32_t a = 1, b = 0;
  for (const uint8_t v : raw) {
    a = (a + v) % 65521;
    b = (b + a) % 65521;
  }
  big32(f, b << 16 | a);
  return f;
}

// A zlib stream of `matches`·258 + 1 zeros: one literal, then copies of it in 13 bits each.
inline File bomb(int64_t matches) {
  File f{0x78, 0x01};
  uint64_t bits = 0;
  int count = 0;
  const auto put = [&](uint32_t v, int n) {
    bits |= static_cast<uint64_t>(v) << count;
    for (count += n; count >= 8; count -= 8, bits >>= 8) f.push_back(static_cast<uint8_t>(bits));
  };
  put(1 | 1 << 1, 3);                                             // last block, fixed codes
  put(0x0c, 8);                                                   // literal 0: 00110000, high bit first
  for (int64_t i = 0; i < matches; ++i) put(0xa3, 8), put(0, 5);  // length 258: 11000101; distance 1: 00000
  put(0, 7);
  put(0, 7);
  big32(f, 0);  // a wrong checksum: no one should come this far
  return f;
}

struct Png {
  int height = 1, width = 1, depth = 8, color_type = 2;
  bool interlaced = false;
  std::function<uint32_t(int y, int x, int c)> sample;
  std::vector<uint8_t> palette;  // R, G, B, …
  File extra;                    // whole chunks, before the pixels

  int channels() const { return color_type == 2 ? 3 : color_type == 6 ? 4 : color_type == 4 ? 2 : 1; }

  File header() const {
    File h;
    big32(h, static_cast<uint32_t>(width));
    big32(h, static_cast<uint32_t>(height));
    for (const int v : {depth, color_type, 0, 0, interlaced ? 1 : 0}) h.push_back(static_cast<uint8_t>(v));
    return h;
  }
  // Rows of every `step`-th pixel, each behind a filter byte 0.
  void rows(File& raw, int y0, int x0, int step_y, int step_x) const {
    if (x0 >= width) return;
    for (int y = y0; y < height; y += step_y) {
      raw.push_back(0);
      uint32_t byte = 0;
      int bits = 0;
      for (int x = x0; x < width; x += step_x)
        for (int c = 0; c < channels(); ++c) {
          const uint32_t v = sample(y, x, c);
          if (depth == 16) {
            raw.push_back(static_cast<uint8_t>(v >> 8));
            raw.push_back(static_cast<uint8_t>(v));
            continue;
          }
          byte = byte << depth | v;
          bits += depth;
          if (bits == 8) {
            raw.push_back(static_cast<uint8_t>(byte));
            byte = 0;
            bits = 0;
          }
        }
      if (bits) raw.push_back(static_cast<uint8_t>(byte << (8 - bits)));
    }
  }
  File pixels() const {
    File raw;
    if (!interlaced) {
      rows(raw, 0, 0, 1, 1);
    } else {
      rows(raw, 0, 0, 8, 8);
      rows(raw, 0, 4, 8, 8);
      rows(raw, 4, 0, 8, 4);
      rows(raw, 0, 2, 4, 4);
      rows(raw, 2, 0, 4, 2);
      rows(raw, 0, 1, 2, 2);
      rows(raw, 1, 0, 2, 1);
    }
    return raw;
  }
  File file(const File& idat) const {
    File f{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    chunk(f, "IHDR", header());
    if (!palette.empty()) chunk(f, "PLTE", palette);
    f.insert(f.end(), extra.begin(), extra.end());
    const size_t half = idat.size() / 2;  // in two chunks
    chunk(f, "IDAT", File(idat.begin(), idat.begin() + static_cast<ptrdiff_t>(half)));
    chunk(f, "IDAT", File(idat.begin() + static_cast<ptrdiff_t>(half), idat.end()));
    chunk(f, "IEND", {});
    return f;
  }
  File file() const { return file(stored(pixels())); }
};

// Of a picture, as 8-bit RGB.
inline Png png_of(const Image& image) {
  Png png;
  png.height = image.height;
  png.width = image.width;
  png.sample = [image](int y, int x, int c) { return image.at(y, x)[c]; };
  return png;
}

struct Jpeg {
  int quality = 90;
  J_COLOR_SPACE stored_as = JCS_YCbCr;
  std::vector<jpeg_scan_info> scans;  // none: one sequential scan
  bool progressive = false;
  bool full_chroma = false;  // no subsampling
  File exif;                 // APP1
};

// Pixels: `channels` bytes each.
inline File encode_jpeg(const std::vector<uint8_t>& pixels, int height, int width, J_COLOR_SPACE space, const Jpeg& o = {}) {
  jpeg_compress_struct jpeg;
  jpeg_error_mgr errors;
  jpeg.err = jpeg_std_error(&errors);  // exits on errors
  jpeg_create_compress(&jpeg);
  unsigned char* out = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &out, &size);
  jpeg.image_height = static_cast<JDIMENSION>(height);
  jpeg.image_width = static_cast<JDIMENSION>(width);
  jpeg.in_color_space = space;
  jpeg.input_components = space == JCS_GRAYSCALE ? 1 : space == JCS_CMYK ? 4 : 3;
  jpeg_set_defaults(&jpeg);
  jpeg_set_colorspace(&jpeg, o.stored_as);
  jpeg_set_quality(&jpeg, o.quality, TRUE);
  if (o.full_chroma)
    for (int c = 0; c < jpeg.num_components; ++c) jpeg.comp_info[c].h_samp_factor = jpeg.comp_info[c].v_samp_factor = 1;
  if (o.progressive) jpeg_simple_progression(&jpeg);
  if (!o.scans.empty()) {
    jpeg.scan_info = o.scans.data();
    jpeg.num_scans = static_cast<int>(o.scans.size());
  }
  jpeg_start_compress(&jpeg, TRUE);
  if (!o.exif.empty()) jpeg_write_marker(&jpeg, JPEG_APP0 + 1, o.exif.data(), static_cast<unsigned>(o.exif.size()));
  const size_t stride = static_cast<size_t>(width * jpeg.input_components);
  while (jpeg.next_scanline < jpeg.image_height) {
    JSAMPROW row = const_cast<uint8_t*>(pixels.data()) + jpeg.next_scanline * stride;
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  File f(out, out + size);
  std::free(out);
  return f;
}
inline File encode_jpeg(const Image& image, const Jpeg& o = {}) { return encode_jpeg(image.rgb, image.height, image.width, JCS_RGB, o); }

// A TIFF structure with the orientation tag alone, in either byte order.
inline File tiff_orientation(int orientation, bool little_endian) {
  File f;
  const auto put = [&](uint32_t v, int n) {
    for (int i = 0; i < n; ++i) f.push_back(static_cast<uint8_t>(v >> 8 * (little_endian ? i : n - 1 - i)));
  };
  text(f, little_endian ? "II" : "MM");
  put(42, 2);
  put(8, 4);
  put(2, 2);
  put(0x010f, 2), put(2, 2), put(1, 4), put(0, 4);  // another tag first
  put(0x0112, 2), put(3, 2), put(1, 4), put(static_cast<uint32_t>(orientation), 2), put(0, 2);
  put(0, 4);
  return f;
}
inline File exif_marker(int orientation, bool little_endian) {
  File f{'E', 'x', 'i', 'f', 0, 0};
  const File tiff = tiff_orientation(orientation, little_endian);
  f.insert(f.end(), tiff.begin(), tiff.end());
  return f;
}

// A picture that JPEG keeps to a few levels.
inline Image smooth(int height, int width) {
  Image image(height, width);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      image.at(y, x)[0] = static_cast<uint8_t>(200 * x / width + 20);
      image.at(y, x)[1] = static_cast<uint8_t>(200 * y / height + 20);
      image.at(y, x)[2] = static_cast<uint8_t>(100 + 50 * (x + y) / (width + height));
    }
  return image;
}

inline Image noise(int height, int width) {
  Image image(height, width);
  Rng rng(1, "noise");
  for (uint8_t& v : image.rgb) v = static_cast<uint8_t>(rng.next());
  return image;
}

inline int worst_difference(const Image& a, const Image& b) {
  if (a.height != b.height || a.width != b.width) return 1000;
  int worst = 0;
  for (size_t i = 0; i < a.rgb.size(); ++i) worst = std::max(worst, std::abs(int{a.rgb[i]} - int{b.rgb[i]}));
  return worst;
}

// A BMP of 24 bits, rows from the bottom.
inline File bmp24(const Image& image) {
  const int stride = (image.width * 3 + 3) / 4 * 4;
  File f;
  text(f, "BM");
  for (const int v : {54 + stride * image.height, 0, 54, 40, image.width, image.height}) little(f, static_cast<uint32_t>(v), 4);
  little(f, 1, 2);
  little(f, 24, 2);
  for (int i = 0; i < 6; ++i) little(f, 0, 4);
  for (int y = image.height - 1; y >= 0; --y) {
    for (int x = 0; x < image.width; ++x)
      for (int c = 2; c >= 0; --c) f.push_back(image.at(y, x)[c]);
    while ((f.size() - 54) % 4) f.push_back(0);
  }
  return f;
}

inline File pnm(const std::string& header, const File& pixels) {
  File f;
  text(f, header);
  f.insert(f.end(), pixels.begin(), pixels.end());
  return f;
}

// Of decode_image, or "" where it succeeds; anything but an ImageError passes through.
inline std::string error_of(const File& file, ImageFault* fault = nullptr, const ImageOptions& options = {}) {
  try {
    decode_image(file, "file", options);
  } catch (const ImageError& e) {
    if (fault) *fault = e.fault;
    return e.what();
  }
  return "";
}

}  // namespace mr::test
