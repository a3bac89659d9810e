// A dense, row-major array on one device. No strides, no gradient (autograd/var.h adds that).
//
// A Tensor is a handle: copies share the memory. `reshape` and `slice` share it too; everything else copies.
// Feature maps are [N,H,W,C]; convolution weights [Cout,kH,kW,Cin].
#pragma once

#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

#include "tensor/check.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"
#include "tensor/storage.h"

namespace mr {

class Tensor {
 public:
  Tensor() = default;  // undefined

  // New memory on the current context's device.
  static Tensor empty(const Shape& shape, DType dtype = DType::f32);  // not initialised
  static Tensor zeros(const Shape& shape, DType dtype = DType::f32);
  static Tensor full(const Shape& shape, double value, DType dtype = DType::f32);
  static Tensor empty_like(const Tensor& t) { return empty(t.shape(), t.dtype()); }
  static Tensor zeros_like(const Tensor& t) { return zeros(t.shape(), t.dtype()); }
  // Tensor::of<float>({2, 2}, {1, 2, 3, 4})
  template <class T> static Tensor of(const Shape& shape, std::span<const T> values);
  template <class T> static Tensor of(const Shape& shape, std::initializer_list<T> values) {
    return of<T>(shape, std::span<const T>(values.begin(), values.size()));
  }
  template <class T> static Tensor of(const Shape& shape, const std::vector<T>& values) { return of<T>(shape, std::span<const T>(values)); }

  bool defined() const { return storage_ != nullptr; }
  const Shape& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  int64_t size(int axis) const { return shape_[axis]; }
  int64_t numel() const { return shape_.numel(); }
  DType dtype() const { return dtype_; }
  Device device() const { return device_; }
  size_t bytes() const { return static_cast<size_t>(numel()) * size_of(dtype_); }
  bool shares_memory() const { return storage_.use_count() > 1; }  // another Tensor holds the same block

  std::byte* raw() const { return storage_.get() + offset_; }
  template <class T> T* data() const {
    check(dtype_ == dtype_of<T>(), "tensor: data is ", dtype_, ", not ", dtype_of<T>());
    return reinterpret_cast<T*>(raw());
  }
  template <class T> std::span<T> values() const { return {data<T>(), static_cast<size_t>(numel())}; }
  double at(int64_t i) const;  // element i of any type (slow: tests, messages)

  Tensor reshape(const Shape& shape) const;        // the same memory; errors: another number of elements
  Tensor slice(int64_t begin, int64_t end) const;  // [begin, end) of the leading axis, the same memory

  Tensor clone() const;
  Tensor to(DType dtype) const;          // a converted copy; itself if the type is the same
  void copy_(const Tensor& from) const;  // same shape; converts the type
  void fill_(double value) const;
  void add_(const Tensor& other) const;  // this += other, same shape; sums in f32 (f64 for f64)
  void scale_(double factor) const;

 private:
  Storage storage_;
  size_t offset_ = 0;
  Shape shape_;
  DType dtype_ = DType::f32;
  Device device_;
};

template <class T> Tensor Tensor::of(const Shape& shape, std::span<const T> values) {
  check(static_cast<int64_t>(values.size()) == shape.numel(), "tensor: ", shape, " needs ", shape.numel(), " values, got ", values.size());
  Tensor t = empty(shape, dtype_of<T>());
  for (size_t i = 0; i < values.size(); ++i) t.data<T>()[i] = values[i];
  return t;
}

}  // namespace mr
