#include "base/clock.h"

#include <array>
#include <chrono>
#include <ctime>

namespace mr {

double seconds_since_1970() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::string now_in_words() {
  const std::time_t now = std::time(nullptr);
  std::tm parts = {};
  std::array<char, 64> text{};
  ::gmtime_r(&now, &parts);
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text.data();
}

}  // namespace mr
