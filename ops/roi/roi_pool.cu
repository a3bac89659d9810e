// The maximum over the cells of a bin (roi_pool.h).
#include <limits>

#include "ops/roi/roi_gather.h"

namespace mr::gpu {
namespace {

template <class A> struct FindCells {
  int size;
  PoolBins bins;

  __device__ CellRange operator()(int, int, A lo, A hi, A scale, int n) const {
    const PoolAxis axis = pool_axis(lo, hi, scale, bins);
    CellRange all;
    for (int b = 0; b < size; ++b) all = hull(all, pool_bin<A>(axis, b, size, n));
    return all;
  }
};

// y[r,p,q,c] = max of the cells of bin (p, q). A warp a bin; its lanes read neighbouring channels of one cell after the other.
template <int N, class T>
__global__ void pool_forward_kernel(int bins, int size, PoolBins kind, PlacesView places, Pyramid<T> x, T* y, int32_t* arg) {
  using A = acc_t<T>;
  const int bin = static_cast<int>(blockIdx.x) * bin_warps + static_cast<int>(threadIdx.y);
  if (bin >= bins) return;
  const auto [r, p, q] = bin_of(bin, size);
  const Place at = places.place(r);
  const Box box = places.box(r);
  CellRange down, across;
  if (at.valid()) {
    const A scale = A(x.scale[at.level]);
    down = pool_bin<A>(pool_axis(A(box.y1), A(box.y2), scale, kind), p, size, x.h[at.level]);
    across = pool_bin<A>(pool_axis(A(box.x1), A(box.x2), scale, kind), q, size, x.w[at.level]);
  }
  const bool empty = down.begin >= down.end || across.begin >= across.end;
  for (int c = static_cast<int>(threadIdx.x) * N; c < x.channels; c += warp_size * N) {
    RunningMax<A, N> most(empty ? A(0) : std::numeric_limits<A>::lowest());
    for (int i = down.begin; i < down.end; ++i)
      for (int j = across.begin; j < across.end; ++j) {
        A v[N];
        load_channels<N>(x.cell(at.level, at.image, i, j) + c, v);
        most.offer(v, i * x.w[at.level] + j);
      }
    const int64_t out = int64_t{bin} * x.channels + c;
    most.write(y + out, arg ? arg + out : nullptr);
  }
}

// Each value goes to the cell that won.
template <class T> struct PoolSource {
  using A = acc_t<T>;
  static constexpr int width = sizeof(A) == 8 ? 2 : 4;
  int size, channels;
  PoolBins kind;
  PlacesView places;
  const T* gy;
  const int32_t* arg;

  MR_HD int weights(int) const { return 0; }

  __device__ unsigned touch(const Batch<A>&, int, int, int r, int axis, int b, const Tile& tile) const {
    const Box box = places.box(r);
    const CellRange cells =
        pool_bin<A>(pool_axis(A(box.lo(axis)), A(box.hi(axis)), A(tile.scale), kind), b, size, axis == 0 ? tile.h : tile.w);
    return touched_halves(axis == 0 ? tile.y : tile.x, cells.begin, cells.end);
  }

  template <int N> __device__ void add(const Batch<A>& batch, int, int hit, int r, const Tile& tile, Part<A, N>& part) const {
    const int corner = part.y * tile.w + part.x;
    for (int p = batch.begin(hit, 0, part.half_y); p < batch.end(hit, 0, part.half_y); ++p)
      for (int q = batch.begin(hit, 1, part.half_x); q < batch.end(hit, 1, part.half_x); ++q) {
        const int64_t at = ((int64_t{r} * size + p) * size + q) * channels + part.c;
        const auto won = load<Pack<int32_t, N>>(arg + at);
        A g[N];
        load_channels<N>(gy + at, g);
        // A column beyond the map's width would be a cell of the next row: what is summed for it
        // here is not stored.
        MR_UNROLL
        for (int i = 0; i < part_cells; ++i) MR_UNROLL
        for (int j = 0; j < part_cells; ++j) MR_UNROLL
        for (int k = 0; k < N; ++k)
          if (won[k] == corner + i * tile.w + j) part.sum[i][j][k] += g[k];
      }
  }
};

void forward(const RoIWork& work, PoolBins bins, const RoIPlaces& places, const std::vector<Tensor>& x, const Tensor& y,
             const Tensor& arg) {
  if (y.numel() == 0) return;
  const int64_t count = work.bins();
  dispatch_float(work.dtype, work.op, [&]<class T>(T) {
    with_pack<16 / sizeof(acc_t<T>)>(work.channels(), [&]<int N>(std::integral_constant<int, N>) {
      launch("pool_forward", {(count + bin_warps - 1) / bin_warps}, {warp_size, bin_warps}, 0, compute_stream(), pool_forward_kernel<N, T>,
             static_cast<int>(count), work.size, bins, view(places), pyramid<T>(work, x), y.device_data<T>(), arg.device_data<int32_t>());
    });
  });
}

void backward(const RoIWork& work, PoolBins bins, const RoIPlaces& places, const Tensor& gy, const Tensor& arg,
              const std::vector<Tensor>& gx) {
  dispatch_float(work.dtype, work.op, [&]<class T>(T) {
    const PoolSource<T> source{work.size,           static_cast<int>(work.channels()), bins, view(places),
                               gy.device_data<T>(), arg.device_data<int32_t>()};
    gather<T>("pool_backward", work, places, gx, source);
  });
}

}  // namespace

Var pool_rois(const char* op, const RoICall& call, int size, PoolBins bins) {
  check_roi_shapes(op, call, size);
  const RoIWork work(op, call, size);
  const Tensor y = work.output(work.dtype);
  const Tensor arg = needs_grad(call.maps) ? work.output(DType::i32) : Tensor();  // h·W + w of the cell that won, −1: none
  const RoIPlaces places = find_places("pool_places", work, [&]<class A>(A) { return FindCells<A>{size, bins}; });
  forward(work, bins, places, work.aligned_maps(call), y, arg);
  return record(op, call.inputs(), y, [=](Grads& g) {
    const RoIGradients found = work.wanted(g);
    backward(work, bins, places, aligned(g.out()), arg, found.maps);
    give_gradients(g, found, work.dtype);
  });
}

}  // namespace mr::gpu
