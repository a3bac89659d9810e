// Which format a file is of; and of those that are not read, what to do about it.
#include <cstring>
#include <string_view>

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

using namespace std::string_view_literals;

struct Magic {
  size_t at;
  std::string_view bytes;
};

struct Known {
  ImageFormat format;
  Magic first, second = {0, ""};  // both must be there
};

constexpr Known kRead[] = {
    {ImageFormat::jpeg, {0, "\xff\xd8\xff"sv}},
    {ImageFormat::png, {0, "\x89PNG\r\n\x1a\n"sv}},
    {ImageFormat::bmp, {0, "BM"sv}},
    {ImageFormat::gif, {0, "GIF87a"sv}},
    {ImageFormat::gif, {0, "GIF89a"sv}},
    {ImageFormat::webp, {0, "RIFF"sv}, {8, "WEBP"sv}},
    {ImageFormat::tiff, {0, "II*\0"sv}},
    {ImageFormat::tiff, {0, "MM\0*"sv}},
    {ImageFormat::tiff, {0, "II+\0"sv}},
    {ImageFormat::tiff, {0, "MM\0+"sv}},
};

struct Other {
  const char* name;
  const char* advice;
  Magic magic;
  bool picture = true;
};

constexpr const char* kUnpack = "unpack it first";
constexpr const char* kHeif = "convert it first, as in heif-convert in.heic out.jpg";
constexpr const char* kAvif = "convert it first, as in avifdec in.avif out.png";
constexpr const char* kJpeg2000 = "convert it first, as in opj_decompress -i in.jp2 -o out.png";
constexpr const char* kJpegXl = "convert it first, as in djxl in.jxl out.png";
constexpr const char* kHdr = "map its values to 8 or 16 bits first, and save that as PNG";
constexpr const char* kRaw = "develop it first, as in dcraw -T, or export it as JPEG or TIFF";
constexpr const char* kVideo = "take pictures out of it first, as in ffmpeg -i in.mp4 frame_%05d.png";
constexpr const char* kSvg = "draw it first, as in rsvg-convert in.svg -o out.png";
constexpr const char* kSave = "save what it holds as PNG first";

// What is recognised only to be refused by its name; the first that fits counts.
constexpr Other kOthers[] = {
    {"a camera's raw file", kRaw, {8, "CR\2"sv}},
    {"a camera's raw file", kRaw, {0, "FUJIFILMCCD-RAW"sv}},
    {"a camera's raw file", kRaw, {4, "ftypcrx "sv}},
    {"a HEIC picture", kHeif, {4, "ftyphe"sv}},
    {"a HEIF picture", kHeif, {4, "ftypmif1"sv}},
    {"a HEIF picture", kHeif, {4, "ftypmsf1"sv}},
    {"an AVIF picture", kAvif, {4, "ftypavi"sv}},
    {"a JPEG 2000 picture", kJpeg2000, {4, "jP  \r\n\x87\n"sv}},
    {"a JPEG 2000 picture", kJpeg2000, {0, "\xff\x4f\xff\x51"sv}},
    {"a JPEG XL picture", kJpegXl, {0, "\xff\x0a"sv}},
    {"a JPEG XL picture", kJpegXl, {4, "JXL \r\n\x87\n"sv}},
    {"a Photoshop file", "save it as PNG first", {0, "8BPS"sv}},
    {"a GIMP file", "export it as PNG first", {0, "gimp xcf"sv}},
    {"an icon", "save it as PNG first", {0, "\0\0\1\0"sv}},
    {"a Radiance HDR picture", kHdr, {0, "#?R"sv}},
    {"an OpenEXR picture", kHdr, {0, "\x76\x2f\x31\x01"sv}},
    {"a PFM picture", kHdr, {0, "PF\n"sv}},
    {"a PFM picture", kHdr, {0, "Pf\n"sv}},
    {"a PAM picture", "convert it first, as in pamtopng", {0, "P7\n"sv}},
    {"a DDS texture", "save it as PNG first", {0, "DDS "sv}},
    {"a DICOM file", "save its picture as PNG first, as in dcmj2pnm +on", {128, "DICM"sv}},
    {"a FITS file", kSave, {0, "SIMPLE  ="sv}},
    {"an HDF5 file", kSave, {0, "\x89HDF"sv}},
    {"a NumPy array", kSave, {0, "\x93NUMPY"sv}},
    {"a PDF", "draw its pages first, as in pdftoppm -png -r 150 in.pdf page", {0, "%PDF"sv}},
    {"a PostScript file", "draw its pages first, as in gs -sDEVICE=png16m -r150 -o page%d.png in.ps", {0, "%!PS"sv}},
    {"an SVG drawing", kSvg, {0, "<svg"sv}},
    {"a video", kVideo, {4, "ftyp"sv}},
    {"a video", kVideo, {4, "moov"sv}},
    {"a video", kVideo, {8, "AVI "sv}},
    {"a video", kVideo, {0, "\x1a\x45\xdf\xa3"sv}},
    {"a video", kVideo, {0, "\0\0\1\xba"sv}},
    {"a video", kVideo, {0, "\0\0\1\xb3"sv}},
    {"a video", kVideo, {0, "FLV\1"sv}},
    {"an XML file", "if it is an SVG drawing, rsvg-convert in.svg -o out.png draws it", {0, "<?xml"sv}, false},
    {"a web page", "a download may have failed", {0, "<!DOCTYPE"sv}, false},
    {"a web page", "a download may have failed", {0, "<!doctype"sv}, false},
    {"a web page", "a download may have failed", {0, "<html"sv}, false},
    {"a pointer of Git LFS", "git lfs pull fetches the file", {0, "version https://git-lfs"sv}, false},
    {"a zip archive", kUnpack, {0, "PK\x03\x04"sv}, false},
    {"a gzip file", kUnpack, {0, "\x1f\x8b"sv}, false},
    {"a 7z archive", kUnpack, {0, "7z\xbc\xaf"sv}, false},
    {"an xz file",
     kUnpack,
     {0,
      "\xfd"
      "7zXZ"sv},
     false},
    {"a tar archive", kUnpack, {257, "ustar"sv}, false},
};

constexpr const char* kFormats = "JPEG, PNG, WebP, TIFF, GIF, BMP, PNM and TGA are read";

bool has(Bytes b, const Magic& m) {
  return b.size() >= m.at + m.bytes.size() && std::memcmp(b.data() + m.at, m.bytes.data(), m.bytes.size()) == 0;
}

const Known* known(Bytes b) {
  for (const Known& k : kRead)
    if (has(b, k.first) && has(b, k.second)) return &k;
  return nullptr;
}

const Other* other(Bytes b) {
  for (const Other& o : kOthers)
    if (has(b, o.magic)) return &o;
  return nullptr;
}

bool raw(const Other* o) { return o && o->advice == kRaw; }  // which may begin as a TIFF does

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

std::string refusal(const Other& o) { return str("is ", o.name, ", which is not read: ", o.advice); }

}  // namespace

ImageFormat format_of(const Source& s) {
  const Bytes b = s.bytes;
  if (b.empty()) corrupt(s, "the file is empty");
  const Known* k = known(b);
  const Other* o = other(b);
  if (k && !raw(o)) return k->format;
  if (o) unsupported(s, refusal(*o));
  if (pnm(b)) return ImageFormat::pnm;
  if (tga(s)) return ImageFormat::tga;
  if (has(b, {0, "\x89PNG"sv})) corrupt(s, "the PNG signature is damaged");
  unsupported(s, str("is no picture of a known format (", kFormats, "); its first bytes are ", first_bytes(b)));
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
