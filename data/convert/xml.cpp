#include "data/convert/xml.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/check.h"
#include "base/text.h"

namespace mr::convert {
namespace {

int64_t line_at(const std::string& text, ptrdiff_t offset) {
  const auto end = text.begin() + std::clamp<ptrdiff_t>(offset, 0, static_cast<ptrdiff_t>(text.size()));
  return 1 + std::count(text.begin(), end, '\n');
}

}  // namespace

XmlFile::XmlFile(const std::string& text, const std::string& file, const char* outermost) : text_(text), file_(file) {
  const pugi::xml_parse_result result = document_.load_buffer(text.data(), text.size());
  check(result.status == pugi::status_ok, file, ": line ", line_at(text, result.offset), ": not XML: ", result.description());
  root_ = document_.document_element();
  check(outermost == nullptr || std::string_view(root_.name()) == outermost, file, ": expected <", outermost == nullptr ? "" : outermost,
        ">, got <", printable(root_.name()), ">");
}

std::string XmlFile::record(pugi::xml_node node) const {
  return str("line ", line_at(text_, node.offset_debug()), ": <", printable(node.name()), ">");
}

void XmlFile::wrong(pugi::xml_node node, const std::string& field, const std::string& what) const {
  fail(file_, ": ", record(node), field.empty() ? "" : ": " + field, ": ", what);
}

std::string XmlFile::attribute(pugi::xml_node node, const char* name) const {
  const pugi::xml_attribute a = node.attribute(name);
  if (!a) wrong(node, name, "is missing");
  return a.value();
}

double XmlFile::number(pugi::xml_node node, const char* name) const { return as_number(node, name, attribute(node, name)); }

double XmlFile::number(pugi::xml_node node, const char* name, double otherwise) const {
  return node.attribute(name) ? number(node, name) : otherwise;
}

int XmlFile::pixels(pugi::xml_node node, const char* name) const {
  const double v = number(node, name);
  if (!(v >= 1 && v <= 1e9) || v != std::floor(v)) wrong(node, name, str("expected a number of pixels, got ", v));
  return static_cast<int>(v);
}

double XmlFile::as_number(pugi::xml_node node, const std::string& field, std::string_view text) const {
  std::string_view word = text;
  while (!word.empty() && (word.front() == ' ' || (word.front() >= '\t' && word.front() <= '\r'))) word.remove_prefix(1);
  while (!word.empty() && (word.back() == ' ' || (word.back() >= '\t' && word.back() <= '\r'))) word.remove_suffix(1);
  double v = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), v);
  const bool whole = !word.empty() && end == word.data() + word.size();
  if (!whole || (error != std::errc() && error != std::errc::result_out_of_range))
    wrong(node, field, "expected a number, got " + (text.empty() ? "nothing" : printable(text)));
  return error == std::errc() ? v : std::copysign(HUGE_VAL, word.front() == '-' ? -1.0 : 1.0);
}

}  // namespace mr::convert
