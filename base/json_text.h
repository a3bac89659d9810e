// JSON for those that write it: brackets, commas, quotes and escapes are the writer's, so that what comes out is JSON whatever the
// strings hold.
//
//   JsonWriter j;
//   j.object().field("name", file).key("box").array().value(0.5).value(2).end().end();
//   j.text()                                                                     {"name": "a \"b\".png", "box": [0.5, 2]}
//
// Numbers are the shortest text that reads back as the same number (of a float: the same float); null if they are not finite.
// Bytes that are no UTF-8 become U+FFFD.
// errors: a value in an object without its key, a key elsewhere, a second value at the top, an end without a beginning.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mr {

std::string json_string(std::string_view text);  // quoted and escaped
std::string json_number(double value);
std::string json_number(float value);

class JsonWriter {
 public:
  JsonWriter& object() { return open('{', '}'); }
  JsonWriter& array() { return open('[', ']'); }
  JsonWriter& end();                               // of the innermost object or array
  JsonWriter& line(std::string_view indent = "");  // what comes next, an item, a key or an end, begins a line of its own
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text) { return written(json_string(text)); }
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  JsonWriter& value(bool v) { return written(v ? "true" : "false"); }
  JsonWriter& value(double v) { return written(json_number(v)); }
  JsonWriter& value(float v) { return written(json_number(v)); }
  template <std::integral I> JsonWriter& value(I v) { return written(std::to_string(v)); }
  JsonWriter& written(std::string_view json);  // a value that is JSON already

  template <class T> JsonWriter& field(std::string_view name, const T& v) { return key(name).value(v); }
  template <class List> JsonWriter& list(const List& values) {  // all of them, as an array
    array();
    for (const auto& v : values) value(v);
    return end();
  }

  const std::string& text() const { return text_; }
  std::string take() { return std::exchange(text_, {}); }  // what was written since the last time; the writer goes on

 private:
  struct Open {
    char closing;
    bool empty = true;
  };
  JsonWriter& open(char opening, char closing);
  void begin_value();
  void separate();

  std::string text_;
  std::string line_;        // the break before what comes next
  std::vector<Open> open_;  // outermost first
  bool begun_ = false;      // the value at the top
  bool keyed_ = false;      // a key waits for its value
};

}  // namespace mr
