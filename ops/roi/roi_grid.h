// From a box to the cells of a feature map that it reads: the geometry that the RoI operators share.
//
//   box (image pixels) → box on the map (cells) → P bins along each axis → samples in a bin → bilinear taps of a sample
//
// An axis is a thing by itself. A sample at (y, x) reads four cells with the weights
//     (1−ly)(1−lx)   (1−ly)·lx   ly(1−lx)   ly·lx,
// a product of what the row says and what the column says; the rule at the border of the map is a product too (a sample outside
// on either axis reads nothing). So P bins need 2·P lists of taps, not P². Everything below is about one axis.
//
// Coordinates. The image is continuous: pixel i covers [i, i+1). The map is indexed: cell i holds the value *at* i. Dividing a
// continuous coordinate by the stride and subtracting ½ gives the index; `aligned` says whether the ½ is subtracted.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "tensor/hd.h"

namespace mr {

// The bins of one axis of a RoI, in cells of the map: bin b covers [start + b·bin, start + (b+1)·bin) and holds `samples` samples.
template <class A> struct AlignAxis {
  A start = 0, bin = 0;
  int samples = 0;

  // Sample j sits in the middle of the j-th of equal parts of bin b. The order of the operations is that of the released codes.
  MR_HD A position(int b, int j) const { return start + A(b) * bin + (A(j) + A(0.5)) * bin / A(samples); }
};

// [lo, hi] in image pixels, cut into `size` bins. Nothing is rounded.
//   aligned:  start = lo/stride − ½          otherwise:  start = lo/stride, and a box is at least one cell long (first release)
//   sampling_ratio 0: one sample a cell, ⌈length / size⌉ a bin; none where the length is 0 or negative
template <class A> MR_HD AlignAxis<A> align_axis(A lo, A hi, A scale, int size, int sampling_ratio, bool aligned) {
  const A offset = aligned ? A(0.5) : A(0);
  const A start = lo * scale - offset;
  A length = hi * scale - offset - start;
  if (!aligned && length < A(1)) length = A(1);
  const int samples = sampling_ratio > 0 ? sampling_ratio : static_cast<int>(std::ceil(length / A(size)));
  return {start, length / A(size), samples > 0 ? samples : 0};
}

// The two cells that a sample at index coordinate t reads, on an axis of n cells; `inside` is false where it reads nothing.
//   −1 ≤ t ≤ n: inside (half a cell and more around the map, the border's value is repeated); beyond: 0
template <class A> struct Tap {
  int low = 0, high = 0;
  A w_low = 0, w_high = 0;
  bool inside = false;
};

template <class A> MR_HD Tap<A> bilinear_tap(A t, int n) {
  if (!(t >= A(-1) && t <= A(n))) return {};  // NaN too
  if (t <= A(0)) return {0, 0, A(1), A(0), true};
  const int low = static_cast<int>(t);
  if (low >= n - 1) return {n - 1, n - 1, A(1), A(0), true};
  const A w = t - A(low);
  return {low, low + 1, A(1) - w, w, true};
}

// The samples of bin b that can lie on an axis of n cells: [first, last). A box far larger than the map has millions of samples
// outside it, which count in the mean and read nothing.
struct SampleRange {
  int first = 0, last = 0;
};
template <class A> MR_HD SampleRange samples_near_map(const AlignAxis<A>& axis, int b, int n) {
  constexpr int few = 64;
  if (axis.samples <= few) return {0, axis.samples};
  const A step = axis.bin / A(axis.samples), origin = axis.start + A(b) * axis.bin;
  const A lo = (A(-1) - origin) / step - A(2), hi = (A(n) - origin) / step + A(2), most = A(axis.samples);  // two for rounding
  const A first = lo > A(0) ? (lo < most ? lo : most) : A(0), last = hi > A(0) ? (hi < most ? hi : most) : A(0);
  return {static_cast<int>(first), static_cast<int>(last)};
}

// For the mean over samples: what each bin reads on one axis, as distinct cells with weights. The taps of a bin's samples are added
// up cell by cell and divided by the number of samples, so that
//     y[p,q] = Σ_i Σ_j  weight_i · weight_j · x[cell_i, cell_j],    i over the taps of row of bins p, j over those of column q
template <class A> struct BinTaps {
  std::vector<int32_t> first;  // of each bin, and of none: where its taps begin and the last bin's end
  std::vector<int32_t> cell;   // rising within a bin
  std::vector<A> weight;

  struct Taps {
    const int32_t* cell;
    const A* weight;
    int count;
  };
  Taps bin(int b) const { return {cell.data() + first[b], weight.data() + first[b], first[b + 1] - first[b]}; }

  void build(const AlignAxis<A>& axis, int size, int n) {
    first.assign(1, 0);
    cell.clear();
    weight.clear();
    const A share = A(1) / A(axis.samples > 0 ? axis.samples : 1);
    for (int b = 0; b < size; ++b) {
      const SampleRange range = samples_near_map(axis, b, n);
      for (int j = range.first; j < range.last; ++j) {
        const Tap<A> t = bilinear_tap(axis.position(b, j), n);
        if (!t.inside) continue;
        add(t.low, t.w_low * share);
        if (t.w_high != A(0)) add(t.high, t.w_high * share);
      }
      first.push_back(static_cast<int32_t>(cell.size()));
    }
  }

 private:
  // Neighbouring samples share cells; only the last two taps of this bin can be of cell `at`.
  void add(int32_t at, A w) {
    const int begin = first.back(), end = static_cast<int>(cell.size());
    for (int k = end - 1; k >= begin && k >= end - 2; --k) {
      if (cell[k] == at) {
        weight[k] += w;
        return;
      }
    }
    cell.push_back(at);
    weight.push_back(w);
  }
};

// RoIPool's bins: the corners of the box rounded to cells (half away from zero), both included.
struct PoolAxis {
  int start = 0, length = 1;  // first cell; number of cells, at least 1
};
template <class A> MR_HD PoolAxis pool_axis(A lo, A hi, A scale) {
  const int start = static_cast<int>(std::round(lo * scale)), end = static_cast<int>(std::round(hi * scale));
  return {start, end - start + 1 > 1 ? end - start + 1 : 1};
}

// The cells [begin, end) of bin b, cut to an axis of n cells: from ⌊b·length/size⌋ to ⌈(b+1)·length/size⌉, so neighbouring bins
// share a cell where length/size is not an integer. In f32 with the bin's size rounded first, as in the released codes.
struct CellRange {
  int begin = 0, end = 0;
};
template <class A> MR_HD CellRange pool_bin(const PoolAxis& axis, int b, int size, int n) {
  const A bin = A(axis.length) / A(size);
  const int begin = static_cast<int>(std::floor(A(b) * bin)) + axis.start, end = static_cast<int>(std::ceil(A(b + 1) * bin)) + axis.start;
  return {begin < 0 ? 0 : begin > n ? n : begin, end < 0 ? 0 : end > n ? n : end};
}

}  // namespace mr
