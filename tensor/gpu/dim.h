// The extent of a grid in blocks, or of a block in threads. Wider than the device takes, so that a size that has no place there is an
// error of `launch` and not a silent wrap.
#pragma once

#include <cstdint>
#include <string>

#include "base/check.h"

namespace mr::gpu {

constexpr int warp_size = 32;

struct Dim3 {
  int64_t x = 1, y = 1, z = 1;
};
inline void append(std::string& out, const Dim3& d) { out.append(str('(', d.x, ", ", d.y, ", ", d.z, ')')); }

}  // namespace mr::gpu
