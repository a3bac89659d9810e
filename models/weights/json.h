// The little JSON that weight files need: a strict reader over a text (RFC 8259: UTF-8 checked, no duplicate keys, no depth but
// what the caller asks for). No tree is built, so a hostile text costs no memory.
//
//   HeaderReader r(text, "safetensors: a.safetensors: header");
//   r.object([&](const std::string& key) { if (key == "shape") r.array([&] { shape.push_back(r.integer()); }); … });
//   r.end();
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/json_text.h"
#include "base/text.h"

namespace mr {

class HeaderReader {
 public:
  HeaderReader(std::string_view text, std::string where) : text_(text), where_(std::move(where)) {}

  template <class OnKey> void object(OnKey&& on_key) {  // on_key(key) reads the key's value
    std::set<std::string> seen;
    expect('{');
    if (next('}')) return;
    do {
      const std::string key = string();
      if (!seen.insert(key).second) stop("expected each key once, got \"" + key + "\" again");
      expect(':');
      on_key(key);
    } while (next(','));
    expect('}');
  }
  template <class OnItem> void array(OnItem&& on_item) {
    expect('[');
    if (next(']')) return;
    do on_item();
    while (next(','));
    expect(']');
  }
  std::string string();
  int64_t integer();                                         // 0 … 2^63 − 1, without sign, fraction or exponent
  void end();                                                // nothing but white space may follow
  [[noreturn]] void stop(const std::string& problem) const;  // "where, byte 17: problem"

 private:
  void skip_space();
  bool next(char c);  // takes c if it comes next
  void expect(char c);
  unsigned hex4();

  std::string_view text_;
  std::string where_;
  size_t at_ = 0;
};

}  // namespace mr
