// What the writers of this folder share.
#pragma once

#include <cstdint>
#include <string>

namespace mr {

std::string padded(int64_t number, int digits);              // 7, 6 → "000007"; longer numbers stay whole
void check_word(const std::string& word, const char* what);  // letters, digits, '-' and '_' alone: fit for a file name
void check_absent(const std::string& path);                  // nothing is written over

}  // namespace mr
