// Every problem of a Cityscapes folder, by image, rather than the first one.
//
//   errors      a split that is not where it should be, or has no image; images without ground
//               truth and the other way round; maps that cannot be read (8 bits, cut short, ids of
//               no label); images that cannot be read, or are not of their map's size; no object at
//               all
//   warnings    splits that are not whole; what data/dataset_tools/lint.h says of any data set
#pragma once

#include <string>

#include "data/cityscapes/dataset.h"
#include "data/dataset_tools/lint.h"

namespace mr {

// `decode`: decode every image, rather than read its header.
LintReport lint_cityscapes(const std::string& root, const CityscapesOptions& options, bool decode = false, LintSink sink = {});

}  // namespace mr
