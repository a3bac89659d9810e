// Image files in and out.
//
// The format is told by the first bytes of a file, never by its name:
//   JPEG                 libjpeg-turbo, ISLOW, fancy upsampling
//   PNG                  libspng
//   BMP                  our own (uncompressed)
//   PNM (P1 … P6)        our own
//   GIF, WebP, TIFF, …   refused, by name
//
// What comes out is 8-bit RGB, rows from the top, upright:
//   grey              copied to the three channels
//   alpha             dropped, not composited: the colours are as stored (as in OpenCV's imread and PIL's convert("RGB"))
//   16 bits           round(v · 255 / 65535); 1, 2, 4 bits: spread over 0 … 255; palettes looked up
//   CMYK, YCCK        R = C'·K'/255, …, where C' = 255 − C (files with an Adobe marker store C' already)
//   EXIF orientation  1 … 8 applied, so that sizes are those of the upright picture
//   gamma, ICC        ignored: the numbers stay as stored
//
// Every fault of a file is an ImageError, whose text names the file. A truncated file is corrupt, however little is missing;
// so is a JPEG with a bad Huffman code or a lost marker. Stray bytes between JPEG segments are only counted: COCO has such files.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/check.h"
#include "data/dataset.h"

namespace mr {

enum class ImageFault : uint8_t {
  cannot_open,  // missing, no permission, a folder, a pipe
  unsupported,  // a format, or a variant of one, that is not read
  too_large,    // the header states more pixels (or scans) than the limit
  corrupt,      // empty, truncated, or not what its format allows
};

class ImageError : public Error {
 public:
  ImageError(ImageFault fault_kind, const std::string& file_name, const std::string& what)
      : Error(str("image '", file_name, "': ", what)), fault(fault_kind), file(file_name) {}
  ImageFault fault;
  std::string file;
};

struct ImageOptions {
  int64_t max_pixels = 179'000'000;      // stated by the header: checked before any pixel is read
  int64_t max_bytes = int64_t{1} << 30;  // of the file
  int max_scans = 100;                   // of a progressive JPEG
  bool orient = true;                    // apply the EXIF orientation
};

enum class ImageFormat : uint8_t { jpeg, png, bmp, pnm };

// What the file was before it became RGB.
struct ImageNotes {
  ImageFormat format = ImageFormat::jpeg;
  int channels = 0;      // stored ones: 1 grey or palette, 2 grey + alpha, 3 colour, 4 colour + alpha or CMYK
  int bits = 8;          // of a stored sample
  int orientation = 1;   // EXIF's
  int64_t warnings = 0;  // faults without effect on the pixels, such as extraneous bytes
};

Image read_image(const std::string& path, const ImageOptions& options = {}, ImageNotes* notes = nullptr);
Image decode_image(std::span<const uint8_t> bytes, const std::string& name, const ImageOptions& options = {}, ImageNotes* notes = nullptr);

// Height and width of what read_image would return, from the header alone.
PixelSize image_size(const std::string& path, const ImageOptions& options = {});

// Numbers, not colours: the samples of a grey PNG (1 … 16 bits) or the indices of a palette PNG, as stored.
// (Cityscapes' instanceIds are 16-bit: 8 bits would turn instance 26003 into 101.)
struct Bitmap16 {
  int height = 0, width = 0;
  std::vector<uint16_t> pixels;  // [height·width], row-major

  Bitmap16() = default;
  Bitmap16(int h, int w) : height(h), width(w), pixels(static_cast<size_t>(h) * static_cast<size_t>(w)) {}
  uint16_t& at(int y, int x) { return pixels[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)]; }
  uint16_t at(int y, int x) const { return pixels[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)]; }
};
Bitmap16 read_png16(const std::string& path, const ImageOptions& options = {});
Bitmap16 decode_png16(std::span<const uint8_t> bytes, const std::string& name, const ImageOptions& options = {});

// PNG files: 8-bit RGB, 8-bit grey (values as they are), 16-bit grey. A failed write is an Error and leaves no file behind.
void write_png(const std::string& path, const Image& image);
void write_png(const std::string& path, const Bitmap& grey);
void write_png(const std::string& path, const Bitmap16& grey);
std::vector<uint8_t> encode_png(const Image& image);

// The whole file. Errors: missing, a folder, a pipe (never waits for a writer), larger than max_bytes.
std::vector<uint8_t> read_image_bytes(const std::string& path, int64_t max_bytes = int64_t{1} << 30);

}  // namespace mr
