// A dense, row-major array on one device. No strides, no gradient (autograd/var.h adds that).
//
// A Tensor is a handle: copies share the memory. `reshape` and `slice` share it too; everything else copies.
// Memory of a GPU is reached by kernels (`device_data`) and by `to`; `data` of such a tensor is an error, not a crash.
// Feature maps are [N,H,W,C]; convolution weights [Cout,kH,kW,Cin].
#pragma once

#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

#include "base/check.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"
#include "tensor/storage.h"

namespace mr {

Device current_device();  // of the context

class Tensor {
 public:
  Tensor() = default;  // undefined

  // New memory, on the context's device unless one is named.
  static Tensor empty(const Shape& shape, DType dtype = DType::f32);  // not initialised
  static Tensor zeros(const Shape& shape, DType dtype = DType::f32);
  static Tensor zeros(const Shape& shape, DType dtype, Device device);
  static Tensor full(const Shape& shape, double value, DType dtype = DType::f32);
  static Tensor empty(const Shape& shape, DType dtype, Device device);
  static Tensor empty_like(const Tensor& t) { return empty(t.shape(), t.dtype(), t.device()); }  // where t is
  static Tensor zeros_like(const Tensor& t) { return zeros(t.shape(), t.dtype(), t.device()); }
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
  bool on_gpu() const { return device_.type != DeviceType::cpu; }
  size_t bytes() const { return static_cast<size_t>(numel()) * size_of(dtype_); }
  bool shares_memory() const { return storage_.use_count() > 1; }  // another Tensor holds the same block

  std::byte* raw() const { return storage_.get() + offset_; }
  template <class T> T* data() const {
    check(!on_gpu(), "tensor: expected memory of the CPU, got that of ", device_, " (an operator without a kernel for it)");
    return typed<T>();
  }
  template <class T> T* device_data() const {  // for kernels; undefined: null
    if (!defined()) return nullptr;
    check(on_gpu(), "tensor: expected memory of a GPU, got that of the CPU (to(gpu_device()) moves it)");
    return typed<T>();
  }
  template <class T> std::span<T> values() const { return {data<T>(), static_cast<size_t>(numel())}; }
  double at(int64_t i) const;  // element i of any type, on any device (slow: tests, messages)

  Tensor reshape(const Shape& shape) const;        // the same memory; errors: another number of elements
  Tensor slice(int64_t begin, int64_t end) const;  // [begin, end) of the leading axis, the same memory

  Tensor clone() const;
  Tensor to(DType dtype) const;          // a converted copy; itself if the type is the same
  Tensor to(Device device) const;        // a copy there, waited for; itself if it is there
  void copy_(const Tensor& from) const;  // same shape; converts the type; from a GPU to the CPU: waits
  void fill_(double value) const;
  void add_(const Tensor& other) const;  // this += other, same shape; sums in f32 (f64 for f64)
  void scale_(double factor) const;

 private:
  template <class T> T* typed() const {
    check(dtype_ == dtype_of<T>(), "tensor: data is ", dtype_, ", not ", dtype_of<T>());
    return reinterpret_cast<T*>(raw());
  }

  Storage storage_;
  size_t offset_ = 0;
  Shape shape_;
  DType dtype_ = DType::f32;
  Device device_;
};

// Copies on the CPU of several, with one wait for the device; undefined ones stay undefined.
std::vector<Tensor> to_cpu(const std::vector<Tensor>& tensors);

template <class T> Tensor Tensor::of(const Shape& shape, std::span<const T> values) {
  check(static_cast<int64_t>(values.size()) == shape.numel(), "tensor: ", shape, " needs ", shape.numel(), " values, got ", values.size());
  Tensor t = empty(shape, dtype_of<T>(), Device{});
  for (size_t i = 0; i < values.size(); ++i) t.data<T>()[i] = values[i];
  return t.to(current_device());
}

}  // namespace mr
