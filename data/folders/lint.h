// Every problem of a folder of pictures, one folder for each class (folder_dataset.h).
//
//   errors      a picture that cannot be read
//   warnings    what is left out; what data/dataset_tools/lint.h says of any data set
#pragma once

#include <string>
#include <vector>

#include "data/dataset_tools/lint.h"

namespace mr {

// `decode`: decode every picture, rather than read its header. `wanted`: as FolderDataset has it.
// Errors: as FolderDataset.
LintReport lint_folders(const std::string& folder, const std::vector<std::string>& wanted, bool decode = false, LintSink sink = {});

}  // namespace mr
