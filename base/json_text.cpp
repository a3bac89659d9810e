#include "base/json_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "base/check.h"
#include "base/text.h"

namespace mr {
namespace {

template <class T> std::string shortest(T value) {
  if (!std::isfinite(value)) return "null";
  char buffer[32];
  return std::string(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

void append_escaped(std::string& out, char c) {
  if (c == '"' || c == '\\') {
    out += '\\';
    out += c;
  } else if (c == '\n') {
    out += "\\n";
  } else if (static_cast<unsigned char>(c) < 0x20) {
    char buffer[8];
    std::snprintf(buffer, sizeof buffer, "\\u%04x", static_cast<unsigned>(c));
    out += buffer;
  } else {
    out += c;
  }
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string out = "\"";
  const auto plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
  while (!text.empty()) {
    const auto run = static_cast<size_t>(std::ranges::find_if_not(text, plain) - text.begin());
    out += text.substr(0, run);
    text.remove_prefix(run);
    if (text.empty()) break;
    const size_t length = utf8_sequence(text);
    if (length == 1)
      append_escaped(out, text[0]);
    else
      out += length > 0 ? text.substr(0, length) : "\xef\xbf\xbd";  // U+FFFD
    text.remove_prefix(length > 0 ? length : 1);
  }
  return out + '"';
}

std::string json_number(double value) { return shortest(value); }
std::string json_number(float value) { return shortest(value); }

JsonWriter& JsonWriter::line(std::string_view indent) {
  line_ = "\n";
  line_ += indent;
  return *this;
}

// The comma, and the break of the line, before an item of an array or a key of an object.
void JsonWriter::separate() {
  if (!open_.empty() && !open_.back().empty) text_ += line_.empty() ? ", " : ",";
  if (!open_.empty()) open_.back().empty = false;
  text_ += line_;
  line_.clear();
}

// A value may stand at the top, once; in an array; and in an object behind its key.
void JsonWriter::begin_value() {
  if (keyed_) {
    keyed_ = false;
    return;
  }
  check(open_.empty() ? !begun_ : open_.back().closing == ']',
        "json: ", open_.empty() ? "a second value at the top" : "a value in an object without its key");
  begun_ = true;
  separate();
}

JsonWriter& JsonWriter::key(std::string_view name) {
  check(!open_.empty() && open_.back().closing == '}' && !keyed_, "json: the key ", name, " stands where no key may");
  separate();
  text_ += json_string(name) + ": ";
  keyed_ = true;
  return *this;
}

JsonWriter& JsonWriter::written(std::string_view json) {
  begin_value();
  text_ += json;
  return *this;
}

JsonWriter& JsonWriter::open(char opening, char closing) {
  begin_value();
  text_ += opening;
  open_.push_back({closing});
  return *this;
}

JsonWriter& JsonWriter::end() {
  check(!open_.empty() && !keyed_, "json: an end without a beginning");
  text_ += line_;
  line_.clear();
  text_ += open_.back().closing;
  open_.pop_back();
  return *this;
}

}  // namespace mr
