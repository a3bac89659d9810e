#include "models/weights/json.h"

namespace mr {

void HeaderReader::stop(const std::string& problem) const { fail(where_, ", byte ", at_, ": ", problem); }

void HeaderReader::skip_space() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
}

bool HeaderReader::next(char c) {
  skip_space();
  if (at_ == text_.size() || text_[at_] != c) return false;
  ++at_;
  return true;
}

void HeaderReader::expect(char c) {
  if (next(c)) return;
  std::string got = "the end";
  if (at_ < text_.size()) {
    const auto byte = static_cast<unsigned char>(text_[at_]);
    got = byte >= 0x20 && byte < 0x7f ? std::string{'\'', text_[at_], '\''} : "byte value " + std::to_string(byte);
  }
  stop(std::string("expected '") + c + "', got " + got);
}

unsigned HeaderReader::hex4() {
  unsigned v = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = at_ < text_.size() ? text_[at_++] : ' ';
    if (c >= '0' && c <= '9')
      v = v * 16 + static_cast<unsigned>(c - '0');
    else if (c >= 'a' && c <= 'f')
      v = v * 16 + static_cast<unsigned>(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F')
      v = v * 16 + static_cast<unsigned>(c - 'A' + 10);
    else
      stop("expected four hexadecimal digits after \\u");
  }
  return v;
}

std::string HeaderReader::string() {
  expect('"');
  const size_t begin = at_;
  std::string out;
  for (;;) {
    if (at_ == text_.size()) stop("expected '\"' at the end of a string, got the end");
    const char c = text_[at_++];
    if (c == '"') break;
    if (static_cast<unsigned char>(c) < 0x20) stop("expected control characters in a string to be escaped");
    if (c != '\\') {
      out.push_back(c);
      continue;
    }
    const char escape = at_ < text_.size() ? text_[at_++] : ' ';
    constexpr std::string_view letters = "\"\\/bfnrt", values = "\"\\/\b\f\n\r\t";
    if (const size_t i = letters.find(escape); i != std::string_view::npos) {
      out.push_back(values[i]);
    } else if (escape == 'u') {
      uint32_t code = hex4();
      if (code >= 0xd800 && code < 0xdc00) {
        const bool pair = text_.substr(at_, 2) == "\\u";
        if (pair) at_ += 2;
        const unsigned low = pair ? hex4() : 0;
        if (low < 0xdc00 || low > 0xdfff) stop("expected a pair of surrogates");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      } else if (code >= 0xdc00 && code < 0xe000) {
        stop("expected a pair of surrogates");
      }
      append_utf8(out, code);
    } else {
      stop("expected one of \"\\/bfnrtu after a backslash");
    }
  }
  if (!is_utf8(text_.substr(begin, at_ - begin))) {
    at_ = begin;
    stop("expected UTF-8 in the string that starts here");
  }
  return out;
}

int64_t HeaderReader::integer() {
  skip_space();
  const size_t begin = at_;
  int64_t v = 0;
  for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_)
    if (__builtin_mul_overflow(v, int64_t{10}, &v) || __builtin_add_overflow(v, int64_t{text_[at_] - '0'}, &v))
      stop("expected a number below 2^63");
  const bool zero_first = at_ - begin > 1 && text_[begin] == '0';
  const bool fraction = at_ < text_.size() && (text_[at_] == '.' || text_[at_] == 'e' || text_[at_] == 'E');
  if (at_ == begin || zero_first || fraction) stop("expected a whole number of 0 or more");
  return v;
}

void HeaderReader::end() {
  skip_space();
  if (at_ != text_.size()) stop("expected nothing after the closing brace");
}

}  // namespace mr
