// What every public function throws on bad input.
#pragma once

#include <stdexcept>
#include <string>

namespace mr {

// `what()` is one line, fit to show to a user. base/check.h puts such messages together.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
};

}  // namespace mr
