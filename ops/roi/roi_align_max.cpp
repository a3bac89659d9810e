// RoIAlign's maximum: a bin is the largest of its interpolated samples.
#include <algorithm>
#include <limits>

#include "ops/roi/lanes.h"
#include "ops/roi/roi_align_kernels.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

// The samples of one bin: four cells and weights each, row by row. A sample that reads nothing is not in the list; it is worth 0.
template <class A> struct BinSamples {
  struct Sample {
    int64_t at[4];  // of the cells, in elements from the map's first
    A weight[4];
  };
  std::vector<Sample> samples;
  bool zero = false;  // some sample reads nothing

  void build(const AlignAxis<A>& ay, const AlignAxis<A>& ax, int p, int q, const RoIMap& m, int64_t channels) {
    samples.clear();
    const SampleRange down = samples_near_map(ay, p, m.h), across = samples_near_map(ax, q, m.w);
    zero = int64_t{down.last - down.first} * (across.last - across.first) < int64_t{ay.samples} * ax.samples;
    for (int i = down.first; i < down.last; ++i) {
      const Tap<A> y = bilinear_tap(ay.position(p, i), m.h);
      for (int j = across.first; j < across.last; ++j) {
        const Tap<A> x = bilinear_tap(ax.position(q, j), m.w);
        if (y.inside && x.inside)
          samples.push_back(product(y, x, m.w, channels));
        else
          zero = true;
      }
    }
  }

  static Sample product(const Tap<A>& y, const Tap<A>& x, int64_t w, int64_t channels) {
    return {{(y.low * w + x.low) * channels, (y.low * w + x.high) * channels, (y.high * w + x.low) * channels,
             (y.high * w + x.high) * channels},
            {y.w_low * x.w_low, y.w_low * x.w_high, y.w_high * x.w_low, y.w_high * x.w_high}};
  }
};

template <class T> struct MaxForwardBin {
  using A = acc_t<T>;
  const T* x;    // the map, [H,W,C]
  T* y;          // [C]
  int32_t* arg;  // [C], which of bin.samples won, −1: the zero outside the map; may be null
  int64_t channels;
  const BinSamples<A>& bin;

  template <int W> void operator()(Lanes<W>) const {
    const A lowest = bin.zero || bin.samples.empty() ? A(0) : std::numeric_limits<A>::lowest();
    for_channel_groups<W, 4>(channels, [&]<int L, int K>(Lanes<L>, std::integral_constant<int, K>, int64_t c) {
      ArgMax<A, L> m[K];
#pragma GCC unroll 8
      for (int v = 0; v < K; ++v) m[v].start(lowest);
      Vec<typename ArgMax<A, L>::Index, L> at = {};
      for (const auto& s : bin.samples) {
#pragma GCC unroll 8
        for (int v = 0; v < K; ++v) {
          const T* cell = x + c + v * L;
          Vec<A, L> value = splat<L>(s.weight[0]) * load<L>(cell + s.at[0]);
#pragma GCC unroll 4
          for (int k = 1; k < 4; ++k) value = fma(splat<L>(s.weight[k]), load<L>(cell + s.at[k]), value);
          m[v].offer(value, at);
        }
        at += 1;
      }
#pragma GCC unroll 8
      for (int v = 0; v < K; ++v) {
        store<L>(y + c + v * L, m[v].best);
        if (arg) m[v].store_at(arg + c + v * L);
      }
    });
  }
};

// visit(map, element of y, samples) for every bin of RoI r.
template <class A, class F> void for_bins(const RoIInputs& in, int64_t r, const RoIAlignOptions& o, BinSamples<A>& bin, F&& visit) {
  const int map = in.rois[r].map;
  const AlignAxis<A> ay = axis_y<A>(in, r, o), ax = axis_x<A>(in, r, o);
  for (int p = 0; p < o.size; ++p)
    for (int q = 0; q < o.size; ++q) {
      bin.build(ay, ax, p, q, in.maps[map], in.channels);
      visit(map, ((r * o.size + p) * o.size + q) * in.channels);
    }
}

template <class T>
void forward(const RoIInputs& in, const std::vector<Tensor>& maps, const RoIAlignOptions& o, const Tensor& y, const Tensor& arg) {
  parallel_ranges(in.count(), 8, [&](int64_t begin, int64_t end) {
    BinSamples<acc_t<T>> bin;
    for (int64_t k = begin; k < end; ++k)
      for_bins(in, in.order[k], o, bin, [&](int map, int64_t at) {
        with_simd(MaxForwardBin<T>{in.slab<T>(maps, map), y.data<T>() + at, arg.defined() ? arg.data<int32_t>() + at : nullptr, in.channels,
                                   bin});
      });
  });
}

// The owner of a block of channels goes through the RoIs in a fixed order; each value goes to the four cells of the sample that won.
template <class T>
void scatter(const RoIInputs& in, const RoIAlignOptions& o, const Tensor& gy, const Tensor& arg, const std::vector<Tensor>& gx) {
  using A = acc_t<T>;
  const int64_t block = owner_channels(in.channels);
  parallel_for((in.channels + block - 1) / block, 1, [&](int64_t b) {
    const int64_t c0 = b * block, c1 = std::min(in.channels, c0 + block);
    BinSamples<A> bin;
    for (const int64_t r : in.order) {
      if (!gx[in.map_of(r).level].defined()) continue;
      for_bins(in, r, o, bin, [&](int map, int64_t at) {
        A* out = in.slab<A>(gx, map);
        const int32_t* won = arg.data<int32_t>() + at;
        const T* g = gy.data<T>() + at;
        for (int64_t c = c0; c < c1; ++c) {
          if (won[c] < 0) continue;
          const auto& s = bin.samples[won[c]];
          for (int k = 0; k < 4; ++k) out[s.at[k] + c] += s.weight[k] * static_cast<A>(g[c]);
        }
      });
    }
  });
}

}  // namespace

void max_forward(const RoIInputs& in, const std::vector<Tensor>& maps, const RoIAlignOptions& o, const Tensor& y, const Tensor& arg) {
  dispatch_float(in.dtype, "roi_align", [&]<class T>(T) { forward<T>(in, maps, o, y, arg); });
}

void max_backward(const RoIInputs& in, const RoIAlignOptions& o, const Tensor& gy, const Tensor& arg, const std::vector<Tensor>& gx) {
  dispatch_float(in.dtype, "roi_align", [&]<class T>(T) { scatter<T>(in, o, gy, arg, gx); });
}

}  // namespace mr
