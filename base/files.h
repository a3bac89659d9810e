// Files, read and written so that nothing hangs, nothing is half written, and every failure has a name. A call that a signal cuts
// short (EINTR) is made again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace mr {

// The operating system refused: `code` is its errno. To be told apart from a file whose contents are wrong.
struct FileError : Error {
  FileError(const std::string& message, int its_code) : Error(message), code(its_code) {}
  int code;
};

// What an errno means to a person, before the system's own words: "the disk is full (No space left on device)".
std::string reason_of(int code);

// Whether there is anything at `path`. Errors: it cannot be told, as in a folder that we may not search.
bool is_there(const std::string& path);

// For what is to be written where a person said: nothing is written over unasked. Errors: something is at `path`; `instead` says what the
// person may do.
void check_absent(const std::string& path, const std::string& instead = "choose another name");

// A regular file, read at any offset. A folder, FIFO, socket or device is an error, and opening one never waits.
// Reading is not mapped into memory: a file that shrinks meanwhile is an error here, and would be a crash there.
class InputFile {
 public:
  explicit InputFile(const std::string& path);  // errors: absent, not to be read, not a regular file
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::string& path() const { return path_; }
  uint64_t size() const { return size_; }                      // when it was opened
  void read(uint64_t offset, std::span<std::byte> out) const;  // all of `out`; errors: past the end, the system's
  std::string read_text(uint64_t offset, uint64_t bytes) const;

 private:
  std::string path_;
  int fd_ = -1;
  uint64_t size_ = 0;
};

// A file that appears whole or not at all: bytes go to a temporary file in the same folder, ".NAME.PROCESS.RANDOM.tmp"; commit()
// flushes it to the disk and renames it over `path`. Every return value is checked. Without commit() the temporary file is removed
// and `path` is as it was.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  void commit();

 private:
  [[noreturn]] void failed(const char* doing, int code) const;
  void discard() noexcept;

  std::string path_, temporary_;
  int fd_ = -1;
};

// Removes the temporary files that processes which were killed left in `folder`: those of the files whose names `ours` says yes to.
// Only for a caller that knows that nobody is writing them, as the holder of the folder's lock does. Returns how many there were.
int64_t remove_temporaries(const std::string& folder, const std::function<bool(std::string_view name)>& ours);

// A file that grows by whole pieces, lines or records; each is one call to the system, so that a process that is killed leaves whole ones.
class GrowingFile {
 public:
  GrowingFile(const std::string& path, bool keep);  // keep: after what it holds; else it begins empty
  ~GrowingFile();
  GrowingFile(const GrowingFile&) = delete;
  GrowingFile& operator=(const GrowingFile&) = delete;
  void append(std::string_view piece);  // errors: it cannot be stored; then nothing of it is

 private:
  std::string path_;
  int fd_ = -1;
};

// Makes the folder, with its parents; one that is there already must let files be made in it.
void make_folder(const std::string& path);

std::string read_text_file(const std::string& path, uint64_t most_bytes = uint64_t{1} << 34);  // errors: as InputFile; larger
void write_text_file(const std::string& path, std::string_view text);                          // as AtomicFile

}  // namespace mr
