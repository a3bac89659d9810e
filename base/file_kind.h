// What a file is, by the bytes that it begins with: the one list of signatures ("magic bytes") for all who read files.
//
//   is_kind("\x89PNG…", FileKind::png)            true
//   name_of(FileKind::png)                       "a PNG picture"
//
// Whoever reads files asks for the kinds that it has something to say about, in the order in which they are to count, and says
// itself what to do about each. What has no signature (TGA, plain text) is not told here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mr {

enum class FileKind : uint8_t {
  // pictures
  jpeg,
  png,
  bmp,
  gif,
  webp,
  tiff,
  camera_raw,  // may begin as a TIFF does
  heic,
  heif,
  avif,
  jpeg2000,
  jpeg_xl,
  photoshop,
  gimp,
  icon,
  radiance_hdr,
  openexr,
  pfm,
  pam,
  dds,
  dicom,
  fits,
  // documents, videos
  pdf,
  postscript,
  svg,
  video,  // begins with "ftyp", as HEIC and AVIF do, too
  xml,
  web_page,
  utf16,
  lfs_pointer,
  // archives
  zip,
  gzip,
  tar,
  seven_zip,
  xz,
  bzip2,
  zstd,
  rar,
  // arrays, tables, weights, programs
  hdf5,
  numpy,
  matlab,
  parquet,
  sqlite,
  pickle,
  safetensors,
  gguf,
  tf_lite,
  checkpoint,  // of a run of ours
  program,
};

// At most the first file_kind_bytes of a file are looked at.
constexpr size_t file_kind_bytes = 512;
bool is_kind(std::string_view beginning, FileKind kind);

const char* name_of(FileKind kind);  // with its article

}  // namespace mr
