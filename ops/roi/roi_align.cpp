#include "ops/roi/roi_align.h"

#include <algorithm>
#include <limits>
#include <memory>

#include "ops/roi/lanes.h"
#include "ops/roi/roi_grid.h"
#include "ops/roi/roi_inputs.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

template <class A> AlignAxis<A> axis_x(const RoIInputs& in, int64_t r, const RoIAlignOptions& o) {
  const PlacedRoI& roi = in.rois[static_cast<size_t>(r)];
  return align_axis(A(roi.x1), A(roi.x2), A(in.maps[static_cast<size_t>(roi.map)].scale), o.size, o.sampling_ratio, o.aligned);
}
template <class A> AlignAxis<A> axis_y(const RoIInputs& in, int64_t r, const RoIAlignOptions& o) {
  const PlacedRoI& roi = in.rois[static_cast<size_t>(r)];
  return align_axis(A(roi.y1), A(roi.y2), A(in.maps[static_cast<size_t>(roi.map)].scale), o.size, o.sampling_ratio, o.aligned);
}

// ---- mean: a bin is a weighted sum of cells --------------------------------------------------------------------------------

// y[c] = Σ_k weight[k] · x[at[k] + c], for the P² bins of one RoI.
template <class T> struct MeanForward {
  using A = acc_t<T>;
  const T* x;  // the map, [H,W,C]
  T* y;        // [P,P,C]
  int64_t map_w, channels;
  int size;
  const BinTaps<A>&rows, &columns;
  std::vector<int64_t>& at;  // scratch: the cells of one bin
  std::vector<A>& weight;

  template <int W> void operator()(Lanes<W>) const {
    for (int p = 0; p < size; ++p)
      for (int q = 0; q < size; ++q) {
        const int taps = product(p, q);
        bin<W>(taps, y + (int64_t{p} * size + q) * channels);
      }
  }

  int product(int p, int q) const {
    const auto P = static_cast<size_t>(p), Q = static_cast<size_t>(q);
    const int n = (rows.first[P + 1] - rows.first[P]) * (columns.first[Q + 1] - columns.first[Q]);
    if (static_cast<size_t>(n) > at.size()) {
      at.resize(static_cast<size_t>(n));
      weight.resize(static_cast<size_t>(n));
    }
    int64_t* a = at.data();
    A* w = weight.data();
    for (int i = rows.first[P]; i < rows.first[P + 1]; ++i) {
      const int64_t row = rows.cell[static_cast<size_t>(i)] * map_w;
      const A wy = rows.weight[static_cast<size_t>(i)];
      for (int j = columns.first[Q]; j < columns.first[Q + 1]; ++j) {
        *a++ = (row + columns.cell[static_cast<size_t>(j)]) * channels;
        *w++ = wy * columns.weight[static_cast<size_t>(j)];
      }
    }
    return n;
  }

  template <int W> void bin(int taps, T* out) const {
    const int64_t* a = at.data();
    const A* w = weight.data();
    for_channel_groups<W, 8>(channels, [&]<int L, int K>(Lanes<L>, std::integral_constant<int, K>, int64_t c) {
      Vec<A, L> sum[K] = {};
      for (int k = 0; k < taps; ++k) {
        const T* cell = x + a[k] + c;
        const Vec<A, L> wk = splat<L>(w[k]);
        for (int v = 0; v < K; ++v) sum[v] = fma(wk, load<L>(cell + v * L), sum[v]);
      }
      for (int v = 0; v < K; ++v) store<L>(out + c + v * L, sum[v]);
    });
  }
};

template <class T> void mean_forward(const RoIInputs& in, const std::vector<Tensor>& maps, const RoIAlignOptions& o, Tensor y) {
  using A = acc_t<T>;
  const int64_t bins = int64_t{o.size} * o.size;
  parallel_ranges(in.count(), 8, [&](int64_t begin, int64_t end) {
    BinTaps<A> rows, columns;
    std::vector<int64_t> at(64);
    std::vector<A> weight(64);
    for (int64_t k = begin; k < end; ++k) {
      const int64_t r = in.order[static_cast<size_t>(k)];
      const int map = in.rois[static_cast<size_t>(r)].map;
      const RoIMap& m = in.maps[static_cast<size_t>(map)];
      rows.build(axis_y<A>(in, r, o), o.size, m.h);
      columns.build(axis_x<A>(in, r, o), o.size, m.w);
      with_simd(
          MeanForward<T>{in.slab<T>(maps, map), y.data<T>() + r * bins * in.channels, m.w, in.channels, o.size, rows, columns, at, weight});
    }
  });
}

// The transpose of BinTaps for the columns of one RoI: for each cell the bins that read it.
template <class A> struct CellUses {
  struct Cell {
    int32_t x, first;
  };  // its uses are [first, next cell's first)
  struct Use {
    int32_t bin;
    A weight;
  };
  std::vector<Cell> cells;
  std::vector<Use> uses;

  // Behind what is there; `count` is scratch.
  void append(const BinTaps<A>& taps, int size, int n, std::vector<int32_t>& count) {
    count.assign(static_cast<size_t>(n) + 1, 0);
    for (const int32_t x : taps.cell) ++count[static_cast<size_t>(x) + 1];
    const auto base = static_cast<int32_t>(uses.size());
    for (int x = 0; x < n; ++x) {
      const int32_t here = count[static_cast<size_t>(x) + 1];
      count[static_cast<size_t>(x) + 1] += count[static_cast<size_t>(x)];
      if (here) cells.push_back({x, base + count[static_cast<size_t>(x)]});
    }
    uses.resize(uses.size() + taps.cell.size());
    for (int b = 0; b < size; ++b)
      for (int k = taps.first[static_cast<size_t>(b)]; k < taps.first[static_cast<size_t>(b) + 1]; ++k) {
        const auto x = static_cast<size_t>(taps.cell[static_cast<size_t>(k)]);
        uses[static_cast<size_t>(base + count[x]++)] = {b, taps.weight[static_cast<size_t>(k)]};
      }
  }
};

// Who reads what, turned round: for each row of each map the RoIs (in rising order) whose bins read it.
template <class A> struct MeanUses {
  struct RowUse {
    int32_t roi, bin;
    A weight;
  };
  std::vector<int64_t> map_row;  // of each map, its first row in row_first
  std::vector<int32_t> row_first;
  std::vector<RowUse> row_uses;
  std::vector<int32_t> roi_cells;  // of each RoI, its first cell in columns.cells
  CellUses<A> columns;

  MeanUses(const RoIInputs& in, const RoIAlignOptions& o) {
    int64_t rows = 0;
    for (const RoIMap& m : in.maps) {
      map_row.push_back(rows);
      rows += m.h;
    }
    row_first.assign(static_cast<size_t>(rows) + 1, 0);
    std::vector<BinTaps<A>> all(static_cast<size_t>(in.count()));
    BinTaps<A> x;
    std::vector<int32_t> count;
    for (int64_t r = 0; r < in.count(); ++r) {
      const int map = in.rois[static_cast<size_t>(r)].map;
      const RoIMap& m = in.maps[static_cast<size_t>(map)];
      x.build(axis_x<A>(in, r, o), o.size, m.w);
      roi_cells.push_back(static_cast<int32_t>(columns.cells.size()));
      columns.append(x, o.size, m.w, count);
      BinTaps<A>& y = all[static_cast<size_t>(r)];
      y.build(axis_y<A>(in, r, o), o.size, m.h);
      for (const int32_t cell : y.cell) ++row_first[static_cast<size_t>(map_row[static_cast<size_t>(map)] + cell) + 1];
    }
    roi_cells.push_back(static_cast<int32_t>(columns.cells.size()));
    columns.cells.push_back({0, static_cast<int32_t>(columns.uses.size())});
    for (size_t i = 1; i < row_first.size(); ++i) row_first[i] += row_first[i - 1];
    row_uses.resize(static_cast<size_t>(row_first.back()));
    std::vector<int32_t> next = row_first;
    for (int64_t r = 0; r < in.count(); ++r) {
      const BinTaps<A>& y = all[static_cast<size_t>(r)];
      const int64_t base = map_row[static_cast<size_t>(in.rois[static_cast<size_t>(r)].map)];
      for (int p = 0; p < o.size; ++p)
        for (int k = y.first[static_cast<size_t>(p)]; k < y.first[static_cast<size_t>(p) + 1]; ++k)
          row_uses[static_cast<size_t>(next[static_cast<size_t>(base + y.cell[static_cast<size_t>(k)])]++)] = {
              static_cast<int32_t>(r), p, y.weight[static_cast<size_t>(k)]};
    }
  }
};

// One row of one map's gradient, for one block of channels: the owner gathers what every RoI gives to it, RoI by RoI.
template <class T> struct MeanBackwardRow {
  using A = acc_t<T>;
  const MeanUses<A>& uses;
  const T* gy;                         // [R,P,P,C]
  A* row;                              // [W] cells, `pitch` apart
  int64_t pitch, channels, c0, block;  // this block: channels [c0, c0 + block)
  int size;
  int32_t first, last;  // of uses.row_uses
  A* bins;              // scratch [P, block]: Σ_p weight · gy[r,p,·,·], the RoI's share of this row

  template <int W> void operator()(Lanes<W>) const {
    for (int32_t k = first; k < last;) {
      const int32_t r = uses.row_uses[static_cast<size_t>(k)].roi;
      int32_t end = k + 1;
      while (end < last && uses.row_uses[static_cast<size_t>(end)].roi == r) ++end;
      gather_bins<W>(r, k, end);
      spread<W>(r);
      k = end;
    }
  }

  template <int W> void gather_bins(int32_t r, int32_t k0, int32_t k1) const {
    for (int q = 0; q < size; ++q)
      for_channel_groups<W, 4>(block, [&]<int L, int K>(Lanes<L>, std::integral_constant<int, K>, int64_t c) {
        Vec<A, L> sum[K] = {};
        for (int32_t k = k0; k < k1; ++k) {
          const auto& use = uses.row_uses[static_cast<size_t>(k)];
          const T* g = gy + ((int64_t{r} * size + use.bin) * size + q) * channels + c0 + c;
          for (int v = 0; v < K; ++v) sum[v] = fma(splat<L>(use.weight), load<L>(g + v * L), sum[v]);
        }
        for (int v = 0; v < K; ++v) store<L>(bins + q * block + c + v * L, sum[v]);
      });
  }

  template <int W> void spread(int32_t r) const {
    const auto* cell = uses.columns.cells.data() + uses.roi_cells[static_cast<size_t>(r)];
    const auto* end = uses.columns.cells.data() + uses.roi_cells[static_cast<size_t>(r) + 1];
    for (; cell < end; ++cell) {
      A* gx = row + cell->x * pitch;
      const auto *u0 = uses.columns.uses.data() + cell[0].first, *u1 = uses.columns.uses.data() + cell[1].first;
      for_channel_groups<W, 8>(block, [&]<int L, int K>(Lanes<L>, std::integral_constant<int, K>, int64_t c) {
        Vec<A, L> sum[K];
        for (int v = 0; v < K; ++v) sum[v] = load<L>(gx + c + v * L);
        for (const auto* u = u0; u < u1; ++u)
          for (int v = 0; v < K; ++v) sum[v] = fma(splat<L>(u->weight), load<L>(bins + u->bin * block + c + v * L), sum[v]);
        for (int v = 0; v < K; ++v) store<L>(gx + c + v * L, sum[v]);
      });
    }
  }
};

template <class T> void mean_backward(const RoIInputs& in, const RoIAlignOptions& o, const Tensor& gy, const std::vector<Tensor>& gx) {
  using A = acc_t<T>;
  constexpr int64_t most_channels = 256;
  const MeanUses<A> uses(in, o);
  const int64_t rows = static_cast<int64_t>(uses.row_first.size()) - 1, blocks = (in.channels + most_channels - 1) / most_channels;
  parallel_ranges(rows * blocks, 4, [&](int64_t begin, int64_t end) {
    std::vector<A> bins(static_cast<size_t>(o.size * std::min(in.channels, most_channels))), scratch;
    for (int64_t item = begin; item < end; ++item) {
      const int64_t row = item / blocks, c0 = item % blocks * most_channels, block = std::min(most_channels, in.channels - c0);
      const auto map = static_cast<int>(std::upper_bound(uses.map_row.begin(), uses.map_row.end(), row) - uses.map_row.begin()) - 1;
      const RoIMap& m = in.maps[static_cast<size_t>(map)];
      if (!gx[static_cast<size_t>(m.level)].defined()) continue;
      T* out = in.slab<T>(gx, map) + (row - uses.map_row[static_cast<size_t>(map)]) * m.w * in.channels + c0;
      A* sum = nullptr;
      int64_t pitch = in.channels;
      if constexpr (std::is_same_v<T, A>) {
        sum = out;
      } else {
        pitch = block;
        scratch.resize(static_cast<size_t>(m.w * block));
        sum = scratch.data();
      }
      for (int64_t x = 0; x < m.w; ++x) std::fill_n(sum + x * pitch, block, A(0));
      with_simd(MeanBackwardRow<T>{uses, gy.data<T>(), sum, pitch, in.channels, c0, block, o.size, uses.row_first[static_cast<size_t>(row)],
                                   uses.row_first[static_cast<size_t>(row) + 1], bins.data()});
      if constexpr (!std::is_same_v<T, A>)
        for (int64_t x = 0; x < m.w; ++x)
          for (int64_t c = 0; c < block; ++c) out[x * in.channels + c] = T(sum[x * pitch + c]);
    }
  });
}

// ---- max: a bin is the largest of its interpolated samples --------------------------------------------------------------------

// The samples of one bin on one axis that can read the map; `beyond` says that others lie outside it (and read 0).
template <class A> struct BinSamples {
  std::vector<Tap<A>> taps;
  bool beyond = false;

  void build(const AlignAxis<A>& axis, int bin, int n) {
    const SampleRange range = samples_near_map(axis, bin, n);
    taps.clear();
    for (int j = range.first; j < range.last; ++j) taps.push_back(bilinear_tap(axis.position(bin, j), n));
    beyond = range.first > 0 || range.last < axis.samples;
  }
};

template <class T> struct MaxForwardBin {
  using A = acc_t<T>;
  const T* x;
  T* y;
  int32_t* arg;  // which sample won (row by row), −1: none that reads the map; may be null
  int64_t map_w, channels;
  const BinSamples<A>&rows, &columns;

  template <int W> void operator()(Lanes<W>) const {
    for_channels<W>(channels, [&]<int L>(Lanes<L>, int64_t c) {
      ArgMax<A, L> m;
      const bool any = !rows.taps.empty() && !columns.taps.empty(), outside = rows.beyond || columns.beyond;
      m.start(any || outside ? std::numeric_limits<A>::lowest() : A(0));
      if (outside) m.offer(splat<L>(A(0)), -1);
      int32_t sample = 0;
      for (const Tap<A>& ty : rows.taps)
        for (const Tap<A>& tx : columns.taps) {
          const bool inside = ty.inside && tx.inside;
          m.offer(inside ? value<L>(ty, tx, c) : splat<L>(A(0)), inside ? sample : -1);
          ++sample;
        }
      store<L>(y + c, m.best);
      if (arg) m.store_at(arg + c);
    });
  }

  template <int L> Vec<A, L> value(const Tap<A>& ty, const Tap<A>& tx, int64_t c) const {
    const T *top = x + ty.low * map_w * channels + c, *bottom = x + ty.high * map_w * channels + c;
    const int64_t left = tx.low * channels, right = tx.high * channels;
    return splat<L>(ty.w_low) * (splat<L>(tx.w_low) * load<L>(top + left) + splat<L>(tx.w_high) * load<L>(top + right)) +
           splat<L>(ty.w_high) * (splat<L>(tx.w_low) * load<L>(bottom + left) + splat<L>(tx.w_high) * load<L>(bottom + right));
  }
};

template <class T> void max_forward(const RoIInputs& in, const std::vector<Tensor>& maps, const RoIAlignOptions& o, Tensor y, Tensor arg) {
  using A = acc_t<T>;
  parallel_ranges(in.count(), 4, [&](int64_t begin, int64_t end) {
    BinSamples<A> rows, columns;
    for (int64_t k = begin; k < end; ++k) {
      const int64_t r = in.order[static_cast<size_t>(k)];
      const int map = in.rois[static_cast<size_t>(r)].map;
      const RoIMap& m = in.maps[static_cast<size_t>(map)];
      const AlignAxis<A> ay = axis_y<A>(in, r, o), ax = axis_x<A>(in, r, o);
      for (int p = 0; p < o.size; ++p) {
        rows.build(ay, p, m.h);
        for (int q = 0; q < o.size; ++q) {
          columns.build(ax, q, m.w);
          const int64_t at = ((r * o.size + p) * o.size + q) * in.channels;
          with_simd(MaxForwardBin<T>{in.slab<T>(maps, map), y.data<T>() + at, arg.defined() ? arg.data<int32_t>() + at : nullptr, m.w,
                                     in.channels, rows, columns});
        }
      }
    }
  });
}

// The owner of a block of channels goes through the RoIs in order; each value goes to the four cells of the sample that won.
template <class T>
void max_backward(const RoIInputs& in, const RoIAlignOptions& o, const Tensor& gy, const Tensor& arg, const std::vector<Tensor>& gx) {
  using A = acc_t<T>;
  constexpr int64_t block = 16;
  parallel_for((in.channels + block - 1) / block, 1, [&](int64_t b) {
    const int64_t c0 = b * block, c1 = std::min(in.channels, c0 + block);
    BinSamples<A> rows, columns;
    for (int64_t r = 0; r < in.count(); ++r) {
      const int map = in.rois[static_cast<size_t>(r)].map;
      const RoIMap& m = in.maps[static_cast<size_t>(map)];
      if (!gx[static_cast<size_t>(m.level)].defined()) continue;
      A* out = in.slab<A>(gx, map);
      const AlignAxis<A> ay = axis_y<A>(in, r, o), ax = axis_x<A>(in, r, o);
      for (int p = 0; p < o.size; ++p) {
        rows.build(ay, p, m.h);
        for (int q = 0; q < o.size; ++q) {
          columns.build(ax, q, m.w);
          const int64_t at = ((r * o.size + p) * o.size + q) * in.channels;
          for (int64_t c = c0; c < c1; ++c) {
            const int32_t s = arg.data<int32_t>()[at + c];
            if (s < 0) continue;
            const A g = gy.data<T>()[at + c];
            const auto across = static_cast<int32_t>(columns.taps.size());
            const Tap<A>&ty = rows.taps[static_cast<size_t>(s / across)], &tx = columns.taps[static_cast<size_t>(s % across)];
            const auto add = [&](int y, int x, A w) { out[(int64_t{y} * m.w + x) * in.channels + c] += w * g; };
            add(ty.low, tx.low, ty.w_low * tx.w_low);
            add(ty.low, tx.high, ty.w_low * tx.w_high);
            add(ty.high, tx.low, ty.w_high * tx.w_low);
            add(ty.high, tx.high, ty.w_high * tx.w_high);
          }
        }
      }
    }
  });
}

}  // namespace

void RoIAlignOptions::visit(OptionVisitor& v) const {
  v.field("size", size);
  v.field("sampling_ratio", sampling_ratio);
  v.field("aligned", aligned);
  v.field("reduce", reduce == Reduce::mean ? "mean" : "max");
}

Var roi_align(const std::vector<Var>& maps, const std::vector<int>& strides, const Tensor& rois, const Tensor& levels,
              const RoIAlignOptions& o) {
  check(o.sampling_ratio >= 0 && o.sampling_ratio <= 64, "roi_align: sampling_ratio must be 0 (adaptive) … 64, got ", o.sampling_ratio);
  const auto in = std::make_shared<const RoIInputs>(check_roi_inputs("roi_align", maps, strides, rois, levels, o.size));
  const Tensor y = Tensor::empty({in->count(), o.size, o.size, in->channels}, in->dtype);
  std::vector<Tensor> x;
  for (const Var& m : maps) x.push_back(m.value());
  Tensor arg;
  if (o.reduce == Reduce::max && needs_grad(maps)) arg = Tensor::empty(y.shape(), DType::i32);
  dispatch_float(in->dtype, "roi_align", [&]<class T>(T) {
    if (o.reduce == Reduce::mean)
      mean_forward<T>(*in, x, o, y);
    else
      max_forward<T>(*in, x, o, y, arg);
  });
  std::vector<Shape> shapes;
  for (const Var& m : maps) shapes.push_back(m.shape());
  return record("roi_align", o, maps, y, [in, o, arg, shapes](Grads& g) {
    dispatch_float(in->dtype, "roi_align", [&]<class T>(T) {
      std::vector<Tensor> gx(shapes.size());
      for (size_t l = 0; l < shapes.size(); ++l) {
        if (!g.needs(static_cast<int>(l))) continue;
        gx[l] = o.reduce == Reduce::mean ? Tensor::empty(shapes[l], in->dtype) : Tensor::zeros(shapes[l], dtype_of<acc_t<T>>());
      }
      if (o.reduce == Reduce::mean)
        mean_backward<T>(*in, o, g.out(), gx);
      else
        max_backward<T>(*in, o, g.out(), arg, gx);
      for (size_t l = 0; l < shapes.size(); ++l)
        if (gx[l].defined()) g.give(static_cast<int>(l), gx[l].to(in->dtype));
    });
  });
}

}  // namespace mr
