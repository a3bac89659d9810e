// PNG files out, through libspng.
#include <spng.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/files.h"
#include "data/image/image.h"

namespace mr {

namespace {

std::vector<uint8_t> encode(const void* pixels, size_t size, int height, int width, uint8_t color_type, uint8_t bits) {
  check(height > 0 && width > 0, "write_png: expected at least one pixel, got ", width, "×", height);
  check(
      size == static_cast<size_t>(height) * static_cast<size_t>(width) * (color_type == SPNG_COLOR_TYPE_TRUECOLOR ? 3u : 1u) * (bits / 8u),
      "write_png: ", width, "×", height, " pixels with ", size, " bytes");
  const std::unique_ptr<spng_ctx, void (*)(spng_ctx*)> png(spng_ctx_new(SPNG_CTX_ENCODER), spng_ctx_free);
  check(png != nullptr, "write_png: out of memory");
  spng_ihdr header{};
  header.width = static_cast<uint32_t>(width);
  header.height = static_cast<uint32_t>(height);
  header.bit_depth = bits;
  header.color_type = color_type;
  int error = spng_set_option(png.get(), SPNG_ENCODE_TO_BUFFER, 1);
  if (!error) error = spng_set_option(png.get(), SPNG_IMG_COMPRESSION_LEVEL, 4);
  if (!error) error = spng_set_ihdr(png.get(), &header);
  if (!error) error = spng_encode_image(png.get(), pixels, size, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
  size_t length = 0;
  std::unique_ptr<void, void (*)(void*)> bytes(error ? nullptr : spng_get_png_buffer(png.get(), &length, &error), std::free);
  check(!error && bytes, "write_png: ", spng_strerror(error));
  const auto* b = static_cast<const uint8_t*>(bytes.get());
  return {b, b + length};
}

void write_file(const std::string& path, const std::vector<uint8_t>& bytes) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  const auto refuse = [&path](int code) { throw FileError(str("write_png: '", path, "' cannot be written: ", reason_of(code)), code); };
  if (file == nullptr) refuse(errno);
  struct stat st {};
  const bool regular = ::fstat(::fileno(file), &st) == 0 && S_ISREG(st.st_mode);
  int why = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size() ? 0 : errno;
  if (std::fclose(file) != 0 && why == 0) why = errno;
  if (why == 0) return;
  if (regular) std::remove(path.c_str());  // never a device
  refuse(why);
}

}  // namespace

std::vector<uint8_t> encode_png(const Image& image) {
  return encode(image.rgb.data(), image.rgb.size(), image.height, image.width, SPNG_COLOR_TYPE_TRUECOLOR, 8);
}
void write_png(const std::string& path, const Image& image) { write_file(path, encode_png(image)); }
void write_png(const std::string& path, const Bitmap& grey) {
  write_file(path, encode(grey.pixels.data(), grey.pixels.size(), grey.height, grey.width, SPNG_COLOR_TYPE_GRAYSCALE, 8));
}
void write_png(const std::string& path, const Bitmap16& grey) {
  write_file(path, encode(grey.pixels.data(), grey.pixels.size() * 2, grey.height, grey.width, SPNG_COLOR_TYPE_GRAYSCALE, 16));
}

}  // namespace mr
