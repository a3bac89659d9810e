// A ladder of rungs: several ways to compute one operator, in one table. `Rung` has a name.
#pragma once

#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "base/check.h"

namespace mr {

// The rung that the environment's `variable` names; null where it is not set.
// Errors: a name that no rung has.
template <class Rung> const Rung* forced_rung(const char* variable, std::span<const Rung> rungs) {
  const char* want = std::getenv(variable);
  if (!want) return nullptr;
  std::string known;
  for (const Rung& r : rungs) {
    if (std::string_view(r.name) == want) return &r;
    known += str(known.empty() ? "" : ", ", r.name);
  }
  fail(variable, ": expected one of ", known, ", got ", want);
}

}  // namespace mr
