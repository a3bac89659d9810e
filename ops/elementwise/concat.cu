#include "ops/elementwise/concat_gpu.h"
#include "ops/kernel.h"
#include "tensor/gpu/channels.h"

namespace mr::gpu {
namespace {

// A thread copies N columns of one row.
template <class T> struct CopyColumns {
  const T* from;
  T* to;
  int64_t from_row, to_row;

  template <int N> __device__ void at(int row, int c) const { store(to + row * to_row + c, load<Pack<T, N>>(from + row * from_row + c)); }
};

}  // namespace

void copy_columns(const Tensor& from, int64_t from_at, const Tensor& to, int64_t to_at, int64_t columns) {
  dispatch_float(to.dtype(), "copy_columns", [&]<class T>(T) {
    const CopyColumns<T> f{static_cast<const T*>(from.device_data<T>()) + from_at, to.device_data<T>() + to_at, channels_of(from),
                           channels_of(to)};
    // The second rows tell whether all rows begin at a multiple of a pack.
    for_channels<T>("copy_columns", rows_of(to), columns, f, f.from, f.to, f.from + f.from_row, f.to + f.to_row);
  });
}

}  // namespace mr::gpu
