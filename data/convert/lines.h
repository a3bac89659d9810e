// The lines of a text file.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace mr::convert {

// each(number, line), from 1 on; a byte order mark is no part of the first one, nor the end of a line of any.
template <class Line> void for_lines(std::string_view text, Line&& each) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  int64_t number = 1;
  for (size_t at = 0; at < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', at), text.size());
    each(number, text.substr(at, end - at));
    at = end + 1;
  }
}

}  // namespace mr::convert
