// Any Dataset as pictures of its objects, sorted into a folder for each class
// (data/folders/folder_dataset.h): what a classifier learns from.
//
//   DIR/<class>/<image id>_<number of the object in its image>.png
//
// A picture is the square around the middle of an object's box, (1 + 2·margin) times its longer
// side, moved into the image and cut where that is smaller, resized to side × side. Crowds, and
// boxes with a longer side below least_side, are left out. Images are read and written in parallel;
// the files do not depend on the number of threads.
//
// Errors: a class whose name cannot name a folder; DIR that holds a folder of a class already; a
// failed write. Each names the file.
#pragma once

#include <string>

#include "data/dataset.h"

namespace mr {

struct CropOptions {
  double margin = 0.1;
  int side = 72;  // pixels; 0: as large as it is in the image
  double least_side = 12;
};

// Returns how many pictures were written.
int64_t write_crops(const Dataset& dataset, const std::string& folder, const CropOptions& options = {});

}  // namespace mr
