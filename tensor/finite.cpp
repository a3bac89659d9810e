#include "tensor/finite.h"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace mr {
namespace {

constexpr size_t block = 4096;

// An exponent of ones. Told by the bits, in a loop without exit, so that it vectorises.
uint32_t not_finite(float v) { return (std::bit_cast<uint32_t>(v) & 0x7f800000u) == 0x7f800000u ? 1 : 0; }

}  // namespace

std::optional<size_t> first_not_finite(std::span<const float> values) {
  for (size_t begin = 0; begin < values.size(); begin += block) {
    const std::span<const float> here = values.subspan(begin, std::min(block, values.size() - begin));
    uint32_t any = 0;
    for (const float v : here) any |= not_finite(v);
    if (any == 0) continue;
    return begin + static_cast<size_t>(std::find_if(here.begin(), here.end(), not_finite) - here.begin());
  }
  return std::nullopt;
}

}  // namespace mr
