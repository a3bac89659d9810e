#include "ops/roi/roi_filter.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "ops/roi/lanes.h"
#include "ops/roi/roi_gpu.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

// The bins of the box [lo, hi] along one axis, on a map of n cells.
template <class A> void axis_taps(const AxisRule& rule, double lo, double hi, double scale, int n, BinTaps<A>& taps, bool slopes) {
  if (rule.kind == AxisKind::integral)
    taps.build_integral(rule.integral(A(lo), A(hi), A(scale)), n, slopes);
  else
    taps.build(rule.samples(A(lo), A(hi), A(scale), n), rule.size, n, slopes);
}

// The bins of RoI r down and across.
template <class A> void row_taps(const RoIInputs& in, int64_t r, const AxisRule& rule, BinTaps<A>& taps, bool slopes = false) {
  const RoIMap& m = in.map_of(r);
  axis_taps(rule, in.rois[r].y1, in.rois[r].y2, m.scale, m.h, taps, slopes);
}
template <class A> void column_taps(const RoIInputs& in, int64_t r, const AxisRule& rule, BinTaps<A>& taps, bool slopes = false) {
  const RoIMap& m = in.map_of(r);
  axis_taps(rule, in.rois[r].x1, in.rois[r].x2, m.scale, m.w, taps, slopes);
}

// ---- forward: y[r,p,q,c] = Σ_k weight[k] · x[cell[k], c] --------------------------------------------------------------------

// What one bin reads: elements of the map (of channel 0) and weights.
template <class A> struct CellList {
  std::vector<int64_t> at;
  std::vector<A> weight;
  int count = 0;

  void product(typename BinTaps<A>::Taps rows, typename BinTaps<A>::Taps columns, int64_t map_w, int64_t channels) {
    count = rows.count * columns.count;
    if (count > static_cast<int>(at.size())) {
      at.resize(count);
      weight.resize(count);
    }
    int k = 0;
    for (int i = 0; i < rows.count; ++i)
      for (int j = 0; j < columns.count; ++j, ++k) {
        at[k] = (rows.cell[i] * map_w + columns.cell[j]) * channels;
        weight[k] = rows.weight[i] * columns.weight[j];
      }
  }
};

// One RoI: its bins one by one, each for all channels.
template <class T> struct FilterForward {
  using A = acc_t<T>;
  const T* x;  // the map, [H,W,C]
  T* y;        // [P,P,C]
  int64_t map_w, channels;
  int size;
  const BinTaps<A>&rows, &columns;
  CellList<A>& cells;  // scratch

  template <int W> void operator()(Lanes<W>) const {
    for (int p = 0; p < size; ++p)
      for (int q = 0; q < size; ++q) {
        cells.product(rows.bin(p), columns.bin(q), map_w, channels);
        bin<W>(y + (int64_t{p} * size + q) * channels);
      }
  }

  template <int W> void bin(T* out) const {
    for_channel_groups<W, 8>(channels, [&]<int L, int K>(Lanes<L>, Group<K>, int64_t c) {
      const int64_t* at = cells.at.data();
      const A* weight = cells.weight.data();
      Vec<A, L> sum[K] = {};
      for (int k = 0; k < cells.count; ++k) {
        const T* cell = x + at[k] + c;
        const Vec<A, L> w = splat<L>(weight[k]);
#pragma GCC unroll 8
        for (int v = 0; v < K; ++v) sum[v] = fma(w, load<L>(cell + v * L), sum[v]);
      }
#pragma GCC unroll 8
      for (int v = 0; v < K; ++v) store<L>(out + c + v * L, sum[v]);
    });
  }
};

template <class T> void forward(const RoIInputs& in, const std::vector<Tensor>& maps, int size, const AxisRule& rule, const Tensor& y) {
  using A = acc_t<T>;
  const int64_t bins = int64_t{size} * size;
  parallel_ranges(in.count(), 8, [&](int64_t begin, int64_t end) {
    BinTaps<A> rows, columns;
    CellList<A> cells;
    for (int64_t k = begin; k < end; ++k) {
      const int64_t r = in.order[k];
      const RoIMap& m = in.map_of(r);
      row_taps(in, r, rule, rows);
      column_taps(in, r, rule, columns);
      T* out = y.data<T>() + r * bins * in.channels;
      with_simd(FilterForward<T>{in.slab<T>(maps, in.rois[r].map), out, m.w, in.channels, size, rows, columns, cells});
    }
  });
}

// ---- backward: who reads a cell? --------------------------------------------------------------------------------------------

// For each row of each map, the bins that read it, RoI by RoI in rising order.
struct RowUse {
  int32_t roi, bin;
};
// For each RoI, the columns it reads, and for each column the bins that read it.
struct Column {
  int32_t x, first;  // its uses begin at `first` and end where the next column's begin
};

template <class A> struct Uses {
  std::vector<int64_t> map_row;    // of each map, its first row among all rows
  std::vector<int32_t> row_first;  // of each row, its first use
  std::vector<RowUse> row_uses;
  std::vector<A> row_weight;        // of each row use
  std::vector<int32_t> roi_column;  // of each RoI, its first column
  std::vector<Column> columns;
  std::vector<int32_t> column_bin;  // of each column use
  std::vector<A> column_weight;

  Uses(const RoIInputs& in, int size, const AxisRule& rule) {
    int64_t rows = 0;
    for (const RoIMap& m : in.maps) {
      map_row.push_back(rows);
      rows += m.h;
    }
    std::vector<BinTaps<A>> taps(in.rois.size());
    parallel_for(in.count(), 32, [&](int64_t r) { row_taps(in, r, rule, taps[r]); });
    add_rows(in, size, rows, taps);
    parallel_for(in.count(), 32, [&](int64_t r) { column_taps(in, r, rule, taps[r]); });
    for (int64_t r = 0; r < in.count(); ++r) add_columns(taps[r], size, in.map_of(r).w);
    roi_column.push_back(static_cast<int32_t>(columns.size()));
    columns.push_back({0, static_cast<int32_t>(column_bin.size())});
  }

 private:
  std::vector<int32_t> count_;

  // Counted, then filled: a use's place is the number of uses before it.
  void add_rows(const RoIInputs& in, int size, int64_t rows, const std::vector<BinTaps<A>>& taps) {
    row_first.assign(rows + 1, 0);
    for (int64_t r = 0; r < in.count(); ++r)
      for (const int32_t y : taps[r].cell) ++row_first[map_row[in.rois[r].map] + y + 1];
    for (int64_t i = 0; i < rows; ++i) row_first[i + 1] += row_first[i];
    row_uses.resize(row_first[rows]);
    row_weight.resize(row_first[rows]);
    count_ = row_first;
    for (int64_t r = 0; r < in.count(); ++r)
      for (int p = 0; p < size; ++p) {
        const auto bin = taps[r].bin(p);
        for (int k = 0; k < bin.count; ++k) {
          const int32_t at = count_[map_row[in.rois[r].map] + bin.cell[k]]++;
          row_uses[at] = {static_cast<int32_t>(r), p};
          row_weight[at] = bin.weight[k];
        }
      }
  }

  void add_columns(const BinTaps<A>& taps, int size, int map_w) {
    roi_column.push_back(static_cast<int32_t>(columns.size()));
    count_.assign(map_w, 0);
    for (const int32_t x : taps.cell) ++count_[x];
    auto next = static_cast<int32_t>(column_bin.size());
    for (int32_t x = 0; x < map_w; ++x) {
      if (count_[x] == 0) continue;
      columns.push_back({x, next});
      next += std::exchange(count_[x], next);
    }
    column_bin.resize(next);
    column_weight.resize(next);
    for (int q = 0; q < size; ++q) {
      const auto bin = taps.bin(q);
      for (int k = 0; k < bin.count; ++k) {
        const int32_t at = count_[bin.cell[k]]++;
        column_bin[at] = q;
        column_weight[at] = bin.weight[k];
      }
    }
  }
};

// One row of one map's gradient, for one block of channels: its owner gathers what every RoI gives to it. For RoI r
//     share[q]  = Σ_p  row weight(p) · gy[r,p,q]            what the row gets of each column of bins
//     gx[x]    += Σ_q  column weight(q, x) · share[q]
template <class T> struct BackwardRow {
  using A = acc_t<T>;
  const Uses<A>& uses;
  const T* gy;  // [R,P,P,C], from the block's first channel on
  A* row;       // the row's cells, `pitch` apart
  int64_t pitch, channels, block;
  int size;
  int32_t first, last;  // the row's uses
  A* share;             // scratch [P, block]

  template <int W> void operator()(Lanes<W>) const {
    for (int32_t k = first; k < last;) {
      const int32_t r = uses.row_uses[k].roi;
      int32_t end = k + 1;
      while (end < last && uses.row_uses[end].roi == r) ++end;
      gather_share<W>(k, end);
      add_to_row<W>(r);
      k = end;
    }
  }

  template <int W> void gather_share(int32_t begin, int32_t end) const {
    for (int q = 0; q < size; ++q)
      for_channel_groups<W, 4>(block, [&]<int L, int K>(Lanes<L>, Group<K>, int64_t c) {
        Vec<A, L> sum[K] = {};
        for (int32_t k = begin; k < end; ++k) {
          const RowUse use = uses.row_uses[k];
          const T* g = gy + ((int64_t{use.roi} * size + use.bin) * size + q) * channels + c;
          const Vec<A, L> w = splat<L>(uses.row_weight[k]);
#pragma GCC unroll 8
          for (int v = 0; v < K; ++v) sum[v] = fma(w, load<L>(g + v * L), sum[v]);
        }
#pragma GCC unroll 8
        for (int v = 0; v < K; ++v) store<L>(share + q * block + c + v * L, sum[v]);
      });
  }

  template <int W> void add_to_row(int32_t r) const {
    for (int32_t i = uses.roi_column[r]; i < uses.roi_column[r + 1]; ++i) {
      A* gx = row + uses.columns[i].x * pitch;
      const int32_t begin = uses.columns[i].first, end = uses.columns[i + 1].first;
      for_channel_groups<W, 8>(block, [&]<int L, int K>(Lanes<L>, Group<K>, int64_t c) {
        Vec<A, L> sum[K];
#pragma GCC unroll 8
        for (int v = 0; v < K; ++v) sum[v] = load<L>(gx + c + v * L);
        for (int32_t k = begin; k < end; ++k) {
          const A* s = share + uses.column_bin[k] * block + c;
          const Vec<A, L> w = splat<L>(uses.column_weight[k]);
#pragma GCC unroll 8
          for (int v = 0; v < K; ++v) sum[v] = fma(w, load<L>(s + v * L), sum[v]);
        }
#pragma GCC unroll 8
        for (int v = 0; v < K; ++v) store<L>(gx + c + v * L, sum[v]);
      });
    }
  }
};

// bf16 rows are summed in f32 and rounded once.
template <class T> void gather(const RoIInputs& in, int size, const AxisRule& rule, const Tensor& gy, const std::vector<Tensor>& gx) {
  using A = acc_t<T>;
  constexpr int64_t most_channels = 256;  // a row of the block fits the second-level cache
  const Uses<A> uses(in, size, rule);
  const int64_t rows = static_cast<int64_t>(uses.row_first.size()) - 1, blocks = (in.channels + most_channels - 1) / most_channels;
  parallel_ranges(rows * blocks, 4, [&](int64_t begin, int64_t end) {
    std::vector<A> share(size * std::min(in.channels, most_channels)), sums;
    for (int64_t item = begin; item < end; ++item) {
      const int64_t row = item / blocks, c0 = item % blocks * most_channels, block = std::min(most_channels, in.channels - c0);
      const auto map = static_cast<int>(std::ranges::upper_bound(uses.map_row, row) - uses.map_row.begin()) - 1;
      const RoIMap& m = in.maps[map];
      if (!gx[m.level].defined()) continue;
      T* out = in.slab<T>(gx, map) + (row - uses.map_row[map]) * m.w * in.channels + c0;
      BackwardRow<T> work{
          uses,        gy.data<T>() + c0, nullptr, in.channels, in.channels, block, size, uses.row_first[row], uses.row_first[row + 1],
          share.data()};
      if constexpr (std::is_same_v<T, A>) {
        work.row = out;
      } else {
        sums.resize(m.w * block);
        work.row = sums.data();
        work.pitch = block;
      }
      for (int64_t x = 0; x < m.w; ++x) std::fill_n(work.row + x * work.pitch, block, A(0));
      with_simd(work);
      if constexpr (!std::is_same_v<T, A>)
        for (int64_t x = 0; x < m.w; ++x)
          for (int64_t c = 0; c < block; ++c) out[x * in.channels + c] = T(work.row[x * work.pitch + c]);
    }
  });
}

// ---- backward: how the bins move with the box ---------------------------------------------------------------------------------

// ⟨a, b⟩ over the channels.
template <class T> struct Dot {
  using A = acc_t<T>;
  const T *a, *b;
  int64_t channels;
  double* result;

  template <int W> void operator()(Lanes<W>) const {
    double sum = 0;
    for_channels<W>(channels, [&]<int L>(Lanes<L>, int64_t c) {
      const Vec<A, L> v = load<L>(a + c) * load<L>(b + c);
      if constexpr (L == 1) {
        sum += static_cast<double>(v);
      } else {
        for (int k = 0; k < L; ++k) sum += static_cast<double>(v[k]);
      }
    });
    *result = sum;
  }
};

template <class T> void box_gradient(const RoIInputs& in, const std::vector<Tensor>& maps, int size, const AxisRule& rule, const Tensor& gy,
                                     const Tensor& grois) {
  using A = acc_t<T>;
  parallel_ranges(in.count(), 4, [&](int64_t begin, int64_t end) {
    BinTaps<A> rows, columns;
    for (int64_t r = begin; r < end; ++r) {
      const RoIMap& m = in.map_of(r);
      row_taps(in, r, rule, rows, true);
      column_taps(in, r, rule, columns, true);
      const T* x = in.slab<T>(maps, in.rois[r].map);
      double sum[4] = {};  // x1, y1, x2, y2
      for (int p = 0; p < size; ++p)
        for (int q = 0; q < size; ++q) {
          const auto down = rows.bin(p), across = columns.bin(q);
          const T* g = gy.data<T>() + ((r * size + p) * size + q) * in.channels;
          for (int i = 0; i < down.count; ++i)
            for (int j = 0; j < across.count; ++j) {
              double dot = 0;
              with_simd(Dot<T>{g, x + (int64_t{down.cell[i]} * m.w + across.cell[j]) * in.channels, in.channels, &dot});
              sum[0] += dot * static_cast<double>(down.weight[i] * across.slope[j].lo);
              sum[1] += dot * static_cast<double>(down.slope[i].lo * across.weight[j]);
              sum[2] += dot * static_cast<double>(down.weight[i] * across.slope[j].hi);
              sum[3] += dot * static_cast<double>(down.slope[i].hi * across.weight[j]);
            }
        }
      store_box_gradient(grois, r, sum);
    }
  });
}

}  // namespace

Var filter_rois(const char* op, const RoICall& call, const AxisRule& rule) {
  if constexpr (gpu::exists) {
    if (call.on_gpu()) return gpu::filter_rois(op, call, rule);
  }
  const int size = rule.size;
  const auto in = std::make_shared<const RoIInputs>(check_roi_inputs(op, call, size));
  const Tensor y = Tensor::empty({in->count(), size, size, in->channels}, in->dtype);
  const std::vector<Tensor> x = call.values();
  dispatch_float(in->dtype, op, [&]<class T>(T) { forward<T>(*in, x, size, rule, y); });
  std::vector<Shape> shapes;
  for (const Tensor& t : x) shapes.push_back(t.shape());
  const Tensor rois = call.rois.value();
  // The maps are kept only where the boxes have a gradient, which depends on the maps' values.
  const std::vector<Tensor> kept = call.rois.requires_grad() ? x : std::vector<Tensor>();
  return record(op, call.inputs(), y, [=](Grads& g) {
    const RoIGradients found = wanted_gradients(g, shapes, rois, [&](const Shape& s) { return Tensor::empty(s, in->dtype); });
    dispatch_float(in->dtype, op, [&]<class T>(T) {
      gather<T>(*in, size, rule, g.out(), found.maps);
      if (found.rois.defined()) box_gradient<T>(*in, kept, size, rule, g.out(), found.rois);
    });
    give_gradients(g, found, in->dtype);
  });
}

}  // namespace mr
