// How fast a run goes, and times as people write them.
#pragma once

#include <cstdint>
#include <string>

namespace mr {

double seconds_since_start();  // of the program

// "30m", "1h30m", "90s", "1d" → seconds. Errors: anything else, nothing, 0.
double parse_duration(const std::string& text, const char* what);
// Seconds from `now` (since 1970) to the next time that the local clock shows "07:00": above 0, and a day at most, but where summer time
// begins or ends. Errors: anything but hours and minutes.
double seconds_until(const std::string& clock, const char* what, double now);
// What parse_duration reads back as so many whole seconds: 7h5m12s.
std::string exact_duration(int64_t seconds);
std::string show_duration(double seconds);  // 1h02m, 3m05s, 42s
std::string time_of_day(double seconds);    // after now: 14:32, or 2026-01-31 14:32 on another day

// The seconds of one step, of late: a running mean over about twenty steps, without the first three.
class Pace {
 public:
  void step(double seconds);
  int64_t steps() const { return steps_; }
  double seconds_per_step() const { return mean_; }  // 0 before the fourth step

 private:
  int64_t steps_ = 0;
  double mean_ = 0;
};

// Whether a pace has settled: the steps since the start are put into windows of `seconds` and 10 steps at least; it has where a window and
// the one before agree within a tenth.
class SettledPace {
 public:
  explicit SettledPace(double seconds) : window_(seconds) {}
  bool step(double seconds);                         // whether it has, with this step
  double seconds_per_step() const { return pace_; }  // over the last two windows, once it has

 private:
  double window_, sum_ = 0, last_ = 0, pace_ = 0;  // last: the mean of the last window; 0: there was none
  int64_t steps_ = 0;
};

}  // namespace mr
