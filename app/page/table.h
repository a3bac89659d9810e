// A table (base/table.h) as text: for a terminal, and for what else shows tables.
#pragma once

#include <cstddef>
#include <string>

#include "base/table.h"

namespace mr::app {

std::string to_text(const Table& table);                 // columns side by side, numbers to the right
bool is_number(const Cell& cell);                        // or no_value
std::string shown(const Cell& cell, int decimals = -1);  // decimals as a table's
std::string number(double v);                            // up to six digits: 20.7812, 0.4770, 13
std::string short_number(double v, int decimals = 2);    // without what it does not need: 0.88, 0.5, 12
size_t width_of(const std::string& text);                // in characters, not in bytes: texts are UTF-8

}  // namespace mr::app
