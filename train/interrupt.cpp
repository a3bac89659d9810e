#include "train/interrupt.h"

#include <csignal>

namespace mr {
namespace {

volatile std::sig_atomic_t last_signal = 0;

void note(int signal) {
  last_signal = signal;
  std::signal(signal, SIG_DFL);
}

}  // namespace

void catch_interrupts() {
  last_signal = 0;
  std::signal(SIGINT, note);
  std::signal(SIGTERM, note);
}

int interrupted() { return last_signal; }

}  // namespace mr
