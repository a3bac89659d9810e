#include "base/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

namespace mr {

size_t utf8_sequence(std::string_view text) {
  if (text.empty()) return 0;
  const auto first = static_cast<unsigned char>(text[0]);
  const size_t length = first < 0x80 ? 1 : (first & 0xe0) == 0xc0 ? 2 : (first & 0xf0) == 0xe0 ? 3 : (first & 0xf8) == 0xf0 ? 4 : 0;
  if (length == 0 || length > text.size()) return 0;
  uint32_t code = length == 1 ? first : first & (0x7fu >> length);
  for (size_t k = 1; k < length; ++k) {
    const auto byte = static_cast<unsigned char>(text[k]);
    if ((byte & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte & 0x3fu);
  }
  constexpr std::array<uint32_t, 5> least = {0, 0, 0x80, 0x800, 0x10000};  // fewer would do: an overlong form
  return code < least[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = utf8_sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

static std::string without_controls(std::string_view text, bool ascii) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(byte < 0x20 || byte == 0x7f || (byte >= 0x80 && ascii) ? '?' : c);
  }
  return out;
}

std::string printable(std::string_view text) {
  constexpr size_t longest = 120;
  if (text.size() <= longest) return printable_whole(text);
  return without_controls(text.substr(0, longest), true) + "...";
}

std::string printable_whole(std::string_view text) { return without_controls(text, !is_utf8(text)); }

std::string shell_word(std::string_view text) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=:,@%";
  if (!text.empty() && text.find_first_not_of(plain) == text.npos) return std::string(text);
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

void append_utf8(std::string& out, uint32_t code_point) {
  const auto put = [&out](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xc0 | code_point >> 6);
    put(0x80 | (code_point & 63));
  } else if (code_point < 0x10000) {
    put(0xe0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 63));
    put(0x80 | (code_point & 63));
  } else {
    put(0xf0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 63));
    put(0x80 | (code_point >> 6 & 63));
    put(0x80 | (code_point & 63));
  }
}

// Levenshtein's distance, where two neighbours that changed places are one edit too.
static size_t edits(std::string_view a, std::string_view b) {
  std::vector<size_t> before, above, row(b.size() + 1);  // edits from a prefix of a to each prefix of b: of i − 2, i − 1 and i letters
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before = std::exchange(above, row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j - 1] + (a[i - 1] != b[j - 1]), above[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}

std::string counted(int64_t n, std::string_view what) {
  std::string text = std::to_string(n) + ' ';
  text += what;
  if (n != 1) text += what.ends_with('s') ? "es" : "s";
  return text;
}

std::string rounded(double v) {
  std::array<char, 400> text{};  // 1e308 has 309 digits
  std::snprintf(text.data(), text.size(), std::abs(v) >= 999.5 ? "%.0f" : "%.3g", v);
  return text.data();
}

std::string hint(const std::string& word, const std::vector<std::string>& candidates) {
  const auto last = [](const std::string& key) { return key.substr(key.rfind('.') + 1); };
  const auto slip = [](const std::string& typed, size_t n) { return n <= (typed.size() + 1) / 3; };  // an edit in three letters
  std::string best;
  size_t fewest = SIZE_MAX;
  for (const std::string& c : candidates) {
    // "momentun" alone is close to "optimiser.momentum" too
    const size_t whole = edits(word, c), part = edits(last(word), last(c)), n = std::min(whole, part + 3);
    if (n >= fewest || !(slip(word, whole) || slip(last(word), part))) continue;
    fewest = n;
    best = c;
  }
  return best.empty() ? "" : "; the nearest is " + best;
}

}  // namespace mr
