// Polygons to pixels, bit for bit as cocoapi's rleFrPoly.
//
// The vertices are rounded to a grid five times as fine as the pixels, and each edge is traced on it from one grid point to the next.
// Where the trace passes the middle of a pixel column (between fine columns 5x+2 and 5x+3), it switches the column between outside
// and inside, from the first pixel below it whose middle row 5y+2 is not above: even–odd parity, one column at a time.
//
//   xy   x0 y0 x1 y1 …   in pixels, pixel i covers [i, i+1); the last vertex is joined to the first
//
// What lies outside the image is cut off. Fewer than three vertices enclose nothing.
//
// errors: an odd number of coordinates; one that is not finite or beyond ±1e6; an image below 1×1 or above 2^31−1 pixels.
#pragma once

#include <span>
#include <vector>

#include "geometry/rle.h"

namespace mr {

Rle rasterise(std::span<const double> xy, int height, int width);

// The union of several polygons: one object seen in parts. Without polygons: nothing.
Rle rasterise(const std::vector<std::vector<double>>& polygons, int height, int width);

void polygon_check(std::span<const double> xy);  // the coordinate errors alone, without rasterising

}  // namespace mr
