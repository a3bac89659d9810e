// Where the time of a computation goes, by stages that its parts name.
//
//   Var run(…) { const Stage stage("roi features"); … }        // until the end of the scope
//
//   StageClock clock;
//   { const ContextGuard guard;  context().stages = &clock;  backward(model.losses(…)); }
//   for (const StageClock::Time& t : clock.times()) …          // {"mask head / roi features", forward, backward}
//
// A stage inside another is called "outer / inner", and its time is not the outer's. The backward of
// what is recorded inside a stage (autograd/var.h) is that stage's. With a clock a GPU is waited for
// at both ends of a stage and behind each operation of backward, so that the sum is more than an
// undisturbed run takes. Without one, which is the usual case, a stage costs a comparison.
#pragma once

#include <string>
#include <vector>

#include "tensor/context.h"

namespace mr {

class StageClock {
 public:
  struct Time {
    std::string name;
    double forward = 0, backward = 0;  // seconds
  };
  const std::vector<Time>& times() const { return times_; }  // in the order in which they were entered first

  void enter(const char* name);
  void leave();
  int open() const { return open_.empty() ? -1 : open_.back(); }  // place in times() of the innermost; −1: none

  // Behind an operation of backward that was recorded in that stage and began then; −1: in none.
  double now() const;
  void add_backward(int stage, double began);

 private:
  void pass_time();

  std::vector<Time> times_;
  std::vector<int> open_;
  double since_ = 0;
};

class Stage {
 public:
  explicit Stage(const char* name) : clock_(context().stages) {
    if (clock_ != nullptr) clock_->enter(name);
  }
  ~Stage() {
    if (clock_ != nullptr) clock_->leave();
  }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

 private:
  StageClock* clock_;
};

}  // namespace mr
