#include "ops/roi/roi_samples.h"

#include <algorithm>
#include <limits>
#include <memory>

#include "ops/roi/lanes.h"
#include "ops/roi/roi_filter.h"
#include "ops/roi/roi_gpu.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

// The samples of one bin: four cells and weights each, row by row. A sample that reads nothing is not in the list; it is worth 0.
template <class A> struct BinSamples {
  struct Sample {
    int64_t at[4];  // of the cells, in elements from the map's first
    A weight[4];
    int row, column;  // which sample of the bin, down and across
  };
  std::vector<Sample> samples;
  bool zero = false;  // some sample reads nothing

  void build(const SampleAxis<A>& ay, const SampleAxis<A>& ax, int p, int q, const RoIMap& m, int64_t channels) {
    samples.clear();
    const SampleRange down = samples_near_map(ay, p, m.h), across = samples_near_map(ax, q, m.w);
    zero = int64_t{down.last - down.first} * (across.last - across.first) < int64_t{ay.samples} * ax.samples;
    for (int i = down.first; i < down.last; ++i) {
      const Tap<A> y = bilinear_tap(ay.position(p, i), m.h, ay.margin);
      for (int j = across.first; j < across.last; ++j) {
        const Tap<A> x = bilinear_tap(ax.position(q, j), m.w, ax.margin);
        if (y.inside && x.inside)
          samples.push_back(product(y, x, m.w, channels, i, j));
        else
          zero = true;
      }
    }
  }

  static Sample product(const Tap<A>& y, const Tap<A>& x, int64_t w, int64_t channels, int row, int column) {
    Sample s{{(y.low * w + x.low) * channels, (y.low * w + x.high) * channels, (y.high * w + x.low) * channels,
              (y.high * w + x.high) * channels},
             {},
             row,
             column};
    corner_weights(y, x, s.weight);
    return s;
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
    for_channel_groups<W, 4>(channels, [&]<int L, int K>(Lanes<L>, Group<K>, int64_t c) {
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

template <class A> struct Axes {
  SampleAxis<A> y, x;
  Axes(const RoIInputs& in, int64_t r, const AxisRule& rule) {
    const PlacedRoI& roi = in.rois[r];
    const RoIMap& m = in.map_of(r);
    y = rule.samples(A(roi.y1), A(roi.y2), A(m.scale), m.h);
    x = rule.samples(A(roi.x1), A(roi.x2), A(m.scale), m.w);
  }
};

// visit(axes, p, q, element of y) for every bin of RoI r, with its samples in `bin`.
template <class A, class F> void for_bins(const RoIInputs& in, int64_t r, int size, const AxisRule& rule, BinSamples<A>& bin, F&& visit) {
  const Axes<A> axes(in, r, rule);
  for (int p = 0; p < size; ++p)
    for (int q = 0; q < size; ++q) {
      bin.build(axes.y, axes.x, p, q, in.map_of(r), in.channels);
      visit(axes, p, q, ((r * size + p) * size + q) * in.channels);
    }
}

template <class T>
void forward(const RoIInputs& in, const std::vector<Tensor>& maps, int size, const AxisRule& rule, const Tensor& y, const Tensor& arg) {
  parallel_ranges(in.count(), 8, [&](int64_t begin, int64_t end) {
    BinSamples<acc_t<T>> bin;
    for (int64_t k = begin; k < end; ++k) {
      const int64_t r = in.order[k];
      const T* x = in.slab<T>(maps, in.rois[r].map);
      for_bins(in, r, size, rule, bin, [&](const auto&, int, int, int64_t at) {
        with_simd(MaxForwardBin<T>{x, y.data<T>() + at, arg.defined() ? arg.data<int32_t>() + at : nullptr, in.channels, bin});
      });
    }
  });
}

// The owner of a block of channels goes through the RoIs in a fixed order; each value goes to the four cells of the sample that won.
template <class T>
void scatter(const RoIInputs& in, int size, const AxisRule& rule, const Tensor& gy, const Tensor& arg, const std::vector<Tensor>& gx) {
  using A = acc_t<T>;
  const int64_t block = owner_channels(in.channels);
  parallel_for((in.channels + block - 1) / block, 1, [&](int64_t b) {
    const int64_t c0 = b * block, c1 = std::min(in.channels, c0 + block);
    BinSamples<A> bin;
    for (const int64_t r : in.order) {
      if (!gx[in.map_of(r).level].defined()) continue;
      A* out = in.slab<A>(gx, in.rois[r].map);
      for_bins(in, r, size, rule, bin, [&](const auto&, int, int, int64_t at) {
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

// How the value at the winner's position changes along x, times how that position moves with x1 and x2; y alike.
template <class T> void box_gradient(const RoIInputs& in, const std::vector<Tensor>& maps, int size, const AxisRule& rule, const Tensor& gy,
                                     const Tensor& arg, const Tensor& grois) {
  using A = acc_t<T>;
  parallel_ranges(in.count(), 4, [&](int64_t begin, int64_t end) {
    BinSamples<A> bin;
    for (int64_t r = begin; r < end; ++r) {
      const RoIMap& m = in.map_of(r);
      const T* x = in.slab<T>(maps, in.rois[r].map);
      double sum[4] = {};  // x1, y1, x2, y2
      for_bins(in, r, size, rule, bin, [&](const Axes<A>& axes, int p, int q, int64_t at) {
        for (int64_t c = 0; c < in.channels; ++c) {
          const int32_t won = arg.data<int32_t>()[at + c];
          if (won < 0) continue;
          const auto& s = bin.samples[won];
          const Tap<A> ty = bilinear_tap(axes.y.position(p, s.row), m.h, axes.y.margin);
          const Tap<A> tx = bilinear_tap(axes.x.position(q, s.column), m.w, axes.x.margin);
          const Slope<A> sy = axes.y.slope(p, s.row), sx = axes.x.slope(q, s.column);
          const auto value = [&](int k) { return static_cast<A>(x[s.at[k] + c]); };
          const A v[4] = {value(0), value(1), value(2), value(3)}, g = static_cast<A>(gy.data<T>()[at + c]);
          const A along_x = slope_across(ty, tx, v, g), along_y = slope_down(ty, tx, v, g);
          sum[0] += static_cast<double>(along_x * sx.lo);
          sum[1] += static_cast<double>(along_y * sy.lo);
          sum[2] += static_cast<double>(along_x * sx.hi);
          sum[3] += static_cast<double>(along_y * sy.hi);
        }
      });
      store_box_gradient(grois, r, sum);
    }
  });
}

Var maximum(const char* op, const RoICall& call, const AxisRule& rule) {
  const int size = rule.size;
  const auto in = std::make_shared<const RoIInputs>(check_roi_inputs(op, call, size));
  const Tensor y = Tensor::empty({in->count(), size, size, in->channels}, in->dtype);
  const Tensor arg = needs_grad(call.inputs()) ? Tensor::empty(y.shape(), DType::i32) : Tensor();  // which sample won
  const std::vector<Tensor> x = call.values();
  dispatch_float(in->dtype, op, [&]<class T>(T) { forward<T>(*in, x, size, rule, y, arg); });
  std::vector<Shape> shapes;
  for (const Tensor& t : x) shapes.push_back(t.shape());
  const Tensor rois = call.rois.value();
  const std::vector<Tensor> kept = call.rois.requires_grad() ? x : std::vector<Tensor>();
  return record(op, call.inputs(), y, [=](Grads& g) {
    const RoIGradients found = wanted_gradients(g, shapes, rois, [&](const Shape& s) { return Tensor::zeros(s, sum_type(in->dtype)); });
    dispatch_float(in->dtype, op, [&]<class T>(T) {
      scatter<T>(*in, size, rule, g.out(), arg, found.maps);
      if (found.rois.defined()) box_gradient<T>(*in, kept, size, rule, g.out(), arg, found.rois);
    });
    give_gradients(g, found, in->dtype);
  });
}

}  // namespace

Var sample_rois(const char* op, const RoICall& call, Reduce reduce, const AxisRule& rule) {
  if (reduce == Reduce::mean) return filter_rois(op, call, rule);
  if constexpr (gpu::exists) {
    if (call.on_gpu()) return gpu::maximum_rois(op, call, rule);
  }
  return maximum(op, call, rule);
}

}  // namespace mr
