#include "app/page/markup.h"

#include "base/base64.h"
#include "base/check.h"

namespace mr::app {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

std::string data_uri(std::string_view kind, const std::vector<uint8_t>& file) { return str("data:", kind, ";base64,", base64(file)); }

}  // namespace mr::app
