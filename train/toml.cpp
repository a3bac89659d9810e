// The one file that sees toml++, which gets nothing that has not passed check_toml.
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>

#include "base/check.h"
#include "train/config.h"
#include "train/toml_check.h"

namespace mr {
namespace {

Scalar scalar(const toml::node& node) {
  if (const auto* v = node.as_boolean()) return v->get();
  if (const auto* v = node.as_integer()) return v->get();
  if (const auto* v = node.as_floating_point()) return v->get();
  if (const auto* v = node.as_string()) return v->get();
  return std::monostate{};
}

void collect(const toml::table& table, const std::string& prefix, const std::string& file, std::vector<Setting>& out) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    if (const toml::table* inner = node.as_table()) {
      collect(*inner, key + ".", file, out);
      continue;
    }
    Setting s;
    s.key = key;
    s.where = str(file, ":", static_cast<int64_t>(node.source().begin.line));
    if (const toml::array* array = node.as_array()) {
      std::vector<Scalar> values;
      for (const toml::node& item : *array) values.push_back(scalar(item));
      s.value = std::move(values);
    } else {
      s.value = scalar(node);
    }
    out.push_back(std::move(s));
  }
}

// toml++ keeps a table sorted by name; a file is read from top to bottom.
int64_t line_of(const Setting& s) { return std::stoll(s.where.substr(s.where.rfind(':') + 1)); }

}  // namespace

std::vector<Setting> parse_toml(const std::string& text, const std::string& file) {
  check_toml(text, file);
  std::vector<Setting> settings;
  try {
    collect(toml::parse(text, file), "", file, settings);
  } catch (const toml::parse_error& e) {
    const toml::source_position at = e.source().begin;
    fail(file, ":", at.line, ":", at.column, ": ", std::string(e.description()));
  }
  std::stable_sort(settings.begin(), settings.end(), [](const Setting& a, const Setting& b) { return line_of(a) < line_of(b); });
  return settings;
}

Setting parse_assignment(const std::string& text) {
  const size_t eq = text.find('=');
  check(eq != std::string::npos && eq > 0, "--set: expects key=value, got ", text);
  Setting s;
  s.key = text.substr(0, eq);
  s.raw = text.substr(eq + 1);
  s.where = "--set";
  s.value = Scalar(s.raw);
  if (s.raw.find('\n') != std::string::npos) return s;
  try {
    std::vector<Setting> parsed = parse_toml("v = " + s.raw, "--set");
    if (parsed.size() == 1 && parsed[0].key == "v") s.value = std::move(parsed[0].value);
  } catch (const Error&) {
    // not TOML: a bare string
  }
  return s;
}

}  // namespace mr
