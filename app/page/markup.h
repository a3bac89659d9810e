// What SVG and HTML have in common: text between tags, and files inside of the text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mr::app {

std::string escaped(std::string_view text);  // & < > as their names, so that nothing in it is a tag; not for what stands in quotes
std::string data_uri(std::string_view kind, const std::vector<uint8_t>& file);  // "data:image/png;base64,…"

}  // namespace mr::app
