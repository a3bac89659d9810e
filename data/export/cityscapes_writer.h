// A Dataset as Cityscapes folders:
//
//   DIR/leftImg8bit/<split>/<city>/<city>_<seq6>_<frame6>_leftImg8bit.png
//   DIR/gtFine/<split>/<city>/<city>_<seq6>_<frame6>_gtFine_instanceIds.png    16 bits: 1000 · id + n, or a label id for stuff and groups
//                                                          _labelIds.png       8 bits
//                                                          _color.png          RGB
//                                                          _polygons.json      regions in the order of painting
//
// seq is the sample's number, frame is 19, as that of the annotated frames of Cityscapes.
//
// Drawn scenes, and Cityscapes itself, bring a label for every pixel. Any other data set needs class names that Cityscapes has; what is no instance is
// unlabeled (0), crowds are groups (their label id alone), and of overlapping masks the last one is seen.
// Polygons repaint the maps exactly when filled along the edges of pixels, but a thing in several parts is several objects there:
// instanceIds is the truth, as in Cityscapes. There is no right camera, disparity or vehicle data.
//
// errors: a split or city that is no plain word; a city that DIR holds already; a class that Cityscapes does not have; more than 1000 instances of a class in an
// image; a failed write.
#pragma once

#include <string>
#include <vector>

#include "data/dataset.h"

namespace mr {

void write_cityscapes(const Dataset& dataset, const std::string& folder, const std::string& split, const std::string& city = "drawn");

// Cityscapes' instance ids of a sample, [H·W]: those that the data set knows (Dataset::instance_ids), or those of its instances.
std::vector<uint16_t> cityscapes_instance_ids(const Dataset& dataset, int64_t index);

}  // namespace mr
