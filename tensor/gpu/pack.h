// N neighbouring values that a thread moves at once, in one access of up to 16 bytes:
//
//   const auto v = load<Pack<float, 4>>(x + i);      // x + i aligned to the pack
//   store(y + i, v);
//   const float s = load<float>(x + i);
//
// A rule for either device (ops/each.h) is given an At, which on a GPU is a load or a store of one value:
//
//   at(y, i) = 2 * at(x, i);                         // x: const float*, y: float*
//
// Device memory (T*) and shared memory (SharedArray<T>) alike. Emulated, both are checked (alignment, bounds, and what tensor/gpu/shared.h
// lists) and counted. A Pack is what one GPU thread holds; Vec of tensor/simd.h is a register of the CPU.
#pragma once

#include <cstring>

#include "tensor/gpu/builtins.h"
#include "tensor/gpu/shared.h"

namespace mr::gpu {

template <class T, int N> struct alignas(sizeof(T) * N) Pack {
  static_assert(sizeof(T) * N <= 16 && (N & (N - 1)) == 0, "one access is 16 bytes at most, and a power of two");
  T v[N];
  MR_HD T& operator[](int i) { return v[i]; }
  MR_HD const T& operator[](int i) const { return v[i]; }
};

#if defined(__CUDACC__)

namespace detail {
template <size_t bytes> struct Raw;
template <> struct Raw<1> { using type = uint8_t; };
template <> struct Raw<2> { using type = uint16_t; };
template <> struct Raw<4> { using type = uint32_t; };
template <> struct Raw<8> { using type = uint2; };
template <> struct Raw<16> { using type = uint4; };
}  // namespace detail

template <class V, class T> __device__ __forceinline__ V load(const T* p) {
  using Raw = typename detail::Raw<sizeof(V)>::type;
  const Raw raw = *reinterpret_cast<const Raw*>(p);
  V v;
  memcpy(static_cast<void*>(&v), &raw, sizeof v);
  return v;
}

template <class V, class T> __device__ __forceinline__ void store(T* p, const V& v) {
  using Raw = typename detail::Raw<sizeof(V)>::type;
  Raw raw;
  memcpy(&raw, &v, sizeof v);
  *reinterpret_cast<Raw*>(p) = raw;
}

template <class T> struct PlaceAt {
  T* p;
  __device__ __forceinline__ PlaceAt& operator=(const T& v) {
    store(p, v);
    return *this;
  }
};
struct At {
  template <class T> __device__ __forceinline__ T operator()(const T* p, int64_t i) const { return load<T>(p + i); }
  template <class T> __device__ __forceinline__ PlaceAt<T> operator()(T* p, int64_t i) const { return {p + i}; }
};

#else

template <class V, class T> V load(const T* p, Location at = Location::current()) {
  V v;
  emulated::load_device(p, sizeof v, static_cast<void*>(&v), at);
  return v;
}

template <class V, class T> void store(T* p, const V& v, Location at = Location::current()) { emulated::store_device(p, sizeof v, &v, at); }

template <class V, class T> V load(const SharedArray<T>& p, Location at = Location::current()) {
  constexpr int bytes = sizeof(V), each = sizeof(T);
  static_assert(bytes % each == 0);
  V v;
  emulated::check_shared_alignment(p.span(), p.origin(), sizeof(V), at);
  emulated::read_shared(p.span(), p.origin(), bytes / each, static_cast<void*>(&v), at);
  return v;
}

template <class V, class T> void store(const SharedArray<T>& p, const V& v, Location at = Location::current()) {
  constexpr int bytes = sizeof(V), each = sizeof(T);
  static_assert(bytes % each == 0);
  emulated::check_shared_alignment(p.span(), p.origin(), sizeof(V), at);
  emulated::write_shared(p.span(), p.origin(), bytes / each, &v, at);
}

template <class T> struct PlaceAt {
  T* p;
  Location where;
  PlaceAt& operator=(const T& v) {
    store(p, v, where);
    return *this;
  }
};
struct At {
  template <class T> T operator()(const T* p, int64_t i, Location where = Location::current()) const { return load<T>(p + i, where); }
  template <class T> PlaceAt<T> operator()(T* p, int64_t i, Location where = Location::current()) const { return {p + i, where}; }
};

#endif

}  // namespace mr::gpu
