#include "ops/gemm/gemm_gpu.h"
#include "tensor/gpu/column_sums.h"

namespace mr::gpu {
namespace {

constexpr int threads = 256, warps = threads / warp_size, rows_of_warp = 4;
constexpr unsigned all_lanes = 0xffffffffu;

// The class of RoI r, −1 where its label is none of [0, K).
__device__ int class_of(const int32_t* labels, int64_t r, int K) {
  const int k = load<int32_t>(labels + r);
  return 0 <= k && k < K ? k : -1;
}

// A warp makes four neighbouring outputs of RoI blockIdx.x: its lanes go along the channels, so each row of x is read as one run, and the
// row of w once for the four.
template <int N, class T> __global__ void __launch_bounds__(threads)
    class_linear_kernel(const T* x, const acc_t<T>* w, const acc_t<T>* b, const int32_t* labels, T* y, int P, int C, int K) {
  using A = acc_t<T>;
  const int lane = static_cast<int>(threadIdx.x) % warp_size, warp = static_cast<int>(threadIdx.x) / warp_size;
  const int64_t r = int64_t{blockIdx.x};
  const int p0 = (static_cast<int>(blockIdx.y) * warps + warp) * rows_of_warp, k = class_of(labels, r, K);
  A sum[rows_of_warp] = {};
  for (int c = lane * N; c < C && k >= 0; c += warp_size * N) {
    const auto weight = load_wide<N>(w + int64_t{k} * C + c);
    MR_UNROLL
    for (int j = 0; j < rows_of_warp; ++j) {
      if (p0 + j >= P) continue;
      const auto v = load_lanes<N>(x + (r * P + p0 + j) * C + c);
      MR_UNROLL
      for (int i = 0; i < N; ++i) sum[j] += v[i] * weight[i];
    }
  }
  MR_UNROLL
  for (int j = 0; j < rows_of_warp; ++j) {
    MR_UNROLL
    for (int d = warp_size / 2; d > 0; d /= 2) sum[j] += __shfl_xor_sync(all_lanes, sum[j], d);
    if (lane == j && p0 + j < P) store(y + r * P + p0 + j, convert<T>(k >= 0 ? sum[j] + load<A>(b + k) : 0));
  }
}

// A thread makes N channels of one row of gx.
template <class T> struct InputGradient {
  const T* gy;
  const acc_t<T>* w;
  const int32_t* labels;
  T* gx;
  int P, C, K;

  template <int N> __device__ void at(int row, int c) const {
    const int k = class_of(labels, row / P, K);
    LaneArray<acc_t<T>, N> v = {};
    if (k >= 0) {
      const auto g = static_cast<acc_t<T>>(load<T>(gy + row));
      v = load_wide<N>(w + int64_t{k} * C + c);
      MR_UNROLL
      for (int i = 0; i < N; ++i) v[i] *= g;
    }
    store_lanes(gx + int64_t{row} * C + c, v);
  }
};

// A block sums one RoI: Σ_p g[p]·x[p,c], and Σ_p g[p].
template <class T> struct RoISums {
  using Sum = acc_t<T>;
  const T* x;
  const T* gy;
  Sum* of_w;  // [R,C]
  Sum* of_b;  // [R]
  int P;
  int64_t C;

  template <int N> __device__ void at(const Columns<N, Sum>& columns) const {
    const int64_t first = int64_t{blockIdx.x} * P;
    LaneArray<Sum, N> sum = {};
    LaneArray<Sum, 1> total = {};
    if (columns.inside)
      for (int p = columns.y; p < P; p += columns.height) {
        const auto g = static_cast<Sum>(load<T>(gy + first + p));
        const auto v = load_lanes<N>(x + (first + p) * C + columns.c);
        MR_UNROLL
        for (int k = 0; k < N; ++k) sum[k] += g * v[k];
        total[0] += g;
      }
    sum = columns.sum(sum);
    total = columns.sum(total);
    if (!columns.leader) return;
    store_wide(of_w + int64_t{blockIdx.x} * C + columns.c, sum);
    if (columns.c == 0) store(of_b + blockIdx.x, total[0]);
  }
};

// A thread adds, for N channels of one class, the sums of its RoIs in their order.
template <class A> struct CollectClass {
  const A* of_w;
  const A* of_b;
  const int32_t* labels;
  A* gw;  // [K,C]
  A* gb;  // [K]
  int R, C;

  template <int N> __device__ void at(int k, int c) const {
    LaneArray<A, N> sum = {};
    A total = 0;
    for (int64_t r = 0; r < R; ++r) {
      if (load<int32_t>(labels + r) != k) continue;
      const auto v = load_wide<N>(of_w + r * C + c);
      MR_UNROLL
      for (int i = 0; i < N; ++i) sum[i] += v[i];
      if (c == 0) total += load<A>(of_b + r);
    }
    store_wide(gw + int64_t{k} * C + c, sum);
    if (c == 0) store(gb + k, total);
  }
};

}  // namespace

void class_linear(const Tensor& x, const Tensor& w, const Tensor& b, const Tensor& labels, const Tensor& y) {
  const int64_t R = x.size(0), P = x.size(1), C = x.size(2), K = w.size(0);
  if (R * P == 0) return;
  dispatch_float(x.dtype(), "class_linear", [&]<class T>(T) {
    const T* xv = x.device_data<T>();
    const acc_t<T>* wv = w.device_data<acc_t<T>>();
    const auto run = [&]<int N>(std::integral_constant<int, N>) {
      constexpr int64_t of_block = warps * rows_of_warp;
      launch("class_linear", {R, (P + of_block - 1) / of_block}, {threads}, 0, compute_stream(), class_linear_kernel<N, T>, xv, wv,
             b.device_data<acc_t<T>>(), labels.device_data<int32_t>(), y.device_data<T>(), static_cast<int>(P), static_cast<int>(C),
             static_cast<int>(K));
    };
    if (in_packs<pack_of<T>>(C, xv, wv))
      run(std::integral_constant<int, pack_of<T>>{});
    else
      run(std::integral_constant<int, 1>{});
  });
}

void class_linear_backward(const Tensor& x, const Tensor& w, const Tensor& labels, const Tensor& gy, const Tensor& gx, const Tensor& gw,
                           const Tensor& gb) {
  const int64_t R = x.size(0), P = x.size(1), C = x.size(2), K = w.size(0);
  const auto i = [](int64_t v) { return static_cast<int>(v); };
  dispatch_float(x.dtype(), "class_linear_backward", [&]<class T>(T) {
    using A = acc_t<T>;
    const auto* k = static_cast<const int32_t*>(labels.device_data<int32_t>());
    const T *xv = x.device_data<T>(), *g = gy.device_data<T>();
    if (gx.defined()) {
      const InputGradient<T> f{g, w.device_data<A>(), k, gx.device_data<T>(), i(P), i(C), i(K)};
      for_channels<T>("class_linear_gx", R * P, C, f, f.w, f.gx);
    }
    const Tensor of_w = Tensor::empty({R, C}, w.dtype(), x.device()), of_b = Tensor::empty({R}, w.dtype(), x.device());
    const RoISums<T> sums{xv, g, of_w.device_data<A>(), of_b.device_data<A>(), i(P), C};
    for_columns<T>("class_linear_sums", R, C, sums, xv, sums.of_w);
    const CollectClass<A> f{sums.of_w, sums.of_b, k, gw.device_data<A>(), gb.device_data<A>(), i(R), i(C)};
    for_channels<A>("class_linear_gw", K, C, f, f.of_w, f.gw);
  });
}

}  // namespace mr::gpu
