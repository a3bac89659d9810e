// From a box to the cells of a feature map that it reads:
// the geometry that the RoI operators share.
//
//   box (image pixels) → box on the map (cells) → P bins along each axis → samples in a bin → bilinear taps of a sample
//
// An axis is a thing by itself. A sample at (y, x) reads four cells with the weights
//     (1−ly)(1−lx)   (1−ly)·lx   ly(1−lx)   ly·lx,
// a product of what the row says and what the column says; the rule at the border of the map is a
// product too (a sample outside on either axis reads nothing). So P bins need 2·P lists of taps,
// not P². Everything below is about one axis, and an operator is defined by what it does along one:
// by its *_axis function, or for PrRoI pooling by its integral.
//
// Coordinates. The image is continuous: pixel i covers [i, i+1). The map is indexed: cell i holds
// the value *at* i. Dividing a continuous coordinate by the stride and subtracting ½ gives the
// index; `aligned` says whether the ½ is subtracted.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "ops/roi/modes.h"
#include "tensor/hd.h"

namespace mr {

// ∂/∂lo and ∂/∂hi of something that depends on a box [lo, hi], in pixels.
template <class A> struct Slope { A lo = 0, hi = 0; };

// The bins of one axis of a RoI, in cells of the map:
// bin b begins at start + b·bin and holds `samples` samples.
template <class A> struct SampleAxis {
  A start = 0, bin = 0;
  int samples = 0;
  A phase = A(0.5);  // where in its part of the bin a sample sits: ½ in the middle, 0 at the beginning
  A margin = A(1);   // how far beyond the first and the last cell a sample still reads (that cell)
  A scale = 0;       // cells a pixel
  A parts = 1;       // the box, from lo to hi, is this many bins long; 0: its length does not depend on the box

  // Sample j sits in the j-th of equal parts of bin b.
  // The order of the operations is that of the released codes.
  MR_HD A position(int b, int j) const { return start + A(b) * bin + (A(j) + phase) * bin / A(samples); }

  // How the sample moves with the box: it lies at the share t of the way from lo to hi.
  // Rounding counts as the identity.
  MR_HD Slope<A> slope(int b, int j) const {
    if (parts == A(0)) return {scale, A(0)};
    const A t = (A(b) + (A(j) + phase) / A(samples)) / parts;
    return {scale * (A(1) - t), scale * t};
  }
};

// RoIAlign: [lo, hi] in image pixels, cut into `size` bins. Nothing is rounded.
//   aligned:  start = lo/stride − ½          otherwise:  start = lo/stride, and a box is at least one cell long (first release)
//   sampling_ratio 0: one sample a cell, ⌈length / size⌉ a bin; none where the length is 0 or negative
template <class A> MR_HD SampleAxis<A> align_axis(A lo, A hi, A scale, int size, int sampling_ratio, bool aligned) {
  const A offset = aligned ? A(0.5) : A(0);
  const A start = lo * scale - offset;
  A length = hi * scale - offset - start;
  const bool stretched = !aligned && length < A(1);
  if (stretched) length = A(1);
  const int samples = sampling_ratio > 0 ? sampling_ratio : static_cast<int>(std::ceil(length / A(size)));
  return {start, length / A(size), samples > 0 ? samples : 0, A(0.5), A(1), scale, stretched ? A(0) : A(size)};
}

// RoIWarp as Mask R-CNN's Table 2c needs it: corners rounded to cells like RoIPool's,
// then RoIAlign's samples.
template <class A> MR_HD SampleAxis<A> warp_axis(A lo, A hi, A scale, int size, int samples) {
  const A start = std::round(lo * scale), length = std::round(hi * scale) - start;
  const bool stretched = length < A(1);
  return {start, (stretched ? A(1) : length) / A(size), samples, A(0.5), A(1), scale, stretched ? A(0) : A(size)};
}

// RoIWarp as MNC's layer has it: corners rounded, then a warp to 2·size with one sample at the
// beginning of each of its bins; 2×2 of them are pooled, which makes two samples a bin. Half a cell
// around the map still reads.
template <class A> MR_HD SampleAxis<A> mnc_axis(A lo, A hi, A scale, int size) {
  const A start = std::round(lo * scale), length = std::round(hi * scale) - start;
  const bool empty = length < A(0);
  return {start, (empty ? A(0) : length) / A(size), 2, A(0), A(0.5), scale, empty ? A(0) : A(size)};
}

// TensorFlow's crop_and_resize: 2·size points from edge to edge of the box, both included, two to a
// bin. Pixel 0 lies on cell 0 and the image's last pixel on the last of n cells; beyond them
// nothing is read.
template <class A> MR_HD SampleAxis<A> crop_axis(A lo, A hi, A scale, int size, int n) {
  const A cells_a_pixel = n > 1 ? A(n - 1) / (A(n) / scale - A(1)) : A(0);
  const A start = lo * cells_a_pixel, bins = A(size) - A(0.5);  // from the first point to the last
  return {start, (hi * cells_a_pixel - start) / bins, 2, A(0), A(0), cells_a_pixel, bins};
}

// The two cells that a sample at index coordinate t reads, on an axis of n cells;
// `inside` is false where it reads nothing.
//   −margin ≤ t ≤ n−1+margin: inside; beyond the first and the last cell their values are repeated. Farther out: 0
template <class A> struct Tap {
  int low = 0, high = 0;
  A w_low = 0, w_high = 0;
  bool inside = false;

  MR_HD bool moves() const { return low != high; }  // its weights change with t: by −1 and +1 a cell
  MR_HD A weight(int cell) const { return (cell == low ? w_low : A(0)) + (cell == high ? w_high : A(0)); }
};

template <class A> MR_HD Tap<A> bilinear_tap(A t, int n, A margin = A(1)) {
  if (!(t >= -margin && t <= A(n - 1) + margin)) return {};  // NaN too
  if (t <= A(0)) return {0, 0, A(1), A(0), true};
  const int low = static_cast<int>(t);
  if (low >= n - 1) return {n - 1, n - 1, A(1), A(0), true};
  const A w = t - A(low);
  return {low, low + 1, A(1) - w, w, true};
}

// The samples of bin b that can lie on an axis of n cells: [first, last). A box far larger than the
// map has millions of samples outside it, which count in the mean and read nothing.
struct SampleRange {
  int first = 0, last = 0;
};
template <class A> MR_HD SampleRange samples_near_map(const SampleAxis<A>& axis, int b, int n) {
  constexpr int few = 64;
  if (axis.samples <= few) return {0, axis.samples};
  const A step = axis.bin / A(axis.samples), origin = axis.start + A(b) * axis.bin;
  const A lo = (A(-1) - origin) / step - A(2), hi = (A(n) - origin) / step + A(2), most = A(axis.samples);  // two for rounding
  const A first = lo > A(0) ? (lo < most ? lo : most) : A(0), last = hi > A(0) ? (hi < most ? hi : most) : A(0);
  return {static_cast<int>(first), static_cast<int>(last)};
}

// The samples of bin b that read something on an axis of n cells:
// neighbours, since they are in order.
struct InsideSamples {
  int first = 0, count = 0;
};
template <class A> MR_HD InsideSamples inside_samples(const SampleAxis<A>& axis, int b, int n) {
  const SampleRange near = samples_near_map(axis, b, n);
  InsideSamples inside;
  for (int j = near.first; j < near.last; ++j)
    if (bilinear_tap(axis.position(b, j), n, axis.margin).inside && inside.count++ == 0) inside.first = j;
  return inside;
}

// A sample's weights on its four cells a b c d: (low, low), (low, high), (high, low), (high, high).
template <class A> MR_HD void corner_weights(const Tap<A>& y, const Tap<A>& x, A (&weight)[4]) {
  weight[0] = y.w_low * x.w_low;
  weight[1] = y.w_low * x.w_high;
  weight[2] = y.w_high * x.w_low;
  weight[3] = y.w_high * x.w_high;
}

// g times how the sample's value changes along each axis:  ∂v/∂u_x = (1−ly)·(b − a) + ly·(d − c);  y alike.
template <class A> MR_HD A slope_across(const Tap<A>& y, const Tap<A>& x, const A (&v)[4], A g) {
  return x.moves() ? g * (y.w_low * (v[1] - v[0]) + y.w_high * (v[3] - v[2])) : A(0);
}
template <class A> MR_HD A slope_down(const Tap<A>& y, const Tap<A>& x, const A (&v)[4], A g) {
  return y.moves() ? g * (x.w_low * (v[2] - v[0]) + x.w_high * (v[3] - v[1])) : A(0);
}

// The integral of the tent max(0, 1 − |u|) from −∞ to u, and the tent.
template <class A> MR_HD A tent_integral(A u) {
  if (u <= A(-1)) return A(0);
  if (u >= A(1)) return A(1);
  return u < A(0) ? A(0.5) * (u + A(1)) * (u + A(1)) : A(0.5) + u - A(0.5) * u * u;
}
template <class A> MR_HD A tent(A u) {
  const A v = A(1) - (u < A(0) ? -u : u);
  return v > A(0) ? v : A(0);
}

// A bin as a filter: what each bin reads on one axis, as distinct cells with weights, so that
//     y[p,q] = Σ_i Σ_j  weight_i · weight_j · x[cell_i, cell_j],    i over the taps of row of bins p, j over those of column q
//
// The mean over samples: add(cell, weight, slope) for the taps of the samples of bin b, each
// divided by their number. A cell comes once for each sample that reads it; tap_place finds it.
// Without `slopes` they are 0, and cells with weight 0 do not come.
template <class A, class Add> MR_HD void mean_taps(const SampleAxis<A>& axis, int b, int n, bool slopes, Add&& add) {
  const A share = A(1) / A(axis.samples > 0 ? axis.samples : 1);
  const SampleRange range = samples_near_map(axis, b, n);
  for (int j = range.first; j < range.last; ++j) {
    const Tap<A> t = bilinear_tap(axis.position(b, j), n, axis.margin);
    if (!t.inside) continue;
    if (!slopes) {
      add(t.low, t.w_low * share, Slope<A>{});
      if (t.w_high != A(0)) add(t.high, t.w_high * share, Slope<A>{});
    } else {
      const Slope<A> s = axis.slope(b, j), up{s.lo * share, s.hi * share};
      add(t.low, t.w_low * share, t.moves() ? Slope<A>{-up.lo, -up.hi} : Slope<A>{});
      if (t.moves()) add(t.high, t.w_high * share, up);
    }
  }
}

// PrRoI pooling: the mean over the whole bin of the map interpolated bilinearly and 0 outside. Cell
// i is a tent about i, so its weight in the bin [a, e) is an integral over the tent:
//     weight_i = (C(e − i) − C(a − i)) / (e − a),     ∂/∂a = (weight_i − tent(a − i)) / (e − a),     ∂/∂e = (tent(e − i) − weight_i) / (e − a)
// In f64 whatever A is: the difference of integrals of a narrow bin would lose most of f32's
// digits.
struct IntegralAxis {
  double start = 0, length = 0;  // of the box, in cells
  double scale = 0;              // cells a pixel
  int size = 0;                  // bins
};
MR_HD inline IntegralAxis integral_axis(double lo, double hi, double scale, double offset, int size) {
  const double start = lo * scale - offset, end = hi * scale - offset;
  return {start, end - start, scale, size};
}
template <class A, class Add> MR_HD void integral_taps(const IntegralAxis& axis, int b, int n, bool slopes, Add&& add) {
  const double t0 = static_cast<double>(b) / axis.size, t1 = static_cast<double>(b + 1) / axis.size;
  const double a = axis.start + axis.length * t0, e = axis.start + axis.length * t1;
  if (!(axis.length > 0 && a < n && e > -1)) return;
  const int from = a > 0 ? static_cast<int>(a) : 0, to = e < n - 1 ? static_cast<int>(std::ceil(e)) : n - 1;
  for (int i = from; i <= to; ++i) {
    const double w = (tent_integral(e - i) - tent_integral(a - i)) / (e - a);
    if (w == 0) continue;
    Slope<A> slope;
    if (slopes) {
      const double wa = axis.scale * (w - tent(a - i)) / (e - a), we = axis.scale * (tent(e - i) - w) / (e - a);
      slope = {A(wa * (1 - t0) + we * (1 - t1)), A(wa * t0 + we * t1)};
    }
    add(i, A(w), slope);
  }
}

// The place of a cell among the taps [begin, end) of a bin; `end` if it is new. Neighbouring
// samples share cells; only the last two taps can be of it (where a box runs backwards, also the
// third: there a cell may have two places).
template <class Cells> MR_HD int tap_place(const Cells& cells, int begin, int end, int32_t cell) {
  for (int k = end - 1; k >= begin && k >= end - 2; --k)
    if (cells[k] == cell) return k;
  return end;
}

// The taps of all bins of an axis.
template <class A> struct BinTaps {
  std::vector<int32_t> first;  // of each bin, and of none: where its taps begin and the last bin's end
  std::vector<int32_t> cell;   // of a bin, each once (of a box that runs backwards, perhaps twice)
  std::vector<A> weight;
  std::vector<Slope<A>> slope;  // of the weight, where they were asked for

  struct Taps {
    const int32_t* cell;
    const A* weight;
    const Slope<A>* slope;
    int count;
  };
  Taps bin(int b) const {
    return {cell.data() + first[b], weight.data() + first[b], slope.empty() ? nullptr : slope.data() + first[b], first[b + 1] - first[b]};
  }

  void build(const SampleAxis<A>& axis, int size, int n, bool slopes = false) {
    build_bins(size, slopes, [&](int b, auto&& add) { mean_taps(axis, b, n, slopes, add); });
  }
  void build_integral(const IntegralAxis& axis, int n, bool slopes = false) {
    build_bins(axis.size, slopes, [&](int b, auto&& add) { integral_taps<A>(axis, b, n, slopes, add); });
  }

 private:
  template <class Taps> void build_bins(int size, bool slopes, const Taps& taps) {
    first.assign(1, 0);
    cell.clear();
    weight.clear();
    slope.clear();
    for (int b = 0; b < size; ++b) {
      taps(b, [&](int32_t at, A w, const Slope<A>& s) {
        const int end = static_cast<int>(cell.size()), k = tap_place(cell, first.back(), end, at);
        if (k == end) {
          cell.push_back(at);
          weight.push_back(A(0));
          if (slopes) slope.push_back({});
        }
        weight[k] += w;
        if (!slopes) return;
        slope[k].lo += s.lo;
        slope[k].hi += s.hi;
      });
      first.push_back(static_cast<int32_t>(cell.size()));
    }
  }
};

// The cells of one axis of a box in RoIPool's manner, and the way they are cut into bins.
struct PoolAxis {
  int start = 0, length = 1;  // first cell; number of cells
  PoolBins bins = PoolBins::overlapping;
};

// overlapping: the corners rounded (half away from zero), both cells included, at least one.
// disjoint: the corners rounded, the second excluded. truncated: the corner and the length cut to
// whole cells.
template <class A> MR_HD PoolAxis pool_axis(A lo, A hi, A scale, PoolBins bins = PoolBins::overlapping) {
  if (bins == PoolBins::truncated) return {static_cast<int>(std::floor(lo * scale)), static_cast<int>(std::floor((hi - lo) * scale)), bins};
  const int start = static_cast<int>(std::round(lo * scale)), end = static_cast<int>(std::round(hi * scale));
  if (bins == PoolBins::disjoint) return {start, end - start, bins};
  return {start, end - start + 1 > 1 ? end - start + 1 : 1, bins};
}

// The cells [begin, end) of bin b, cut to an axis of n cells. `overlapping` in f32 with the bin's
// size rounded first, as in the released codes.
struct CellRange {
  int begin = 0, end = 0;
};
template <class A> MR_HD CellRange pool_bin(const PoolAxis& axis, int b, int size, int n) {
  int begin = 0, end = 0;
  if (axis.bins == PoolBins::overlapping) {
    const A bin = A(axis.length) / A(size);
    begin = static_cast<int>(std::floor(A(b) * bin));
    end = static_cast<int>(std::ceil(A(b + 1) * bin));
  } else if (axis.length > 0) {
    const int64_t length = axis.bins == PoolBins::truncated ? int64_t{axis.length} / size * size : axis.length;
    begin = static_cast<int>(b * length / size);
    end = static_cast<int>((b + 1) * length / size);
  }
  begin += axis.start;
  end += axis.start;
  return {begin < 0 ? 0 : begin > n ? n : begin, end < 0 ? 0 : end > n ? n : end};
}

}  // namespace mr
