// Any Dataset as COCO files:
//
//   DIR/instances_<split>.json        images, annotations (compressed RLE, bbox, area, iscrowd), categories (the data set's ids)
//   DIR/images/<split>_<image id>.png
//
// Several splits may share DIR. Annotation ids are the data set's if they are distinct and above 0, else 1, 2, … Images are drawn and
// written in parallel; the files do not depend on the number of threads. The JSON file appears when it is whole.
//
// errors: a split that is no plain word; a split that DIR holds already; a folder that cannot be made; a failed write. Each names the file.
#pragma once

#include <string>

#include "data/dataset.h"

namespace mr {

void write_coco(const Dataset& dataset, const std::string& folder, const std::string& split);

// The JSON file alone, as text. `file_name` of image i is "<split>_<image id>.png".
std::string coco_json(const Dataset& dataset, const std::string& split);

}  // namespace mr
