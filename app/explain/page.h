// What an explanation is: paragraphs and tables in order, and one figure. The same page is printed in a terminal, written as JSON, and drawn.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "app/page/svg.h"
#include "app/page/table.h"

namespace mr::app {

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

std::string to_text(const Page& p);  // for a terminal of 100 columns
std::string to_json(const Page& p);  // {"title", "text": […], "tables": [{"title", "columns", "rows"}]}, numbers in full

}  // namespace mr::app
