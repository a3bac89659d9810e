// Convolution as a matrix product over patches. The patch matrix is never whole: each block of rows is gathered into a scratch
// that stays in cache and multiplied at once with the packed weights.
//
//   forward   y  [pixels of y, Cout]       = patches(x) [pixels, kH·kW·Cin] · wᵀ
//   data      gx: the pixels h ≡ r (mod stride) see the same taps, so each residue class is a convolution of stride 1 over gy
//   weights   gw [Cout, kH·kW·Cin]         = gyᵀ · patches(x)
#include <array>
#include <vector>

#include "ops/conv/conv2d_table.h"
#include "ops/gemm/gemm_kernel.h"
#include "tensor/parallel.h"

namespace mr::conv_im2col {
namespace {

using kernel::Panels;

constexpr int64_t max_rows = 96, min_rows = 24, cache_bytes = 192 << 10, enough_tasks = 8;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// memcpy without a call for the short runs that patches are made of: whole pieces of 32 bytes, the last one overlapping.
template <class T> void copy_run(const T* from, int64_t n, T* to) {
  constexpr int64_t piece = 32 / static_cast<int64_t>(sizeof(T));
  if (n < piece || n > 16 * piece) {
    std::memcpy(to, from, static_cast<size_t>(n) * sizeof(T));
    return;
  }
  for (int64_t i = 0; i + piece <= n; i += piece) std::memcpy(to + i, from + i, 32);
  std::memcpy(to + n - piece, from + n - piece, 32);
}

// Columns [j0, j1) of the patches under output pixels [r0, r0+m) of one group → to [m][j1−j0].
template <class T> struct Gather {
  const Conv2dCase& c;
  const T* x;
  int64_t group, j0, j1;

  void operator()(int64_t r0, int64_t m, T* to) const {
    const bool side_by_side = c.dilation == 1 && c.groups == 1;  // the taps of a line
    const int64_t run = c.kW * c.Cin, all = c.kH * run;
    for (int64_t r = r0; r < r0 + m; ++r, to += j1 - j0) {
      const int64_t n = r / (c.OH * c.OW), h0 = r / c.OW % c.OH * c.stride - c.padding, v0 = r % c.OW * c.stride - c.padding;
      const bool inside = h0 >= 0 && v0 >= 0 && h0 + c.kH <= c.H && v0 + c.kW <= c.W;
      if (side_by_side && inside && j0 == 0 && j1 == all) {
        for (int64_t p = 0; p < c.kH; ++p) copy_run(x + ((n * c.H + h0 + p) * c.W + v0) * c.Cin, run, to + p * run);
        continue;
      }
      for (int64_t p = 0; p < c.kH; ++p) {
        const int64_t h = h0 + p * c.dilation;
        const T* line = h < 0 || h >= c.H ? nullptr : x + (n * c.H + h) * c.W * c.Cin;
        if (side_by_side) {
          const int64_t first = std::max<int64_t>(0, -v0), last = std::min(c.kW, c.W - v0);
          copy(line ? line + v0 * c.Cin : nullptr, p * run, run, first * c.Cin, last * c.Cin, to);
        } else {
          const int64_t in = c.Cin / c.groups;
          for (int64_t q = 0; q < c.kW; ++q) {
            const int64_t v = v0 + q * c.dilation;
            const T* from = line && v >= 0 && v < c.W ? line + v * c.Cin + group * in : nullptr;
            copy(from, (p * c.kW + q) * in, in, 0, in, to);
          }
        }
      }
    }
  }

  // A run of `size` columns from `start` on, of which [first, last) are inside the map (none without `from`).
  void copy(const T* from, int64_t start, int64_t size, int64_t first, int64_t last, T* to) const {
    const int64_t a = std::max(start, j0), b = std::min(start + size, j1);
    if (a >= b) return;
    const int64_t lo = from ? std::clamp(start + first, a, b) : b, hi = from ? std::clamp(start + last, lo, b) : b;
    std::fill(to + (a - j0), to + (lo - j0), T(0));
    if (hi > lo) copy_run(from + (lo - start), hi - lo, to + (lo - j0));
    std::fill(to + (hi - j0), to + (b - j0), T(0));
  }
};

// How the rows (pixels) and columns (channels) of a product are cut into tasks.
struct Cut {
  int64_t rows, columns, down, across;
};
template <class T> Cut cut(int64_t pixels, int64_t channels, int64_t K, const Panels& p) {
  Cut c{std::clamp<int64_t>(cache_bytes / static_cast<int64_t>(sizeof(T)) / std::max<int64_t>(K, 1) / min_rows * min_rows, min_rows,
                            max_rows),
        0, 0, 0};
  while (ceil_div(pixels, c.rows) < enough_tasks && c.rows > min_rows) c.rows = std::max(min_rows, c.rows / 2 / min_rows * min_rows);
  c.down = ceil_div(pixels, c.rows);
  const int64_t all = ceil_div(channels, p.columns),
                want = c.down < enough_tasks ? std::min(all, ceil_div(enough_tasks, std::max<int64_t>(c.down, 1))) : 1;
  c.columns = ceil_div(all, want) * p.columns;
  c.across = ceil_div(channels, c.columns);
  return c;
}

template <class T> const T* data_or_null(const Tensor& t, int64_t at) { return t.defined() ? t.data<T>() + at : nullptr; }

template <class T> kernel::Finish<T> finish_at(const Conv2dFinish& f, int64_t channel, int64_t at, int64_t ld) {
  return {false, data_or_null<T>(f.scale, channel), data_or_null<T>(f.shift, channel), data_or_null<T>(f.residual, at), ld, f.relu};
}

template <class T> void forward_as(const Conv2dCase& c, const T* x, const Var& w, const Conv2dFinish& f, T* y) {
  const Panels p = kernel::panels<T>();
  const int64_t out = c.Cout / c.groups, K = c.kH * c.kW * (c.Cin / c.groups), group_size = K * kernel::packed_columns(p, out);
  const Tensor packed = w.derived(str("im2col ", c.groups, " ", c.dtype).c_str(), [&](const Tensor&) {
    const Tensor t = Tensor::empty({c.groups * group_size}, c.dtype);
    const T* from = weights_as(w, c.dtype).data<T>();
    for (int64_t g = 0; g < c.groups; ++g) kernel::pack_panels(from + g * out * K, K, true, out, K, t.data<T>() + g * group_size);
    return t;
  });
  const Cut tasks = cut<T>(c.out_pixels(), out, K, p);
  const int64_t count = tasks.down * tasks.across * c.groups;
  parallel_for(count, kernel::task_grain(count, c.out_pixels() * K * c.Cout), [&](int64_t task) {
    const int64_t r0 = task % tasks.down * tasks.rows, j = task / tasks.down % tasks.across * tasks.columns,
                  g = task / (tasks.down * tasks.across);
    const int64_t m = std::min(tasks.rows, c.out_pixels() - r0), channel = g * out + j;
    const Tensor patches = Tensor::empty({m, K}, c.dtype);
    Gather<T>{c, x, g, 0, K}(r0, m, patches.data<T>());
    kernel::block_rows(kernel::Block<T>{m, std::min(tasks.columns, out - j), K, patches.data<T>(), K,
                                        packed.data<T>() + g * group_size + j * K, K * p.columns, y + r0 * c.Cout + channel, c.Cout,
                                        finish_at<T>(f, channel, r0 * c.Cout + channel, c.Cout)});
  });
}

// One residue class of the pixels of x: h = r + stride·i reads gy at i + shift of each of its taps.
struct Tap {
  int64_t k, shift;
};
std::vector<Tap> taps_of(const Conv2dCase& c, int64_t r, int64_t size) {
  std::vector<Tap> taps;
  for (int64_t k = 0; k < size; ++k) {
    const int64_t at = r + c.padding - k * c.dilation;
    if (at % c.stride == 0) taps.push_back({k, at / c.stride});
  }
  return taps;
}
struct Class {
  int64_t rh, rw, H, W;  // its pixels
  std::vector<Tap> p, q;
  int64_t K, offset;  // offset: of its weights, per group
};
std::vector<Class> classes_of(const Conv2dCase& c, const Panels& panels, int64_t& size) {
  std::vector<Class> all;
  size = 0;
  for (int64_t rh = 0; rh < std::min<int64_t>(c.stride, c.H); ++rh)
    for (int64_t rw = 0; rw < std::min<int64_t>(c.stride, c.W); ++rw) {
      Class k{rh, rw, ceil_div(c.H - rh, c.stride), ceil_div(c.W - rw, c.stride), taps_of(c, rh, c.kH), taps_of(c, rw, c.kW), 0, size};
      k.K = static_cast<int64_t>(k.p.size() * k.q.size()) * (c.Cout / c.groups);
      size += k.K * kernel::packed_columns(panels, c.Cin / c.groups);
      all.push_back(std::move(k));
    }
  return all;
}

// The weights of every class as panels of B [(taps, Cout), Cin].
template <class T> Tensor pack_classes(const Conv2dCase& c, const std::vector<Class>& classes, int64_t size, const T* w) {
  const Panels panels = kernel::panels<T>();
  const int64_t in = c.Cin / c.groups, out = c.Cout / c.groups, row = c.kH * c.kW * in;
  const Tensor t = Tensor::empty({c.groups * size}, c.dtype);
  const int64_t count = c.groups * ceil_div(in, panels.columns);
  parallel_for(count, kernel::task_grain(count, 16 * row * c.Cout), [&](int64_t task) {
    const int64_t g = task % c.groups, j = task / c.groups * panels.columns, width = kernel::panel_width(panels, in, j);
    for (const Class& k : classes) {
      T* to = t.data<T>() + g * size + k.offset + j * k.K;
      for (const Tap& p : k.p)
        for (const Tap& q : k.q) {
          kernel::pack_panel(w + g * out * row + (p.k * c.kW + q.k) * in, row, false, in, j, 0, out, to);
          to += out * width;
        }
    }
  });
  return t;
}

// The lines of gy that pixels [r0, r0+m) of a class read → to [m][taps·Cout].
template <class T> void gather_class(const Conv2dCase& c, const Class& k, const T* gy, int64_t group, int64_t r0, int64_t m, T* to) {
  const int64_t out = c.Cout / c.groups;
  for (int64_t r = r0; r < r0 + m; ++r) {
    const int64_t n = r / (k.H * k.W), i0 = r / k.W % k.H, j0 = r % k.W;
    for (const Tap& p : k.p)
      for (const Tap& q : k.q) {
        const int64_t i = i0 + p.shift, j = j0 + q.shift;
        if (i < 0 || i >= c.OH || j < 0 || j >= c.OW)
          std::fill(to, to + out, T(0));
        else
          std::memcpy(to, gy + ((n * c.OH + i) * c.OW + j) * c.Cout + group * out, static_cast<size_t>(out) * sizeof(T));
        to += out;
      }
  }
}

template <class T> void data_as(const Conv2dCase& c, const T* gy, const Var& w, const Conv2dFinish& f, T* gx) {
  const Panels panels = kernel::panels<T>();
  const int64_t in = c.Cin / c.groups;
  int64_t size = 0;
  const std::vector<Class> classes = classes_of(c, panels, size);
  const Tensor packed = w.derived(str("im2col data ", c.stride, " ", c.padding, " ", c.dilation, " ", c.groups, " ", c.dtype).c_str(),
                                  [&](const Tensor&) { return pack_classes(c, classes, size, weights_as(w, c.dtype).data<T>()); });
  for (const Class& k : classes) {
    const int64_t pixels = c.N * k.H * k.W;
    const Cut tasks = cut<T>(pixels, in, k.K, panels);
    const int64_t count = tasks.down * tasks.across * c.groups;
    parallel_for(count, kernel::task_grain(count, pixels * k.K * c.Cin), [&](int64_t task) {
      const int64_t r0 = task % tasks.down * tasks.rows, j = task / tasks.down % tasks.across * tasks.columns,
                    g = task / (tasks.down * tasks.across);
      const int64_t m = std::min(tasks.rows, pixels - r0), n = std::min(tasks.columns, in - j), channel = g * in + j;
      const Tensor lines = Tensor::empty({m, k.K + n}, c.dtype);
      T *a = lines.data<T>(), *sums = a + m * k.K;
      gather_class(c, k, gy, g, r0, m, a);
      kernel::block_rows(kernel::Block<T>{m, n, k.K, a, k.K, packed.data<T>() + g * size + k.offset + j * k.K, k.K * panels.columns, sums,
                                          n, finish_at<T>(f, channel, 0, 0)});
      for (int64_t r = 0; r < m; ++r) {
        const int64_t pixel = r0 + r, image = pixel / (k.H * k.W), h = k.rh + pixel / k.W % k.H * c.stride,
                      v = k.rw + pixel % k.W * c.stride;
        std::memcpy(gx + ((image * c.H + h) * c.W + v) * c.Cin + channel, sums + r * n, static_cast<size_t>(n) * sizeof(T));
      }
    });
  }
}

template <class T> void weights_of(const Conv2dCase& c, const T* x, const T* gy, T* gw) {
  const Panels panels = kernel::panels<T>();
  const int64_t out = c.Cout / c.groups, K = c.kH * c.kW * (c.Cin / c.groups), pixels = c.out_pixels();
  const int64_t columns = kernel::round_up(ceil_div(K, std::clamp<int64_t>(K / 64, 1, 16)), panels.columns), across = ceil_div(K, columns);
  constexpr int64_t depth = kernel::k_block;
  parallel_for(across * c.groups, kernel::task_grain(across * c.groups, pixels * K * c.Cout), [&](int64_t task) {
    const int64_t g = task / across, j0 = task % across * columns, n = std::min(columns, K - j0), groups = ceil_div(out, panels.group);
    const Tensor patches = Tensor::empty({depth, n}, c.dtype), b = Tensor::empty({depth, columns}, c.dtype),
                 a = Tensor::empty({groups * panels.group, depth}, c.dtype);
    for (int64_t r0 = 0; r0 == 0 || r0 < pixels; r0 += depth) {
      const int64_t k = std::min(depth, pixels - r0);
      Gather<T>{c, x, g, j0, j0 + n}(r0, k, patches.data<T>());
      for (int64_t j = 0; j < n; j += panels.columns) kernel::pack_panel(patches.data<T>(), n, false, n, j, 0, k, b.data<T>() + j * k);
      for (int64_t i = 0; i < groups; ++i)
        kernel::pack_group(gy + g * out, c.Cout, out, i * panels.group, r0, k, a.data<T>() + i * panels.group * k);
      kernel::Finish<T> finish;
      finish.accumulate = r0 > 0;
      kernel::block_groups(
          kernel::Block<T>{out, n, k, a.data<T>(), panels.group * k, b.data<T>(), panels.columns * k, gw + g * out * K + j0, K, finish});
    }
  });
}

bool supports(const Conv2dCase& c, Conv2dPass) { return c.dtype == DType::f32 || c.dtype == DType::f64; }

Tensor forward(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f) {
  const Tensor y = Tensor::empty(c.y_shape(), c.dtype);
  if (c.dtype == DType::f32)
    forward_as(c, x.data<float>(), w, f, y.data<float>());
  else
    forward_as(c, x.data<double>(), w, f, y.data<double>());
  return y;
}

Tensor data(const Conv2dCase& c, const Tensor& gy, const Var& w, const Conv2dFinish& f) {
  const Tensor gx = Tensor::empty(c.x_shape(), c.dtype);
  if (c.dtype == DType::f32)
    data_as(c, gy.data<float>(), w, f, gx.data<float>());
  else
    data_as(c, gy.data<double>(), w, f, gx.data<double>());
  return gx;
}

Tensor weights(const Conv2dCase& c, const Tensor& x, const Tensor& gy) {
  const Tensor gw = Tensor::empty(c.w_shape(), c.dtype);
  if (c.dtype == DType::f32)
    weights_of(c, x.data<float>(), gy.data<float>(), gw.data<float>());
  else
    weights_of(c, x.data<double>(), gy.data<double>(), gw.data<double>());
  return gw;
}

}  // namespace
}  // namespace mr::conv_im2col

constinit const mr::Conv2dRung mr::conv2d_im2col{"im2col", conv_im2col::supports, conv_im2col::forward, conv_im2col::data,
                                                 conv_im2col::weights};
