#include "ops/gemm/finish_backward.h"

#include <algorithm>

#include "ops/gemm/finish_backward_gpu.h"
#include "tensor/gpu/built.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace mr {
namespace {

template <class T> struct Rows {
  const T *gy, *y;
  T* g;            // null where g is gy itself and stays as it is
  acc_t<T>* sums;  // of these rows; null if not wanted
  int64_t begin, end, channels;

  template <int W> void operator()(Lanes<W>) const {
    using A = acc_t<T>;
    constexpr int L = W * 4 / static_cast<int>(sizeof(A));
    if (sums) std::fill(sums, sums + channels, A(0));
    for (int64_t row = begin; row < end; ++row) {
      const int64_t at = row * channels;
      for_channels<L>(channels, [&]<int V>(Lanes<V>, int64_t c) {
        Vec<A, V> v = load<V>(gy + at + c);
        if (y) {
          const Vec<A, V> yv = load<V>(y + at + c);
          v = yv > Vec<A, V>{} ? v : Vec<A, V>{};
        }
        if (g) store<V>(g + at + c, v);
        if (sums) store<V>(sums + c, load<V>(sums + c) + v);
      });
    }
  }
};

}  // namespace

FinishGrad finish_backward(const Tensor& gy, const Tensor& y, bool want_sums) {
  if (!y.defined() && !want_sums) return {gy, {}};
  const Tensor g = y.defined() && gy.shares_memory() ? Tensor::empty_like(gy) : gy;
  if constexpr (gpu::exists) {
    if (gy.on_gpu()) return gpu::finish_backward(gy, y, g, want_sums);
  }
  const int64_t channels = gy.size(-1), rows = channels ? gy.numel() / channels : 0;
  const int64_t grain = std::clamp<int64_t>((1 << 15) / std::max<int64_t>(channels, 1), 1, 1024), blocks = (rows + grain - 1) / grain;
  FinishGrad out{g, {}};
  dispatch_float(gy.dtype(), "relu", [&]<class T>(T) {
    using A = acc_t<T>;
    const Tensor parts = want_sums ? Tensor::empty({blocks, channels}, dtype_of<A>()) : Tensor();
    parallel_ranges(rows, grain, [&](int64_t begin, int64_t end) {
      with_simd(Rows<T>{gy.data<T>(), y.defined() ? y.data<T>() : nullptr, y.defined() ? out.g.data<T>() : nullptr,
                        want_sums ? parts.data<A>() + begin / grain * channels : nullptr, begin, end, channels});
    });
    if (!want_sums) return;
    out.sums = Tensor::zeros({channels}, dtype_of<A>());
    for (int64_t b = 0; b < blocks; ++b)
      for (int64_t c = 0; c < channels; ++c) out.sums.data<A>()[c] += parts.data<A>()[b * channels + c];
  });
  return out;
}

}  // namespace mr
