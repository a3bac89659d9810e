#include "ops/elementwise/dropout.h"

#include "ops/elementwise/dropout_gpu.h"
#include "ops/kernel.h"
#include "tensor/gpu/built.h"

namespace mr {
namespace {

void apply(const DropoutRule& rule, const Tensor& x, const Tensor& y) {
  if constexpr (gpu::exists) {
    if (x.on_gpu()) return gpu::dropout(rule, x, y);
  }
  const int64_t n = x.numel();
  dispatch_float(x.dtype(), "dropout", [&]<class T>(T) {
    using A = acc_t<T>;
    const T* px = x.data<T>();
    T* py = y.data<T>();
    parallel_for((n + 3) / 4, 1 << 12, [&](int64_t block) {
      uint32_t words[4];
      rule.stream.block(static_cast<uint64_t>(block), words);
      for (int64_t i = 4 * block, k = 0; k < 4 && i < n; ++i, ++k) py[i] = static_cast<T>(rule(static_cast<A>(px[i]), words[k]));
    });
  });
}

}  // namespace

Var dropout(const Var& x, double p, const Rng& rng) {
  check(is_float(x.dtype()), "dropout: expected a floating type (f32, bf16, f64), got ", x.dtype());
  check(p >= 0 && p < 1, "dropout: p must be in [0, 1), got ", p);
  if (p == 0) return x;
  const DropoutRule rule(rng.stream(), p);
  const Tensor y = Tensor::empty_like(x.value());
  apply(rule, x.value(), y);
  return record("dropout", {x}, y, [rule](Grads& g) {
    const Tensor gx = reuse(g.out());
    apply(rule, g.out(), gx);
    g.give(0, gx);
  });
}

}  // namespace mr
