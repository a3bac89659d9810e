// The element types of a tensor, our bf16, and the bridge from a run-time DType to a compile-time type.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "tensor/hd.h"

namespace mr {

// bfloat16: the upper half of an IEEE f32 (8 exponent bits, 7 of mantissa). Rounds to nearest, ties to even; NaN stays NaN.
struct bf16 {
  uint16_t bits = 0;

  bf16() = default;
  MR_HD explicit bf16(float v) {
    const auto u = std::bit_cast<uint32_t>(v);
    const bool nan = (u & 0x7fffffffu) > 0x7f800000u;
    bits = nan ? static_cast<uint16_t>((u >> 16) | 0x40u) : static_cast<uint16_t>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
  }
  MR_HD explicit bf16(double v) : bf16(static_cast<float>(v)) {}
  MR_HD operator float() const { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }
};
static_assert(sizeof(bf16) == 2);

enum class DType : uint8_t { f32, bf16, f64, i64, i32, u8 };

constexpr size_t size_of(DType t) {
  switch (t) {
    case DType::f32:
      return 4;
    case DType::bf16:
      return 2;
    case DType::f64:
      return 8;
    case DType::i64:
      return 8;
    case DType::i32:
      return 4;
    case DType::u8:
      return 1;
  }
  return 0;
}

constexpr const char* name(DType t) {
  constexpr const char* names[] = {"f32", "bf16", "f64", "i64", "i32", "u8"};
  return names[static_cast<int>(t)];
}
inline void append(std::string& out, DType t) { out.append(name(t)); }

constexpr bool is_float(DType t) { return t == DType::f32 || t == DType::bf16 || t == DType::f64; }

template <class T> constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>)
    return DType::f32;
  else if constexpr (std::is_same_v<T, bf16>)
    return DType::bf16;
  else if constexpr (std::is_same_v<T, double>)
    return DType::f64;
  else if constexpr (std::is_same_v<T, int64_t>)
    return DType::i64;
  else if constexpr (std::is_same_v<T, int32_t>)
    return DType::i32;
  else {
    static_assert(std::is_same_v<T, uint8_t>, "no DType for this type");
    return DType::u8;
  }
}

// The type a sum is held in: f32 for bf16, otherwise the type itself.
template <class T> struct Accumulate { using type = T; };
template <> struct Accumulate<bf16> { using type = float; };
template <class T> using acc_t = typename Accumulate<T>::type;

// Through the type that holds every value of both: a bf16 goes by way of f32.
template <class To, class From> MR_HD To convert(From v) {
  if constexpr (std::is_same_v<From, bf16>)
    return convert<To>(static_cast<float>(v));
  else if constexpr (std::is_same_v<To, bf16>)
    return bf16(static_cast<float>(v));
  else
    return static_cast<To>(v);
}

// Calls f with a value of the floating type that `t` names:  dispatch_float(x.dtype(), "relu", [&]<class T>(T) { … });
template <class F> decltype(auto) dispatch_float(DType t, const char* op, F&& f) {
  switch (t) {
    case DType::f32:
      return f(float{});
    case DType::bf16:
      return f(bf16{});
    case DType::f64:
      return f(double{});
    default:
      fail(op, ": expected a floating type (f32, bf16, f64), got ", t);
  }
}

// The same for every type.
template <class F> decltype(auto) dispatch_any(DType t, const char* op, F&& f) {
  if (t == DType::i64) return f(int64_t{});
  if (t == DType::i32) return f(int32_t{});
  if (t == DType::u8) return f(uint8_t{});
  return dispatch_float(t, op, std::forward<F>(f));
}

}  // namespace mr
