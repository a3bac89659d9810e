#include "base/file_kind.h"

#include <set>
#include <string>
#include <vector>

#include "tests/catch.h"

using namespace mr;

namespace {

constexpr auto first = static_cast<uint8_t>(FileKind::jpeg), last = static_cast<uint8_t>(FileKind::program);

std::set<std::string> kinds_of(const std::string& bytes) {
  std::set<std::string> names;
  for (int k = first; k <= last; ++k)
    if (is_kind(bytes, static_cast<FileKind>(k))) names.insert(name_of(static_cast<FileKind>(k)));
  return names;
}

}  // namespace

TEST_CASE("files are told by the bytes that they begin with", "[file_kind]") {
  using namespace std::string_literals;
  using Names = std::set<std::string>;
  CHECK(kinds_of("\x89PNG\r\n\x1a\n...") == Names{"a PNG picture"});
  CHECK(kinds_of("RIFF\x10\0\0\0WEBPVP8 "s) == Names{"a WebP picture"});
  CHECK(kinds_of("RIFF\x10\0\0\0AVI LIST"s) == Names{"a video"});
  CHECK(kinds_of("II*\0\x10\0\0\0CR\2\0"s) == Names{"a TIFF picture", "a camera's raw file"});  // who reads decides which counts
  CHECK(kinds_of("\0\0\0\x18"s + "ftypheic") == Names{"a HEIC picture", "a video"});
  CHECK(kinds_of(std::string(257, 'x') + "ustar") == Names{"a tar archive"});
  CHECK(kinds_of(std::string(128, '\0') + "DICM") == Names{"a DICOM file"});
  CHECK(kinds_of("\xfd" + "7zXZ"s) == Names{"an xz archive"});
  CHECK(kinds_of("\x7f" + "ELF"s) == Names{"a program"});
  CHECK(kinds_of("\x20\0\0\0\0\0\0\0{\"__metadata__\""s) == Names{"a file of weights (safetensors)"});
  CHECK(kinds_of("\x20\1\0\0\0\0\0\0{\"w\": {"s) == Names{"a file of weights (safetensors)"});
}

TEST_CASE("what is too short for a signature, or has another byte in it, is not told", "[file_kind]") {
  for (const std::string& whole : std::vector<std::string>{"\x89PNG", "GIF89a", "PK\x03\x04", "%PDF", "SQLite format 3"}) {
    CHECK(kinds_of(whole).size() == 1);
    for (size_t n = 0; n < whole.size(); ++n) {
      CHECK(kinds_of(whole.substr(0, n)).empty());
      std::string other = whole;
      other[n] = '?';
      CHECK(kinds_of(other).empty());
    }
  }
  CHECK(kinds_of(std::string(256, 'x') + "ustar").empty());
  CHECK(kinds_of("a text, as many are").empty());
}

TEST_CASE("every kind of file has a name of its own", "[file_kind]") {
  std::set<std::string> names;
  for (int k = first; k <= last; ++k) names.insert(name_of(static_cast<FileKind>(k)));
  CHECK(names.size() == size_t{last - first + 1});
}
