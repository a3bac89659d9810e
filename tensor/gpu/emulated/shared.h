// Shared memory as a kernel sees it on the emulated device: SharedArray<T> stands for the T* that it is on the device, and `a[i]` for the
// element, whose reads and writes are checked and counted (tensor/gpu/emulated/arena.h).
//
// An element is no variable: write `const float v = a[i];`, not `auto v = a[i];`, which does not compile further on.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "tensor/gpu/emulated/thread.h"

namespace mr::gpu::emulated {

const SharedSpan& carve(int64_t count, int element, size_t align, const Location& at);
void read_shared(const SharedSpan& a, int64_t i, int n, void* to, const Location& at);
void write_shared(const SharedSpan& a, int64_t i, int n, const void* from, const Location& at);
void* update_shared(const SharedSpan& a, int64_t i, const Location& at);

// An index and the place where it was written: `a[i]` has no room for a default argument, the conversion to this has.
struct At {
  int64_t i;
  Location at;
  template <std::integral I> At(I index, Location here = Location::current()) : i(static_cast<int64_t>(index)), at(here) {}
};

template <class T> class SharedElement {
 public:
  using Value = std::remove_const_t<T>;
  SharedElement(const SharedSpan& a, int64_t i, const Location& at) : array_(a), i_(i), at_(at) {}
  SharedElement(const SharedElement&) = delete;

  operator Value() const&& { return get(); }
  const SharedElement& operator=(const Value& v) const&& { return set(v); }
  const SharedElement& operator=(const SharedElement& o) && { return set(o.get()); }
  const SharedElement& operator+=(const Value& v) const&& { return set(static_cast<Value>(get() + v)); }
  const SharedElement& operator-=(const Value& v) const&& { return set(static_cast<Value>(get() - v)); }
  const SharedElement& operator*=(const Value& v) const&& { return set(static_cast<Value>(get() * v)); }
  const SharedElement& operator|=(const Value& v) const&& { return set(static_cast<Value>(get() | v)); }
  const SharedElement& operator&=(const Value& v) const&& { return set(static_cast<Value>(get() & v)); }
  const SharedElement& operator^=(const Value& v) const&& { return set(static_cast<Value>(get() ^ v)); }

 private:
  Value get() const {
    Value v;
    read_shared(array_, i_, 1, static_cast<void*>(&v), at_);
    return v;
  }
  const SharedElement& set(const Value& v) const {
    static_assert(!std::is_const_v<T>, "the array is const");
    write_shared(array_, i_, 1, &v, at_);
    return *this;
  }

  const SharedSpan& array_;
  int64_t i_;
  Location at_;
};

template <class T> class SharedArray {
  static_assert(sizeof(T) <= 16 && (sizeof(T) & (sizeof(T) - 1)) == 0, "an element is moved in one access");

 public:
  using Value = std::remove_const_t<T>;
  explicit SharedArray(const SharedSpan& a, int64_t origin = 0) : array_(&a), origin_(origin) {}
  operator SharedArray<const T>() const requires(!std::is_const_v<T>) { return SharedArray<const T>(*array_, origin_); }

  SharedElement<T> operator[](At at) const { return SharedElement<T>(*array_, origin_ + at.i, at.at); }
  SharedArray operator+(int64_t i) const { return SharedArray(*array_, origin_ + i); }
  SharedArray operator-(int64_t i) const { return SharedArray(*array_, origin_ - i); }

  // For load, store, atomics, cp_async and ldmatrix:
  const SharedSpan& span() const { return *array_; }
  int64_t origin() const { return origin_; }
  void* atomic(const Location& at) const { return update_shared(*array_, origin_, at); }

 private:
  const SharedSpan* array_;
  int64_t origin_;
};

}  // namespace mr::gpu::emulated
