#include <cmath>

#include "tensor/gpu/map.h"
#include "tensor/tensor_gpu.h"

namespace mr::gpu {
namespace {

template <class T> struct Constant {
  T value;
  __device__ T operator()() const { return value; }
};

struct Same {
  template <class V> __device__ V operator()(V v) const { return v; }
};

// y += x in the accumulation type of y.
struct Sum {
  template <class Y, class X> __device__ Y operator()(Y y, X x) const { return y + static_cast<Y>(x); }
};

template <class V> struct Times {
  V factor;
  __device__ V operator()(V v) const { return v * factor; }
};

}  // namespace

void fill(const Tensor& y, double value) {
  dispatch_any(y.dtype(), "fill", [&]<class T>(T) {
    if constexpr (sizeof(T) == 1)
      set_async(y.raw(), static_cast<int>(value), y.bytes(), compute_stream());
    else if (value == 0 && !std::signbit(value))
      set_async(y.raw(), 0, y.bytes(), compute_stream());
    else
      map("fill", y.numel(), y.device_data<T>(), Constant<T>{convert<T>(value)});
  });
}

void copy(const Tensor& x, const Tensor& y) {
  if (x.dtype() == y.dtype()) return copy_async(y.raw(), x.raw(), x.bytes(), Copy::on_device, compute_stream());
  dispatch_any(y.dtype(), "copy", [&]<class To>(To) {
    dispatch_any(x.dtype(), "copy", [&]<class From>(From) { map("copy", y.numel(), y.device_data<To>(), Same{}, x.device_data<From>()); });
  });
}

void add(const Tensor& x, const Tensor& y) {
  dispatch_float(y.dtype(), "add", [&]<class T>(T) {
    dispatch_float(x.dtype(), "add", [&]<class U>(U) {
      map("add", y.numel(), y.device_data<T>(), Sum{}, static_cast<const T*>(y.device_data<T>()),
          static_cast<const U*>(x.device_data<U>()));
    });
  });
}

void scale(const Tensor& y, double factor) {
  dispatch_float(y.dtype(), "scale", [&]<class T>(T) {
    map("scale", y.numel(), y.device_data<T>(), Times<acc_t<T>>{static_cast<acc_t<T>>(factor)}, static_cast<const T*>(y.device_data<T>()));
  });
}

}  // namespace mr::gpu
