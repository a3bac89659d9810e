// A training, and what it tells.
#pragma once

#include <string>

#include "tensor/context.h"
#include "train/train.h"

namespace mr::test {

inline std::string told(const Recipe& recipe, const TrainOptions& options) {
  const ContextGuard guard;
  std::string lines;
  Console console([&lines](const std::string& line) { lines += line + "\n"; });
  train(recipe, options, console);
  return lines;
}

}  // namespace mr::test
