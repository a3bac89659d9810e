#include "data/cache/packed.h"

#include <zstd.h>

#include <cstdint>
#include <memory>

#include "base/check.h"

namespace mr {
namespace {

constexpr int level = 1;

size_t row_bytes(const Image& image) { return size_t{3} * static_cast<size_t>(image.width); }

std::vector<uint8_t> less_the_row_above(const Image& image) {
  const size_t row = row_bytes(image);
  std::vector<uint8_t> out(image.rgb);
  for (size_t i = row; i < out.size(); ++i) out[i] = static_cast<uint8_t>(image.rgb[i] - image.rgb[i - row]);
  return out;
}

void add_the_row_above(Image& image) {
  const size_t row = row_bytes(image);
  for (int y = 1; y < image.height; ++y) {
    uint8_t* to = image.at(y, 0);
    const uint8_t* above = image.at(y - 1, 0);
    for (size_t i = 0; i < row; ++i) to[i] = static_cast<uint8_t>(to[i] + above[i]);
  }
}

}  // namespace

std::vector<std::byte> packed(const Image& image) {
  const std::vector<uint8_t> rows = less_the_row_above(image);
  const std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  check(context != nullptr, "packed: out of memory");
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::vector<std::byte> out(ZSTD_compressBound(rows.size()));
  const size_t size = ZSTD_compress2(context.get(), out.data(), out.size(), rows.data(), rows.size());
  check(ZSTD_isError(size) == 0, "packed: ", ZSTD_getErrorName(size));
  out.resize(size);
  return out;
}

Image unpacked(std::span<const std::byte> bytes, PixelSize size) {
  Image image(size.height, size.width);
  const size_t got = ZSTD_decompress(image.rgb.data(), image.rgb.size(), bytes.data(), bytes.size());
  check(ZSTD_isError(got) == 0, "unpacked: ", ZSTD_getErrorName(got));
  check(got == image.rgb.size(), "unpacked: expected ", image.rgb.size(), " bytes of pixels, got ", got);
  add_the_row_above(image);
  return image;
}

}  // namespace mr
