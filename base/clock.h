// The time of day.
#pragma once

#include <string>

namespace mr {

double seconds_since_1970();
std::string now_in_words();  // 2026-01-31 12:00:00 UTC

}  // namespace mr
