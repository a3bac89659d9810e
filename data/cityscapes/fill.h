// Fills a polygon as PIL's ImageDraw.polygon(…, fill) does, pixel for pixel (Pillow 12):
// Cityscapes' maps are painted with it. Vertices are pixels, and the outline belongs to the
// polygon.
//
//   crossings      Row y meets every edge that is not level, from its upper end to its lower one,
//                  at x = x0 + (y − y0)·dx, in float. At its lower end an edge counts twice, but
//                  not in the polygon's last row: of edges that meet at a vertex each then begins
//                  or ends a stretch.
//   flat corners   Where two edges meet at an end and both leave to one side by more than a pixel a
//                  row, the crossing moves to one pixel beside the nearer of the two in the next
//                  row (in the last row: the one before), so that no gap is left.
//   stretches      The crossings by rising x, in pairs: from the first, rounded with halves away
//                  from 0, to the second, rounded with halves towards 0, both included. Level edges
//                  are filled as they are.
#pragma once

#include <cstdint>
#include <span>

#include "data/image/image.h"

namespace mr {

struct PixelPoint {
  int x = 0, y = 0;
  bool operator==(const PixelPoint&) const = default;
};

// The last vertex is joined to the first. What lies outside the map is cut off. Coordinates are
// within ±1e6.
void fill_polygon(std::span<const PixelPoint> outline, Bitmap16& map, uint16_t value);

}  // namespace mr
