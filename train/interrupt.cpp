#include "train/interrupt.h"

#include <csignal>
#include <ctime>
#include <initializer_list>

namespace mr {
namespace {

volatile std::sig_atomic_t first_signal = 0;
volatile std::sig_atomic_t pressed = 0;  // SIGINT came
std::timespec pressed_at;                // by a clock that nobody sets

bool within_a_second() {
  std::timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec - pressed_at.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec - pressed_at.tv_nsec) < 1;
}

void note(int signal) {
  if (first_signal == 0) first_signal = signal;
  if (signal != SIGINT) return;
  if (pressed == 0) {
    pressed = 1;
    clock_gettime(CLOCK_MONOTONIC, &pressed_at);
  } else if (!within_a_second()) {
    std::signal(SIGINT, SIG_DFL);
    std::raise(SIGINT);  // delivered when this function returns
  }
}

}  // namespace

void catch_interrupts() {
  first_signal = 0;
  pressed = 0;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction now = {};
    if (sigaction(signal, nullptr, &now) != 0 || now.sa_handler != SIG_IGN) std::signal(signal, note);
  }
}

int interrupted() { return first_signal; }

}  // namespace mr
