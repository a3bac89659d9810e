#include "base/json_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <unordered_set>
#include <utility>

#include "base/check.h"
#include "base/text.h"

namespace mr {
namespace {

constexpr int kDeepest = 64;
constexpr size_t kManyKeys = 32;  // from here on a set is quicker than comparing each pair

bool digit(char c) { return c >= '0' && c <= '9'; }

// 1 where a byte may stand in a string as it is, in ASCII.
constexpr std::array<bool, 256> plain_bytes() {
  std::array<bool, 256> plain{};
  for (size_t c = 0x20; c < 0x80; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}
constexpr auto kPlain = plain_bytes();

}  // namespace

JsonReader::JsonReader(const std::string& text, std::string name)
    : name_(std::move(name)), begin_(text.data()), p_(begin_), end_(begin_ + text.size()) {
  if (text.starts_with("\xef\xbb\xbf")) p_ += 3;  // a byte order mark, as Windows' editors write it
}

void JsonReader::fail(const std::string& what) const {
  int64_t line = 1;
  const char* start = begin_;
  for (const char* c = begin_; c < p_; ++c)
    if (*c == '\n') ++line, start = c + 1;
  throw Error(str(name_, ": line ", line, ", column ", p_ - start + 1, " (byte ", p_ - begin_, "): ", what));
}

void JsonReader::unexpected(const char* wanted) const {
  if (p_ >= end_) fail(str("expected ", wanted, ", got the end of the file: the JSON is truncated"));
  const auto c = static_cast<unsigned char>(*p_);
  fail(c > 0x20 && c < 0x7f ? str("expected ", wanted, ", got '", static_cast<char>(c), "'") : str("expected ", wanted, ", got byte ", c));
}

void JsonReader::blanks() {
  while (*p_ == ' ' || *p_ == '\n' || *p_ == '\r' || *p_ == '\t') ++p_;
}

JsonReader::Kind JsonReader::kind() {
  blanks();
  switch (*p_) {
    case '{':
      return Kind::object;
    case '[':
      return Kind::array;
    case '"':
      return Kind::string;
    case 't':
    case 'f':
      return Kind::boolean;
    case 'n':
      return Kind::null;
    case 'N':
    case 'I':
    case '-':
      return Kind::number;
    default:
      if (!digit(*p_)) unexpected("a value");
      return Kind::number;
  }
}

void JsonReader::end() {
  blanks();
  if (p_ != end_) unexpected("the end of the file");
}

size_t JsonReader::open(char bracket) {
  blanks();
  if (*p_ != bracket) unexpected(bracket == '{' ? "an object" : "an array");
  if (++depth_ > kDeepest) fail(str("nested deeper than ", kDeepest, " levels"));
  ++p_;
  return keys_.size();
}

void JsonReader::close(size_t first_key) {
  ++p_;
  --depth_;
  keys_.resize(first_key);
  if (first_key == 0) escaped_keys_.clear();
}

bool JsonReader::next_item(bool first) {
  blanks();
  if (*p_ == ']') return false;
  if (first) return true;
  if (*p_ != ',') unexpected("',' or ']'");
  ++p_;
  blanks();
  if (*p_ == ']') unexpected("a value after ','");
  return true;
}

bool JsonReader::next_member(bool first, size_t first_key) {
  blanks();
  if (*p_ == '}') {
    if (keys_.size() - first_key > kManyKeys) check_key(first_key);
    return false;
  }
  if (!first) {
    if (*p_ != ',') unexpected("',' or '}'");
    ++p_;
    blanks();
  }
  if (*p_ != '"') unexpected("a key");
  std::string_view key = string();
  if (key.data() == scratch_.data()) key = escaped_keys_.emplace_back(key);
  keys_.push_back(key);
  if (keys_.size() - first_key <= kManyKeys) check_key(first_key);
  blanks();
  if (*p_ != ':') unexpected("':'");
  ++p_;
  return true;
}

// Few keys: the last one against those before it, as it comes. Many: all of them, at the object's end.
void JsonReader::check_key(size_t first_key) {
  const auto twice = [this](std::string_view k) { fail(str("the key \"", k, "\" stands twice in one object")); };
  const size_t n = keys_.size() - first_key;
  if (n <= kManyKeys) {
    for (size_t i = first_key; i + 1 < keys_.size(); ++i)
      if (keys_[i] == keys_.back()) twice(keys_[i]);
    return;
  }
  std::unordered_set<std::string_view> seen(n);
  for (size_t i = first_key; i < keys_.size(); ++i)
    if (!seen.insert(keys_[i]).second) twice(keys_[i]);
}

void JsonReader::expect_word(std::string_view word) {
  if (static_cast<size_t>(end_ - p_) < word.size() || std::memcmp(p_, word.data(), word.size()) != 0) unexpected("a value");
  p_ += word.size();
}

bool JsonReader::boolean() {
  blanks();
  const bool value = *p_ == 't';
  expect_word(value ? "true" : "false");
  return value;
}

void JsonReader::null() {
  blanks();
  expect_word("null");
}

// Checks the grammar of the number at p_ and returns its end.
const char* JsonReader::after_number() {
  const auto digits = [this](const char* q) {
    if (!digit(*q)) {
      p_ = q;
      unexpected("a digit");
    }
    while (digit(*q)) ++q;
    return q;
  };
  const char* q = p_ + (*p_ == '-');
  q = *q == '0' ? q + 1 : digits(q);
  if (*q == '.') q = digits(q + 1);
  if (*q == 'e' || *q == 'E') {
    ++q;
    q = digits(q + (*q == '+' || *q == '-'));
  }
  return q;
}

JsonNumber JsonReader::number() {
  blanks();
  const char* const from = p_;
  JsonNumber n;
  const auto constant = [&](std::string_view word, double value) {
    expect_word(word);
    n.value = value;
  };
  if (*p_ == 'N')
    constant("NaN", std::numeric_limits<double>::quiet_NaN());
  else if (*p_ == 'I')
    constant("Infinity", HUGE_VAL);
  else if (*p_ == '-' && p_[1] == 'I')
    constant("-Infinity", -HUGE_VAL);
  else if (!short_number(n))
    long_number(n);
  n.text = {from, static_cast<size_t>(p_ - from)};
  return n;
}

// Up to 15 digits without exponent: digits and power of ten are exact doubles, so their quotient is the nearest one.
bool JsonReader::short_number(JsonNumber& n) {
  static constexpr double kPowers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14};
  const bool negative = *p_ == '-';
  const char* const first = p_ + negative;
  const char* q = first;
  int64_t mantissa = 0;
  while (digit(*q) && q - first < 16) mantissa = mantissa * 10 + (*q++ - '0');
  const char* const point = q;
  if (*q == '.') {
    ++q;
    while (digit(*q) && q - first < 17) mantissa = mantissa * 10 + (*q++ - '0');
    if (q == point + 1) return false;
  }
  const ptrdiff_t fraction = q == point ? 0 : q - point - 1, digits = point - first + fraction;
  if (point == first || digits > 15 || (*first == '0' && point != first + 1) || *q == 'e' || *q == 'E') return false;
  p_ = q;
  const double magnitude = static_cast<double>(mantissa) / kPowers[fraction];
  n.value = negative ? -magnitude : magnitude;
  n.integer = negative ? -mantissa : mantissa;
  n.is_integer = q == point;
  return true;
}

void JsonReader::long_number(JsonNumber& n) {
  const char* const past = after_number();
  if (std::from_chars(p_, past, n.value).ec == std::errc::result_out_of_range) {
    const char* const exponent = std::find_if(p_, past, [](char c) { return (c | 0x20) == 'e'; });
    const bool tiny = exponent != past ? exponent[1] == '-' : p_[*p_ == '-'] == '0';
    n.value = tiny ? 0 : *p_ == '-' ? -HUGE_VAL : HUGE_VAL;
  }
  const auto [stop, error] = std::from_chars(p_, past, n.integer);
  n.is_integer = stop == past && error == std::errc();
  p_ = past;
}

std::string_view JsonReader::string() {
  blanks();
  if (*p_ != '"') unexpected("a string");
  const char* from = ++p_;
  while (kPlain[static_cast<unsigned char>(*p_)]) ++p_;
  if (*p_ == '"') return {from, static_cast<size_t>(p_++ - from)};
  return escaped(from);
}

std::string_view JsonReader::escaped(const char* from) {
  scratch_.assign(from, p_);
  for (;;) {
    const char* start = p_;
    while (kPlain[static_cast<unsigned char>(*p_)]) ++p_;
    scratch_.append(start, p_);
    if (*p_ == '"') {
      ++p_;
      return scratch_;
    }
    if (*p_ == '\\') {
      escape(scratch_);
    } else if (static_cast<unsigned char>(*p_) >= 0x80) {
      const size_t n = utf8_sequence({p_, static_cast<size_t>(end_ - p_)});
      if (n == 0) fail("a string is not UTF-8");
      scratch_.append(p_, n);
      p_ += n;
    } else {
      unexpected("the end of a string");
    }
  }
}

void JsonReader::escape(std::string& out) {
  static constexpr std::string_view kLetters = "\"\\/bfnrt", kMeaning = "\"\\/\b\f\n\r\t";
  const char c = *++p_;
  if (const size_t i = kLetters.find(c); i != std::string_view::npos && p_ < end_) {
    out.push_back(kMeaning[i]);
    ++p_;
    return;
  }
  if (c != 'u') unexpected("an escape");
  ++p_;
  uint32_t code = four_hex_digits();
  if (code >= 0xd800 && code < 0xdc00 && p_[0] == '\\' && p_[1] == 'u') {
    p_ += 2;
    const uint32_t low = four_hex_digits();
    if (low < 0xdc00 || low > 0xdfff) fail("a \\u escape is half of a surrogate pair");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  } else if (code >= 0xd800 && code <= 0xdfff) {
    fail("a \\u escape is half of a surrogate pair");
  }
  append_utf8(out, code);
}

uint32_t JsonReader::four_hex_digits() {
  uint32_t code = 0;
  for (int i = 0; i < 4; ++i, ++p_) {
    const char c = *p_;
    const bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (!digit(c) && !letter) unexpected("a hexadecimal digit");
    code = code * 16 + static_cast<uint32_t>(digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return code;
}

void JsonReader::skip() {
  switch (kind()) {
    case Kind::object:
      return object([this](std::string_view) { skip(); });
    case Kind::array:
      return array([this] { skip(); });
    case Kind::string:
      return static_cast<void>(string());
    case Kind::boolean:
      return static_cast<void>(boolean());
    case Kind::null:
      return null();
    case Kind::number:
      if (*p_ == 'N' || *p_ == 'I' || (*p_ == '-' && p_[1] == 'I'))
        number();
      else
        p_ = after_number();
  }
}

std::string_view JsonReader::skipped(size_t most) {
  blanks();
  const char* from = p_;
  skip();
  return {from, std::min(static_cast<size_t>(p_ - from), most)};
}

}  // namespace mr
