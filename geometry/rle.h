// Run-length masks, as COCO stores them: the pixels column by column (down, then right), as counts of zeros, ones, zeros, …
// The first count is of zeros (and may be 0); the counts sum to height·width.
//
//      0 1 1
//      0 1 0      3×3, down the columns 000 110 100  →  counts 3 2 1 1 2
//      0 0 0
//
// As a string ("compressed"): of count i > 2, its difference from count i−2; five bits a character, lowest first, plus 48;
// bit 0x20 says that more follow, bit 0x10 of the last one is the sign. The mask above: 3, 2, 1, 1−2, 2−1 → "321O1".
//
// Bits, strings, unions and IoU agree with cocoapi (common/maskApi.c). What crashes it (see errors) is an Error here.
//
// errors: height or width below 1, or more than 2^31−1 pixels; no counts, or counts whose sum is not height·width;
//         a string that ends inside a number, holds a character outside '0'…'o' or a number outside 0 … height·width;
//         masks of different sizes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "geometry/box.h"
#include "geometry/mask.h"

namespace mr {

struct Rle {
  int height = 0, width = 0;
  std::vector<uint32_t> counts;
  bool operator==(const Rle&) const = default;
};

// Puts a mask together from runs of ones [begin, end), given by rising begin; runs that touch or overlap become one.
class RleWriter {
 public:
  RleWriter(int height, int width);
  void expect(size_t runs);  // room for so many more: worth it for millions
  void ones(uint32_t begin, uint32_t end);
  Rle finish();

 private:
  Rle mask_;
  uint32_t end_ = 0;  // of the last run of ones
};

// Throws if the mask is not well formed. The functions below expect well-formed masks; those that write pixels check.
void rle_check(const Rle& mask);

Rle rle_from_counts(std::span<const int64_t> counts, int64_t height, int64_t width);  // as files state them: anything
Rle rle_from_string(std::string_view text, int64_t height, int64_t width);
std::string rle_to_string(const Rle& mask);

Rle rle_encode(const Bitmap& mask);       // any non-zero pixel is inside
Rle rle_encode(const CroppedMask& mask);  // what lies outside the image is dropped
Bitmap rle_decode(const Rle& mask);
CroppedMask rle_crop(const Rle& mask);  // to the smallest window; 0×0 if the mask is empty

int64_t rle_area(const Rle& mask);  // pixels
Box rle_box(const Rle& mask);       // the smallest box around them, x2 and y2 exclusive; all 0 if there are none

// The pixels in any (or, with `intersect`, in all) of the masks. One mask at least.
Rle rle_merge(std::span<const Rle> masks, bool intersect = false);

// |D ∩ G| / |D ∪ G|; if G is a crowd, |D ∩ G| / |D|. 0 where both are empty.
double rle_iou(const Rle& detection, const Rle& truth, bool crowd = false);

}  // namespace mr
