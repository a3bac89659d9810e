#include "bench/timings/neighbours.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>

#include "base/check.h"

namespace mr {
namespace {

[[noreturn]] void keep_busy() {
  std::atomic<uint64_t> turns{0};
  for (;;) turns.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

Neighbours::Neighbours(int count) {
  const pid_t parent = getpid();
  for (int i = 0; i < count; ++i) {
    const pid_t process = fork();
    check(process >= 0, "bench: a busy process could not be started: ", std::strerror(errno));
    if (process == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);  // it never outlives the measurement
      if (getppid() != parent) _exit(0);
      raise(SIGSTOP);
      keep_busy();
    }
    processes_.push_back(process);
  }
}

Neighbours::~Neighbours() {
  tell(SIGKILL);
  for (const pid_t process : processes_) waitpid(process, nullptr, 0);
}

void Neighbours::rest() const { tell(SIGSTOP); }
void Neighbours::work() const { tell(SIGCONT); }

void Neighbours::tell(int signal) const {
  for (const pid_t process : processes_) kill(process, signal);
}

double share_left(int threads, int neighbours) {
  const double t = threads, n = neighbours;
  return n < t ? (t - n) / t : t / (t + n);
}

}  // namespace mr
