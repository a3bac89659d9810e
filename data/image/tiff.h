// What a TIFF file's first directory says, checked.
#pragma once

#include <memory>
#include <string>

#include <tiffio.h>

#include "data/image/decoders.h"

namespace mr::image {

// What libtiff says: the first error, and the number of warnings.
struct TiffLog {
  std::string error;
  int64_t warnings = 0;
};

class Tiff {
 public:
  explicit Tiff(const Source& s);
  Tiff(const Tiff&) = delete;  // libtiff knows where it lies
  Tiff& operator=(const Tiff&) = delete;

  TIFF* handle() const { return tiff_.get(); }
  const TiffLog& log() const { return log_; }
  [[noreturn]] void corrupt_pixels(const char* where) const;

  int height = 0, width = 0;
  int bits = 1;        // of a sample
  int samples = 1;     // a pixel
  int channels = 1;    // those of them that make the colour: 1, 3 or 4 (ink)
  bool alpha = false;  // the one behind those is the opacity
  uint16_t photometric = 0, compression = 0;
  bool planes = false;  // the samples lie apart, channel by channel
  bool tiles = false;
  int block_height = 0, block_width = 0;  // of a strip or tile; strips are as wide as the picture

 private:
  void read_tags();
  void read_blocks();
  void check_kind();

  static tmsize_t read(thandle_t self, void* to, tmsize_t n);
  static toff_t seek(thandle_t self, toff_t offset, int from);
  static int map(thandle_t self, void** base, toff_t* size);

  const Source& source_;
  uint64_t at_ = 0;  // in the file
  TiffLog log_;
  std::unique_ptr<TIFF, void (*)(TIFF*)> tiff_;
};

int64_t count_pages(const Source& s);  // directories, one after the other

}  // namespace mr::image
