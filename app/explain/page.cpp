#include "app/explain/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace mr::app {
namespace {

// Characters, not bytes: texts are UTF-8.
size_t width_of(const std::string& s) {
  return static_cast<size_t>(std::ranges::count_if(s, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

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

std::string shown(const Cell& c) {
  if (const auto* s = std::get_if<std::string>(&c)) return *s;
  if (const auto* i = std::get_if<int64_t>(&c)) return std::to_string(*i);
  return number(std::get<double>(c));
}

std::string to_text(const Table& t) {
  std::vector<size_t> widths;
  for (const std::string& c : t.columns) widths.push_back(width_of(c));
  for (const auto& row : t.rows)
    for (size_t k = 0; k < row.size(); ++k) widths[k] = std::max(widths[k], width_of(shown(row[k])));
  std::string out = t.title.empty() ? "" : t.title + "\n";
  const auto line = [&](const auto& cell_of, const auto& right) {
    std::string s = " ";
    for (size_t k = 0; k < widths.size(); ++k) {
      const std::string text = cell_of(k), pad(widths[k] - width_of(text), ' ');
      s += " " + (right(k) ? pad + text : text + pad) + " ";
    }
    while (!s.empty() && s.back() == ' ') s.pop_back();
    out += s + "\n";
  };
  const auto numeric = [&](size_t k) { return !t.rows.empty() && !std::holds_alternative<std::string>(t.rows[0][k]); };
  line([&](size_t k) { return t.columns[k]; }, numeric);
  for (const auto& row : t.rows)
    line([&](size_t k) { return shown(row[k]); }, [&](size_t k) { return !std::holds_alternative<std::string>(row[k]); });
  return out;
}

}  // namespace

std::string number(double v) {
  if (std::isnan(v)) return "nan";
  if (v == std::round(v) && std::abs(v) < 1e9) return fmt::format("{:.0f}", v == 0 ? 0 : v);
  return std::abs(v) >= 0.001 && std::abs(v) < 1e6 ? fmt::format("{:.4f}", v) : fmt::format("{:.4g}", v);
}

std::string short_number(double v, int decimals) {
  std::string s = fmt::format("{:.{}f}", v, decimals);
  if (decimals > 0) s.erase(s.find_last_not_of('0') + 1);
  if (s.back() == '.') s.pop_back();
  return s == "-0" ? "0" : s;
}

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
  return out.dump(1) + "\n";
}

}  // namespace mr::app
