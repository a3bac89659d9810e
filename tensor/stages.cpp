#include "tensor/stages.h"

#include <algorithm>
#include <chrono>

#include "base/check.h"
#include "tensor/device.h"

namespace mr {

double StageClock::now() const {
  synchronize(context().device);
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Up to now it was the innermost one's.
void StageClock::pass_time() {
  const double t = now();
  if (!open_.empty()) times_[static_cast<size_t>(open_.back())].forward += t - since_;
  since_ = t;
}

void StageClock::enter(const char* name) {
  pass_time();
  const std::string path = open_.empty() ? std::string(name) : str(times_[static_cast<size_t>(open_.back())].name, " / ", name);
  auto at = std::ranges::find(times_, path, &Time::name);
  if (at == times_.end()) at = times_.insert(times_.end(), {path});
  open_.push_back(static_cast<int>(at - times_.begin()));
}

void StageClock::leave() {
  pass_time();
  open_.pop_back();
}

void StageClock::add_backward(int stage, double began) {
  if (stage >= 0) times_[static_cast<size_t>(stage)].backward += now() - began;
}

}  // namespace mr
