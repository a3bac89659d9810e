// A lock on a file that one process holds at a time. The kernel keeps it (flock) and gives it back
// when the process ends, however it ends: nothing is left to be cleaned up, and the numbers of
// processes, which repeat from container to container, decide nothing. The file itself stays,
// unless the holder removes it; it holds a line about the last process that had the lock, for the
// others to be told.
//
// On NFS the lock is kept by the server, and holds between machines (Linux 2.6.12 and newer, unless mounted with local_lock or nolock).
// Some file systems keep no locks at all: then `kept()` is false, and nothing holds a second process off.
#pragma once

#include <string>

namespace mr {

class FileLock {
 public:
  explicit FileLock(const std::string& path);  // never waits; errors: the file cannot be made
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  bool held() const { return state_ == State::held; }
  bool kept() const { return state_ != State::no_locks; }
  void remove_file() const;                              // for the holder, whose lock then holds nobody off
  const std::string& holder() const { return holder_; }  // where it is not held: "process 4711 on hostname since 2026-01-31 12:00:00 UTC"

 private:
  enum class State { held, taken, no_locks };
  void sign() const;
  std::string read_holder() const;

  std::string path_, holder_;
  int fd_ = -1;
  State state_ = State::held;
};

}  // namespace mr
