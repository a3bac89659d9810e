// What an explanation is: paragraphs and tables in order, and one figure. The same page is printed in a terminal, written as JSON, and drawn.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "app/explain/svg.h"

namespace mr::app {

using Cell = std::variant<std::string, double, int64_t>;

struct Table {
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows;
};

struct Page {
  std::string title;
  std::deque<std::variant<std::string, Table>> parts;  // paragraphs and tables; a table stays where it is while more is said
  std::optional<Svg> figure;

  void say(const std::string& paragraph) { parts.emplace_back(paragraph); }
  Table& table(const std::string& title_, std::vector<std::string> columns) {
    parts.emplace_back(Table{title_, std::move(columns), {}});
    return std::get<Table>(parts.back());
  }
};

std::string number(double v);                          // up to six digits: 20.7812, 0.4770, 13
std::string short_number(double v, int decimals = 2);  // without what it does not need: 0.88, 0.5, 12
std::string to_text(const Page& p);                    // for a terminal of 100 columns
std::string to_json(const Page& p);  // {"title", "text": […], "tables": [{"title", "columns", "rows"}]}, numbers in full

}  // namespace mr::app
