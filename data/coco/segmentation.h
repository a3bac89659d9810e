// A segmentation as COCO's files write it, in annotations and in results.
//
//   [[x0, y0, x1, y1, …], …]              polygons: one object in parts
//   {"size": [h, w], "counts": [n, …]}    runs, as numbers
//   {"size": [h, w], "counts": "…"}       runs, compressed
//
// A part of fewer than three points encloses nothing: it is left out and counted, as cocoapi makes no pixel of it. What cannot be
// understood is told in `fault`: members of the wrong kind, coordinates that do not come in pairs, are not finite or lie beyond ±1e6
// (geometry/polygon.h), runs that are not well formed (geometry/rle.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "geometry/rle.h"

namespace mr {

struct Segmentation {
  enum class Kind : uint8_t { none, polygons, runs };
  Kind kind = Kind::none;  // none: null, {}
  std::vector<double> coordinates;
  std::vector<size_t> ends;  // polygon k: coordinates from the end of k−1 to its own
  int64_t short_parts = 0;   // of fewer than three points
  std::string short_part;    // the first of them, for messages
  int height = 0, width = 0;
  std::string runs;          // compressed
  std::string field, fault;  // empty: it is sound

  bool empty() const { return kind == Kind::none || (kind == Kind::polygons && ends.empty()); }
  Rle rle(int image_height, int image_width) const;  // of polygons in that image; of runs in their own size
  // [x, y, width, height] of what encloses it, as COCO's boxes are: the polygons' points, the runs' pixels. None where it encloses nothing.
  std::optional<std::array<double, 4>> bounds() const;
};

// Reads the value that comes next. Errors: those of the JSON itself.
void read_segmentation(JsonReader& json, Segmentation& out);

// The union of polygons: the first begins at coordinate `begin`, each of the others where the one before ends. Nothing where there are none.
Rle rasterise_parts(std::span<const double> coordinates, size_t begin, std::span<const size_t> ends, int height, int width);

}  // namespace mr
