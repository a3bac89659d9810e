// SIMD without intrinsics: Vec<T, W> is W neighbouring values of T (GCC and Clang vector extensions), and with_simd runs a
// kernel compiled for the processor it finds itself on.
//
//   struct Kernel { template <int W> void operator()(Lanes<W>) const { … Vec<float, W> … } };
//   with_simd(Kernel{…});        // W = 16 with AVX-512 (x86-64-v4), 8 with AVX2 (v3), 4 elsewhere
//
// Everything the kernel calls is inlined into a function of that target ("flatten"), so one source serves every processor.
// Vectors must not cross a call that is not inlined.
#pragma once

#include <cstdint>
#include <cstring>

#include "tensor/dtype.h"

namespace mr {

namespace detail {
template <class T, int W> struct VecOf { typedef T type __attribute__((vector_size(sizeof(T) * W))); };
template <class T> struct VecOf<T, 1> { using type = T; };
}  // namespace detail

template <class T, int W> using Vec = typename detail::VecOf<T, W>::type;
template <int W> struct Lanes { static constexpr int width = W; };

// load<W>(p): W values from p (any alignment), widened to the accumulation type; store<W>(p, v) rounds back.
template <int W, class T> [[gnu::always_inline]] inline Vec<acc_t<T>, W> load(const T* p) {
  if constexpr (std::is_same_v<T, bf16>) {
    Vec<float, W> v;
    if constexpr (W == 1) {
      v = static_cast<float>(*p);
    } else {
      Vec<uint16_t, W> half;
      std::memcpy(&half, p, sizeof half);
      const Vec<uint32_t, W> bits = __builtin_convertvector(half, Vec<uint32_t, W>) << 16;
      std::memcpy(&v, &bits, sizeof v);
    }
    return v;
  } else {
    Vec<T, W> v;
    std::memcpy(&v, p, sizeof v);
    return v;
  }
}

template <int W, class T> [[gnu::always_inline]] inline void store(T* p, Vec<acc_t<T>, W> v) {
  if constexpr (std::is_same_v<T, bf16>) {
    if constexpr (W == 1) {
      *p = bf16(v);
    } else {
      Vec<uint32_t, W> u;
      std::memcpy(&u, &v, sizeof u);
      const Vec<uint32_t, W> rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
      const Vec<uint32_t, W> quiet = (u >> 16) | 0x40u;
      const auto nan = (u & 0x7fffffffu) > 0x7f800000u;  // all ones where NaN
      const Vec<uint32_t, W> mask = reinterpret_cast<const Vec<uint32_t, W>&>(nan);
      const Vec<uint16_t, W> half = __builtin_convertvector((quiet & mask) | (rounded & ~mask), Vec<uint16_t, W>);
      std::memcpy(static_cast<void*>(p), &half, sizeof half);
    }
  } else {
    std::memcpy(static_cast<void*>(p), &v, sizeof v);
  }
}

template <int W, class T> [[gnu::always_inline]] inline Vec<T, W> splat(T s) {
  if constexpr (W == 1)
    return s;
  else
    return s - Vec<T, W>{};  // s − 0 = s in every lane, also for −0
}

// a·b + c in one rounding, where the processor has it (v3, v4): the one place where a fused multiply-add is asked for.
template <class V> [[gnu::always_inline]] inline V fma(V a, V b, V c) {
  if constexpr (std::is_floating_point_v<V>) {
    return __builtin_fma(a, b, c);
  } else {
    V r;
    constexpr int width = sizeof(V) / sizeof(a[0]);
    for (int i = 0; i < width; ++i) {
      if constexpr (sizeof(a[0]) == 4)
        r[i] = __builtin_fmaf(a[i], b[i], c[i]);
      else
        r[i] = __builtin_fma(a[i], b[i], c[i]);
    }
    return r;
  }
}

// Runs lane<W>(c) for c over [0, channels): whole vectors of W, then one by one.
//   for_channels<W>(C, [&]<int L>(Lanes<L>, int64_t c) { … });
template <int W, class F> [[gnu::always_inline]] inline void for_channels(int64_t channels, F&& f) {
  int64_t c = 0;
  for (; c + W <= channels; c += W) f(Lanes<W>{}, c);
  for (; c < channels; ++c) f(Lanes<1>{}, c);
}

// The instruction sets a kernel is built for, chosen at run time; MR_ISA=baseline|v3|v4 forces a lower one.
enum class Isa : uint8_t { baseline, v3, v4 };
Isa isa();
const char* name(Isa isa);

namespace detail {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
template <class F> [[gnu::target("avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi,bmi2,f16c,lzcnt,movbe,prefer-vector-width=512"),
                     gnu::flatten, gnu::noinline]] void
run_v4(const F& f) {
  f(Lanes<16>{});
}
template <class F> [[gnu::target("avx2,fma,bmi,bmi2,f16c,lzcnt,movbe"), gnu::flatten, gnu::noinline]] void run_v3(const F& f) {
  f(Lanes<8>{});
}
#else
template <class F> void run_v4(const F& f) { f(Lanes<16>{}); }
template <class F> void run_v3(const F& f) { f(Lanes<8>{}); }
#endif
template <class F> void run_baseline(const F& f) { f(Lanes<4>{}); }
}  // namespace detail

template <class F> void with_simd(const F& f) {
  switch (isa()) {
    case Isa::v4:
      return detail::run_v4(f);
    case Isa::v3:
      return detail::run_v3(f);
    case Isa::baseline:
      return detail::run_baseline(f);
  }
}

}  // namespace mr
