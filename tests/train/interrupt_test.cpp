#include "train/interrupt.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "tests/catch.h"

using namespace mr;

namespace {

// The status of a process that does this.
int status_of(const std::function<bool()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, SIG_DFL);
    _exit(body() ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}

bool raised(int signal, int times = 1) {
  for (int i = 0; i < times; ++i) std::raise(signal);
  return true;
}

}  // namespace

TEST_CASE("the first signal is noted, and of those that come later only a Ctrl-C pressed again ends the program", "[interrupt]") {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    CHECK(status_of([&] { return catch_interrupts(), interrupted() == 0 && raised(signal) && interrupted() == signal; }) == 0);
    CHECK(status_of([&] {
            return catch_interrupts(), raised(signal) && raised(SIGTERM, 5) && raised(SIGHUP, 5) && interrupted() == signal;
          }) == 0);
  }
  CHECK(status_of([] { return catch_interrupts(), raised(SIGINT, 3) && interrupted() == SIGINT; }) == 0);  // one key, passed on
  const int pressed_again = status_of([] { return catch_interrupts(), raised(SIGINT) && usleep(1050000) == 0 && raised(SIGINT); });
  CHECK(WIFSIGNALED(pressed_again));
  CHECK(WTERMSIG(pressed_again) == SIGINT);
}

TEST_CASE("a signal that was ignored at the start stays ignored, as under nohup", "[interrupt]") {
  CHECK(status_of([] { return std::signal(SIGHUP, SIG_IGN), catch_interrupts(), raised(SIGHUP, 2) && interrupted() == 0; }) == 0);
}
