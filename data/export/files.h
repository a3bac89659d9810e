// What the writers of this folder share.
#pragma once

#include <cstdint>
#include <string>

namespace mr {

constexpr const char* another_name = "choose another folder or split";  // for check_absent
std::string padded(int64_t number, int digits);                         // 7, 6 → "000007"; longer numbers stay whole
void check_word(const std::string& word, const char* what);             // letters, digits, '-' and '_' alone: fit for a file name

}  // namespace mr
