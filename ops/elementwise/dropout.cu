#include "ops/elementwise/dropout_gpu.h"
#include "tensor/gpu/channels.h"

namespace mr::gpu {
namespace {

// A thread takes one block of the stream, four elements.
template <class T> struct Dropout {
  DropoutRule rule;
  const T* x;
  T* y;
  int64_t n;

  __device__ void operator()(int64_t block) const {
    uint32_t words[4];
    rule.stream.block(static_cast<uint64_t>(block), words);
    for (int k = 0; k < 4; ++k) {
      const int64_t i = 4 * block + k;
      if (i >= n) return;
      store(y + i, convert<T>(rule(static_cast<acc_t<T>>(load<T>(x + i)), words[k])));
    }
  }
};

}  // namespace

void dropout(const DropoutRule& rule, const Tensor& x, const Tensor& y) {
  dispatch_float(x.dtype(), "dropout", [&]<class T>(T) {
    for_each("dropout", (x.numel() + 3) / 4, Dropout<T>{rule, x.device_data<T>(), y.device_data<T>(), x.numel()});
  });
}

}  // namespace mr::gpu
