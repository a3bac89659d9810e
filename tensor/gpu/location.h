// A place in the source, for errors that name it: std::source_location where the compiler has it (clang 14 does not).
//
//   void f(Location at = Location::current());      // the caller's
#pragma once

#include <cstdint>
#include <source_location>

namespace mr::gpu {

#if defined(__cpp_lib_source_location)

using Location = std::source_location;

#else

class Location {
 public:
  static constexpr Location current(const char* file = __builtin_FILE(), uint32_t line = __builtin_LINE(),
                                    uint32_t column = __builtin_COLUMN()) {
    Location at;
    at.file_ = file;
    at.line_ = line;
    at.column_ = column;
    return at;
  }
  constexpr const char* file_name() const { return file_; }
  constexpr uint32_t line() const { return line_; }
  constexpr uint32_t column() const { return column_; }

 private:
  const char* file_ = "";
  uint32_t line_ = 0, column_ = 0;
};

#endif

}  // namespace mr::gpu
