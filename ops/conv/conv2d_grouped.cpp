// Convolution in narrow groups, as in a ResNeXt: as many channels out of a group as into it, 4, 8, 16, …
//
// A product of matrices would be as narrow as a group and leave most lanes of its vectors idle. Here lanes are 16 neighbouring channels of
// the output, whatever groups they are of; lane o wants, for each tap and each k of its group, x[first channel of o's group + k]:
//
//     y[o] += x[o − o mod D + k] · w[o, tap, k]         D: channels of a group
//
// Where a vector holds several groups (D below its width), that is the vector of the same channels of x with its k-th of every D spread
// over the D; where a group holds whole vectors, it is one number for all lanes. So no product is wasted.
//
//   forward   a row of y at a time, 7 pixels at once, so that a vector of weights serves 7 products
//   data      the same over gy, with the weights of a group transposed, for each (h mod s, w mod s) (conv2d_gpu_gather.h)
//   weights   16 channels of gw at one tap at a time: gy's vector times what x gives each lane, over all pixels; a row of the map is summed
//             before it is added to the others
//
// Weights are packed as [channels / 16][tap][k][16].
#include <type_traits>
#include <utility>

#include "ops/conv/conv2d_formula.h"
#include "ops/conv/conv2d_gpu_gather.h"
#include "ops/conv/conv2d_table.h"
#include "ops/gemm/gemm_kernel.h"
#include "tensor/parallel.h"

namespace mr::conv_grouped {
namespace {

constexpr int64_t panel = 16;  // channels: a vector of AVX-512, two of AVX2
constexpr int pixels_at_once = 7;

using kernel::detail::multiply_add;

template <int W> using F = Vec<float, W>;

// Lane l: x[l − l mod D + k]; a vector of D < W channels a group.
template <int W, int D, int k> [[gnu::always_inline]] inline F<W> spread(F<W> x) {
  return [&]<int... l>(std::integer_sequence<int, l...>) { return __builtin_shufflevector(x, x, (l / D * D + k)...); }
  (std::make_integer_sequence<int, W>());
}

// step(k as a constant) for k = 0 … K − 1
template <int K, class Step> [[gnu::always_inline]] inline void each_of_group(Step&& step) {
  [&]<int... k>(std::integer_sequence<int, k...>) { (step(std::integral_constant<int, k>()), ...); }
  (std::make_integer_sequence<int, K>());
}

// One class of a pass: forward has one, data as many as the stride squared.
struct Pass {
  gpu::GatherShape s;
  gpu::GatherAxis h, w;
  int64_t C, D;  // channels; of a group
  const float *from, *packed, *zeros;
  Conv2dFinishOf<const float*, const float*> finished;
  float* to;

  // The taps' x of `count` pixels from column j on, or zeros outside of the map.
  template <int P> [[gnu::always_inline]] void sources(const float* line, int j, int t, int64_t channel, const float* (&at)[P]) const {
    const int v = j * w.scale + w.first + t * w.step;
    const int64_t step = w.scale * C;
    line += v * C + channel;
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) at[p] = line + p * step;
    if (v >= 0 && v + (P - 1) * w.scale < w.from) return;
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p)
      if (v + p * w.scale < 0 || v + p * w.scale >= w.from) at[p] = zeros;
  }

  // y of P pixels from column j of row i on, W channels from c on.
  template <int W, int G, int P> [[gnu::always_inline]] void block(int n, int i, int j, int64_t c) const {
    F<W> sum[P];
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) sum[p] = F<W>{};
    const float* weights = packed + c / panel * panel * s.kH * s.kW * D + c % panel;
    for (int a = 0; a < h.taps; ++a) {
      const int y = i * h.scale + h.first + a * h.step;
      if (y < 0 || y >= h.from) continue;
      const float* line = from + (int64_t{n} * h.from + y) * w.from * C;
      for (int b = 0; b < w.taps; ++b) {
        const float* tap = weights + ((h.tap0 + a * h.tap_step) * s.kW + w.tap0 + b * w.tap_step) * D * panel;
        const float* at[P];
        if constexpr (G > 0 && G < W) {
          sources(line, j, b, c, at);
          F<W> weight[G];
#pragma GCC unroll 8
          for (int k = 0; k < G; ++k) weight[k] = load<W>(tap + k * panel);
#pragma GCC unroll 8
          for (int p = 0; p < P; ++p) {
            const F<W> x = load<W>(at[p]);
            each_of_group<G>(
                [&]<int k>(std::integral_constant<int, k>) { sum[p] = multiply_add<float, W>(spread<W, G, k>(x), weight[k], sum[p]); });
          }
        } else {
          sources(line, j, b, c / D * D, at);
          for (int64_t k = 0; k < D; ++k) {
            const F<W> weight = load<W>(tap + k * panel);
#pragma GCC unroll 8
            for (int p = 0; p < P; ++p) sum[p] = multiply_add<float, W>(splat<W>(at[p][k]), weight, sum[p]);
          }
        }
      }
    }
    const int64_t row = (int64_t{n} * (s.forward() ? s.OH : s.H) + h.to0 + i * h.to_step) * (s.forward() ? s.OW : s.W);
    for (int p = 0; p < P; ++p) finish<W>(sum[p], c, (row + w.to0 + (j + p) * w.to_step) * C + c);
  }

  template <int W> [[gnu::always_inline]] void finish(F<W> v, int64_t c, int64_t at) const {
    if (finished.scale) v *= load<W>(finished.scale + c);
    if (finished.shift) v += load<W>(finished.shift + c);
    if (finished.residual) v += load<W>(finished.residual + at);
    if (finished.relu) v = v < 0 ? F<W>{} : v;
    store<W>(to + at, v);
  }

  // P pixels, or one, from column j on.
  template <int W, int G> [[gnu::always_inline]] void some_pixels(int n, int i, int j, int64_t c) const {
    if (w.rows < pixels_at_once)
      block<W, G, 1>(n, i, j, c);
    else  // the last block ends with the row, and does again what it shares with the one before
      block<W, G, pixels_at_once>(n, i, std::min(j, w.rows - pixels_at_once), c);
  }

  // Row `row` of the class. Narrow groups have few weights, which stay in cache: channels go by inside of the pixels, so that whole
  // lines of the map are read one after the other, and not pieces a power of two apart. Wide ones are read once a row.
  template <int W, int G> [[gnu::always_inline]] void one_row(int64_t row) const {
    const int n = static_cast<int>(row / h.rows), i = static_cast<int>(row % h.rows), step = w.rows < pixels_at_once ? 1 : pixels_at_once;
    if constexpr (G > 0) {
      for (int j = 0; j < w.rows; j += step)
        for (int64_t c = 0; c < C; c += W) some_pixels<W, G>(n, i, j, c);
    } else {
      for (int64_t c = 0; c < C; c += W)
        for (int j = 0; j < w.rows; j += step) some_pixels<W, G>(n, i, j, c);
    }
  }
};

// Calls run(lanes, group) with the channels of a group where they are fewer than a vector's can be, 0 for more.
template <class Run> void with_group(int64_t D, const Run& run) {
  with_simd([&]<int W>(Lanes<W> lanes) {
    if (D == 4)
      run(lanes, std::integral_constant<int, 4>());
    else if (D == 8)
      run(lanes, std::integral_constant<int, 8>());
    else
      run(lanes, std::integral_constant<int, 0>());
  });
}

Tensor packed(const Conv2dCase& c, Conv2dPass pass, const Var& w) {
  const bool forward = pass == Conv2dPass::forward;
  return w.derived(str("grouped ", forward ? "" : "data ", c.groups).c_str(), [&](const Tensor& value) {
    const Tensor from = value.to(DType::f32), to = Tensor::empty({c.Cout * c.kH * c.kW * (c.Cin / c.groups)});
    const int64_t D = c.Cin / c.groups, taps = c.kH * c.kW;
    parallel_for(c.Cout / panel, 1, [&](int64_t q) {
      float* at = to.data<float>() + q * panel * taps * D;
      for (int64_t tap = 0; tap < taps; ++tap)
        for (int64_t k = 0; k < D; ++k)
          for (int64_t l = 0; l < panel; ++l) {
            const int64_t o = q * panel + l, other = o / D * D + k;  // of the output; of the input, from its group's first on
            *at++ = from.data<float>()[forward ? (o * taps + tap) * D + k : (other * taps + tap) * D + o % D];
          }
    });
    return to;
  });
}

Tensor run(const Conv2dCase& c, Conv2dPass pass, const Tensor& from, const Var& weights, const Conv2dFinish& f) {
  const Tensor to = Tensor::empty(pass == Conv2dPass::forward ? c.y_shape() : c.x_shape()), w = packed(c, pass, weights);
  if (to.numel() == 0) return to;
  const int64_t D = c.Cin / c.groups;
  const Tensor zeros = Tensor::zeros({std::max(D, panel)});
  const auto or_null = [](const Tensor& t) { return t.defined() ? t.data<float>() : nullptr; };
  Pass p{.s = gpu::gather_shape(c, pass),
         .h = {},
         .w = {},
         .C = c.Cout,
         .D = D,
         .from = from.data<float>(),
         .packed = w.data<float>(),
         .zeros = zeros.data<float>(),
         .finished = {or_null(f.scale), or_null(f.shift), or_null(f.residual), f.relu},
         .to = to.data<float>()};
  for (int number = 0; number < p.s.classes(); ++number) {
    p.h = p.s.axis_h(number);
    p.w = p.s.axis_w(number);
    const int64_t rows = int64_t{p.s.N} * p.h.rows, work = rows * p.w.rows * p.h.taps * p.w.taps * p.C * D;
    parallel_ranges(rows, kernel::task_grain(rows, work), [&](int64_t begin, int64_t end) {
      with_group(D, [&]<int W, int G>(Lanes<W>, std::integral_constant<int, G>) {
        for (int64_t row = begin; row < end; ++row) p.template one_row<W, G>(row);
      });
    });
  }
  return to;
}

Tensor forward(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f) { return run(c, Conv2dPass::forward, x, w, f); }
Tensor data(const Conv2dCase& c, const Tensor& gy, const Var& w, const Conv2dFinish& f) { return run(c, Conv2dPass::data, gy, w, f); }

// gw of W channels from o on, at one tap: K of the k from k0 on.
struct WeightSums {
  const Conv2dCase& c;
  const float *x, *gy;
  float* gw;

  template <int W, int G, int K> [[gnu::always_inline]] void sum(int64_t o, int64_t tap, int64_t k0) const {
    const int64_t D = c.Cin / c.groups, dilated = tap % c.kW * c.dilation - c.padding;
    F<W> all[K];
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k) all[k] = F<W>{};
    for (int64_t row = 0; row < c.N * c.OH; ++row) {
      const int64_t h = conv2d_read_at(c, row % c.OH, tap / c.kW);
      if (h < 0 || h >= c.H) continue;
      const float *line = x + (row / c.OH * c.H + h) * c.W * c.Cin, *g = gy + row * c.OW * c.Cout + o;
      F<W> part[K];
#pragma GCC unroll 8
      for (int k = 0; k < K; ++k) part[k] = F<W>{};
      for (int64_t j = 0; j < c.OW; ++j) {
        const int64_t v = j * c.stride + dilated;
        if (v < 0 || v >= c.W) continue;
        const F<W> gv = load<W>(g + j * c.Cout);
        if constexpr (G > 0 && G < W) {
          const F<W> xv = load<W>(line + v * c.Cin + o);
          each_of_group<K>(
              [&]<int k>(std::integral_constant<int, k>) { part[k] = multiply_add<float, W>(gv, spread<W, G, k>(xv), part[k]); });
        } else {
          const float* xv = line + v * c.Cin + o / D * D + k0;
#pragma GCC unroll 8
          for (int k = 0; k < K; ++k) part[k] = multiply_add<float, W>(gv, splat<W>(xv[k]), part[k]);
        }
      }
#pragma GCC unroll 8
      for (int k = 0; k < K; ++k) all[k] += part[k];
    }
    for (int k = 0; k < K; ++k)
      for (int l = 0; l < W; ++l) gw[((o + l) * c.kH * c.kW + tap) * D + k0 + k] = all[k][l];
  }

  template <int W, int G> [[gnu::always_inline]] void panel_at(int64_t first, int64_t tap) const {
    constexpr int K = G > 0 ? G : 8;
    for (int64_t o = first; o < first + panel; o += W)
      for (int64_t k0 = 0; k0 < c.Cin / c.groups; k0 += K) sum<W, G, K>(o, tap, k0);
  }
};

Tensor weights(const Conv2dCase& c, const Tensor& x, const Tensor& gy) {
  const Tensor gw = Tensor::empty(c.w_shape());
  const WeightSums sums{c, x.data<float>(), gy.data<float>(), gw.data<float>()};
  const int64_t taps = c.kH * c.kW, tasks = c.Cout / panel * taps;
  parallel_ranges(tasks, kernel::task_grain(tasks, c.out_pixels() * c.Cout * taps * (c.Cin / c.groups)), [&](int64_t begin, int64_t end) {
    with_group(c.Cin / c.groups, [&]<int W, int G>(Lanes<W>, std::integral_constant<int, G>) {
      for (int64_t task = begin; task < end; ++task) sums.template panel_at<W, G>(task / taps * panel, task % taps);
    });
  });
  return gw;
}

bool supports(const Conv2dCase& c, Conv2dPass) {
  constexpr int64_t most = 1 << 30;  // pixels: counted in int
  const int64_t D = c.Cin / c.groups;
  const bool narrow = D == 4 || D == 8 || (D % panel == 0 && D <= 64);
  return c.dtype == DType::f32 && c.groups > 1 && c.Cin == c.Cout && c.Cin % panel == 0 && narrow && c.N * c.H * c.W < most &&
         c.out_pixels() < most;
}

}  // namespace
}  // namespace mr::conv_grouped

constinit const mr::Conv2dRung mr::conv2d_grouped{"grouped", conv_grouped::supports, conv_grouped::forward, conv_grouped::data,
                                                  conv_grouped::weights};
