#include "ops/elementwise/rules.h"
#include "tensor/gpu/map.h"
#include "tensor/tensor.h"

namespace mr::gpu {

template <class F, class... X> void map_tensors(const char* op, const F& f, const Tensor& y, const X&... x) {
  dispatch_float(y.dtype(), op,
                 [&]<class T>(T) { map(op, y.numel(), y.device_data<T>(), f, static_cast<const T*>(x.template device_data<T>())...); });
}

template void map_tensors(const char*, const AddRule&, const Tensor&, const Tensor&, const Tensor&);
template void map_tensors(const char*, const ScaleRule&, const Tensor&, const Tensor&);
template void map_tensors(const char*, const ReluRule&, const Tensor&, const Tensor&);
template void map_tensors(const char*, const ReluGradient&, const Tensor&, const Tensor&, const Tensor&);
template void map_tensors(const char*, const SigmoidRule&, const Tensor&, const Tensor&);
template void map_tensors(const char*, const SigmoidGradient&, const Tensor&, const Tensor&, const Tensor&);

}  // namespace mr::gpu
