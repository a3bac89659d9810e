#include "tensor/tensor.h"

#include <cstring>
#include <utility>

#include "tensor/context.h"
#include "tensor/gpu/runtime.h"
#include "tensor/gpu/staging.h"
#include "tensor/parallel.h"
#include "tensor/tensor_gpu.h"

namespace mr {
namespace {

constexpr int64_t grain = 1 << 16;  // elements of a cheap loop a thread takes at once

}  // namespace

Device current_device() { return context().device; }

Tensor Tensor::empty(const Shape& shape, DType dtype) { return empty(shape, dtype, context().device); }

Tensor Tensor::empty(const Shape& shape, DType dtype, Device device) {
  Tensor t;
  t.shape_ = shape;
  t.dtype_ = dtype;
  t.device_ = device;
  t.storage_ = allocate(t.bytes(), t.device_);
  return t;
}

Tensor Tensor::zeros(const Shape& shape, DType dtype) { return zeros(shape, dtype, context().device); }

Tensor Tensor::zeros(const Shape& shape, DType dtype, Device device) {
  Tensor t = empty(shape, dtype, device);
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
  if (on_gpu()) return reshape({numel()}).slice(i, i + 1).to(Device{}).at(0);
  return dispatch_any(dtype_, "tensor", [&]<class T>(T) { return convert<double>(data<T>()[i]); });
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
  Tensor t = empty_like(*this);
  t.copy_(*this);
  return t;
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_) return *this;
  Tensor t = empty(shape_, dtype, device_);
  t.copy_(*this);
  return t;
}

Tensor Tensor::to(Device device) const {
  if (device == device_) return *this;
  if (on_gpu()) return to_cpu({*this})[0];
  Tensor t = empty(shape_, dtype_, device);
  gpu::upload(t.raw(), raw(), bytes(), gpu::compute_stream());
  return t;
}

std::vector<Tensor> to_cpu(const std::vector<Tensor>& tensors) {
  std::vector<Tensor> all = tensors;
  std::vector<gpu::Download> ways;
  for (Tensor& t : all) {
    if (!t.defined() || !t.on_gpu()) continue;
    const Tensor from = std::exchange(t, Tensor::empty(t.shape(), t.dtype(), Device{}));
    ways.push_back({t.raw(), from.raw(), t.bytes()});
  }
  if (!ways.empty()) gpu::download(ways, gpu::compute_stream());
  return all;
}

void Tensor::copy_(const Tensor& from) const {
  check(from.shape_ == shape_, "copy: shapes differ, ", shape_, " and ", from.shape_);
  if (from.device_ != device_) {
    if (!on_gpu()) return copy_(to_cpu({from})[0]);
    if (from.dtype_ != dtype_) return copy_(from.to(device_));
    return gpu::upload(raw(), from.raw(), from.bytes(), gpu::compute_stream());
  }
  if constexpr (gpu::exists) {
    if (on_gpu()) return gpu::copy(from, *this);
  }
  dispatch_any(dtype_, "tensor", [&]<class To>(To) {
    dispatch_any(from.dtype_, "tensor", [&]<class From>(From) {
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
  if constexpr (gpu::exists) {
    if (on_gpu()) return gpu::fill(*this, value);
  }
  dispatch_any(dtype_, "tensor", [&]<class T>(T) {
    T* y = data<T>();
    const T v = convert<T>(value);
    parallel_ranges(numel(), grain, [=](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) y[i] = v;
    });
  });
}

void Tensor::add_(const Tensor& other) const {
  check(other.shape_ == shape_, "add: shapes differ, ", shape_, " and ", other.shape_);
  if constexpr (gpu::exists) {
    if (on_gpu()) return gpu::add(other, *this);
  }
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
  if constexpr (gpu::exists) {
    if (on_gpu()) return gpu::scale(*this, factor);
  }
  dispatch_float(dtype_, "scale", [&]<class T>(T) {
    T* y = data<T>();
    const auto f = static_cast<acc_t<T>>(factor);
    parallel_ranges(numel(), grain, [=](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) y[i] = T(static_cast<acc_t<T>>(y[i]) * f);
    });
  });
}

}  // namespace mr
