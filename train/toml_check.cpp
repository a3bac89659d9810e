#include "train/toml_check.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"

namespace mr {
namespace {

constexpr size_t kLargest = size_t{256} << 10;
constexpr size_t kLongestValue = 64;
constexpr int kDeepest = 16;

bool digit(char c) { return c >= '0' && c <= '9'; }
bool hex_digit(char c) { return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || digit(c); }
bool of_bare_key(char c) { return letter_or_digit(c) || c == '_' || c == '-'; }
bool of_bare_value(char c) { return of_bare_key(c) || c == '.' || c == ':' || c == '+'; }

// Takes digits with single '_' between them off the text; false if there is none.
template <class Digit> bool take_digits(std::string_view& s, Digit&& is_digit) {
  if (s.empty() || !is_digit(s[0])) return false;
  while (!s.empty() && (is_digit(s[0]) || (s[0] == '_' && s.size() > 1 && is_digit(s[1])))) s.remove_prefix(s[0] == '_' ? 2 : 1);
  return true;
}

// A value without quotes or brackets: true, false, a whole number in base 10, 16, 8 or 2, a number with a fraction or an exponent, inf, nan.
bool is_bare_value(std::string_view s) {
  if (s == "true" || s == "false") return true;
  if (s.starts_with("0x")) return s.remove_prefix(2), take_digits(s, hex_digit) && s.empty();
  if (s.starts_with("0o")) return s.remove_prefix(2), take_digits(s, [](char c) { return c >= '0' && c <= '7'; }) && s.empty();
  if (s.starts_with("0b")) return s.remove_prefix(2), take_digits(s, [](char c) { return c == '0' || c == '1'; }) && s.empty();
  if (s.starts_with('+') || s.starts_with('-')) s.remove_prefix(1);
  if (s == "inf" || s == "nan") return true;
  if (s.size() > 1 && s[0] == '0' && (digit(s[1]) || s[1] == '_')) return false;
  if (!take_digits(s, digit)) return false;
  if (s.starts_with('.') && (s.remove_prefix(1), !take_digits(s, digit))) return false;
  if (s.starts_with('e') || s.starts_with('E')) {
    s.remove_prefix(1);
    if (s.starts_with('+') || s.starts_with('-')) s.remove_prefix(1);
    if (!take_digits(s, digit)) return false;
  }
  return s.empty();
}

class TomlCheck {
 public:
  TomlCheck(std::string_view text, const std::string& file) : text_(text), file_(file) {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;  // a byte order mark
  }

  void document() {
    while (!at_end()) {
      blanks();
      if (peek() == '[')
        header();
      else if (!at_end() && peek() != '#' && !at_newline())
        key_and_value(table_);
      blanks();
      if (peek() == '#') comment();
      if (!at_end() && !newline()) unexpected("the end of the line");
    }
  }

 private:
  // ---- characters ----

  bool at_end() const { return at_ >= text_.size(); }
  char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  bool at_newline() const { return peek() == '\n' || (peek() == '\r' && peek(1) == '\n'); }
  bool newline() {
    if (!at_newline()) return false;
    at_ += peek() == '\r' ? 2 : 1;
    return true;
  }
  void blanks() {
    while (peek() == ' ' || peek() == '\t') ++at_;
  }
  void blank_lines() {  // with their comments
    do {
      blanks();
      if (peek() == '#') comment();
    } while (newline());
  }
  void take(char c, const char* wanted) {
    if (peek() != c) unexpected(wanted);
    ++at_;
  }

  [[noreturn]] void stop(const std::string& what) const {
    const std::string_view before = text_.substr(0, at_);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::string_view row = before.substr(before.rfind('\n') + 1);
    const auto column = std::count_if(row.begin(), row.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }) + 1;
    fail(file_, ":", int64_t{line}, ":", int64_t{column}, ": ", what);
  }
  [[noreturn]] void unexpected(const char* wanted) const {
    if (at_end()) stop(str("expected ", wanted, ", got the end of the text"));
    if (at_newline()) stop(str("expected ", wanted, ", got the end of the line"));
    const std::string_view rest = text_.substr(at_);
    const size_t length = utf8_sequence(rest);
    if (length == 0) stop("expected UTF-8, got byte " + std::to_string(static_cast<unsigned char>(rest[0])));
    stop(str("expected ", wanted, ", got '", printable(rest.substr(0, length)), "'"));
  }

  // One character of a comment or a string.
  void character(const char* wanted) {
    const auto byte = static_cast<unsigned char>(peek());
    const size_t length = utf8_sequence(text_.substr(at_));
    if (length == 0 || (byte < 0x20 && byte != '\t') || byte == 0x7f) unexpected(wanted);
    at_ += length;
  }
  void comment() {
    while (!at_end() && !at_newline()) character("a comment without control characters");
  }

  // ---- keys ----

  // `name`, `'name'` or `"name"`, and how many of them with dots between: each is a level.
  int key(int depth) {
    for (;;) {
      deeper(++depth);
      if (peek() == '"' || peek() == '\'')
        line_of_text(peek());
      else if (of_bare_key(peek()))
        while (of_bare_key(peek())) ++at_;
      else
        unexpected("a key");
      blanks();
      if (peek() != '.') return depth;
      ++at_;
      blanks();
    }
  }
  void header() {
    const bool list = peek(1) == '[';  // [[a table of a list]]
    at_ += list ? 2 : 1;
    blanks();
    table_ = key(0);
    take(']', "']'");
    if (list) take(']', "']]'");
  }
  void key_and_value(int depth) {
    depth = key(depth);
    take('=', "'=' after a key");
    blanks();
    value(depth);
  }
  void deeper(int depth) const {
    if (depth > kDeepest) stop(str("nested deeper than ", kDeepest, " levels"));
  }

  // ---- values ----

  void value(int depth) {  // NOLINT(misc-no-recursion): as deep as `deeper` allows
    deeper(depth);
    const char first = peek();
    if (first == '[') return list(depth + 1);
    if (first == '{') return inline_table(depth + 1);
    if (first == '"' || first == '\'') return text(first);
    const char* const wanted = "a value: a number, true, false, a text in quotes, a list";
    size_t length = 0;
    while (of_bare_value(peek(length))) ++length;
    if (length == 0) unexpected(wanted);
    const std::string_view bare = text_.substr(at_, length);
    if (length > kLongestValue || !is_bare_value(bare)) stop(str("expected ", wanted, ", got '", printable(bare), "'"));
    at_ += length;
  }

  void list(int depth) {  // NOLINT(misc-no-recursion)
    take('[', "'['");
    blank_lines();
    while (peek() != ']') {
      value(depth);
      blank_lines();
      if (peek() != ',') break;
      ++at_;
      blank_lines();
    }
    take(']', "',' or ']' after a value of a list");
  }
  void inline_table(int depth) {  // NOLINT(misc-no-recursion)
    take('{', "'{'");
    blanks();
    if (peek() != '}') {
      key_and_value(depth);
      for (blanks(); peek() == ','; blanks()) {
        ++at_;
        blanks();
        key_and_value(depth);
      }
    }
    take('}', "',' or '}' after a value of a table");
  }

  // ---- texts ----

  void text(char quote) {
    if (peek(1) == quote && peek(2) == quote)
      lines_of_text(quote);
    else
      line_of_text(quote);
  }
  void line_of_text(char quote) {
    const char* const wanted = quote == '"' ? "a '\"' at the end of a text" : "a \"'\" at the end of a text";
    ++at_;
    while (peek() != quote) {
      if (at_end() || at_newline()) unexpected(wanted);
      if (quote == '"' && peek() == '\\')
        escape();
      else
        character(wanted);
    }
    ++at_;
  }
  void escape() {
    ++at_;
    const int digits = peek() == 'u' ? 4 : peek() == 'U' ? 8 : 0;
    if (digits == 0 && (peek() == '\0' || std::string_view("btnfr\"\\").find(peek()) == std::string_view::npos)) unexpected("an escape");
    ++at_;
    for (int i = 0; i < digits; ++i, ++at_)
      if (!hex_digit(peek())) unexpected("a hexadecimal digit");
  }
  // A backslash at the end of a line joins it with the next.
  bool end_of_line_escaped() {
    const size_t before = at_++;
    blanks();
    if (newline()) return true;
    at_ = before;
    return false;
  }
  void lines_of_text(char quote) {  // in three quotes; up to two more of them may stand before the last three
    const char* const wanted = quote == '"' ? "three '\"' at the end of a text" : "three \"'\" at the end of a text";
    at_ += 3;
    while (!(peek() == quote && peek(1) == quote && peek(2) == quote)) {
      if (at_end()) unexpected(wanted);
      if (quote == '"' && peek() == '\\') {
        if (!end_of_line_escaped()) escape();
      } else if (!newline()) {
        character(wanted);
      }
    }
    at_ += 3;
    for (int more = 0; more < 2 && peek() == quote; ++more) ++at_;
  }

  std::string_view text_;
  const std::string& file_;
  size_t at_ = 0;
  int table_ = 0;  // how many parts the name of the table has whose keys are read
};

}  // namespace

void check_toml(std::string_view text, const std::string& file) {
  check(text.size() <= kLargest, file, ": expected at most ", kLargest, " bytes of settings, got ", text.size());
  TomlCheck(text, file).document();
}

}  // namespace mr
