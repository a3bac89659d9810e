#include "base/files.h"

#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/check.h"
#include "tests/catch.h"

using namespace mr;

TEST_CASE("crc32: the check value of its definition, lengths 0 to 8 and a split", "[files]") {
  const std::string text = "123456789 and some more of it, past two words";
  const auto bytes = std::as_bytes(std::span(text));
  CHECK(crc32(bytes.first(9)) == 0xcbf43926u);
  CHECK(crc32(bytes.first(0)) == 0);
  for (size_t n = 0; n < text.size(); ++n) {
    uint32_t c = ~0u;  // bit by bit
    for (size_t i = 0; i < n; ++i)
      for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ (((c ^ static_cast<uint32_t>(bytes[i]) >> bit) & 1) ? 0xedb88320u : 0);
    CHECK(crc32(bytes.first(n)) == ~c);
    CHECK(crc32(bytes.subspan(n), crc32(bytes.first(n))) == crc32(bytes));
  }
}

namespace {

struct Folder {
  std::string path = (std::filesystem::temp_directory_path() / ("mr_files_" + std::to_string(getpid()))).string();
  ~Folder() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("a folder is made with its parents, and what is in the way is named", "[files]") {
  const Folder folder;
  make_folder(folder.path + "/a/b");
  make_folder(folder.path + "/a/b");
  CHECK(std::filesystem::is_directory(folder.path + "/a/b"));
  write_text_file(folder.path + "/file", "");
  CHECK_THROWS_WITH(make_folder(folder.path + "/file/c"), Catch::Matchers::Contains("/file/c: cannot be created: Not a directory"));
}

TEST_CASE("a folder that is there, but closed to us, is not called one that cannot be created", "[files]") {
  if (geteuid() == 0) return skip("root may write anywhere");
  const Folder folder;
  make_folder(folder.path);
  std::filesystem::permissions(folder.path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  CHECK_THROWS_WITH(make_folder(folder.path), Catch::Matchers::Contains(": no files can be made in this folder: Permission denied"));
  std::filesystem::permissions(folder.path, std::filesystem::perms::owner_all);
}
