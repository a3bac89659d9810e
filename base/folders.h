// What lies in a folder.
#pragma once

#include <string>
#include <vector>

namespace mr {

// The names of the files and folders in `folder`, in no order. Errors (FileError, base/files.h): it cannot be listed.
std::vector<std::string> names_in(const std::string& folder);

}  // namespace mr
