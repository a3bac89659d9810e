#include "tensor/tensor.h"

#include <cstring>

#include "tensor/context.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

constexpr int64_t grain = 1 << 16;  // elements of a cheap loop a thread takes at once

template <class F> decltype(auto) dispatch_any(DType t, F&& f) {
  if (t == DType::i64) return f(int64_t{});
  if (t == DType::i32) return f(int32_t{});
  if (t == DType::u8) return f(uint8_t{});
  return dispatch_float(t, "tensor", std::forward<F>(f));
}

// Through the type that holds every value of both: a bf16 goes by way of f32.
template <class To, class From> To convert(From v) {
  if constexpr (std::is_same_v<From, bf16>)
    return convert<To>(static_cast<float>(v));
  else if constexpr (std::is_same_v<To, bf16>)
    return bf16(static_cast<float>(v));
  else
    return static_cast<To>(v);
}

}  // namespace

Tensor Tensor::empty(const Shape& shape, DType dtype) {
  Tensor t;
  t.shape_ = shape;
  t.dtype_ = dtype;
  t.device_ = context().device;
  t.storage_ = allocate(t.bytes(), t.device_);
  return t;
}

Tensor Tensor::zeros(const Shape& shape, DType dtype) {
  Tensor t = empty(shape, dtype);
  t.fill_(0);
  return t;
}

Tensor Tensor::full(const Shape& shape, double value, DType dtype) {
  Tensor t = empty(shape, dtype);
  t.fill_(value);
  return t;
}

double Tensor::at(int64_t i) const {
  check(i >= 0 && i < numel(), "tensor: element ", i, " of ", shape_);
  return dispatch_any(dtype_, [&]<class T>(T) { return convert<double>(data<T>()[i]); });
}

Tensor Tensor::reshape(const Shape& shape) const {
  check(shape.numel() == numel(), "reshape: ", shape_, " has ", numel(), " elements, ", shape, " has ", shape.numel());
  Tensor t = *this;
  t.shape_ = shape;
  return t;
}

Tensor Tensor::slice(int64_t begin, int64_t end) const {
  check(rank() > 0 && 0 <= begin && begin <= end && end <= size(0), "slice: [", begin, ", ", end, ") of ", shape_);
  int64_t sizes[Shape::max_rank] = {end - begin};
  int64_t row = 1;
  for (int i = 1; i < rank(); ++i) row *= sizes[i] = size(i);
  Tensor t = *this;
  t.shape_ = Shape(std::span<const int64_t>(sizes, static_cast<size_t>(rank())));
  t.offset_ += static_cast<size_t>(begin * row) * size_of(dtype_);
  return t;
}

Tensor Tensor::clone() const {
  Tensor t = empty(shape_, dtype_);
  t.copy_(*this);
  return t;
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_) return *this;
  Tensor t = empty(shape_, dtype);
  t.copy_(*this);
  return t;
}

void Tensor::copy_(const Tensor& from) const {
  check(from.shape_ == shape_, "copy: shapes differ, ", shape_, " and ", from.shape_);
  dispatch_any(dtype_, [&]<class To>(To) {
    dispatch_any(from.dtype_, [&]<class From>(From) {
      To* y = data<To>();
      const From* x = from.data<From>();
      parallel_ranges(numel(), grain, [=](int64_t b, int64_t e) {
        if constexpr (std::is_same_v<To, From>)
          std::memcpy(y + b, x + b, static_cast<size_t>(e - b) * sizeof(To));
        else
          for (int64_t i = b; i < e; ++i) y[i] = convert<To>(x[i]);
      });
    });
  });
}

void Tensor::fill_(double value) const {
  dispatch_any(dtype_, [&]<class T>(T) {
    T* y = data<T>();
    const T v = convert<T>(value);
    parallel_ranges(numel(), grain, [=](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) y[i] = v;
    });
  });
}

void Tensor::add_(const Tensor& other) const {
  check(other.shape_ == shape_, "add: shapes differ, ", shape_, " and ", other.shape_);
  dispatch_float(dtype_, "add", [&]<class T>(T) {
    dispatch_float(other.dtype_, "add", [&]<class U>(U) {
      T* y = data<T>();
      const U* x = other.data<U>();
      parallel_ranges(numel(), grain, [=](int64_t b, int64_t e) {
        for (int64_t i = b; i < e; ++i) y[i] = T(static_cast<acc_t<T>>(y[i]) + static_cast<acc_t<T>>(x[i]));
      });
    });
  });
}

void Tensor::scale_(double factor) const {
  dispatch_float(dtype_, "scale", [&]<class T>(T) {
    T* y = data<T>();
    const auto f = static_cast<acc_t<T>>(factor);
    parallel_ranges(numel(), grain, [=](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) y[i] = T(static_cast<acc_t<T>>(y[i]) * f);
    });
  });
}

}  // namespace mr
