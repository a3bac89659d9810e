// Convolution as a matrix product over patches that are written to memory: the vendor's product does the work. Any type, number of channels,
// stride and dilation. Patches are nine times a map for a 3×3 kernel, so they are made and used a part of the rows at a time.
//
//   forward   y  [pixels, Cout]      = patches(x) [pixels, taps·Cin] · wᵀ
//   data      gx, class by class     = patches(gy) [pixels of the class, its taps · Cout] · w    (conv2d_gpu_gather.h)
//   weights   gw [Cout, taps·Cin]    = gyᵀ · patches(x)
//
// A row of patches is filled with zeros to a multiple of 8, because products on the matrix units want rows of whole 16 bytes.
#include <algorithm>

#include "ops/conv/conv2d_gpu.h"
#include "ops/conv/conv2d_gpu_kernel.h"
#include "ops/conv/conv2d_gpu_products.h"
#include "tensor/gpu/blas.h"

namespace mr::gpu {
namespace {

constexpr int64_t threads = 256, patch_bytes = int64_t{64} << 20;

__device__ int64_t thread_number() { return int64_t{blockIdx.x} * threads + int64_t{threadIdx.x}; }

template <class... P, class... A> void launch_each(const char* name, int64_t n, void (*kernel)(P...), const A&... arguments) {
  if (n > 0) launch(name, {(n + threads - 1) / threads}, {threads}, 0, compute_stream(), kernel, arguments...);
}

// One class as a product.
struct Class {
  GatherShape s;
  GatherAxis h, w;
  int row, columns;  // elements in a row of patches, with and without those that fill it up

  Class(const GatherShape& shape, int number) : s(shape), h(shape.axis_h(number)), w(shape.axis_w(number)) {
    columns = h.taps * w.taps * s.from_channels;
    row = std::max(8, (columns + 7) / 8 * 8);
  }
  int rows() const { return s.N * h.rows * w.rows; }
};

// A thread an element of `count` rows from row0 on: neighbours are neighbouring channels of one tap, on both sides.
template <class T> __global__ void patches_kernel(Class c, int row0, int64_t count, const T* from, T* patches) {
  const int64_t i = thread_number();
  if (i >= count * c.row) return;
  const int row = row0 + static_cast<int>(i / c.row), column = static_cast<int>(i % c.row);
  const int channel = column % c.s.from_channels, tap = column / c.s.from_channels;
  T v{};
  if (column < c.columns) {
    const int n = row / (c.h.rows * c.w.rows), y = row / c.w.rows % c.h.rows * c.h.scale + c.h.first + tap / c.w.taps * c.h.step,
              x = row % c.w.rows * c.w.scale + c.w.first + tap % c.w.taps * c.w.step;
    if (y >= 0 && y < c.h.from && x >= 0 && x < c.w.from)
      v = load<T>(from + ((int64_t{n} * c.h.from + y) * c.w.from + x) * c.s.from_channels + channel);
  }
  store(patches + i, v);
}

// packed [to_channels, row]: the weights of the class's taps as the rows of patches lie. A thread an element.
template <class T> __global__ void pack_weights_kernel(Class c, const T* w, T* packed) {
  const int64_t i = thread_number();
  if (i >= int64_t{c.s.to_channels} * c.row) return;
  const int to = static_cast<int>(i / c.row), column = static_cast<int>(i % c.row);
  T v{};
  if (column < c.columns) {
    const int from = column % c.s.from_channels, t = column / c.s.from_channels;
    const int tap = (c.h.tap0 + t / c.w.taps * c.h.tap_step) * c.s.kW + c.w.tap0 + t % c.w.taps * c.w.tap_step, taps = c.s.kH * c.s.kW;
    const int64_t at =
        c.s.forward() ? (int64_t{to} * taps + tap) * c.s.from_channels + from : (int64_t{from} * taps + tap) * c.s.to_channels + to;
    v = load<T>(w + at);
  }
  store(packed + i, v);
}

// A thread an element; neighbouring channels are neighbouring threads.
template <class T, class S>
__global__ void finish_rows_kernel(GatherShape s, int number, int row0, int64_t n, const S* sums, Finish<T> finished, T* to) {
  const int64_t i = thread_number();
  if (i >= n) return;
  const int64_t o = i % s.to_channels;
  const int64_t at = s.to_pixel(s.axis_h(number), s.axis_w(number), row0 + static_cast<int>(i / s.to_channels)) * s.to_channels + o;
  store(to + at, convert<T>(finished(load<S>(sums + i), o, at)));
}

int64_t rows_a_part(const Class& c, DType t) {
  const int64_t most = std::max<int64_t>(1, patch_bytes / (c.row * static_cast<int64_t>(size_of(t))));
  return std::min<int64_t>(most, c.rows());
}

template <class T> void gather_patches(const Class& c, int64_t row0, int64_t rows, const Tensor& from, const Tensor& patches) {
  launch_each("conv2d_patches", rows * c.row, patches_kernel<T>, c, static_cast<int>(row0), rows, from.device_data<T>(),
              patches.device_data<T>());
}

// One class: patches · packed weights, finished.
void run_class(const GatherShape& s, int number, const Tensor& from, const Tensor& w, const Conv2dFinish& f, const Tensor& to) {
  const Class c(s, number);
  if (c.rows() == 0) return;
  const DType t = to.dtype(), sum = t == DType::f64 ? DType::f64 : DType::f32;
  const int64_t part = rows_a_part(c, t);
  const Tensor packed = Tensor::empty({s.to_channels, c.row}, t, to.device()), patches = Tensor::empty({part, c.row}, t, to.device());
  const Tensor sums = Tensor::empty({part, s.to_channels}, sum, to.device());
  dispatch_float(t, "conv2d", [&]<class T>(T) {
    launch_each("conv2d_pack_weights", packed.numel(), pack_weights_kernel<T>, c, w.device_data<T>(), packed.device_data<T>());
    for (int64_t row0 = 0; row0 < c.rows(); row0 += part) {
      const int64_t rows = std::min(part, c.rows() - row0);
      gather_patches<T>(c, row0, rows, from, patches);
      Gemm g;  // sumsᵀ = packed · patchesᵀ
      g.op_a = Op::transpose;
      g.m = s.to_channels;
      g.n = rows;
      g.k = g.lda = g.ldb = c.row;
      g.ldc = s.to_channels;
      g.a = packed.raw();
      g.b = patches.raw();
      g.c = sums.raw();
      g.type_a = g.type_b = t;
      g.type_c = sum;
      gemm(g, compute_stream());
      finish_rows(s, number, static_cast<int>(row0), sums.slice(0, rows), f, to);
    }
  });
}

Tensor run(const Conv2dCase& c, Conv2dPass pass, const Tensor& from, const Var& w, const Conv2dFinish& f) {
  const Tensor to = Tensor::empty(pass == Conv2dPass::forward ? c.y_shape() : c.x_shape(), c.dtype, c.device);
  const Tensor weights = weights_as(w, c.dtype);
  const GatherShape s = gather_shape(c, pass);
  if (to.numel() > 0)
    for (int number = 0; number < s.classes(); ++number) run_class(s, number, from, weights, f, to);
  return to;
}

bool supports(const Conv2dCase& c, Conv2dPass) { return gathers(c) && c.Cin > 0 && c.Cout > 0; }

Tensor forward(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f) { return run(c, Conv2dPass::forward, x, w, f); }
Tensor data(const Conv2dCase& c, const Tensor& gy, const Var& w, const Conv2dFinish& f) { return run(c, Conv2dPass::data, gy, w, f); }

Tensor weights(const Conv2dCase& c, const Tensor& x, const Tensor& gy) {
  const Tensor gw = Tensor::empty(c.w_shape(), c.sum_dtype(), c.device);
  if (c.out_pixels() == 0) {
    gw.fill_(0);
    return gw;
  }
  const Class all(gather_shape(c, Conv2dPass::forward), 0);
  const int64_t part = rows_a_part(all, c.dtype);
  const Tensor patches = Tensor::empty({part, all.row}, c.dtype, c.device);
  dispatch_float(c.dtype, "conv2d", [&]<class T>(T) {
    for (int64_t row0 = 0; row0 < all.rows(); row0 += part) {
      const int64_t rows = std::min(part, all.rows() - row0);
      gather_patches<T>(all, row0, rows, x, patches);
      Gemm g;  // gwᵀ += patchesᵀ · gy, without what fills the rows
      g.op_b = Op::transpose;
      g.m = g.ldc = all.columns;
      g.n = g.ldb = c.Cout;
      g.k = rows;
      g.lda = all.row;
      g.beta = row0 > 0 ? 1 : 0;
      g.a = patches.raw();
      g.b = gy.device_data<T>() + row0 * c.Cout;
      g.c = gw.raw();
      g.type_a = g.type_b = c.dtype;
      g.type_c = c.sum_dtype();
      gemm(g, compute_stream());
    }
  });
  return gw;
}

}  // namespace

void finish_rows(const GatherShape& s, int number, int row0, const Tensor& sums, const Conv2dFinish& f, const Tensor& to) {
  dispatch_float(to.dtype(), "conv2d", [&]<class T>(T) {
    using S = acc_t<T>;
    launch_each("conv2d_finish_rows", sums.numel(), finish_rows_kernel<T, S>, s, number, row0, sums.numel(), sums.device_data<S>(),
                finish_of<T>(f), to.device_data<T>());
  });
}

constinit const Conv2dRung conv2d_gpu_im2col{"gpu_im2col", supports, forward, data, weights};

}  // namespace mr::gpu
