#include "base/files.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/folders.h"
#include "base/retried.h"

namespace mr {
namespace {

static_assert(std::endian::native == std::endian::little, "files hold little-endian numbers, copied as they are");

constexpr size_t largest_call = size_t{1} << 30;  // Linux moves at most 2 GiB a call

template <class... A> [[noreturn]] void refused(int code, const A&... what) { throw FileError(str(what..., reason_of(code)), code); }

// Writes all of `bytes`; 0, or the errno that ended it.
int write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = retried([&] { return ::write(fd, bytes.data(), std::min(bytes.size(), largest_call)); });
    if (put < 0) return errno;
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
  return 0;
}

// A signal that cuts close() short has closed the file all the same (Linux): it must not be closed again.
int close_file(int fd) { return ::close(fd) == 0 || errno == EINTR ? 0 : errno; }

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

std::string reason_of(int code) {
  const std::string system = std::generic_category().message(code);
  switch (code) {
    case EACCES:
    case EPERM:
      return "not permitted (" + system + ")";
    case ENOSPC:
      return "the disk is full (" + system + ")";
    case EDQUOT:
      return "the share of the disk is used up (" + system + ")";
    case EIO:
      return "the disk or its connection fails (" + system + ")";
    case EROFS:
      return "the file system may only be read (" + system + ")";
    default:
      return system;
  }
}

bool is_there(const std::string& path) {
  struct stat info = {};
  if (retried([&] { return ::stat(path.c_str(), &info); }) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG) return false;
  refused(errno, path, ": cannot be looked at: ");
}

void check_absent(const std::string& path, const std::string& instead) {
  struct stat info = {};
  const bool link = ::lstat(path.c_str(), &info) == 0;  // one that leads nowhere would be replaced, too
  check(!link && !is_there(path), path, ": exists already, and is not written over; ", instead);
}

InputFile::InputFile(const std::string& path) : path_(path) {
  // O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever.
  fd_ = retried([&] { return ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC); });
  if (fd_ < 0 && errno == ENOENT) throw FileError(path + ": there is no such file", ENOENT);
  if (fd_ < 0) refused(errno, path, ": cannot open: ");
  struct stat info = {};
  const int unknown = ::fstat(fd_, &info) == 0 ? 0 : errno;
  if (unknown != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd_);
    if (unknown != 0) refused(unknown, path, ": cannot open: ");
    fail(path, ": expected a file, got ", kind_of(info.st_mode));
  }
  size_ = static_cast<uint64_t>(info.st_size);
}

InputFile::~InputFile() { ::close(fd_); }

void InputFile::read(uint64_t offset, std::span<std::byte> out) const {
  check(offset <= size_ && out.size() <= size_ - offset, path_, ": ", out.size(), " bytes at ", offset, " lie past the end (", size_,
        " bytes)");
  while (!out.empty()) {
    const ssize_t got = retried([&] { return ::pread(fd_, out.data(), std::min(out.size(), largest_call), static_cast<off_t>(offset)); });
    if (got < 0) refused(errno, path_, ": cannot read at ", offset, ": ");
    check(got > 0, path_, ": cut short while being read, at ", offset);
    out = out.subspan(static_cast<size_t>(got));
    offset += static_cast<uint64_t>(got);
  }
}

std::string InputFile::read_text(uint64_t offset, uint64_t bytes) const {
  check(offset <= size_ && bytes <= size_ - offset, path_, ": ", bytes, " bytes at ", offset, " lie past the end (", size_, " bytes)");
  std::string text(bytes, '\0');
  read(offset, std::as_writable_bytes(std::span(text)));
  return text;
}

// ---- files that appear whole ----

namespace {

// ".NAME.PROCESS.RANDOM.tmp": processes have the same number in two containers, and over time.
std::string temporary_name(const std::string& file) {
  uint64_t random = 0;
  if (retried([&] { return ::getrandom(&random, sizeof random, 0); }) != static_cast<ssize_t>(sizeof random))
    fail(file, ": cannot name a temporary file: the system gives no random numbers");
  return str(".", file, ".", ::getpid(), ".", random, ".tmp");
}

// NAME of such a name; empty where it is none.
std::string_view named_by(std::string_view temporary) {
  if (!temporary.starts_with('.') || !temporary.ends_with(".tmp")) return {};
  temporary = temporary.substr(1, temporary.size() - 5);
  for (int part = 0; part < 2; ++part) {  // digits, after the last dot
    const size_t dot = temporary.rfind('.');
    if (dot == std::string_view::npos || temporary.find_first_not_of("0123456789", dot + 1) != std::string_view::npos) return {};
    temporary = temporary.substr(0, dot);
  }
  return temporary;
}

}  // namespace

AtomicFile::AtomicFile(const std::string& path) : path_(path) {
  const std::string folder = folder_of(path), file = path.substr(path.rfind('/') + 1);
  check(!file.empty(), path, ": expected a file name, got a folder");
  do {
    temporary_ = folder + "/" + temporary_name(file);
    fd_ = retried([&] { return ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); });
  } while (fd_ < 0 && errno == EEXIST);
  if (fd_ < 0) refused(errno, path, ": cannot write in ", folder, ": ");
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() noexcept {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  fd_ = -1;
  temporary_.clear();
}

void AtomicFile::failed(const char* doing, int code) const {
  throw FileError(str(path_, ": cannot ", doing, ": ", reason_of(code), "; the file is as it was before"), code);
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  check(fd_ >= 0, path_, ": written to after it was finished");
  if (const int code = write_all(fd_, bytes); code != 0) failed("write", code);
}

void AtomicFile::commit() {
  check(fd_ >= 0, path_, ": finished twice");
  if (retried([&] { return ::fsync(fd_); }) != 0) failed("flush to the disk", errno);
  if (const int code = close_file(std::exchange(fd_, -1)); code != 0) failed("close", code);
  if (retried([&] { return ::rename(temporary_.c_str(), path_.c_str()); }) != 0) failed("rename into place", errno);
  temporary_.clear();
  // The new name itself reaches the disk with its folder. Some file systems cannot flush a folder (EINVAL): nothing to do there.
  const int folder = retried([&] { return ::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (folder < 0) return;
  const int code = retried([&] { return ::fsync(folder); }) == 0 ? 0 : errno;
  ::close(folder);
  if (code != 0 && code != EINVAL) refused(code, path_, ": written, but its folder cannot be flushed to the disk: ");
}

int64_t remove_temporaries(const std::string& folder, const std::function<bool(std::string_view)>& ours) {
  int64_t removed = 0;
  for (const std::string& file : names_in(folder)) {
    const std::string_view name = named_by(file);
    if (name.empty() || !ours(name)) continue;
    const std::string path = str(folder, "/", file);
    if (retried([&] { return ::unlink(path.c_str()); }) == 0)
      ++removed;
    else if (errno != ENOENT)
      refused(errno, path, ": cannot be removed: ");
  }
  return removed;
}

// ---- growing files ----

GrowingFile::GrowingFile(const std::string& path, bool keep) : path_(path) {
  const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (keep ? 0 : O_TRUNC);
  fd_ = retried([&] { return ::open(path.c_str(), flags, 0666); });
  if (fd_ < 0) refused(errno, path, ": cannot write: ");
}

GrowingFile::~GrowingFile() { ::close(fd_); }

void GrowingFile::append(std::string_view piece) {
  const off_t before = ::lseek(fd_, 0, SEEK_END);
  const int code = write_all(fd_, std::as_bytes(std::span(piece)));
  if (code == 0) return;
  if (before >= 0) [[maybe_unused]]
    const int taken_back = ::ftruncate(fd_, before);  // where even that fails, a part of it stays
  refused(code, path_, ": cannot write: ");
}

// ---- folders, whole files ----

void make_folder(const std::string& path) {
  std::error_code error;
  do std::filesystem::create_directories(path, error);
  while (error == std::errc::interrupted);
  if (error) refused(error.value(), path, ": cannot be created: ");
  if (::faccessat(AT_FDCWD, path.c_str(), W_OK | X_OK, AT_EACCESS) != 0) refused(errno, path, ": no files can be made in this folder: ");
}

std::string read_text_file(const std::string& path, uint64_t most_bytes) {
  const InputFile file(path);
  check(file.size() <= most_bytes, path, ": ", file.size(), " bytes; at most ", most_bytes, " are read");
  return file.read_text(0, file.size());
}

void write_text_file(const std::string& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace mr
