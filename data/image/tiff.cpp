// TIFF: which files are read, and what their first directory says. Their pixels: tiff_pixels.cpp.
#include "data/image/tiff.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <set>

namespace mr::image {
namespace {

// libtiff's own tables; the pixels have their own limits.
constexpr tmsize_t kMostAtOnce = tmsize_t{256} << 20;

int on_error(TIFF*, void* log, const char*, const char* format, va_list arguments) {
  char text[256];
  std::vsnprintf(text, sizeof text, format, arguments);
  auto& error = static_cast<TiffLog*>(log)->error;
  if (error.empty()) error = text;
  return 1;  // and nothing on the terminal
}

int on_warning(TIFF*, void* log, const char*, const char*, va_list) {
  ++static_cast<TiffLog*>(log)->warnings;
  return 1;
}

// The codecs whose work is bounded by the strips that they fill.
bool is_read(uint16_t compression) {
  switch (compression) {
    case COMPRESSION_NONE:
    case COMPRESSION_CCITTRLE:
    case COMPRESSION_CCITTFAX3:
    case COMPRESSION_CCITTFAX4:
    case COMPRESSION_LZW:
    case COMPRESSION_JPEG:
    case COMPRESSION_ADOBE_DEFLATE:
    case COMPRESSION_DEFLATE:
    case COMPRESSION_PACKBITS:
    case COMPRESSION_ZSTD:
    case COMPRESSION_WEBP:
      return true;
    default:
      return false;
  }
}

}  // namespace

Tiff::Tiff(const Source& s) : source_(s), tiff_(nullptr, TIFFClose) {
  const std::unique_ptr<TIFFOpenOptions, void (*)(TIFFOpenOptions*)> options(TIFFOpenOptionsAlloc(), TIFFOpenOptionsFree);
  check(options != nullptr, "tiff: out of memory");
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMostAtOnce);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), on_error, &log_);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), on_warning, &log_);
  const auto write = [](thandle_t, void*, tmsize_t) -> tmsize_t { return -1; };
  const auto close = [](thandle_t) { return 0; };
  const auto size = [](thandle_t self) -> toff_t { return static_cast<Tiff*>(self)->source_.size(); };
  const auto unmap = [](thandle_t, void*, toff_t) {};
  tiff_.reset(TIFFClientOpenExt(s.name.c_str(), "r", this, read, write, seek, close, size, map, unmap, options.get()));
  if (!tiff_) corrupt(s, str("TIFF: ", log_.error));
  read_tags();
  read_blocks();
  check_kind();
  log_.error.clear();  // what did not keep the directory from being read
}

tmsize_t Tiff::read(thandle_t self, void* to, tmsize_t n) {
  auto& t = *static_cast<Tiff*>(self);
  const size_t got = t.source_.read_at(t.at_, {static_cast<uint8_t*>(to), static_cast<size_t>(n)});
  t.at_ += got;
  return static_cast<tmsize_t>(got);
}

toff_t Tiff::seek(thandle_t self, toff_t offset, int from) {
  auto& t = *static_cast<Tiff*>(self);
  t.at_ = from == SEEK_CUR ? t.at_ + offset : from == SEEK_END ? t.source_.size() + offset : offset;
  return t.at_;
}

// All of the file lies in memory, as a rule: libtiff decodes from there.
int Tiff::map(thandle_t self, void** base, toff_t* size) {
  const Source& s = static_cast<Tiff*>(self)->source_;
  if (s.size() > s.bytes.size()) return 0;
  *base = const_cast<uint8_t*>(s.bytes.data());  // read only
  *size = s.bytes.size();
  return 1;
}

void Tiff::corrupt_pixels(const char* where) const {
  corrupt(source_, str("TIFF: ", log_.error.empty() ? std::string(where) + " cannot be decoded" : log_.error));
}

void Tiff::read_tags() {
  TIFF* const t = handle();
  uint32_t rows = 0, columns = 0;
  TIFFGetField(t, TIFFTAG_IMAGELENGTH, &rows);
  TIFFGetField(t, TIFFTAG_IMAGEWIDTH, &columns);
  check_extent(source_, rows, columns);
  height = static_cast<int>(rows);
  width = static_cast<int>(columns);
  uint16_t sample_bits = 1, per_pixel = 1, format = SAMPLEFORMAT_UINT, layout = PLANARCONFIG_CONTIG;
  TIFFGetFieldDefaulted(t, TIFFTAG_BITSPERSAMPLE, &sample_bits);
  TIFFGetFieldDefaulted(t, TIFFTAG_SAMPLESPERPIXEL, &per_pixel);
  TIFFGetFieldDefaulted(t, TIFFTAG_SAMPLEFORMAT, &format);
  TIFFGetFieldDefaulted(t, TIFFTAG_PLANARCONFIG, &layout);
  TIFFGetFieldDefaulted(t, TIFFTAG_COMPRESSION, &compression);
  if (!TIFFGetField(t, TIFFTAG_PHOTOMETRIC, &photometric)) photometric = per_pixel >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
  bits = sample_bits;
  samples = per_pixel;
  planes = layout == PLANARCONFIG_SEPARATE && samples > 1;
  tiles = TIFFIsTiled(t);
  if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID)
    unsupported(source_, str("TIFF: samples that are ", format == SAMPLEFORMAT_IEEEFP ? "floating point" : "signed or complex",
                             ", which are not read: map them to 8 or 16 bits without a sign first"));
  if (!is_read(compression) || !TIFFIsCODECConfigured(compression)) {
    const TIFFCodec* codec = TIFFFindCODEC(compression);
    unsupported(source_, str("TIFF: compression ", codec ? codec->name : std::to_string(compression),
                             ", which is not read: save it with another, as in tiffcp -c zip in.tif out.tif"));
  }
}

void Tiff::read_blocks() {
  TIFF* const t = handle();
  uint32_t rows = 0, columns = static_cast<uint32_t>(width);
  if (tiles) {
    TIFFGetField(t, TIFFTAG_TILELENGTH, &rows);
    TIFFGetField(t, TIFFTAG_TILEWIDTH, &columns);
  } else {
    TIFFGetFieldDefaulted(t, TIFFTAG_ROWSPERSTRIP, &rows);
    rows = std::min(rows, static_cast<uint32_t>(height));
  }
  if (rows < 1 || columns < 1) corrupt(source_, "TIFF: strips or tiles without pixels");
  // Tiles reach beyond the picture: no more than twice as many pixels are decoded as a picture may have.
  const auto padded = [](int64_t side, int64_t block) { return (side + block - 1) / block * block; };
  const int64_t most = 2 * source_.options.max_pixels;
  if (rows > most || columns > most || padded(height, rows) > most / padded(width, columns))
    throw ImageError(ImageFault::too_large, source_.name, str("TIFF: tiles of ", columns, "×", rows, " pixels"));
  block_height = static_cast<int>(rows);
  block_width = static_cast<int>(columns);
}

void Tiff::check_kind() {
  TIFF* const t = handle();
  void* value = nullptr;
  uint32_t subfile = 0;
  uint16_t n = 0;
  TIFFGetField(t, TIFFTAG_SUBFILETYPE, &subfile);
  const bool preview = subfile & FILETYPE_REDUCEDIMAGE && TIFFGetField(t, TIFFTAG_SUBIFD, &n, &value);
  if (photometric == PHOTOMETRIC_CFA || photometric == 34892 || preview || TIFFGetField(t, TIFFTAG_DNGVERSION, &value))
    unsupported(source_, "is a camera's raw file, which is not read: develop it first, as in dcraw -T, or export it as JPEG or TIFF");
  const bool small = bits == 1 || bits == 2 || bits == 4;
  switch (photometric) {
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_PALETTE:
      channels = 1;
      break;
    case PHOTOMETRIC_YCBCR:
      if (compression != COMPRESSION_JPEG) unsupported(source_, "TIFF: YCbCr without JPEG compression, which is not read");
      if (planes) unsupported(source_, "TIFF: YCbCr in planes, which is not read");
      TIFFSetField(t, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
      channels = 3;
      break;
    case PHOTOMETRIC_RGB:
      channels = 3;
      break;
    case PHOTOMETRIC_SEPARATED: {
      uint16_t inks = INKSET_CMYK;
      TIFFGetFieldDefaulted(t, TIFFTAG_INKSET, &inks);
      if (inks != INKSET_CMYK) unsupported(source_, "TIFF: inks that are not CMYK, which are not read");
      channels = 4;
      break;
    }
    default:
      unsupported(source_, str("TIFF: photometric interpretation ", photometric, ", which is not read: save it as RGB first"));
  }
  if (samples < channels) corrupt(source_, str("TIFF: ", samples, " samples a pixel, expected ", channels));
  uint16_t others = 0;
  const uint16_t* meaning = nullptr;
  TIFFGetFieldDefaulted(t, TIFFTAG_EXTRASAMPLES, &others, &meaning);
  alpha = samples > channels && others > 0 && (meaning[0] == EXTRASAMPLE_ASSOCALPHA || meaning[0] == EXTRASAMPLE_UNASSALPHA);
  if (samples > 64) unsupported(source_, str("TIFF: ", samples, " samples a pixel"));
  if (bits != 8 && !(bits == 16 && compression != COMPRESSION_JPEG) && !(small && channels == 1))
    unsupported(source_, str("TIFF: ", bits, " bits a sample, which is not read: save it with 8 or 16 first"));
  if (bits == 16 && photometric == PHOTOMETRIC_PALETTE) unsupported(source_, "TIFF: a palette of 16 bits");
}

int64_t count_pages(const Source& s) {
  uint8_t b[16];
  if (s.read_at(0, b) < sizeof b) return 1;
  const bool little = b[0] == 'I', big = b[little ? 2 : 3] == '+';
  const auto number = [&](const uint8_t* from, size_t n) {
    uint64_t v = 0;
    for (size_t i = 0; i < n; ++i) v = v << 8 | from[little ? n - 1 - i : i];
    return v;
  };
  constexpr size_t kMost = 65536;
  std::set<uint64_t> seen;  // a file may lead in a circle
  uint64_t at = big ? number(b + 8, 8) : number(b + 4, 4);
  const size_t count_bytes = big ? 8 : 2, entry = big ? 20 : 12, link = big ? 8 : 4;
  while (at != 0 && seen.size() < kMost && seen.insert(at).second) {
    if (at >= s.size() || s.read_at(at, {b, count_bytes}) < count_bytes) break;
    const uint64_t entries = number(b, count_bytes);
    if (entries > s.size() / entry) break;
    if (s.read_at(at + count_bytes + entries * entry, {b, link}) < link) break;
    at = number(b, link);
  }
  return std::max<int64_t>(1, static_cast<int64_t>(seen.size()));
}

}  // namespace mr::image
