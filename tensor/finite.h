// NaN and infinities among many values, found at the speed of memory.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace mr {

// Where the first value stands that is NaN or infinite; nullopt where all are finite.
std::optional<size_t> first_not_finite(std::span<const float> values);

}  // namespace mr
