#include "data/image/image.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "data/image/decoders.h"

namespace mr {
namespace image {

void corrupt(const Source& s, const std::string& what) { throw ImageError(ImageFault::corrupt, s.name, "corrupt: " + what); }
void unsupported(const Source& s, const std::string& what) { throw ImageError(ImageFault::unsupported, s.name, what); }

void check_extent(const Source& s, int64_t height, int64_t width) {
  if (height < 1 || width < 1) corrupt(s, str("the header states ", width, "×", height, " pixels"));
  if (height > s.options.max_pixels / width)
    throw ImageError(ImageFault::too_large, s.name,
                     str("the header states ", width, "×", height, " pixels, more than the limit of ", s.options.max_pixels));
}

namespace {

struct Magic {
  const char* name;
  size_t at;
  std::string_view bytes;
};

using namespace std::string_view_literals;

// What is recognised only to be refused by its name.
constexpr Magic kRefused[] = {
    {"a GIF", 0, "GIF8"sv},
    {"a TIFF", 0, "II*\0"sv},
    {"a TIFF", 0, "MM\0*"sv},
    {"a WebP", 8, "WEBP"sv},
    {"a HEIF", 4, "ftyphei"sv},
    {"a HEIF", 4, "ftypmif1"sv},
    {"an AVIF", 4, "ftypavi"sv},
    {"a JPEG 2000", 4, "jP  \r\n\x87\n"sv},
    {"a JPEG 2000", 0, "\xff\x4f\xff\x51"sv},
    {"a JPEG XL", 0, "\xff\x0a"sv},
    {"a JPEG XL", 4, "JXL \r\n\x87\n"sv},
    {"a Photoshop file", 0, "8BPS"sv},
    {"an icon", 0, "\0\0\1\0"sv},
    {"a Radiance HDR", 0, "#?RAD"sv},
    {"an OpenEXR", 0, "\x76\x2f\x31\x01"sv},
    {"a DDS", 0, "DDS "sv},
    {"a PAM or PFM file", 0, "P7"sv},
    {"a PAM or PFM file", 0, "PF"sv},
    {"a PAM or PFM file", 0, "Pf"sv},
    {"a PDF", 0, "%PDF"sv},
    {"a zip archive", 0, "PK\x03\x04"sv},
    {"a gzip file", 0, "\x1f\x8b"sv},
    {"an SVG or XML file", 0, "<?xml"sv},
    {"an SVG or XML file", 0, "<svg"sv},
};

bool starts_with(Bytes b, size_t at, std::string_view magic) {
  return b.size() >= at + magic.size() && std::memcmp(b.data() + at, magic.data(), magic.size()) == 0;
}

std::string first_bytes(Bytes b) {
  std::string hex;
  for (size_t i = 0; i < b.size() && i < 8; ++i) {
    hex += i ? " " : "";
    hex += "0123456789abcdef"[b[i] >> 4];
    hex += "0123456789abcdef"[b[i] & 15];
  }
  return hex;
}

ImageFormat sniff(const Source& s) {
  const Bytes b = s.bytes;
  if (b.empty()) corrupt(s, "the file is empty");
  if (starts_with(b, 0, "\xff\xd8\xff"sv)) return ImageFormat::jpeg;
  if (starts_with(b, 0, "\x89PNG\r\n\x1a\n"sv)) return ImageFormat::png;
  if (starts_with(b, 0, "BM"sv)) return ImageFormat::bmp;
  if (b.size() > 2 && b[0] == 'P' && b[1] >= '1' && b[1] <= '6') return ImageFormat::pnm;
  for (const Magic& m : kRefused)
    if (starts_with(b, m.at, m.bytes)) unsupported(s, str("is ", m.name, ", which is not read (JPEG, PNG, BMP and PNM are)"));
  if (starts_with(b, 0, "\x89PNG"sv)) corrupt(s, "the PNG signature is damaged");
  unsupported(s, str("is no JPEG, PNG, BMP or PNM; its first bytes are ", first_bytes(b)));
}

PixelSize stored_extent(const Source& s, ImageFormat format, ImageNotes& notes) {
  switch (format) {
    case ImageFormat::jpeg:
      return jpeg_extent(s, notes);
    case ImageFormat::png:
      return png_extent(s, notes);
    case ImageFormat::bmp:
      return bmp_extent(s, notes);
    case ImageFormat::pnm:
      return pnm_extent(s, notes);
  }
  return {};
}

class File {
 public:
  File(const std::string& path, int64_t max_bytes) : path_(path) {
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // non-blocking: a pipe without a writer must not hang
    if (fd_ < 0) refuse(std::strerror(errno));
    struct stat st {};
    if (::fstat(fd_, &st) != 0) refuse(std::strerror(errno));
    if (S_ISDIR(st.st_mode)) refuse("is a folder");
    if (!S_ISREG(st.st_mode)) refuse("is not a regular file");
    if (st.st_size > max_bytes)
      throw ImageError(ImageFault::too_large, path, str(st.st_size, " bytes, more than the limit of ", max_bytes));
    size_ = static_cast<size_t>(st.st_size);
  }
  ~File() { close(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  size_t size() const { return size_; }

  // The first n bytes, or all where there are fewer.
  std::vector<uint8_t> read(size_t n) {
    std::vector<uint8_t> bytes(n < size_ ? n : size_);
    size_t have = 0;
    while (have < bytes.size()) {
      const ssize_t got = ::pread(fd_, bytes.data() + have, bytes.size() - have, static_cast<off_t>(have));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) refuse(std::strerror(errno));
      if (got == 0) break;
      have += static_cast<size_t>(got);
    }
    bytes.resize(have);
    return bytes;
  }

 private:
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  [[noreturn]] void refuse(const std::string& why) {
    close();
    throw ImageError(ImageFault::cannot_open, path_, "cannot be read: " + why);
  }

  std::string path_;
  int fd_ = -1;
  size_t size_ = 0;
};

}  // namespace
}  // namespace image

Image decode_image(std::span<const uint8_t> bytes, const std::string& name, const ImageOptions& options, ImageNotes* notes) {
  const image::Source s{bytes, name, options};
  ImageNotes own;
  ImageNotes& n = notes ? *notes : own;
  n = {};
  n.format = image::sniff(s);
  Image stored;
  switch (n.format) {
    case ImageFormat::jpeg:
      stored = image::decode_jpeg(s, n);
      break;
    case ImageFormat::png:
      stored = image::decode_png(s, n);
      break;
    case ImageFormat::bmp:
      stored = image::decode_bmp(s, n);
      break;
    case ImageFormat::pnm:
      stored = image::decode_pnm(s, n);
      break;
  }
  return options.orient ? image::upright(std::move(stored), n.orientation) : stored;
}

std::vector<uint8_t> read_image_bytes(const std::string& path, int64_t max_bytes) {
  image::File file(path, max_bytes);
  return file.read(file.size());
}

Image read_image(const std::string& path, const ImageOptions& options, ImageNotes* notes) {
  return decode_image(read_image_bytes(path, options.max_bytes), path, options, notes);
}

// The header is nearly always in the first 64 KiB; where it is not (a large colour profile), the whole file is read.
PixelSize image_size(const std::string& path, const ImageOptions& options) {
  image::File file(path, options.max_bytes);
  constexpr size_t kHead = 65536;
  std::vector<uint8_t> bytes = file.read(kHead);
  ImageNotes notes;
  PixelSize e;
  const auto look = [&] {
    const image::Source s{bytes, path, options};
    notes = {};
    e = image::stored_extent(s, image::sniff(s), notes);
  };
  try {
    look();
  } catch (const ImageError& error) {
    if (error.fault != ImageFault::corrupt || file.size() <= kHead) throw;
    bytes = file.read(file.size());
    look();
  }
  if (options.orient && image::swaps_axes(notes.orientation)) std::swap(e.height, e.width);
  return e;
}

}  // namespace mr
