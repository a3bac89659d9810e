// Shapes of annotation tools as polygons.
#pragma once

#include "data/convert/named.h"

namespace mr::convert {

Polygon rectangle(double x1, double y1, double x2, double y2);  // two opposite corners, in any order

// A rectangle turned about its middle by `angle` (radians, clockwise on the screen: from x towards y).
Polygon turned_rectangle(double x1, double y1, double x2, double y2, double angle);

// Around (x, y) with half axes rx along the direction `angle` and ry across it. Vertices lie on the ellipse, as many as keep the edges
// within 0.05 pixels of it. Empty where a half axis is not above 0, or anything not finite or beyond 1e7.
Polygon ellipse(double x, double y, double rx, double ry, double angle = 0);

}  // namespace mr::convert
