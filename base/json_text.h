// Pieces of JSON for those that write it.
#pragma once

#include <string>
#include <string_view>

namespace mr {

std::string json_string(std::string_view text);  // quoted and escaped
std::string json_number(double value);           // the shortest text that reads back as the same number; null if it is not finite

}  // namespace mr
