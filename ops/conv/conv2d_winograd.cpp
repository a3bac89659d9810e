// 3×3, stride 1, padding 1, f32, by F(4×4, 3×3) (winograd.h). Every 6×6 patch d of x becomes 36 numbers a channel, V = Bᵀ d B; then
// for each of the 36 positions p one matrix product over the channels takes the place of nine:
//
//   forward   M_p [tiles, Cout] = V_p [tiles, Cin] U_p [Cin, Cout]        U = G w Gᵀ (kept with the weights)      Y = Aᵀ M A
//   data      the same with the kernel turned by 180° and Cin, Cout changing places
//   weights   dU_p [Cout, Cin] = Σ tiles D_pᵀ V_p                         D = A gy Aᵀ                             gw = Gᵀ dU G
//
// Tiles are taken in blocks whose V and M stay in the shared cache; a block goes through three loops: transform, products, transform.
#include <array>

#include "ops/conv/conv2d_table.h"
#include "ops/conv/winograd.h"
#include "ops/gemm/gemm_kernel.h"
#include "tensor/parallel.h"

namespace mr::conv_winograd {
namespace {

using kernel::Panels;

constexpr int64_t positions = 36, block_bytes = 6 << 20, pad = 16;  // pad: so that the 36 positions do not share cache sets
constexpr int64_t line = 16;                                        // floats of a cache line

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The maps laid out side by side with one line of zeros between them, so that a tile may reach over two: 14×14 maps four by four
// need 15×15 tiles, not 16×16. Group: such an arrangement.
struct Grid {
  int64_t N, H, W, C;
  int64_t down = 1, across = 1;              // maps of a group
  int64_t rows = 0, columns = 0, tiles = 0;  // tiles of a group; of all

  Grid(int64_t n, int64_t h, int64_t w, int64_t c) : N(n), H(h), W(w), C(c) {
    int64_t best = -1;
    for (int64_t i = 1; i <= 4; ++i)
      for (int64_t j = 1; j <= 4; ++j) {
        const int64_t r = ceil_div(i * (H + 1) - 1, 4), s = ceil_div(j * (W + 1) - 1, 4), all = ceil_div(N, i * j) * r * s;
        if (best >= 0 && all >= best) continue;
        best = all;
        down = i;
        across = j;
        rows = r;
        columns = s;
      }
    tiles = best;
  }

  // Offsets of the `size`² positions from (−lead, −lead) of tile t's corner on; −1 where there is none.
  template <int size> void offsets(int64_t t, int64_t lead, int64_t (&at)[size * size]) const {
    const int64_t group = t / (rows * columns), r0 = t / columns % rows * 4 - lead, c0 = t % columns * 4 - lead;
    int64_t column[size], image[size];
    for (int j = 0; j < size; ++j) {
      const int64_t c = c0 + j, map = c < 0 ? -1 : c / (W + 1);
      image[j] = map < 0 || map >= across || c % (W + 1) == W ? -1 : map;
      column[j] = c % (W + 1);
    }
    for (int i = 0; i < size; ++i) {
      const int64_t r = r0 + i, map = r < 0 ? -1 : r / (H + 1), row = r % (H + 1);
      const bool inside = map >= 0 && map < down && row < H;
      for (int j = 0; j < size; ++j) {
        const int64_t n = (group * down + map) * across + image[j];
        at[i * size + j] = inside && image[j] >= 0 && n < N ? ((n * H + row) * W + column[j]) * C : -1;
      }
    }
  }
};

// Where tile t, channel c of a position lies: panels of `width` channels, in each [tile][channel].
struct Place {
  int64_t width, last, count, channels;  // last: width of the last panel; count: tiles of the block
  int64_t stride() const { return ceil_div(channels, width) * width * count + pad; }
  int64_t operator()(int64_t t, int64_t c) const {
    const int64_t panel = c / width;
    return panel * width * count + t * ((panel + 1) * width < channels ? width : last) + c % width;
  }
};
Place rows_of(int64_t channels, int64_t count) { return {channels, channels, count, channels}; }
Place panels_of(const Panels& p, int64_t channels, int64_t count) {
  return {p.columns, kernel::panel_width(p, channels, (channels - 1) / p.columns * p.columns), count, channels};
}
Place groups_of(const Panels& p, int64_t channels, int64_t count) { return {p.group, p.group, count, channels}; }

template <int L> using F = Vec<float, L>;

// V = Bᵀ d B of tiles [t0, t1), and D = A gy Aᵀ: size 6 and 4 of what is read.
template <int size> struct TransformIn {
  const Grid& grid;
  const float *x, *zeros;
  float* v;
  Place place;
  int64_t first, t0, t1;  // first: the block's first tile

  // next: the following tile's, asked for a line at a time; so are the lines that it will write.
  template <int L> [[gnu::always_inline]] void one(const float* const (&at)[size * size], const float* const (&next)[size * size],
                                                   int64_t t, int64_t c) const {
    const int64_t stride = place.stride();
    if (c % line == 0) {
      for (int i = 0; i < size * size; ++i) __builtin_prefetch(next[i] + c);
      const float* after = v + place(t + 1, c);
      for (int i = 0; i < positions; ++i) __builtin_prefetch(after + i * stride, 1);
    }
    F<L> half[6][size];
#pragma GCC unroll 6
    for (int j = 0; j < size; ++j) {
      F<L> d[size], u[6];
#pragma GCC unroll 6
      for (int i = 0; i < size; ++i) d[i] = load<L>(at[i * size + j] + c);
      side(d, u);
#pragma GCC unroll 6
      for (int i = 0; i < 6; ++i) half[i][j] = u[i];
    }
    float* to = v + place(t, c);
#pragma GCC unroll 6
    for (int i = 0; i < 6; ++i) {
      F<L> u[6];
      side(half[i], u);
#pragma GCC unroll 6
      for (int j = 0; j < 6; ++j) store<L>(to + (i * 6 + j) * stride, u[j]);
    }
  }
  template <class V> [[gnu::always_inline]] static void side(const V (&d)[size], V (&u)[6]) {
    if constexpr (size == 6)
      winograd::input(d, u);
    else
      winograd::output_adjoint(d, u);
  }

  void pointers(int64_t t, const float* (&at)[size * size]) const {
    int64_t offset[size * size];
    grid.offsets<size>(first + t, size == 6 ? 1 : 0, offset);
    for (int i = 0; i < size * size; ++i) at[i] = offset[i] < 0 ? zeros : x + offset[i];
  }

  template <int W> void operator()(Lanes<W>) const {
    const float *at[size * size], *next[size * size];
    pointers(t0, at);
    for (int64_t t = t0; t < t1; ++t) {
      pointers(std::min(t + 1, t1 - 1), next);
      for_channels<W>(grid.C, [&]<int L>(Lanes<L>, int64_t c) { one<L>(at, next, t, c); });
      std::copy(next, next + size * size, at);
    }
  }
};

// y = finish(Aᵀ M A)
struct TransformOut {
  const Grid& grid;
  const float* m;
  Place place;
  kernel::Finish<float> finish;
  float* y;
  int64_t first, t0, t1;

  template <int L> [[gnu::always_inline]] void one(const int64_t (&offset)[16], int64_t t, int64_t c) const {
    const float* from = m + place(t, c);
    const int64_t stride = place.stride();
    if (c % line == 0)
      for (int i = 0; i < positions; ++i) __builtin_prefetch(from + place.width + i * stride);
    F<L> half[4][6];
#pragma GCC unroll 6
    for (int j = 0; j < 6; ++j) {
      F<L> d[6], u[4];
#pragma GCC unroll 6
      for (int i = 0; i < 6; ++i) d[i] = load<L>(from + (i * 6 + j) * stride);
      winograd::output(d, u);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) half[i][j] = u[i];
    }
    const F<L> scale = finish.scale ? load<L>(finish.scale + c) : splat<L>(1.0f), shift = finish.shift ? load<L>(finish.shift + c) : F<L>{};
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      F<L> u[4];
      winograd::output(half[i], u);
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        const int64_t at = offset[i * 4 + j];
        if (at < 0) continue;
        F<L> s = fma(u[j], scale, shift);
        if (finish.residual) s += load<L>(finish.residual + at + c);
        if (finish.relu) s = s < F<L>{} ? F<L>{} : s;
        store<L>(y + at + c, s);
      }
    }
  }

  template <int W> void operator()(Lanes<W>) const {
    for (int64_t t = t0; t < t1; ++t) {
      int64_t offset[16];
      grid.offsets<4>(first + t, 0, offset);
      for_channels<W>(grid.C, [&]<int L>(Lanes<L>, int64_t c) { one<L>(offset, t, c); });
    }
  }
};

// U = G g Gᵀ for `width` neighbouring outputs of the product and all its inputs k: → [36][panels][K][width].
struct TransformKernel {
  const float* w;
  bool turned;  // data: kernel turned by 180°, the product runs over Cout
  int64_t Cin, Cout, n0, width;
  float* u;  // of position 0, panel of n0
  int64_t stride;

  template <int L> [[gnu::always_inline]] void one(int64_t k, int64_t lane) const {
    F<L> g[3][3];
    const int64_t n = n0 + lane;
    for (int p = 0; p < 3; ++p)
      for (int q = 0; q < 3; ++q) {
        if (turned) {
          g[p][q] = load<L>(w + (k * 9 + (2 - p) * 3 + 2 - q) * Cin + n);
        } else {
          float column[L];
          for (int l = 0; l < L; ++l) column[l] = w[((n + l) * 9 + p * 3 + q) * Cin + k];
          g[p][q] = load<L>(column);
        }
      }
    F<L> half[6][3];
    for (int q = 0; q < 3; ++q) {
      const F<L> c[3] = {g[0][q], g[1][q], g[2][q]};
      F<L> r[6];
      winograd::kernel(c, r);
      for (int i = 0; i < 6; ++i) half[i][q] = r[i];
    }
    for (int i = 0; i < 6; ++i) {
      F<L> r[6];
      winograd::kernel(half[i], r);
      for (int j = 0; j < 6; ++j) store<L>(u + (i * 6 + j) * stride + k * width + lane, r[j]);
    }
  }

  template <int W> void operator()(Lanes<W>) const {
    const int64_t N = turned ? Cin : Cout, K = turned ? Cout : Cin, some = std::min(width, N - n0);
    for (int64_t k = 0; k < K; ++k) {
      for_channels<W>(some, [&]<int L>(Lanes<L>, int64_t lane) { one<L>(k, lane); });
      for (int64_t lane = some; lane < width; ++lane)
        for (int p = 0; p < positions; ++p) u[p * stride + k * width + lane] = 0;
    }
  }
};

Tensor transformed_kernel(const Conv2dCase& c, const Tensor& w, bool turned) {
  const Panels p = kernel::panels<float>();
  const int64_t N = turned ? c.Cin : c.Cout, K = turned ? c.Cout : c.Cin, stride = K * kernel::packed_columns(p, N);
  const Tensor u = Tensor::empty({positions, stride});
  parallel_for(ceil_div(N, p.columns), kernel::task_grain(N, N * K * 64), [&](int64_t panel) {
    const int64_t n0 = panel * p.columns;
    with_simd(TransformKernel{w.data<float>(), turned, c.Cin, c.Cout, n0, kernel::panel_width(p, N, n0), u.data<float>() + n0 * K, stride});
  });
  return u;
}

// How many tiles a block takes: a few megabytes, whole rows of register tiles, equal blocks.
int64_t tiles_a_block(int64_t tiles, int64_t channels) {
  const int64_t most = std::max<int64_t>(24, block_bytes / (positions * channels * static_cast<int64_t>(sizeof(float))));
  return kernel::round_up(ceil_div(tiles, ceil_div(tiles, most)), 12);
}

void convolve(const Conv2dCase& c, const float* x, int64_t K, int64_t N, const Tensor& u, const Conv2dFinish& f, float* y) {
  const Panels p = kernel::panels<float>();
  const Grid in(c.N, c.H, c.W, K), out(c.N, c.H, c.W, N);
  if (in.tiles == 0) return;
  const int64_t block = tiles_a_block(in.tiles, K + N);
  const Place v_place = rows_of(K, block), m_place = rows_of(N, block);
  const Tensor v = Tensor::empty({positions * v_place.stride()}), m = Tensor::empty({positions * m_place.stride()}),
               zeros = Tensor::zeros({K});
  const auto raw = [](const Tensor& t) -> const float* { return t.defined() ? t.data<float>() : nullptr; };
  const kernel::Finish<float> finish{false, raw(f.scale), raw(f.shift), raw(f.residual), N, f.relu};
  const int64_t chunks = std::clamp<int64_t>(block * N * K / (1 << 21), 1, ceil_div(N, p.columns * 2)),
                columns = ceil_div(ceil_div(N, p.columns), chunks) * p.columns;

  for (int64_t first = 0; first < in.tiles; first += block) {
    const int64_t count = std::min(block, in.tiles - first);
    parallel_ranges(count, 4, [&](int64_t t0, int64_t t1) {
      with_simd(TransformIn<6>{in, x, zeros.data<float>(), v.data<float>(), v_place, first, t0, t1});
    });
    const int64_t across = ceil_div(N, columns);
    parallel_for(positions * across, 1, [&](int64_t task) {
      const int64_t position = task / across, j = task % across * columns;
      kernel::block_rows(kernel::Block<float>{count,
                                              std::min(columns, N - j),
                                              K,
                                              v.data<float>() + position * v_place.stride(),
                                              K,
                                              u.data<float>() + position * u.size(1) + j * K,
                                              K * p.columns,
                                              m.data<float>() + position * m_place.stride() + j,
                                              N,
                                              {}});
    });
    parallel_ranges(count, 4, [&](int64_t t0, int64_t t1) {
      with_simd(TransformOut{out, m.data<float>(), m_place, finish, y, first, t0, t1});
    });
  }
}

// gw = Gᵀ dU G of outputs [o0, o1)
struct TransformGradient {
  const float* du;
  int64_t stride, Cin, o0, o1;
  float* gw;

  template <int L> [[gnu::always_inline]] void one(int64_t o, int64_t c) const {
    F<L> half[3][6];
    for (int j = 0; j < 6; ++j) {
      F<L> d[6], g[3];
      for (int i = 0; i < 6; ++i) d[i] = load<L>(du + (i * 6 + j) * stride + o * Cin + c);
      winograd::kernel_adjoint(d, g);
      for (int i = 0; i < 3; ++i) half[i][j] = g[i];
    }
    for (int i = 0; i < 3; ++i) {
      F<L> g[3];
      winograd::kernel_adjoint(half[i], g);
      for (int j = 0; j < 3; ++j) store<L>(gw + (o * 9 + i * 3 + j) * Cin + c, g[j]);
    }
  }
  template <int W> void operator()(Lanes<W>) const {
    for (int64_t o = o0; o < o1; ++o) for_channels<W>(Cin, [&]<int L>(Lanes<L>, int64_t c) { one<L>(o, c); });
  }
};

bool supports(const Conv2dCase& c, Conv2dPass) {
  return c.dtype == DType::f32 && c.kH == 3 && c.kW == 3 && c.stride == 1 && c.padding == 1 && c.dilation == 1 && c.groups == 1 &&
         c.Cin >= 16 && c.Cout >= 16;
}

Tensor forward(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f) {
  const Tensor u = w.derived("winograd", [&](const Tensor& v) { return transformed_kernel(c, v.to(c.dtype), false); });
  const Tensor y = Tensor::empty(c.y_shape());
  convolve(c, x.data<float>(), c.Cin, c.Cout, u, f, y.data<float>());
  return y;
}

Tensor data(const Conv2dCase& c, const Tensor& gy, const Var& w, const Conv2dFinish& f) {
  const Tensor u = w.derived("winograd turned", [&](const Tensor& v) { return transformed_kernel(c, v.to(c.dtype), true); });
  const Tensor gx = Tensor::empty(c.x_shape());
  convolve(c, gy.data<float>(), c.Cout, c.Cin, u, f, gx.data<float>());
  return gx;
}

Tensor weights(const Conv2dCase& c, const Tensor& x, const Tensor& gy) {
  const Panels p = kernel::panels<float>();
  const Tensor gw = Tensor::empty(c.w_shape());
  const Grid in(c.N, c.H, c.W, c.Cin), out(c.N, c.H, c.W, c.Cout);
  if (in.tiles == 0) {
    gw.fill_(0);
    return gw;
  }
  const int64_t block = tiles_a_block(in.tiles, c.Cin + c.Cout), stride = c.Cout * c.Cin + pad;
  const Place v_place = panels_of(p, c.Cin, block), d_place = groups_of(p, c.Cout, block);
  const Tensor v = Tensor::empty({positions * v_place.stride()}), d = Tensor::empty({positions * d_place.stride()}),
               du = Tensor::empty({positions * stride});
  const Tensor zeros = Tensor::zeros({std::max(c.Cin, c.Cout)});
  const int64_t rows = kernel::round_up(ceil_div(c.Cout, 2), p.group), down = ceil_div(c.Cout, rows);
  for (int64_t first = 0; first < in.tiles; first += block) {
    const int64_t count = std::min(block, in.tiles - first);
    parallel_ranges(count, 4, [&](int64_t t0, int64_t t1) {
      with_simd(TransformIn<6>{in, x.data<float>(), zeros.data<float>(), v.data<float>(), v_place, first, t0, t1});
      with_simd(TransformIn<4>{out, gy.data<float>(), zeros.data<float>(), d.data<float>(), d_place, first, t0, t1});
    });
    parallel_for(positions * down, 1, [&](int64_t task) {
      const int64_t position = task / down, i = task % down * rows;
      kernel::Finish<float> finish;
      finish.accumulate = first > 0;
      kernel::block_groups(kernel::Block<float>{std::min(rows, c.Cout - i), c.Cin, count,
                                                d.data<float>() + position * d_place.stride() + i * block, p.group * block,
                                                v.data<float>() + position * v_place.stride(), p.columns * block,
                                                du.data<float>() + position * stride + i * c.Cin, c.Cin, finish});
    });
  }
  parallel_ranges(c.Cout, 4, [&](int64_t o0, int64_t o1) {
    with_simd(TransformGradient{du.data<float>(), stride, c.Cin, o0, o1, gw.data<float>()});
  });
  return gw;
}

}  // namespace
}  // namespace mr::conv_winograd

constinit const mr::Conv2dRung mr::conv2d_winograd{"winograd", conv_winograd::supports, conv_winograd::forward, conv_winograd::data,
                                                   conv_winograd::weights};
