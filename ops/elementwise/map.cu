#include "ops/elementwise/rules.h"
#include "tensor/gpu/channels.h"
#include "tensor/gpu/map.h"
#include "tensor/tensor.h"

namespace mr::gpu {

template <class F, class... X> void map_tensors(const char* op, const F& f, const Tensor& y, const X&... x) {
  dispatch_float(y.dtype(), op,
                 [&]<class T>(T) { map(op, y.numel(), y.device_data<T>(), f, static_cast<const T*>(x.template device_data<T>())...); });
}

// A thread takes N columns of one row.
template <class T, class F> struct MapRows {
  F f;
  const T *a, *b;
  T* y;
  int64_t C;

  template <int N> __device__ void at(int row, int c) const {
    auto v = load_lanes<N>(a + row * C + c);
    const auto w = load_lanes<N>(b + c);
    MR_UNROLL
    for (int k = 0; k < N; ++k) v[k] = f(v[k], w[k]);
    store_lanes(y + row * C + c, v);
  }
};

template <class F> void map_rows(const char* op, const F& f, const Tensor& y, const Tensor& a, const Tensor& b) {
  const int64_t C = b.size(0), rows = C > 0 ? a.numel() / C : 0;
  dispatch_float(y.dtype(), op, [&]<class T>(T) {
    const MapRows<T, F> rows_of{f, a.device_data<T>(), b.device_data<T>(), y.device_data<T>(), C};
    for_channels<T>(op, rows, C, rows_of, rows_of.a, rows_of.b, rows_of.y);
  });
}

template void map_rows(const char*, const AddRule&, const Tensor&, const Tensor&, const Tensor&);
template void map_rows(const char*, const SubtractRule&, const Tensor&, const Tensor&, const Tensor&);
template void map_rows(const char*, const MultiplyRule&, const Tensor&, const Tensor&, const Tensor&);

template void map_tensors(const char*, const SubtractRule&, const Tensor&, const Tensor&, const Tensor&);
template void map_tensors(const char*, const MultiplyRule&, const Tensor&, const Tensor&, const Tensor&);
template void map_tensors(const char*, const AddRule&, const Tensor&, const Tensor&, const Tensor&);
template void map_tensors(const char*, const ScaleRule&, const Tensor&, const Tensor&);
template void map_tensors(const char*, const ReluRule&, const Tensor&, const Tensor&);
template void map_tensors(const char*, const ReluGradient&, const Tensor&, const Tensor&, const Tensor&);
template void map_tensors(const char*, const SigmoidRule&, const Tensor&, const Tensor&);
template void map_tensors(const char*, const SigmoidGradient&, const Tensor&, const Tensor&, const Tensor&);

}  // namespace mr::gpu
