// CUDA's atomics for the emulated device, on device memory (T*) and on shared memory (SharedArray<T>, as `array + i`); the same types as on
// the device, and no others, so that what compiles here compiles there. Each returns the value before.
#pragma once

#include <atomic>
#include <type_traits>

#include "tensor/gpu/emulated/memory.h"
#include "tensor/gpu/emulated/shared.h"

namespace mr::gpu::emulated {

template <class T, class... U>
concept OneOf = (std::is_same_v<T, U> || ...);
using Wide = unsigned long long;  // NOLINT(google-runtime-int): the type of CUDA's 64-bit atomics
template <class T>
concept Added = OneOf<T, int, unsigned, Wide, float, double>;
template <class T>
concept Ordered = OneOf<T, int, unsigned, Wide, long long>;
template <class T>
concept Swapped = OneOf<T, int, unsigned, Wide>;
template <class T>
concept Exchanged = OneOf<T, int, unsigned, Wide, float>;

// Blocks run at the same time, so device memory wants true atomics. `next` gives the new value for the old one.
template <class T, class Next> T update(T* p, Next next, const Location& at) {
  check_device_access(p, sizeof(T), "atomic", Touch::update, at);
  std::atomic_ref<T> a(*p);
  T before = a.load();
  while (!a.compare_exchange_weak(before, next(before))) {}
  return before;
}

// A block runs on one processor, so shared memory does not.
template <class T, class Next> T update(const SharedArray<T>& p, Next next, const Location& at) {
  T* const v = static_cast<T*>(p.atomic(at));
  const T before = *v;
  *v = next(before);
  return before;
}

template <class P> struct Pointee;
template <class T> struct Pointee<T*> { using type = T; };
template <class T> struct Pointee<SharedArray<T>> { using type = T; };
template <class P> using pointee_t = typename Pointee<P>::type;

}  // namespace mr::gpu::emulated

template <class P, class T = mr::gpu::emulated::pointee_t<P>>
requires mr::gpu::emulated::Added<T> T atomicAdd(P p, std::type_identity_t<T> v, mr::gpu::Location at = mr::gpu::Location::current()) {
  return mr::gpu::emulated::update(
      p, [v](T x) { return static_cast<T>(x + v); }, at);
}
template <class P, class T = mr::gpu::emulated::pointee_t<P>>
requires mr::gpu::emulated::Ordered<T> T atomicMax(P p, std::type_identity_t<T> v, mr::gpu::Location at = mr::gpu::Location::current()) {
  return mr::gpu::emulated::update(
      p, [v](T x) { return x < v ? v : x; }, at);
}
template <class P, class T = mr::gpu::emulated::pointee_t<P>>
requires mr::gpu::emulated::Ordered<T> T atomicMin(P p, std::type_identity_t<T> v, mr::gpu::Location at = mr::gpu::Location::current()) {
  return mr::gpu::emulated::update(
      p, [v](T x) { return v < x ? v : x; }, at);
}
template <class P, class T = mr::gpu::emulated::pointee_t<P>>
requires mr::gpu::emulated::Exchanged<T> T atomicExch(P p, std::type_identity_t<T> v, mr::gpu::Location at = mr::gpu::Location::current()) {
  return mr::gpu::emulated::update(
      p, [v](T) { return v; }, at);
}
template <class P, class T = mr::gpu::emulated::pointee_t<P>>
requires mr::gpu::emulated::Swapped<T> T atomicCAS(P p, std::type_identity_t<T> expected, std::type_identity_t<T> v,
                                                   mr::gpu::Location at = mr::gpu::Location::current()) {
  return mr::gpu::emulated::update(
      p, [expected, v](T x) { return x == expected ? v : x; }, at);
}
