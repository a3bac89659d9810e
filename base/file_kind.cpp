#include "base/file_kind.h"

#include <algorithm>
#include <iterator>

namespace mr {
namespace {

using namespace std::string_view_literals;

// A kind of file has these bytes at this place, and where a second place is given, those there; of several signatures, any.
struct Signature {
  FileKind kind;
  size_t at;
  std::string_view bytes;
  size_t second_at = 0;
  std::string_view second = {};
};

using enum FileKind;
constexpr Signature signatures[] = {
    {jpeg, 0, "\xff\xd8\xff"sv},
    {png, 0, "\x89PNG"sv},
    {bmp, 0, "BM"sv},
    {gif, 0, "GIF87a"sv},
    {gif, 0, "GIF89a"sv},
    {webp, 0, "RIFF"sv, 8, "WEBP"sv},
    {tiff, 0, "II*\0"sv},
    {tiff, 0, "MM\0*"sv},
    {tiff, 0, "II+\0"sv},
    {tiff, 0, "MM\0+"sv},
    {camera_raw, 8, "CR\2"sv},
    {camera_raw, 0, "FUJIFILMCCD-RAW"sv},
    {camera_raw, 4, "ftypcrx "sv},
    {heic, 4, "ftyphe"sv},
    {heif, 4, "ftypmif1"sv},
    {heif, 4, "ftypmsf1"sv},
    {avif, 4, "ftypavi"sv},
    {jpeg2000, 4, "jP  \r\n\x87\n"sv},
    {jpeg2000, 0, "\xff\x4f\xff\x51"sv},
    {jpeg_xl, 0, "\xff\x0a"sv},
    {jpeg_xl, 4, "JXL \r\n\x87\n"sv},
    {photoshop, 0, "8BPS"sv},
    {gimp, 0, "gimp xcf"sv},
    {icon, 0, "\0\0\1\0"sv},
    {radiance_hdr, 0, "#?R"sv},
    {openexr, 0, "\x76\x2f\x31\x01"sv},
    {pfm, 0, "PF\n"sv},
    {pfm, 0, "Pf\n"sv},
    {pam, 0, "P7\n"sv},
    {dds, 0, "DDS "sv},
    {dicom, 128, "DICM"sv},
    {fits, 0, "SIMPLE  ="sv},
    {pdf, 0, "%PDF"sv},
    {postscript, 0, "%!PS"sv},
    {svg, 0, "<svg"sv},
    {video, 4, "ftyp"sv},
    {video, 4, "moov"sv},
    {video, 8, "AVI "sv},
    {video, 0, "\x1a\x45\xdf\xa3"sv},
    {video, 0, "\0\0\1\xba"sv},
    {video, 0, "\0\0\1\xb3"sv},
    {video, 0, "FLV\1"sv},
    {xml, 0, "<?xml"sv},
    {web_page, 0, "<!DOCTYPE"sv},
    {web_page, 0, "<!doctype"sv},
    {web_page, 0, "<html"sv},
    {utf16, 0, "\xff\xfe"sv},
    {utf16, 0, "\xfe\xff"sv},
    {lfs_pointer, 0, "version https://git-lfs"sv},
    {zip, 0, "PK\x03\x04"sv},
    {zip, 0, "PK\x05\x06"sv},
    {gzip, 0, "\x1f\x8b"sv},
    {tar, 257, "ustar"sv},
    {seven_zip, 0, "7z\xbc\xaf\x27\x1c"sv},
    {xz, 0, "\xfd\x37zXZ"sv},
    {bzip2, 0, "BZh"sv},
    {zstd, 0, "\x28\xb5\x2f\xfd"sv},
    {rar, 0, "Rar!"sv},
    {hdf5, 0, "\x89HDF\r\n\x1a\n"sv},
    {numpy, 0, "\x93NUMPY"sv},
    {matlab, 0, "MATLAB"sv},
    {parquet, 0, "PAR1"sv},
    {sqlite, 0, "SQLite format 3"sv},
    {pickle, 0, "\x80\x02"sv},
    {pickle, 0, "\x80\x03"sv},
    {pickle, 0, "\x80\x04"sv},
    {pickle, 0, "\x80\x05"sv},
    {safetensors, 5, "\0\0\0{\""sv},  // the highest bytes of the header's length, and the header
    {gguf, 0, "GGUF"sv},
    {tf_lite, 4, "TFL3"sv},
    {checkpoint, 0, "mrcnnCK\n"sv},
    {program, 0, "\x7f\x45LF"sv},
};

struct Named {
  FileKind kind;
  const char* name;
};
constexpr Named names[] = {
    {jpeg, "a JPEG picture"},
    {png, "a PNG picture"},
    {bmp, "a BMP picture"},
    {gif, "a GIF picture"},
    {webp, "a WebP picture"},
    {tiff, "a TIFF picture"},
    {camera_raw, "a camera's raw file"},
    {heic, "a HEIC picture"},
    {heif, "a HEIF picture"},
    {avif, "an AVIF picture"},
    {jpeg2000, "a JPEG 2000 picture"},
    {jpeg_xl, "a JPEG XL picture"},
    {photoshop, "a Photoshop file"},
    {gimp, "a GIMP file"},
    {icon, "an icon"},
    {radiance_hdr, "a Radiance HDR picture"},
    {openexr, "an OpenEXR picture"},
    {pfm, "a PFM picture"},
    {pam, "a PAM picture"},
    {dds, "a DDS texture"},
    {dicom, "a DICOM file"},
    {fits, "a FITS file"},
    {pdf, "a PDF"},
    {postscript, "a PostScript file"},
    {svg, "an SVG drawing"},
    {video, "a video"},
    {xml, "an XML file"},
    {web_page, "a web page"},
    {utf16, "text in UTF-16"},
    {lfs_pointer, "a pointer of Git LFS"},
    {zip, "a zip archive"},
    {gzip, "a gzip archive"},
    {tar, "a tar archive"},
    {seven_zip, "a 7z archive"},
    {xz, "an xz archive"},
    {bzip2, "a bzip2 archive"},
    {zstd, "a zstd archive"},
    {rar, "a RAR archive"},
    {hdf5, "an HDF5 file"},
    {numpy, "a NumPy array"},
    {matlab, "a MATLAB file"},
    {parquet, "a Parquet table"},
    {sqlite, "an SQLite database"},
    {pickle, "a Python pickle"},
    {safetensors, "a file of weights (safetensors)"},
    {gguf, "a GGUF file (of a language model)"},
    {tf_lite, "a TensorFlow Lite model"},
    {checkpoint, "a checkpoint of a run"},
    {program, "a program"},
};
constexpr bool in_order() {
  size_t at = 0;
  return std::ranges::all_of(names, [&at](const Named& n) { return static_cast<size_t>(n.kind) == at++; });
}
static_assert(in_order() && std::size(names) == static_cast<size_t>(program) + 1);

bool stands(std::string_view beginning, size_t at, std::string_view bytes) {
  return beginning.size() >= at && beginning.substr(at).starts_with(bytes);
}

}  // namespace

bool is_kind(std::string_view beginning, FileKind kind) {
  return std::ranges::any_of(signatures, [&](const Signature& s) {
    return s.kind == kind && stands(beginning, s.at, s.bytes) && stands(beginning, s.second_at, s.second);
  });
}

const char* name_of(FileKind kind) { return names[static_cast<size_t>(kind)].name; }

}  // namespace mr
