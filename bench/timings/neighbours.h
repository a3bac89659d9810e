// Processes that compute beside a measurement, as other people's jobs do on a shared computer.
//
// What may be expected of T processors beside N busy processes: the T − N that are left, or, where
// they are more than the processors, the share T / (T + N) that a fair scheduler gives T threads.
// It is lost where threads wait for one another by asking, and by asking keep the one that is
// waited for from its processor.
#pragma once

#include <sys/types.h>

#include <vector>

namespace mr {

class Neighbours {
 public:
  explicit Neighbours(int count);  // errors: a process cannot be started
  ~Neighbours();
  Neighbours(const Neighbours&) = delete;
  Neighbours& operator=(const Neighbours&) = delete;

  void rest() const;  // stopped until work() is called; so they start
  void work() const;

 private:
  void tell(int signal) const;
  std::vector<pid_t> processes_;
};

// N < T: (T − N) / T; else T / (T + N)
double share_left(int threads, int neighbours);

}  // namespace mr
