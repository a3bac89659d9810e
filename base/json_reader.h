// Reads JSON front to back without building a tree: a COCO file of 450 MB needs no more than its text and what its reader keeps.
//
//   reader.object([&](std::string_view key) {          // called for each member; must consume its value
//     if (key == "size") size = reader.number().value;
//     else reader.skip();
//   });
//
// Checked, by position (line, column, byte): RFC 8259's grammar, depth ≤ 64, no key twice in an object, well-formed UTF-8 and escapes,
// nothing after the value. Not JSON but written by Python: NaN, Infinity and -Infinity are numbers here, for the caller to refuse by name.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace mr {

struct JsonNumber {
  double value = 0;
  int64_t integer = 0;
  bool is_integer = false;  // without fraction or exponent, and within int64
  std::string_view text;    // as written
};

class JsonReader {
 public:
  enum class Kind : uint8_t { object, array, string, number, boolean, null };

  // `text` must outlive the reader and end with a 0 byte that is not part of it. `name`: the file, for messages.
  JsonReader(const std::string& text, std::string name);

  Kind kind();  // of the value that comes next
  JsonNumber number();
  bool boolean();
  std::string_view string();  // valid until the next key or string is read
  void null();
  void skip();
  std::string_view skipped(size_t most = 40);  // the text of what it skips, so many bytes of it
  void end();                                  // nothing but blanks may follow

  template <class Member> void object(Member&& member) {
    const size_t first_key = open('{');
    for (bool first = true; next_member(first, first_key); first = false) member(key());
    close(first_key);
  }
  template <class Item> void array(Item&& item) {
    const size_t first_key = open('[');
    for (bool first = true; next_item(first); first = false) item();
    close(first_key);
  }

  [[noreturn]] void fail(const std::string& what) const;  // "FILE: line 1, column 7 (byte 6): what"

 private:
  size_t open(char bracket);
  void close(size_t first_key);
  bool next_item(bool first);
  bool next_member(bool first, size_t first_key);
  std::string_view key() const { return keys_.back(); }
  void check_key(size_t first_key);
  void blanks();
  void expect_word(std::string_view word);
  bool short_number(JsonNumber& n);
  void long_number(JsonNumber& n);
  const char* after_number();
  std::string_view escaped(const char* from);
  void escape(std::string& out);
  uint32_t four_hex_digits();
  [[noreturn]] void unexpected(const char* wanted) const;

  std::string name_;
  const char *begin_, *p_, *end_;
  int depth_ = 0;
  std::vector<std::string_view> keys_;  // of the open objects, outermost first
  std::deque<std::string> escaped_keys_;
  std::string scratch_;
};

}  // namespace mr
