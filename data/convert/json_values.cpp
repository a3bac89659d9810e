#include "data/convert/json_values.h"

#include "base/check.h"
#include "base/text.h"

namespace mr::convert {

using Kind = JsonReader::Kind;

void JsonValues::wrong(std::string_view field, const std::string& text) {
  std::string at = record;
  if (!field.empty()) at += str(at.empty() ? "" : ": ", field);
  reader.fail(str(at, at.empty() ? "" : ": ", text));
}

double JsonValues::number(std::string_view field) {
  if (reader.kind() != Kind::number) wrong(field, str("expected a number, got ", printable(reader.skipped())));
  return reader.number().value;
}

double JsonValues::number_or(std::string_view field, double otherwise) {
  if (reader.kind() != Kind::null) return number(field);
  reader.null();
  return otherwise;
}

std::string JsonValues::text(std::string_view field) {
  if (reader.kind() != Kind::string) wrong(field, str("expected a string, got ", printable(reader.skipped())));
  return std::string(reader.string());
}

std::string JsonValues::text_or_empty(std::string_view field) {
  if (reader.kind() != Kind::null) return text(field);
  reader.null();
  return {};
}

void JsonValues::object(std::string_view field, const std::function<void(std::string_view)>& member) {
  if (reader.kind() != Kind::object) wrong(field, str("expected an object, got ", printable(reader.skipped())));
  reader.object(member);
}

void JsonValues::array(std::string_view field, const std::function<void()>& item) {
  if (reader.kind() != Kind::array) wrong(field, str("expected an array, got ", printable(reader.skipped())));
  reader.array(item);
}

std::vector<double> JsonValues::numbers(std::string_view field) {
  std::vector<double> all;
  array(field, [&] { all.push_back(number(field)); });
  return all;
}

}  // namespace mr::convert
