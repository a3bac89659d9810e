#include "train/pace.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "base/check.h"

namespace mr {
namespace {

const auto program_start = std::chrono::steady_clock::now();

}  // namespace

double seconds_since_start() { return std::chrono::duration<double>(std::chrono::steady_clock::now() - program_start).count(); }

double parse_duration(const std::string& text, const char* what) {
  double seconds = 0;
  const char* p = text.c_str();
  bool ok = !text.empty();
  while (ok && *p) {
    char* end = nullptr;
    const double n = std::strtod(p, &end);
    const double unit = *end == 's' ? 1 : *end == 'm' ? 60 : *end == 'h' ? 3600 : *end == 'd' ? 86400 : 0;
    ok = end != p && unit > 0 && std::isfinite(n) && n >= 0;
    seconds += n * unit;
    p = end + 1;
  }
  check(ok && seconds > 0, what, ": expects a time such as 90s, 30m or 1h30m, got \"", text, "\"");
  return seconds;
}

double seconds_until(const std::string& clock, const char* what, double now) {
  int hour = 0, minute = 0, read = 0;
  const bool ok = std::sscanf(clock.c_str(), "%2d:%2d%n", &hour, &minute, &read) == 2 && read == static_cast<int>(clock.size()) &&
                  clock.find_first_not_of("0123456789:") == std::string::npos && clock.size() - clock.find(':') == 3 && hour < 24 &&
                  minute < 60;
  check(ok, what, ": expects a time of the day such as 07:00, got \"", clock, "\"");
  const auto today = static_cast<std::time_t>(std::floor(now));
  for (int days = 0;; ++days) {
    std::tm then = {};
    localtime_r(&today, &then);
    then.tm_mday += days, then.tm_hour = hour, then.tm_min = minute, then.tm_sec = 0, then.tm_isdst = -1;
    if (const double left = static_cast<double>(std::mktime(&then)) - now; left > 0) return left;
  }
}

std::string exact_duration(int64_t seconds) {
  std::string text;
  if (seconds >= 3600) append(text, str(seconds / 3600, "h"));
  if (seconds >= 60) append(text, str(seconds / 60 % 60, "m"));
  return str(text, seconds % 60, "s");
}

std::string show_duration(double seconds) {
  const auto s = static_cast<long long>(std::llround(std::max(seconds, 0.0)));
  char text[48];
  if (s >= 3600)
    std::snprintf(text, sizeof text, "%lldh%02lldm", s / 3600, s / 60 % 60);
  else if (s >= 60)
    std::snprintf(text, sizeof text, "%lldm%02llds", s / 60, s % 60);
  else
    std::snprintf(text, sizeof text, "%llds", s);
  return text;
}

std::string time_of_day(double seconds) {
  const std::time_t now = std::time(nullptr), then = now + static_cast<std::time_t>(std::clamp(seconds, 0.0, 1e10));
  std::tm today = {}, day = {};
  localtime_r(&now, &today);
  localtime_r(&then, &day);
  const bool same = today.tm_yday == day.tm_yday && today.tm_year == day.tm_year;
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, same ? "%H:%M" : "%Y-%m-%d %H:%M", &day));
}

void Pace::step(double seconds) {
  if (++steps_ <= 3) return;  // these fill caches and pools
  const double weight = std::max(1.0 / static_cast<double>(steps_ - 3), 0.05);
  mean_ += weight * (seconds - mean_);
}

bool SettledPace::step(double seconds) {
  constexpr int64_t least_steps = 10;
  constexpr double agreement = 0.1;
  sum_ += seconds;
  if (++steps_ < least_steps || sum_ < window_) return false;
  const double mean = sum_ / static_cast<double>(steps_), before = std::exchange(last_, mean);
  sum_ = 0;
  steps_ = 0;
  pace_ = 0.5 * (mean + before);
  return before > 0 && std::abs(mean - before) <= agreement * std::min(mean, before);
}

}  // namespace mr
