// Bins that are weighted sums of cells (roi_filter.h).
#include "ops/roi/roi_gather.h"

namespace mr::gpu {
namespace {

// The bins of every box on both axes: cells with weights.
struct RoITaps {
  RoIPlaces places;
  Tensor first;   // [R,2,P+1] i32: where a bin's taps begin and the last bin's end; axis 0 is down, 1 across
  Tensor cell;    // [R,2,K] i32; K: the most that any box can have
  Tensor weight;  // [R,2,K]
  Tensor slope;   // [R,2,K,2], ∂weight/∂lo and ∂weight/∂hi; or undefined
};

struct Cells {
  const int32_t* cell;
  __device__ int32_t operator[](int k) const { return load<int32_t>(cell + k); }
};

// Writes the taps of one axis of a box, bin by bin.
template <class A> struct TapWriter {
  int32_t* cell;
  A* weight;
  A* slope;  // pairs; may be null
  int most;
  int begin = 0, end = 0;  // of the bin
  CellRange range;         // of all bins

  __device__ void operator()(int32_t at, A w, const Slope<A>& s) {
    const int k = tap_place(Cells{cell}, begin, end, at);
    if (k == most) return;
    Pack<A, 2> pair{{A(0), A(0)}};
    if (k == end) {
      store(cell + k, at);
      ++end;
    } else {
      w = load<A>(weight + k) + w;
      if (slope) pair = load<Pack<A, 2>>(slope + 2 * k);
    }
    store(weight + k, w);
    if (slope) store(slope + 2 * k, Pack<A, 2>{{pair[0] + s.lo, pair[1] + s.hi}});
    range = range.end == 0 ? CellRange{at, at + 1} : CellRange{min(range.begin, at), max(range.end, at + 1)};
  }
};

template <class A> struct FindTaps {
  AxisRule rule;
  int most;
  int32_t *first, *cell;
  A *weight, *slope;

  __device__ CellRange operator()(int r, int axis, A lo, A hi, A scale, int n) const {
    const int64_t row = int64_t{r} * 2 + axis;
    int32_t* begin = first + row * (rule.size + 1);
    TapWriter<A> add{cell + row * most, weight + row * most, slope ? slope + row * most * 2 : nullptr, most, 0, 0, {}};
    const bool integral = rule.kind == AxisKind::integral;
    const IntegralAxis whole = rule.integral(lo, hi, scale);
    const SampleAxis<A> sampled = integral ? SampleAxis<A>{} : rule.samples(lo, hi, scale, n);
    for (int b = 0; b < rule.size; ++b) {
      add.begin = add.end;
      store(begin + b, add.begin);
      if (integral)
        integral_taps<A>(whole, b, n, slope != nullptr, add);
      else
        mean_taps(sampled, b, n, slope != nullptr, add);
    }
    store(begin + rule.size, add.end);
    return add.range;
  }
};

// The taps of a bin, as RoITaps has them.
template <class A> struct TapsView {
  const int32_t *first, *cell;
  const A *weight, *slope;
  int size, most;

  struct Bin {
    const int32_t* cell;
    const A *weight, *slope;
    int count;
  };
  __device__ Bin bin(int r, int axis, int b) const {
    const int64_t row = int64_t{r} * 2 + axis;
    const int32_t* at = first + row * (size + 1) + b;
    const int begin = load<int32_t>(at), end = load<int32_t>(at + 1);
    const int64_t k = row * most + begin;
    return {cell + k, weight + k, slope ? slope + 2 * k : nullptr, end - begin};
  }
};
template <class A> TapsView<A> view(const RoITaps& t) {
  return {t.first.device_data<int32_t>(), t.cell.device_data<int32_t>(),         t.weight.device_data<A>(),
          t.slope.device_data<A>(),       static_cast<int>(t.first.size(2)) - 1, static_cast<int>(t.cell.size(2))};
}

// y[r,p,q,c] = Σ_i Σ_j  wy[p,i] · wx[q,j] · x[i,j,c]. A warp a bin: its taps are the same for all lanes, and a cell is read 512 bytes at a
// time.
template <int N, class T> __global__ void filter_forward_kernel(int bins, PlacesView places, TapsView<acc_t<T>> taps, Pyramid<T> x, T* y) {
  using A = acc_t<T>;
  const int bin = static_cast<int>(blockIdx.x) * bin_warps + static_cast<int>(threadIdx.y);
  if (bin >= bins) return;
  const auto [r, p, q] = bin_of(bin, taps.size);
  const Place at = places.place(r);
  typename TapsView<A>::Bin down{}, across{};
  if (at.valid()) down = taps.bin(r, 0, p), across = taps.bin(r, 1, q);
  for (int c = static_cast<int>(threadIdx.x) * N; c < x.channels; c += warp_size * N) {
    A sum[N] = {};
    for (int i = 0; i < down.count; ++i) {
      const T* row = x.cell(at.level, at.image, load<int32_t>(down.cell + i), 0) + c;
      const A wy = load<A>(down.weight + i);
      for (int j = 0; j < across.count; ++j) {
        const A w = wy * load<A>(across.weight + j);
        A v[N];
        load_channels<N>(row + int64_t{load<int32_t>(across.cell + j)} * x.channels, v);
        MR_UNROLL
        for (int k = 0; k < N; ++k) sum[k] = std::fma(w, v[k], sum[k]);
      }
    }
    store_channels<N>(y + int64_t{bin} * x.channels + c, sum);
  }
}

// gx[i,j,c] = Σ_r Σ_q  wx[q,j] · (Σ_p  wy[p,i] · gy[r,p,q,c])
template <class T> struct FilterSource {
  using A = acc_t<T>;
  static constexpr int width = sizeof(A) == 8 ? 2 : 4;
  int size, channels;
  TapsView<A> taps;
  const T* gy;

  MR_HD int weights(int batch) const { return batch * 2 * size * tile_cells; }

  __device__ unsigned touch(const Batch<A>& batch, int slots, int slot, int r, int axis, int b, const Tile& tile) const {
    const auto bin = taps.bin(r, axis, b);
    const int from = axis == 0 ? tile.y : tile.x;
    A w[tile_cells] = {};
    unsigned halves = 0;
    for (int k = 0; k < bin.count; ++k) {
      const int at = load<int32_t>(bin.cell + k) - from;
      if (at < 0 || at >= tile_cells) continue;
      halves |= 1u << (at / part_cells);
      const A here = load<A>(bin.weight + k);
      MR_UNROLL
      for (int i = 0; i < tile_cells; ++i)
        if (i == at) w[i] += here;
    }
    constexpr int each = Batch<A>::width;
    MR_UNROLL
    for (int group = 0; group < tile_cells / each; ++group) {
      Pack<A, each> pack;
      MR_UNROLL
      for (int i = 0; i < each; ++i) pack[i] = w[group * each + i];
      store(batch.weights(slots, group, slot), pack);
    }
    return halves;
  }

  __device__ static void load_weights(const Batch<A>& batch, int slots, int slot, int half, A (&w)[part_cells]) {
    constexpr int each = Batch<A>::width, groups = part_cells / each;
    MR_UNROLL
    for (int group = 0; group < groups; ++group) {
      const auto pack = load<Pack<A, each>>(batch.weights(slots, half * groups + group, slot));
      MR_UNROLL
      for (int i = 0; i < each; ++i) w[group * each + i] = pack[i];
    }
  }

  template <int N> __device__ void add(const Batch<A>& batch, int slots, int hit, int r, const Tile&, Part<A, N>& part) const {
    const int p0 = batch.begin(hit, 0, part.half_y), p1 = batch.end(hit, 0, part.half_y);
    const int q0 = batch.begin(hit, 1, part.half_x), q1 = batch.end(hit, 1, part.half_x);
    if (p0 >= p1) return;
    A w[part_cells];
    for (int q = q0; q < q1; ++q) {
      A share[part_cells][N] = {};
      MR_UNROLL_BY(2)
      for (int p = p0; p < p1; ++p) {
        A g[N];
        load_channels<N>(gy + ((int64_t{r} * size + p) * size + q) * channels + part.c, g);
        load_weights(batch, slots, batch.slot(hit, 0, p), part.half_y, w);
        MR_UNROLL
        for (int i = 0; i < part_cells; ++i) MR_UNROLL
        for (int k = 0; k < N; ++k) share[i][k] = std::fma(w[i], g[k], share[i][k]);
      }
      load_weights(batch, slots, batch.slot(hit, 1, q), part.half_x, w);
      MR_UNROLL
      for (int i = 0; i < part_cells; ++i) MR_UNROLL
      for (int j = 0; j < part_cells; ++j) MR_UNROLL
      for (int k = 0; k < N; ++k) part.sum[i][j][k] = std::fma(w[j], share[i][k], part.sum[i][j][k]);
    }
  }
};

// ∂L/∂x1[r] = Σ_p Σ_q Σ_i Σ_j  wy[p,i] · ∂wx[q,j]/∂x1 · ⟨gy[r,p,q], x[i,j]⟩;  x2, y1, y2 alike. A block a RoI, a warp a bin, lanes along
// the channels, of which each adds up its part of the dot products in f64.
template <int N, class T, class B>
__global__ void filter_boxes_kernel(PlacesView places, TapsView<acc_t<T>> taps, Pyramid<T> x, const T* gy, B* grois) {
  using A = acc_t<T>;
  const int r = static_cast<int>(blockIdx.x);
  const Place at = places.place(r);
  double sum[4] = {};
  for (int bin = static_cast<int>(threadIdx.y); at.valid() && bin < taps.size * taps.size; bin += bin_warps) {
    const auto down = taps.bin(r, 0, bin / taps.size), across = taps.bin(r, 1, bin % taps.size);
    for (int c = static_cast<int>(threadIdx.x) * N; c < x.channels; c += warp_size * N) {
      A g[N];
      load_channels<N>(gy + (int64_t{r} * taps.size * taps.size + bin) * x.channels + c, g);
      for (int i = 0; i < down.count; ++i) {
        const T* row = x.cell(at.level, at.image, load<int32_t>(down.cell + i), 0) + c;
        const A wy = load<A>(down.weight + i);
        const auto sy = load<Pack<A, 2>>(down.slope + 2 * i);
        for (int j = 0; j < across.count; ++j) {
          const A wx = load<A>(across.weight + j);
          const auto sx = load<Pack<A, 2>>(across.slope + 2 * j);
          A v[N];
          load_channels<N>(row + int64_t{load<int32_t>(across.cell + j)} * x.channels, v);
          double dot = 0;
          MR_UNROLL
          for (int k = 0; k < N; ++k) dot += static_cast<double>(g[k] * v[k]);
          sum[0] += dot * static_cast<double>(wy * sx[0]);
          sum[1] += dot * static_cast<double>(sy[0] * wx);
          sum[2] += dot * static_cast<double>(wy * sx[1]);
          sum[3] += dot * static_cast<double>(sy[1] * wx);
        }
      }
    }
  }
  store_box_sums(sum, r, grois);
}

// Taps of the bins of one axis, for a map of n cells: two a sample, and where neighbouring bins meet they read the same cells. A box that
// runs backwards, which adaptive sampling and the integral leave out, may have a cell twice. The last terms are for rounding.
int64_t most_taps(const RoIWork& work, const AxisRule& rule) {
  int64_t n = 0;
  for (const Shape& s : work.maps) n = std::max({n, s[1], s[2]});
  const int64_t samples = rule.most_samples(), bins = work.size;
  return samples > 0 ? std::min(2 * samples * bins, 2 * n + 4 * bins + 2) : n + 3 * bins + 2;
}

RoITaps roi_taps(const RoIWork& work, const AxisRule& rule, bool slopes) {
  const Device device = work.device();
  const DType sums = sum_type(work.dtype);
  const int64_t count = work.count(), most = most_taps(work, rule);
  RoITaps taps;
  taps.first = Tensor::empty({count, 2, work.size + 1}, DType::i32, device);
  taps.cell = Tensor::empty({count, 2, most}, DType::i32, device);
  taps.weight = Tensor::empty({count, 2, most}, sums, device);
  if (slopes) taps.slope = Tensor::empty({count, 2, most, 2}, sums, device);
  taps.places = find_places("roi_taps", work, [&]<class A>(A) {
    return FindTaps<A>{rule,
                       static_cast<int>(most),
                       taps.first.device_data<int32_t>(),
                       taps.cell.device_data<int32_t>(),
                       taps.weight.device_data<A>(),
                       taps.slope.device_data<A>()};
  });
  return taps;
}

void forward(const RoIWork& work, const RoITaps& taps, const std::vector<Tensor>& x, const Tensor& y) {
  if (y.numel() == 0) return;
  const int64_t bins = work.bins();
  dispatch_float(work.dtype, work.op, [&]<class T>(T) {
    with_pack<16 / sizeof(T)>(work.channels(), [&]<int N>(std::integral_constant<int, N>) {
      launch("filter_forward", {(bins + bin_warps - 1) / bin_warps}, {warp_size, bin_warps}, 0, compute_stream(),
             filter_forward_kernel<N, T>, static_cast<int>(bins), view(taps.places), view<acc_t<T>>(taps), pyramid<T>(work, x),
             y.device_data<T>());
    });
  });
}

void backward(const RoIWork& work, const RoITaps& taps, const Tensor& gy, const std::vector<Tensor>& gx) {
  dispatch_float(work.dtype, work.op, [&]<class T>(T) {
    gather<T>("filter_backward", work, taps.places, gx,
              FilterSource<T>{work.size, static_cast<int>(work.channels()), view<acc_t<T>>(taps), gy.device_data<T>()});
  });
}

void box_gradient(const RoIWork& work, const RoITaps& taps, const std::vector<Tensor>& x, const Tensor& gy, const Tensor& grois) {
  if (work.count() == 0) return;
  dispatch_float(work.dtype, work.op, [&]<class T>(T) {
    with_box_type(grois, [&]<class B>(B) {
      with_pack<16 / sizeof(T)>(work.channels(), [&]<int N>(std::integral_constant<int, N>) {
        launch("filter_boxes", {work.count()}, {warp_size, bin_warps}, box_sums_bytes, compute_stream(), filter_boxes_kernel<N, T, B>,
               view(taps.places), view<acc_t<T>>(taps), pyramid<T>(work, x), gy.device_data<T>(), grois.device_data<B>());
      });
    });
  });
}

}  // namespace

Var filter_rois(const char* op, const RoICall& call, const AxisRule& rule) {
  check_roi_shapes(op, call, rule.size);
  const RoIWork work(op, call, rule.size);
  const std::vector<Tensor> x = work.aligned_maps(call);
  const Tensor y = work.output(work.dtype);
  const RoITaps taps = roi_taps(work, rule, false);
  forward(work, taps, x, y);
  const std::vector<Tensor> kept = call.rois.requires_grad() ? x : std::vector<Tensor>();
  return record(op, call.inputs(), y, [=](Grads& g) {
    const RoIGradients found = work.wanted(g);
    const Tensor gy = aligned(g.out());
    backward(work, taps, gy, found.maps);
    if (found.rois.defined()) box_gradient(work, roi_taps(work, rule, true), kept, gy, found.rois);
    give_gradients(g, found, work.dtype);
  });
}

}  // namespace mr::gpu
