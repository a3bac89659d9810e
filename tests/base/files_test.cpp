#include "base/files.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/crc32.h"
#include "base/file_lock.h"
#include "base/retried.h"
#include "tests/catch.h"
#include "tests/nobody.h"

using namespace mr;
using Catch::Matchers::Contains;

TEST_CASE("crc32 and crc32c: the check values of their definitions, all lengths and a split", "[files]") {
  const std::string text = "123456789 and some more of it, past two words";
  const auto bytes = std::as_bytes(std::span(text));
  CHECK(crc32(bytes.first(9)) == 0xcbf43926u);
  CHECK(crc32c(bytes.first(9)) == 0xe3069283u);
  for (const auto& [sum, polynomial] : {std::pair(&crc32, 0xedb88320u), std::pair(&crc32c, 0x82f63b78u)}) {
    CHECK(sum(bytes.first(0), 0) == 0);
    for (size_t n = 0; n < text.size(); ++n) {
      uint32_t c = ~0u;  // bit by bit
      for (size_t i = 0; i < n; ++i)
        for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ (((c ^ static_cast<uint32_t>(bytes[i]) >> bit) & 1) ? polynomial : 0);
      CHECK(sum(bytes.first(n), 0) == ~c);
      CHECK(sum(bytes.subspan(n), sum(bytes.first(n), 0)) == sum(bytes, 0));
    }
  }
}

namespace {

struct Folder {
  std::string path = (std::filesystem::temp_directory_path() / ("mr_files_" + std::to_string(getpid()))).string();
  ~Folder() {
    std::filesystem::permissions(path + "/a", std::filesystem::perms::owner_all, ignored);
    std::filesystem::remove_all(path);
  }
  std::error_code ignored;
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

TEST_CASE("what is closed to us is not called missing, nor one that cannot be created", "[files]") {
  const Folder folder;
  make_folder(folder.path + "/a");
  write_text_file(folder.path + "/a/file", "x");
  CHECK(is_there(folder.path + "/a/file"));
  CHECK_FALSE(is_there(folder.path + "/a/none"));
  CHECK_FALSE(is_there(folder.path + "/a/file/none"));
  CHECK_FALSE(is_there(folder.path + "/" + std::string(300, 'n')));  // no file can have such a name
  std::filesystem::permissions(folder.path + "/a/file", std::filesystem::perms::none);
  {
    const Nobody nobody;
    CHECK_THROWS_WITH(read_text_file(folder.path + "/a/file"), Contains("/a/file: cannot open: not permitted (Permission denied)"));
  }
  std::filesystem::permissions(folder.path + "/a", std::filesystem::perms::none);
  const Nobody nobody;
  CHECK_THROWS_WITH(is_there(folder.path + "/a/file"), Contains("/a/file: cannot be looked at: not permitted (Permission denied)"));
  CHECK_THROWS_WITH(read_text_file(folder.path + "/a/none"), Contains("/a/none: cannot open: not permitted (Permission denied)"));
  CHECK_THROWS_WITH(make_folder(folder.path + "/a"), Contains("/a: no files can be made in this folder: not permitted"));
  CHECK_THROWS_WITH(write_text_file(folder.path + "/a/file", ""), Contains("/a/file: cannot write in "));
  try {
    read_text_file(folder.path + "/a/none");
  } catch (const FileError& e) {
    CHECK(e.code == EACCES);
  }
}

TEST_CASE("what the system says is said in a person's words first", "[files]") {
  CHECK(reason_of(ENOSPC) == "the disk is full (No space left on device)");
  CHECK(reason_of(EROFS) == "the file system may only be read (Read-only file system)");
  CHECK(reason_of(EACCES) == "not permitted (Permission denied)");
  CHECK(reason_of(ENOTDIR) == "Not a directory");
}

TEST_CASE("a call that a signal cuts short is made again, one that fails is not", "[files]") {
  int calls = 0;
  CHECK(retried([&] { return ++calls < 4 ? (errno = EINTR, -1) : 7; }) == 7);
  CHECK(calls == 4);
  CHECK(retried([&] { return ++calls, errno = EIO, -1; }) == -1);
  CHECK(calls == 5);
}

namespace {

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

// Writes half of a file and is killed.
void killed_while_writing(const std::string& path) {
  const pid_t child = fork();
  if (child == 0) {
    AtomicFile file(path);
    file.write("half");
    raise(SIGKILL);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
}

}  // namespace

TEST_CASE("temporary files of killed processes are in nobody's way, and are removed by their files' names", "[files]") {
  const Folder folder;
  make_folder(folder.path);
  const std::string path = folder.path + "/run.toml";
  for (int n = 0; n < 200; ++n)  // as in a container, where every process has the same number
    std::ofstream(folder.path + "/.run.toml." + std::to_string(getpid()) + "." + std::to_string(n) + ".tmp") << "old";
  write_text_file(path, "whole");
  CHECK(read_text_file(path) == "whole");
  killed_while_writing(path);
  killed_while_writing(folder.path + "/b.json");
  const std::vector<std::string> kept = {".run.toml.12.tmp", ".run.toml.a.b.tmp", "run.toml.1.2.tmp", ".b.json.tmp"};
  for (const std::string& name : kept) std::ofstream(folder.path + "/" + name) << "somebody's";
  CHECK(remove_temporaries(folder.path, [](std::string_view name) { return name == "run.toml"; }) == 201);
  CHECK(names_in(folder.path).size() == 2 + kept.size());  // run.toml and what is left of b.json
  CHECK(remove_temporaries(folder.path, [](std::string_view name) { return name == "b.json"; }) == 1);
  CHECK(read_text_file(path) == "whole");
  for (const std::string& name : kept) CHECK(is_there(folder.path + "/" + name));
}

TEST_CASE("a file that grows goes on or begins anew, and says when a piece is not stored", "[files]") {
  const Folder folder;
  make_folder(folder.path);
  const std::string path = folder.path + "/lines";
  { GrowingFile(path, true).append("one\n"); }
  { GrowingFile(path, true).append(std::string_view("\0two", 4)); }
  CHECK(read_text_file(path) == std::string("one\n\0two", 8));
  { GrowingFile(path, false).append("three"); }
  CHECK(read_text_file(path) == "three");
  CHECK_THROWS_WITH(GrowingFile("/dev/full", true).append("x"),
                    Contains("/dev/full: cannot write: the disk is full (No space left on device)"));
}

TEST_CASE("a lock is one process's, names it to the others, and ends with it", "[files]") {
  const Folder folder;
  make_folder(folder.path);
  const std::string path = folder.path + "/lock";
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const pid_t child = fork();
  if (child == 0) {
    const FileLock lock(path);
    const char answer = lock.held() ? 'y' : 'n';
    if (write(ready[1], &answer, 1) == 1) pause();
    _exit(0);
  }
  char answer = 0;
  REQUIRE(read(ready[0], &answer, 1) == 1);
  CHECK(answer == 'y');
  {
    const FileLock second(path);
    CHECK(second.kept());
    CHECK_FALSE(second.held());
    INFO(second.holder());
    CHECK(second.holder().find("process " + std::to_string(child) + " on ") == 0);
    CHECK(second.holder().find(" since 20") != std::string::npos);
    CHECK(second.holder().ends_with(" UTC"));
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(ready[0]);
  close(ready[1]);
  const FileLock third(path);
  CHECK(third.held());
  CHECK(read_text_file(path).find("process " + std::to_string(getpid()) + " on ") == 0);
  CHECK_THROWS_WITH(FileLock(folder.path + "/nowhere/lock"), Contains("/nowhere/lock: cannot be made: No such file or directory"));
}
