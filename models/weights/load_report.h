// Words that messages about loading share.
#pragma once

#include <string>
#include <vector>

namespace mr {

std::string some_names(const std::vector<std::string>& names);  // the first eight, and how many more

}  // namespace mr
