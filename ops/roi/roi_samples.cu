// The maximum over the samples of a bin (roi_samples.h).
#include <limits>

#include "ops/roi/roi_gather.h"

namespace mr::gpu {
namespace {

// The samples of a bin on both axes.
template <class A> struct Samples {
  SampleAxis<A> y, x;
  int h, w;

  __device__ Samples(const AxisRule& rule, const Box& box, A scale, int h_, int w_)
      : y(rule.samples(A(box.y1), A(box.y2), scale, h_)), x(rule.samples(A(box.x1), A(box.x2), scale, w_)), h(h_), w(w_) {}
  __device__ Tap<A> down(int p, int j) const { return bilinear_tap(y.position(p, j), h, y.margin); }
  __device__ Tap<A> across(int q, int i) const { return bilinear_tap(x.position(q, i), w, x.margin); }
};

// The cells that the samples of bin b read.
template <class A> __device__ CellRange cells_of_bin(const SampleAxis<A>& axis, int b, int n) {
  const InsideSamples in = inside_samples(axis, b, n);
  if (in.count == 0) return {};
  const Tap<A> one = bilinear_tap(axis.position(b, in.first), n, axis.margin),
               other = bilinear_tap(axis.position(b, in.first + in.count - 1), n, axis.margin);
  return {min(one.low, other.low), max(one.high, other.high) + 1};
}

template <class A> struct FindSamples {
  AxisRule rule;

  __device__ CellRange operator()(int, int, A lo, A hi, A scale, int n) const {
    const SampleAxis<A> axis = rule.samples(lo, hi, scale, n);
    CellRange all;
    for (int b = 0; b < rule.size; ++b) all = hull(all, cells_of_bin(axis, b, n));
    return all;
  }
};

// The four cells of a sample, N channels of each:  v[cell][channel].
template <int N, class T> __device__ void load_corners(const Pyramid<T>& x, const Place& at, const Tap<acc_t<T>>& ty,
                                                       const Tap<acc_t<T>>& tx, int c, acc_t<T> (&v)[4][N]) {
  load_channels<N>(x.cell(at.level, at.image, ty.low, tx.low) + c, v[0]);
  load_channels<N>(x.cell(at.level, at.image, ty.low, tx.high) + c, v[1]);
  load_channels<N>(x.cell(at.level, at.image, ty.high, tx.low) + c, v[2]);
  load_channels<N>(x.cell(at.level, at.image, ty.high, tx.high) + c, v[3]);
}

// y[r,p,q,c] = max_j,i v_c(u_j, u_i). A warp a bin, as in the mean.
template <int N, class T>
__global__ void maximum_forward_kernel(int bins, AxisRule rule, PlacesView places, Pyramid<T> x, T* y, int32_t* arg) {
  using A = acc_t<T>;
  const int bin = static_cast<int>(blockIdx.x) * bin_warps + static_cast<int>(threadIdx.y);
  if (bin >= bins) return;
  const auto [r, p, q] = bin_of(bin, rule.size);
  const Place at = places.place(r);
  const int level = at.valid() ? at.level : 0;
  const Samples<A> samples(rule, places.box(r), A(x.scale[level]), x.h[level], x.w[level]);
  InsideSamples down, across;
  if (at.valid()) down = inside_samples(samples.y, p, samples.h), across = inside_samples(samples.x, q, samples.w);
  // A sample that reads nothing is worth 0; so is a bin without samples.
  const int64_t inside = int64_t{down.count} * across.count;
  const bool zero = inside == 0 || inside < int64_t{samples.y.samples} * samples.x.samples;
  for (int c = static_cast<int>(threadIdx.x) * N; c < x.channels; c += warp_size * N) {
    RunningMax<A, N> most(zero ? A(0) : std::numeric_limits<A>::lowest());
    for (int j = 0, number = 0; j < down.count; ++j) {
      const Tap<A> ty = samples.down(p, down.first + j);
      for (int i = 0; i < across.count; ++i, ++number) {
        const Tap<A> tx = samples.across(q, across.first + i);
        A weight[4], v[4][N], value[N];
        corner_weights(ty, tx, weight);
        load_corners<N>(x, at, ty, tx, c, v);
        MR_UNROLL
        for (int k = 0; k < N; ++k)
          value[k] = std::fma(weight[3], v[3][k], std::fma(weight[2], v[2][k], std::fma(weight[1], v[1][k], weight[0] * v[0][k])));
        most.offer(value, number);
      }
    }
    const int64_t out = int64_t{bin} * x.channels + c;
    most.write(y + out, arg ? arg + out : nullptr);
  }
}

// Each value goes to the four cells of the sample that won. A thread adds it to those of them that
// lie in its part of the tile.
template <class T> struct MaximumSource {
  using A = acc_t<T>;
  static constexpr int width = 2;  // with the samples' positions, the registers do not hold the sums of 4 channels
  int size, channels;
  AxisRule rule;
  PlacesView places;
  const T* gy;
  const int32_t* arg;

  MR_HD int weights(int) const { return 0; }

  __device__ unsigned touch(const Batch<A>&, int, int, int r, int axis, int b, const Tile& tile) const {
    const Box box = places.box(r);
    const int n = axis == 0 ? tile.h : tile.w;
    const SampleAxis<A> samples = rule.samples(A(box.lo(axis)), A(box.hi(axis)), A(tile.scale), n);
    const CellRange cells = cells_of_bin(samples, b, n);
    return touched_halves(axis == 0 ? tile.y : tile.x, cells.begin, cells.end);
  }

  template <int N> __device__ void add(const Batch<A>& batch, int, int hit, int r, const Tile& tile, Part<A, N>& part) const {
    const Samples<A> samples(rule, places.box(r), A(tile.scale), tile.h, tile.w);
    for (int p = batch.begin(hit, 0, part.half_y); p < batch.end(hit, 0, part.half_y); ++p) {
      const int first_y = inside_samples(samples.y, p, tile.h).first;
      for (int q = batch.begin(hit, 1, part.half_x); q < batch.end(hit, 1, part.half_x); ++q) {
        const InsideSamples across = inside_samples(samples.x, q, tile.w);
        const int64_t at = ((int64_t{r} * size + p) * size + q) * channels + part.c;
        const auto won = load<Pack<int32_t, N>>(arg + at);
        A g[N];
        load_channels<N>(gy + at, g);
        MR_UNROLL
        for (int k = 0; k < N; ++k) {
          if (won[k] < 0) continue;
          const Tap<A> ty = samples.down(p, first_y + won[k] / across.count), tx = samples.across(q, across.first + won[k] % across.count);
          MR_UNROLL
          for (int i = 0; i < part_cells; ++i) MR_UNROLL
          for (int j = 0; j < part_cells; ++j)
            part.sum[i][j][k] = std::fma(ty.weight(part.y + i) * tx.weight(part.x + j), g[k], part.sum[i][j][k]);
        }
      }
    }
  }
};

// How the winner's value changes with its position, times how that moves with the box. A block a RoI, a warp a bin, lanes the channels.
template <class T, class B>
__global__ void maximum_boxes_kernel(AxisRule rule, PlacesView places, Pyramid<T> x, const T* gy, const int32_t* arg, B* grois) {
  using A = acc_t<T>;
  const int r = static_cast<int>(blockIdx.x), size = rule.size;
  const Place at = places.place(r);
  const int level = at.valid() ? at.level : 0;
  const Samples<A> samples(rule, places.box(r), A(x.scale[level]), x.h[level], x.w[level]);
  double sum[4] = {};
  for (int bin = static_cast<int>(threadIdx.y); at.valid() && bin < size * size; bin += bin_warps) {
    const int p = bin / size, q = bin % size;
    const int first_y = inside_samples(samples.y, p, samples.h).first;
    const InsideSamples across = inside_samples(samples.x, q, samples.w);
    for (int c = static_cast<int>(threadIdx.x); c < x.channels; c += warp_size) {
      const int64_t out = (int64_t{r} * size * size + bin) * x.channels + c;
      const int won = load<int32_t>(arg + out);
      if (won < 0) continue;
      const int j = first_y + won / across.count, i = across.first + won % across.count;
      const Tap<A> ty = samples.down(p, j), tx = samples.across(q, i);
      const Slope<A> sy = samples.y.slope(p, j), sx = samples.x.slope(q, i);
      A corner[4][1], g[1];
      load_corners<1>(x, at, ty, tx, c, corner);
      load_channels<1>(gy + out, g);
      const A v[4] = {corner[0][0], corner[1][0], corner[2][0], corner[3][0]};
      const A along_x = slope_across(ty, tx, v, g[0]), along_y = slope_down(ty, tx, v, g[0]);
      sum[0] += static_cast<double>(along_x * sx.lo);
      sum[1] += static_cast<double>(along_y * sy.lo);
      sum[2] += static_cast<double>(along_x * sx.hi);
      sum[3] += static_cast<double>(along_y * sy.hi);
    }
  }
  store_box_sums(sum, r, grois);
}

void forward(const RoIWork& work, const AxisRule& rule, const RoIPlaces& places, const std::vector<Tensor>& x, const Tensor& y,
             const Tensor& arg) {
  if (y.numel() == 0) return;
  const int64_t bins = work.bins();
  dispatch_float(work.dtype, work.op, [&]<class T>(T) {
    with_pack<16 / sizeof(acc_t<T>)>(work.channels(), [&]<int N>(std::integral_constant<int, N>) {
      launch("maximum_forward", {(bins + bin_warps - 1) / bin_warps}, {warp_size, bin_warps}, 0, compute_stream(),
             maximum_forward_kernel<N, T>, static_cast<int>(bins), rule, view(places), pyramid<T>(work, x), y.device_data<T>(),
             arg.device_data<int32_t>());
    });
  });
}

void backward(const RoIWork& work, const AxisRule& rule, const RoIPlaces& places, const Tensor& gy, const Tensor& arg,
              const std::vector<Tensor>& gx) {
  dispatch_float(work.dtype, work.op, [&]<class T>(T) {
    const MaximumSource<T> source{work.size,           static_cast<int>(work.channels()), rule, view(places),
                                  gy.device_data<T>(), arg.device_data<int32_t>()};
    gather<T>("maximum_backward", work, places, gx, source);
  });
}

void box_gradient(const RoIWork& work, const AxisRule& rule, const RoIPlaces& places, const std::vector<Tensor>& x, const Tensor& gy,
                  const Tensor& arg, const Tensor& grois) {
  if (work.count() == 0) return;
  dispatch_float(work.dtype, work.op, [&]<class T>(T) {
    with_box_type(grois, [&]<class B>(B) {
      launch("maximum_boxes", {work.count()}, {warp_size, bin_warps}, box_sums_bytes, compute_stream(), maximum_boxes_kernel<T, B>, rule,
             view(places), pyramid<T>(work, x), gy.device_data<T>(), arg.device_data<int32_t>(), grois.device_data<B>());
    });
  });
}

}  // namespace

Var maximum_rois(const char* op, const RoICall& call, const AxisRule& rule) {
  check_roi_shapes(op, call, rule.size);
  const RoIWork work(op, call, rule.size);
  const std::vector<Tensor> x = work.aligned_maps(call);
  const Tensor y = work.output(work.dtype);
  // Which of the samples that read something won, −1: none.
  const Tensor arg = needs_grad(call.inputs()) ? work.output(DType::i32) : Tensor();
  const RoIPlaces places = find_places("maximum_places", work, [&]<class A>(A) { return FindSamples<A>{rule}; });
  forward(work, rule, places, x, y, arg);
  const std::vector<Tensor> kept = call.rois.requires_grad() ? x : std::vector<Tensor>();
  return record(op, call.inputs(), y, [=](Grads& g) {
    const RoIGradients found = work.wanted(g);
    const Tensor gy = aligned(g.out());
    backward(work, rule, places, gy, arg, found.maps);
    if (found.rois.defined()) box_gradient(work, rule, places, kept, gy, arg, found.rois);
    give_gradients(g, found, work.dtype);
  });
}

}  // namespace mr::gpu
