// SIGINT and SIGTERM ask a run to save and stop: the first one sets a flag, which the loop reads between steps; the second one
// ends the program at once.
#pragma once

#include <exception>

namespace mr {

void catch_interrupts();  // from here on
int interrupted();        // the signal's number; 0: none came

// Thrown where long work other than a training step (an evaluation) finds itself interrupted.
struct Interrupted : std::exception {
  const char* what() const noexcept override { return "interrupted"; }
};
inline void stop_if_interrupted() {
  if (interrupted() != 0) throw Interrupted{};
}

}  // namespace mr
