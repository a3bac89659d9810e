// System calls that a signal may cut short.
#pragma once

#include <cerrno>

namespace mr {

// The result of `call`, which is made again for as long as a signal cuts it short (−1 with EINTR).
template <class Call> auto retried(const Call& call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

}  // namespace mr
