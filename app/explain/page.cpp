#include "app/explain/page.h"

#include <nlohmann/json.hpp>

namespace mr::app {
namespace {

std::string wrapped(const std::string& paragraph, size_t columns) {
  std::string out, word, line;
  const auto end_word = [&] {
    if (!line.empty() && width_of(line) + 1 + width_of(word) > columns) {
      out += line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
    word.clear();
  };
  for (const char c : paragraph) {
    if (c == ' ')
      end_word();
    else
      word += c;
  }
  end_word();
  return out + line + "\n";
}

}  // namespace

std::string to_text(const Page& p) {
  std::string out = p.title + "\n" + std::string(width_of(p.title), '=') + "\n";
  for (const auto& part : p.parts) {
    out += "\n";
    if (const auto* s = std::get_if<std::string>(&part))
      out += wrapped(*s, 100);
    else
      out += to_text(std::get<Table>(part));
  }
  return out;
}

std::string to_json(const Page& p) {
  nlohmann::ordered_json out = {{"title", p.title}, {"text", nlohmann::ordered_json::array()}, {"tables", nlohmann::ordered_json::array()}};
  for (const auto& part : p.parts) {
    if (const auto* s = std::get_if<std::string>(&part)) {
      out["text"].push_back(*s);
      continue;
    }
    const auto& t = std::get<Table>(part);
    nlohmann::ordered_json rows = nlohmann::ordered_json::array();
    for (const auto& row : t.rows) {
      nlohmann::ordered_json cells = nlohmann::ordered_json::array();
      for (const Cell& c : row) std::visit([&](const auto& v) { cells.push_back(v); }, c);
      rows.push_back(cells);
    }
    out["tables"].push_back({{"title", t.title}, {"columns", t.columns}, {"rows", rows}});
  }
  return out.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";  // a picture's name need not be UTF-8
}

}  // namespace mr::app
