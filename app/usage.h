// Mistakes on the command line that the parser cannot see. The exit status is that of those it sees, 2.
#pragma once

#include "base/check.h"

namespace mr::app {

struct UsageError : Error {
  using Error::Error;
};

template <class... A> void check_usage(bool ok, const A&... a) {
  if (!ok) throw UsageError(str(a...));
}

}  // namespace mr::app
