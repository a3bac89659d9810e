#include "app/page/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace mr::app {

size_t width_of(const std::string& s) {
  return static_cast<size_t>(std::ranges::count_if(s, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

bool is_number(const Cell& c) {
  const auto* s = std::get_if<std::string>(&c);
  return s == nullptr || *s == no_value;
}

std::string shown(const Cell& c, int decimals) {
  if (const auto* s = std::get_if<std::string>(&c)) return *s;
  if (const auto* i = std::get_if<int64_t>(&c)) return std::to_string(*i);
  const double v = std::get<double>(c);
  return decimals < 0 ? number(v) : fmt::format("{:.{}f}", v, decimals);
}

std::string to_text(const Table& t) {
  std::vector<size_t> widths;
  for (const std::string& c : t.columns) widths.push_back(width_of(c));
  for (const auto& row : t.rows)
    for (size_t k = 0; k < row.size(); ++k) widths[k] = std::max(widths[k], width_of(shown(row[k], t.decimals)));
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
  const auto numeric = [&](size_t k) { return !t.rows.empty() && is_number(t.rows[0][k]); };
  line([&](size_t k) { return t.columns[k]; }, numeric);
  for (const auto& row : t.rows) line([&](size_t k) { return shown(row[k], t.decimals); }, [&](size_t k) { return is_number(row[k]); });
  if (!t.note.empty()) append(out, str("  ", t.note, "\n"));
  return out;
}

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

}  // namespace mr::app
