// Words that messages about loading share.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace mr {

std::string counted(size_t n, const char* what);                // "1 tensor", "3 tensors"
std::string some_names(const std::vector<std::string>& names);  // the first eight, and how many more

}  // namespace mr
