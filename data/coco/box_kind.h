// Boxes that are numbers in the right places, and something else than [x, y, width, height] in pixels.
#pragma once

#include <string>

#include "data/coco/coco_file.h"

namespace mr {

// What the boxes and polygons of a file seem to be, and how to mend it; empty where they may well be what they should. Told are
//   shares of the image      every box lies within 0 … 1, or every polygon, although the images have 32 pixels or more a side
//   corners [x0, y0, x1, y1]   read so, every box lies in its image, and more than half of those with polygons are the box around theirs; read
//                              as [x, y, width, height] fewer are. Without polygons: ten boxes at least, three tenths of which reach far out of
//                              their image unless read as corners
std::string box_kind_fault(const CocoFile& file);

}  // namespace mr
