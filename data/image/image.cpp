#include "data/image/image.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "data/image/decoders.h"

namespace mr {
namespace image {

size_t Source::read_at(size_t at, std::span<uint8_t> to) const {
  if (at >= bytes.size() || to.size() > bytes.size() - at) {
    if (file) return file->read_at(at, to);
    to = to.first(at < bytes.size() ? bytes.size() - at : 0);
  }
  if (!to.empty()) std::memcpy(to.data(), bytes.data() + at, to.size());
  return to.size();
}

void corrupt(const Source& s, const std::string& what) { throw ImageError(ImageFault::corrupt, s.name, "corrupt: " + what); }
void unsupported(const Source& s, const std::string& what) { throw ImageError(ImageFault::unsupported, s.name, what); }

void check_extent(const Source& s, int64_t height, int64_t width) {
  if (height < 1 || width < 1) corrupt(s, str("the header states ", width, "×", height, " pixels"));
  if (height > s.options.max_pixels / width)
    throw ImageError(ImageFault::too_large, s.name,
                     str("the header states ", width, "×", height, " pixels, more than the limit of ", s.options.max_pixels));
}

namespace {

struct Decoder {
  PixelSize (*extent)(const Source&, ImageNotes&);
  Image (*decode)(const Source&, ImageNotes&);
};

Decoder decoder_of(ImageFormat format) {
  switch (format) {
    case ImageFormat::jpeg:
      return {jpeg_extent, decode_jpeg};
    case ImageFormat::png:
      return {png_extent, decode_png};
    case ImageFormat::bmp:
      return {bmp_extent, decode_bmp};
    case ImageFormat::pnm:
      return {pnm_extent, decode_pnm};
    case ImageFormat::gif:
      return {gif_extent, decode_gif};
    case ImageFormat::tga:
      return {tga_extent, decode_tga};
    case ImageFormat::webp:
      return {webp_extent, decode_webp};
    case ImageFormat::tiff:
      return {tiff_extent, decode_tiff};
  }
  fail("read_image: no decoder");
}

// ImageOptions::marks, of a picture that was read without alpha.
void mark_colours(Image& image) {
  for (size_t i = 0; i < image.rgb.size(); i += 3) {
    uint8_t* p = image.rgb.data() + i;
    p[0] = std::max({p[0], p[1], p[2]}), p[1] = 255, p[2] = 0;
  }
}

bool marks_itself(ImageFormat format) { return format != ImageFormat::jpeg && format != ImageFormat::bmp && format != ImageFormat::pnm; }

constexpr size_t kHead = 65536;  // the header is nearly always in it

}  // namespace
}  // namespace image

Image decode_image(std::span<const uint8_t> bytes, const std::string& name, const ImageOptions& options, ImageNotes* notes) {
  const image::Source s{bytes, name, options};
  ImageNotes own;
  ImageNotes& n = notes ? *notes : own;
  n = {};
  n.format = image::format_of(s);
  Image stored = image::decoder_of(n.format).decode(s, n);
  if (options.marks && !image::marks_itself(n.format)) image::mark_colours(stored);
  if (!options.orient) return stored;
  image::turn(n.reduction, {stored.height, stored.width}, n.orientation);
  return image::upright(std::move(stored), n.orientation);
}

std::vector<uint8_t> read_image_bytes(const std::string& path, int64_t max_bytes) {
  const image::File file(path, max_bytes);
  return file.beginning(file.size());
}

Image read_image(const std::string& path, const ImageOptions& options, ImageNotes* notes) {
  return decode_image(read_image_bytes(path, options.max_bytes), path, options, notes);
}

// A header that is not whole in the first 64 KiB (behind a large colour profile) is looked for in all of the file.
ImageHeader read_image_header(const std::string& path, const ImageOptions& options) {
  const image::File file(path, options.max_bytes);
  std::vector<uint8_t> bytes = file.beginning(image::kHead);
  ImageHeader header;
  const auto look = [&] {
    const image::Source s{bytes, path, options, &file};
    header.notes = {};
    header.notes.format = image::format_of(s);
    header.stored = image::decoder_of(header.notes.format).extent(s, header.notes);
  };
  try {
    look();
  } catch (const ImageError& error) {
    if (error.fault != ImageFault::corrupt || file.size() <= image::kHead) throw;
    bytes = file.beginning(file.size());
    look();
  }
  return header;
}

PixelSize image_size(const std::string& path, const ImageOptions& options, ImageNotes* notes) {
  const ImageHeader header = read_image_header(path, options);
  if (notes) *notes = header.notes;
  return options.orient ? header.upright() : header.stored;
}

int64_t decoding_bytes(const ImageHeader& header, int64_t file_bytes, int reduce) {
  const int64_t pixels = int64_t{header.stored.height} * header.stored.width;
  const int64_t factor = header.notes.format == ImageFormat::jpeg ? image::jpeg_reduction(reduce) : reduce;
  const int64_t out = pixels / (factor * factor) + header.stored.height + header.stored.width;
  const int64_t pictures = header.notes.orientation > 1 ? 2 : 1, sums = factor > 1 ? 12 : 0;
  return file_bytes + header.notes.working_bytes + out * (3 * pictures + sums);
}

ImageKind image_kind(const std::string& path) {
  const image::File file(path, INT64_MAX);
  const std::vector<uint8_t> bytes = file.beginning(512);
  return image::kind_of({bytes, path, {}, &file});
}

}  // namespace mr
