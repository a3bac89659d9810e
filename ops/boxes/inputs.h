// What the two implementations of an operator are given,
// where the CPU and a GPU work in different ways.
#pragma once

#include <cstdint>

#include "geometry/box.h"
#include "tensor/hd.h"

namespace mr {

// Objects and boxes of N images, to be matched (matcher.h).
struct Pairs {
  const Box* objects;           // [N,G]
  const int32_t* object_count;  // [N]
  int64_t G;
  const Box* boxes;          // [N,B], or [B] with pitch 0: image n's begin at boxes + n·pitch
  const int32_t* box_count;  // [N]; null: all are there
  int64_t pitch, B;
  float high, low;
};

// Where the rows of a list stand among the places of all images.
struct List {
  int64_t first, step;
  MR_HD int64_t at(int64_t i) const { return first + i * step; }
};

// The places of an image as `groups` lists of equal length (candidates.h). List l of all images
// together is group l % groups of image l / groups.
struct Groups {
  int64_t groups = 1, length = 0;
  bool interleaved = false;
  MR_HD List list(int64_t l) const {
    const int64_t image = l / groups, group = l % groups;
    return {image * groups * length + group * (interleaved ? 1 : length), interleaved ? groups : 1};
  }
};

// A bitmap that is a part of an image.
struct Frame {
  const uint8_t* bits;
  int x0, y0, height, width, image_height, image_width;
};

// A MaskTable (mask_target.h).
struct Bitmaps {
  const uint8_t* bits;
  const int64_t* place;  // [N,G,7]
  int64_t G;

  // at: as rules have it (ops/each.h).
  template <class At> MR_HD Frame frame(const At& at, int64_t image, int64_t object) const {
    const int64_t i = 7 * (image * G + object);
    const auto number = [&](int k) { return static_cast<int>(at(place, i + k)); };
    return {bits + at(place, i), number(1), number(2), number(3), number(4), number(5), number(6)};
  }
};

}  // namespace mr
