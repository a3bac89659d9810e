#include "ops/elementwise/cast.h"

#include "ops/kernel.h"

namespace mr {
namespace {

Tensor converted(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype || x.on_gpu()) return x.to(dtype);
  const Tensor y = Tensor::empty(x.shape(), dtype);
  dispatch_float(x.dtype(), "cast", [&]<class From>(From) {
    dispatch_float(dtype, "cast", [&]<class To>(To) {
      const From* from = x.data<From>();
      To* to = y.data<To>();
      parallel_ranges(x.numel(), 1 << 15, [=](int64_t begin, int64_t end) {
        with_simd([=]<int W>(Lanes<W>) {
          for_channels<W>(end - begin, [=]<int L>(Lanes<L>, int64_t i) {
            store<L>(to + begin + i, convert_lanes<acc_t<To>, L>(load<L>(from + begin + i)));
          });
        });
      });
    });
  });
  return y;
}

}  // namespace

Var cast(const Var& x, DType dtype) {
  check(is_float(x.dtype()) && is_float(dtype), "cast: expected floating types (f32, bf16, f64), got ", x.dtype(), " to ", dtype);
  if (x.dtype() == dtype) return x;
  return record("cast", {x}, converted(x.value(), dtype), [from = x.dtype()](Grads& g) { g.give(0, converted(g.out(), from)); });
}

}  // namespace mr
