// A table as plain data: what has figures to show makes one, and what shows it (app/page) decides
// how it looks.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace mr {

using Cell = std::variant<std::string, double, int64_t>;

inline const std::string no_value = "–";  // a cell among numbers that has none

struct Table {
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows;
  int decimals = -1;      // of its doubles; −1: as many as a number needs
  std::string note = {};  // below it
};

}  // namespace mr
