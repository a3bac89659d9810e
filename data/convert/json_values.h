// Values of an annotation file's JSON. One of another type is an Error by position, record and field:
// "a.json: line 5, column 9 (byte 88): shapes[2]: points: expected an array, got \"x\"".
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_reader.h"

namespace mr::convert {

class JsonValues {
 public:
  JsonValues(const std::string& text, const std::string& file) : reader(text, file) {}

  JsonReader reader;
  std::string record;  // that is being read, for messages

  [[noreturn]] void wrong(std::string_view field, const std::string& text);
  double number(std::string_view field);                       // may be no finite one: Python writes NaN
  double number_or(std::string_view field, double otherwise);  // in place of null
  std::string text(std::string_view field);
  std::string text_or_empty(std::string_view field);  // in place of null
  void object(std::string_view field, const std::function<void(std::string_view)>& member);
  void array(std::string_view field, const std::function<void()>& item);
  std::vector<double> numbers(std::string_view field);  // an array of them
};

}  // namespace mr::convert
