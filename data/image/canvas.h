// Where a decoder puts its rows: the picture as it is, or the means of its blocks of factor × factor pixels. So no more is ever held of a
// large picture than what comes out.
//
//   Canvas canvas(s, height, width);
//   for (int y = 0; y < height; ++y) { decode(canvas.row()); canvas.put(y, 0, width, canvas.row()); }
//   return canvas.finish(notes);
#pragma once

#include <cstdint>
#include <vector>

#include "data/image/decoders.h"

namespace mr::image {

// The blocks of a picture, along each side: the last ones may be smaller.
PixelSize reduced(PixelSize whole, int factor);

class Canvas {
 public:
  Canvas(const Source& s, int height, int width);  // the factor is s.options.reduce

  void put(int y, int x, int n, const uint8_t* rgb);  // n pixels of row y, from x on; in any order, each pixel once
  uint8_t* row() { return row_.data(); }              // room for a row, of 3·width bytes
  Image finish(ImageNotes& notes);

 private:
  int height_, width_, factor_;
  Image image_;                 // the picture, or what its blocks will be
  std::vector<uint32_t> sums_;  // of each block, [out height·out width·3]; none where the factor is 1
  std::vector<uint8_t> row_;
};

}  // namespace mr::image
