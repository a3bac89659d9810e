#include "ops/loss/loss_gpu.h"
#include "ops/loss/sum_gpu.h"

namespace mr::gpu {
namespace {

constexpr int threads = 256, warps = threads / warp_size;
constexpr unsigned all_lanes = 0xffffffffu;

// A warp takes a row, its lanes every 32nd class, twice: for the maximum, and from the cache for the sum.
template <class T> __global__ void __launch_bounds__(threads)
    softmax_partition_kernel(const T* z, acc_t<T>* partition, int64_t rows, int K) {
  using A = acc_t<T>;
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  const int64_t r = int64_t{blockIdx.x} * warps + threadIdx.x / warp_size;
  if (r >= rows) return;
  const T* row = z + r * K;
  A top = static_cast<A>(load<T>(row)), sum = 0;
  for (int k = lane; k < K; k += warp_size) top = max(top, static_cast<A>(load<T>(row + k)));
  MR_UNROLL
  for (int d = warp_size / 2; d > 0; d /= 2) top = max(top, __shfl_xor_sync(all_lanes, top, d));
  for (int k = lane; k < K; k += warp_size) sum += std::exp(static_cast<A>(load<T>(row + k)) - top);
  MR_UNROLL
  for (int d = warp_size / 2; d > 0; d /= 2) sum += __shfl_xor_sync(all_lanes, sum, d);
  if (lane == 0) store(partition + 2 * r, Pack<A, 2>{{top, sum}});
}

// A thread computes N classes of one row: the probabilities, or the gradient, which is the
// probabilities less 1 at the label.
template <class T> struct Softmax {
  using A = acc_t<T>;
  const T* z;
  const A* partition;
  A* p;
  int K;

  template <int N> __device__ LaneArray<A, N> probabilities(int row, int c) const {
    const auto of_row = load<Pack<A, 2>>(partition + 2 * int64_t{row});
    auto v = load_lanes<N>(z + int64_t{row} * K + c);
    MR_UNROLL
    for (int k = 0; k < N; ++k) v[k] = std::exp(v[k] - of_row[0]) / of_row[1];
    return v;
  }
  template <int N> __device__ void at(int row, int c) const { store_wide(p + int64_t{row} * K + c, probabilities<N>(row, c)); }
};

template <class T> struct CrossEntropyTerm {
  using A = acc_t<T>;
  const T* z;
  const A* partition;
  const int32_t* labels;
  int K, first;

  __device__ A operator()(int64_t r) const {
    const int k = label_at(labels, r, first + K) - first;
    if (k < 0) return 0;
    const auto of_row = load<Pack<A, 2>>(partition + 2 * r);
    return std::log(of_row[1]) + (of_row[0] - static_cast<A>(load<T>(z + r * K + k)));
  }
};

template <class T> struct CrossEntropyGradient {
  using A = acc_t<T>;
  Softmax<T> softmax;
  const int32_t* labels;
  int first;
  LossFactor<A> factor;
  T* gz;

  template <int N> __device__ void at(int row, int c) const {
    const int label = label_at(labels, row, first + softmax.K) - first;
    LaneArray<A, N> g = {};
    if (label >= 0) {
      g = softmax.template probabilities<N>(row, c);
      const A f = factor();
      MR_UNROLL
      for (int k = 0; k < N; ++k) g[k] = f * (g[k] - (c + k == label ? 1 : 0));
    }
    store_lanes(gz + int64_t{row} * softmax.K + c, g);
  }
};

struct MaskClass {
  const int32_t* labels;
  const double* t;
  int32_t* classes;
  int64_t pixels;
  int K;

  __device__ void operator()(int64_t i) const {
    const int k = label_at(labels, i / pixels, K);
    store(classes + i, k <= 0 ? -1 : load<double>(t + i) >= 0.5 ? k : 0);
  }
};

}  // namespace

Tensor softmax_partition(const Tensor& z) {
  const int64_t K = z.size(-1), R = K > 0 ? z.numel() / K : 0;
  return dispatch_float(z.dtype(), "softmax", [&]<class T>(T) {
    using A = acc_t<T>;
    const Tensor partition = Tensor::empty({R, 2}, dtype_of<A>(), z.device());
    if (R > 0)
      launch("softmax_partition", {(R + warps - 1) / warps}, {threads}, 0, compute_stream(), softmax_partition_kernel<T>,
             z.device_data<T>(), partition.device_data<A>(), R, static_cast<int>(K));
    return partition;
  });
}

void softmax(const Tensor& z, const Tensor& partition, const Tensor& p) {
  dispatch_float(z.dtype(), "softmax", [&]<class T>(T) {
    using A = acc_t<T>;
    const Softmax<T> f{z.device_data<T>(), partition.device_data<A>(), p.device_data<A>(), static_cast<int>(z.size(-1))};
    for_channels<T>("softmax", partition.size(0), f.K, f, f.z, f.p);
  });
}

Tensor softmax_cross_entropy(const Tensor& z, const Tensor& partition, const Tensor& labels, int first, const Divisor& divisor) {
  return dispatch_float(z.dtype(), "softmax_cross_entropy", [&]<class T>(T) {
    using A = acc_t<T>;
    const CrossEntropyTerm<T> f{z.device_data<T>(), partition.device_data<A>(), labels.device_data<int32_t>(), static_cast<int>(z.size(1)),
                                first};
    return loss_of<A>("softmax_cross_entropy", z.size(0), f, divisor, z.device());
  });
}

void softmax_cross_entropy_backward(const Tensor& z, const Tensor& partition, const Tensor& labels, int first, const Divisor& divisor,
                                    const Tensor& gy, const Tensor& gz) {
  dispatch_float(z.dtype(), "softmax_cross_entropy_backward", [&]<class T>(T) {
    using A = acc_t<T>;
    const Softmax<T> p{z.device_data<T>(), partition.device_data<A>(), nullptr, static_cast<int>(z.size(1))};
    const CrossEntropyGradient<T> f{
        p, labels.device_data<int32_t>(), first, {gy.device_data<A>(), DivisorThere(divisor)}, gz.device_data<T>()};
    for_channels<T>("softmax_cross_entropy_backward", z.size(0), z.size(1), f, p.z, f.gz);
  });
}

Tensor mask_classes(const Tensor& labels, const Tensor& t, int64_t classes) {
  const Tensor all = Tensor::empty({t.numel()}, DType::i32, t.device());
  if (t.numel() == 0) return all;
  for_each("mask_classes", t.numel(),
           MaskClass{labels.device_data<int32_t>(), t.device_data<double>(), all.device_data<int32_t>(), t.numel() / labels.numel(),
                     static_cast<int>(classes)});
  return all;
}

}  // namespace mr::gpu
