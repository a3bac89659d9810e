#include "base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

#include "base/check.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/retried.h"
#include "base/text.h"

namespace mr {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "an unknown machine";
}

// By the one that had the lock before, after we had opened the file: a third process would find
// another in its place.
bool is_removed(int fd) {
  struct stat now = {};
  return ::fstat(fd, &now) == 0 && now.st_nlink == 0;
}

}  // namespace

FileLock::FileLock(const std::string& path) : path_(path) {
  int refused = 0;
  do {
    if (fd_ >= 0) ::close(fd_);
    // For writing too: NFS gives a lock of one's own on such files alone.
    fd_ = retried([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666); });
    if (fd_ < 0) throw FileError(str(path, ": cannot be made: ", reason_of(errno)), errno);
    refused = retried([&] { return ::flock(fd_, LOCK_EX | LOCK_NB); }) == 0 ? 0 : errno;
  } while (refused == 0 && is_removed(fd_));
  if (refused == 0) {
    sign();
  } else if (refused == EWOULDBLOCK) {
    state_ = State::taken;
    holder_ = read_holder();
  } else {
    state_ = State::no_locks;
  }
}

FileLock::~FileLock() { ::close(fd_); }

void FileLock::remove_file() const {
  if (held()) ::unlink(path_.c_str());
}

// What cannot be written (a full disk) is told to nobody; the lock holds all the same.
void FileLock::sign() const {
  const std::string text = str("process ", ::getpid(), " on ", host_name(), " since ", now_in_words(), "\n");
  if (::ftruncate(fd_, 0) == 0) [[maybe_unused]]
    const ssize_t put = ::pwrite(fd_, text.data(), text.size(), 0);
}

// The holder may have the lock and not have signed yet.
std::string FileLock::read_holder() const {
  std::array<char, 512> text{};
  for (int attempt = 0; attempt < 10; ++attempt) {
    const ssize_t got = ::pread(fd_, text.data(), text.size() - 1, 0);
    const std::string line = got > 0 ? std::string(text.data(), static_cast<size_t>(got)) : std::string();
    if (line.ends_with('\n')) return printable(line.substr(0, line.size() - 1));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return "a process that has left no name";
}

}  // namespace mr
