// Signals that ask for an end: SIGINT (Ctrl-C), SIGTERM (batch systems, shutdown) and SIGHUP (the terminal is gone).
//
// The first one sets a flag, which the training loop reads between steps: it saves and stops. After it SIGTERM and SIGHUP change nothing,
// however often they come, so that the save is finished. A second SIGINT ends the program at once, for a person who would not wait; but one
// within a second of the first is the same key pressed once, passed on by the terminal and by a program in between. A signal that is ignored
// when the program starts stays ignored (nohup).
#pragma once

#include <exception>

namespace mr {

void catch_interrupts();  // from here on; forgets what came before
int interrupted();        // the first signal's number; 0: none came

// Thrown where long work other than a training step (an evaluation) finds itself interrupted.
struct Interrupted : std::exception {
  const char* what() const noexcept override { return "interrupted"; }
};
inline void stop_if_interrupted() {
  if (interrupted() != 0) throw Interrupted{};
}

}  // namespace mr
