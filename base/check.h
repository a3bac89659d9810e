// Errors read  "op: expectation, got value".  Public functions check; functors never do.
//
//   check(w.rank() == 4, "conv2d: w must be [Cout,kH,kW,Cin], got ", w.shape());
//
// The message is put together only when the check fails.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace mr {

// append(out, v): one overload a printable type; other types add their own beside their definition.
void append(std::string& out, std::string_view v);
void append(std::string& out, const char* v);
void append(std::string& out, const std::string& v);
void append(std::string& out, char v);
void append(std::string& out, bool v);
void append(std::string& out, double v);  // %g, nine digits
void append_integer(std::string& out, int64_t v);
void append_unsigned(std::string& out, uint64_t v);
template <std::signed_integral I> void append(std::string& out, I v) { append_integer(out, v); }
template <std::unsigned_integral I> void append(std::string& out, I v) { append_unsigned(out, v); }

// str("x = ", 3) → "x = 3"
template <class... A> std::string str(const A&... a) {
  std::string out;
  (append(out, a), ...);
  return out;
}

template <class... A> [[noreturn]] void fail(const A&... a) { throw Error(str(a...)); }

template <class... A> void check(bool ok, const A&... a) {
  if (!ok) [[unlikely]]
    fail(a...);
}

}  // namespace mr
