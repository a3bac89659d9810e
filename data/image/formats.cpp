// Which format a file is of; and of those that are not read, what to do about it.
#include <algorithm>
#include <cctype>
#include <iterator>
#include <string_view>

#include "base/file_kind.h"
#include "base/text.h"
#include "data/image/decoders.h"

namespace mr {

const char* name_of(ImageFormat format) {
  switch (format) {
    case ImageFormat::jpeg:
      return "JPEG";
    case ImageFormat::png:
      return "PNG";
    case ImageFormat::bmp:
      return "BMP";
    case ImageFormat::pnm:
      return "PNM";
    case ImageFormat::gif:
      return "GIF";
    case ImageFormat::tga:
      return "TGA";
    case ImageFormat::webp:
      return "WebP";
    case ImageFormat::tiff:
      return "TIFF";
  }
  return "";
}

namespace image {
namespace {

// Which kinds are read; PNM and TGA, which have no signature, besides.
struct Known {
  ImageFormat format;
  FileKind kind;
};
constexpr Known kRead[] = {{ImageFormat::jpeg, FileKind::jpeg}, {ImageFormat::png, FileKind::png},   {ImageFormat::bmp, FileKind::bmp},
                           {ImageFormat::gif, FileKind::gif},   {ImageFormat::webp, FileKind::webp}, {ImageFormat::tiff, FileKind::tiff}};

struct Other {
  FileKind kind;
  const char* advice;
  bool picture = true;
};

constexpr const char* kUnpack = "unpack it first";
constexpr const char* kHeif = "convert it first, as in heif-convert in.heic out.jpg";
constexpr const char* kHdr = "map its values to 8 or 16 bits first, and save that as PNG";
constexpr const char* kSave = "save what it holds as PNG first";
constexpr const char* kPicture = "expected a picture";

// What is recognised only to be refused by its name; the first that fits counts.
constexpr Other kOthers[] = {
    {FileKind::camera_raw, "develop it first, as in dcraw -T, or export it as JPEG or TIFF"},
    {FileKind::heic, kHeif},
    {FileKind::heif, kHeif},
    {FileKind::avif, "convert it first, as in avifdec in.avif out.png"},
    {FileKind::jpeg2000, "convert it first, as in opj_decompress -i in.jp2 -o out.png"},
    {FileKind::jpeg_xl, "convert it first, as in djxl in.jxl out.png"},
    {FileKind::photoshop, "save it as PNG first"},
    {FileKind::gimp, "export it as PNG first"},
    {FileKind::icon, "save it as PNG first"},
    {FileKind::radiance_hdr, kHdr},
    {FileKind::openexr, kHdr},
    {FileKind::pfm, kHdr},
    {FileKind::pam, "convert it first, as in pamtopng"},
    {FileKind::dds, "save it as PNG first"},
    {FileKind::dicom, "save its picture as PNG first, as in dcmj2pnm +on"},
    {FileKind::fits, kSave},
    {FileKind::hdf5, kSave},
    {FileKind::numpy, kSave},
    {FileKind::pdf, "draw its pages first, as in pdftoppm -png -r 150 in.pdf page"},
    {FileKind::postscript, "draw its pages first, as in gs -sDEVICE=png16m -r150 -o page%d.png in.ps"},
    {FileKind::svg, "draw it first, as in rsvg-convert in.svg -o out.png"},
    {FileKind::video, "take pictures out of it first, as in ffmpeg -i in.mp4 frame_%05d.png"},
    {FileKind::xml, "if it is an SVG drawing, rsvg-convert in.svg -o out.png draws it", false},
    {FileKind::web_page, "a download may have failed", false},
    {FileKind::lfs_pointer, "git lfs pull fetches the file", false},
    {FileKind::zip, kUnpack, false},
    {FileKind::gzip, kUnpack, false},
    {FileKind::seven_zip, kUnpack, false},
    {FileKind::xz, kUnpack, false},
    {FileKind::bzip2, kUnpack, false},
    {FileKind::zstd, kUnpack, false},
    {FileKind::rar, kUnpack, false},
    {FileKind::tar, kUnpack, false},
    {FileKind::safetensors, kPicture, false},
    {FileKind::pickle, kPicture, false},
    {FileKind::checkpoint, kPicture, false},
    {FileKind::gguf, kPicture, false},
    {FileKind::tf_lite, kPicture, false},
    {FileKind::matlab, kSave, false},
    {FileKind::parquet, kPicture, false},
    {FileKind::sqlite, kPicture, false},
    {FileKind::program, kPicture, false},
    {FileKind::utf16, kPicture, false},
};

constexpr const char* kFormats = "JPEG, PNG, WebP, TIFF, GIF, BMP, PNM and TGA are read";

std::string_view text_of(Bytes b) { return {reinterpret_cast<const char*>(b.data()), b.size()}; }

const Known* known(Bytes b) {
  const auto* found = std::ranges::find_if(kRead, [b](const Known& k) { return is_kind(text_of(b), k.kind); });
  return found == std::end(kRead) ? nullptr : found;
}

const Other* other(Bytes b) {
  const auto* found = std::ranges::find_if(kOthers, [b](const Other& o) { return is_kind(text_of(b), o.kind); });
  return found == std::end(kOthers) ? nullptr : found;
}

bool raw(const Other* o) { return o && o->kind == FileKind::camera_raw; }  // which may begin as a TIFF does

bool pnm(Bytes b) {
  const auto space = [](uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == '#'; };
  return b.size() > 2 && b[0] == 'P' && b[1] >= '1' && b[1] <= '6' && space(b[2]);
}

bool tga(const Source& s) {
  const size_t dot = s.name.rfind('.');
  return dot != std::string::npos && lower_case(s.name.substr(dot)) == ".tga" && plausible_tga(s.bytes);
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

std::string without_spaces(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (std::isspace(static_cast<unsigned char>(c)) == 0) out += c;
  return out;
}

// "is a JSON file", "is a text file"; or what it begins with.
std::string what_else(Bytes b) {
  const std::string_view text = text_of(b.first(std::min(b.size(), file_kind_bytes)));
  const auto readable = [](unsigned char c) { return c >= ' ' || std::isspace(c) != 0; };
  if (!std::ranges::all_of(text, readable))
    return str("is no picture of a known format (", kFormats, "); its first bytes are ", first_bytes(b));
  const bool json = without_spaces(text).starts_with('{') || without_spaces(text).starts_with("[{");
  return str(json ? "is a JSON file" : "is a text file", ", no picture (", kFormats, ")");
}

std::string refusal(const Other& o) { return str("is ", name_of(o.kind), ", which is not read: ", o.advice); }

}  // namespace

ImageFormat format_of(const Source& s) {
  const Bytes b = s.bytes;
  if (b.empty()) corrupt(s, "the file is empty");
  const Known* k = known(b);
  const Other* o = other(b);
  if (k && !raw(o)) {
    if (k->kind == FileKind::png && !text_of(b).starts_with("\x89PNG\r\n\x1a\n")) corrupt(s, "the PNG signature is damaged");
    return k->format;
  }
  if (o) unsupported(s, refusal(*o));
  if (pnm(b)) return ImageFormat::pnm;
  if (tga(s)) return ImageFormat::tga;
  unsupported(s, what_else(b));
}

ImageKind kind_of(const Source& s) {
  if (s.bytes.empty()) return {ImageKind::other, "is empty"};
  const Other* o = other(s.bytes);
  if ((known(s.bytes) && !raw(o)) || pnm(s.bytes) || tga(s)) return {ImageKind::read, ""};
  if (o) return {o->picture ? ImageKind::refused : ImageKind::other, refusal(*o)};
  return {ImageKind::other, "is no picture"};
}

}  // namespace image
}  // namespace mr
