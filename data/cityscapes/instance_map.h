// The instance ids of an image (data/cityscapes/labels.h), [H, W], from either file that Cityscapes
// has of them:
//
//   …_instanceIds.png      the map itself: a grey PNG of 16 bits
//   …_polygons.json        polygons, painted one over the other as Cityscapes' json2instanceImg does
//                          with PIL:  {"imgHeight": H, "imgWidth": W,
//                          "objects": [{"label", "polygon": [[x, y], …], "deleted"}]}
//
// Of polygons, the n-th object of a label with instances gets 1000 · label + n; a label that ends
// in "group" ("cargroup") gets the label's id; deleted objects and license plates are not painted.
//
// errors: ImageError, also for a PNG of 8 bits (as of labelIds) and an instance id of no label; of
// polygons: what is no such JSON, a label that is not known, a polygon of fewer than two points or
// beyond ±1e6, more than 1000 objects of a label.
#pragma once

#include <string>

#include "data/image/image.h"

namespace mr {

Bitmap16 read_instance_map(const std::string& path);
PixelSize instance_map_size(const std::string& path);  // of a PNG by its header

// The painting alone; `file` for messages.
Bitmap16 paint_cityscapes_polygons(const std::string& json, const std::string& file);

// A grey PNG of 16 bits. `what` it holds, for the message where it has fewer.
Bitmap16 read_cityscapes_numbers(const std::string& path, const char* what);

}  // namespace mr
