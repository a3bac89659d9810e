// Looks at the image files of a dataset before a run begins, by all threads: that all are there; and at their headers, that they are of a
// kind that is read and of the size that is stated (data/image/stated_size.h). Where the time does not suffice for all, the headers are
// those of a sample spread over the dataset.
//
// errors: FileError where a folder may not be looked into
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace mr {

// How many, and the first three of them.
struct ImageFaults {
  int64_t count = 0;
  std::vector<std::string> first;
  std::string text(const char* between) const;  // followed by … where there are more
};

struct ImageCheck {
  int64_t images = 0, looked_at = 0;  // files; headers
  ImageFaults missing;                // their paths
  ImageFaults faulty;                 // what is wrong, as an ImageError says it
};

// `seconds`: for the headers; 0: none is read. Samples without a file (drawn ones) are passed over.
ImageCheck check_images(const Dataset& dataset, double seconds);

}  // namespace mr
