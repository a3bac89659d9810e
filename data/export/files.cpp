#include "data/export/files.h"

#include "base/check.h"

namespace mr {

std::string padded(int64_t number, int digits) {
  const std::string text = std::to_string(number);
  return std::string(static_cast<size_t>(digits) > text.size() ? static_cast<size_t>(digits) - text.size() : 0, '0') + text;
}

void check_word(const std::string& word, const char* what) {
  bool good = !word.empty();
  for (const char c : word)
    good = good && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_');
  check(good, what, " must be of letters, digits, '-' and '_', got '", word, "'");
}

}  // namespace mr
