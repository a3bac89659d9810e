// What the kernels of the RoI operators share: the maps and the boxes as a kernel sees them, the
// kernel that finds where the boxes lie, and the reduction of the boxes' gradients.
#pragma once

#include <utility>

#include "ops/roi/roi_gpu.h"
#include "ops/roi/roi_grid.h"
#include "tensor/dtype.h"
#include "tensor/gpu/kernel.h"
#include "tensor/tensor_gpu.h"

namespace mr::gpu {

constexpr int most_levels = 8;
constexpr unsigned all_lanes = 0xffffffffu;

// One call, as its backward keeps it.
struct RoIWork {
  const char* op;
  std::vector<Shape> maps;
  std::vector<int> strides;
  DType dtype;
  Tensor rois, levels;  // [R,5]; [R] i32 or undefined
  int size;             // P

  RoIWork(const char* op, const RoICall& call, int size);
  Device device() const { return rois.device(); }
  int64_t count() const { return rois.size(0); }
  int64_t bins() const { return count() * size * size; }
  int64_t images() const { return maps[0][0]; }
  int64_t channels() const { return maps[0][3]; }
  std::vector<Tensor> aligned_maps(const RoICall& call) const {
    std::vector<Tensor> all = call.values();
    for (Tensor& t : all) t = aligned(t);
    return all;
  }
  Tensor output(DType type) const { return Tensor::empty({count(), size, size, channels()}, type, device()); }
  RoIGradients wanted(const Grads& g) const {
    return wanted_gradients(g, maps, rois, [this](const Shape& s) { return Tensor::empty(s, dtype, device()); });
  }
};

// Where the boxes lie.
struct RoIPlaces {
  Tensor corner;  // [R,4] f64: x1 y1 x2 y2, pixels
  Tensor cells;   // [R,8] i32: level (−1: not a valid RoI), image, rows [y0, y1) and columns [x0, x1) of the map that it reads, 0, 0
};

// The maps of a pyramid, [N,H,W,C] each: a parameter of a kernel.
template <class T> struct Pyramid {
  T* data[most_levels] = {};  // null: not wanted
  int h[most_levels] = {}, w[most_levels] = {};
  double scale[most_levels] = {};  // 1 / stride
  int depth = 0, images = 0, channels = 0;

  // Element (image, y, x, 0).
  __device__ T* cell(int level, int image, int y, int x) const {
    return data[level] + ((int64_t{image} * h[level] + y) * w[level] + x) * channels;
  }
};

template <class T> Pyramid<T> pyramid(const RoIWork& work, const std::vector<Tensor>& maps) {
  Pyramid<T> all;
  all.depth = static_cast<int>(work.maps.size());
  all.images = static_cast<int>(work.images());
  all.channels = static_cast<int>(work.channels());
  for (int l = 0; l < all.depth; ++l) {
    all.data[l] = maps.empty() ? nullptr : maps[l].device_data<T>();
    all.h[l] = static_cast<int>(work.maps[l][1]);
    all.w[l] = static_cast<int>(work.maps[l][2]);
    all.scale[l] = 1.0 / work.strides[l];
  }
  return all;
}

// A row of RoIPlaces.
struct Place {
  int level, image;
  int begin[2], end[2];  // of the rows, of the columns
  MR_HD bool valid() const { return level >= 0; }
};
struct Box {
  double x1, y1, x2, y2;
  MR_HD double lo(int axis) const { return axis == 0 ? y1 : x1; }
  MR_HD double hi(int axis) const { return axis == 0 ? y2 : x2; }
};
struct PlacesView {
  const double* corner;
  const int32_t* cells;

  __device__ Place place(int r) const {
    const auto a = load<Pack<int32_t, 4>>(cells + int64_t{r} * 8), b = load<Pack<int32_t, 4>>(cells + int64_t{r} * 8 + 4);
    return {a[0], a[1], {a[2], b[0]}, {a[3], b[1]}};
  }
  __device__ Box box(int r) const {
    const auto a = load<Pack<double, 2>>(corner + int64_t{r} * 4), b = load<Pack<double, 2>>(corner + int64_t{r} * 4 + 2);
    return {a[0], a[1], b[0], b[1]};
  }
};
inline PlacesView view(const RoIPlaces& p) { return {p.corner.device_data<double>(), p.cells.device_data<int32_t>()}; }

// A thread an axis of a RoI. find(r, axis, lo, hi, scale, n) gives the cells of that axis that the
// RoI reads; it may keep more for itself.
template <class A, class B, class T, class Find>
__global__ void places_kernel(int count, const B* rois, const int32_t* levels, Pyramid<T> maps, double* corner, int32_t* cells, Find find) {
  const int at = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x), r = at / 2, axis = at % 2;
  if (r >= count) return;
  B row[5];
  MR_UNROLL
  for (int k = 0; k < 5; ++k) row[k] = load<B>(rois + int64_t{r} * 5 + k);
  const int level = levels ? load<int32_t>(levels + r) : 0;
  const bool valid = !invalid_roi(row, level, maps.images, maps.depth).any();
  CellRange range;
  if (valid) {
    const int n = axis == 0 ? maps.h[level] : maps.w[level];
    const A lo = axis == 0 ? A(row[2]) : A(row[1]), hi = axis == 0 ? A(row[4]) : A(row[3]);
    range = find(r, axis, lo, hi, A(maps.scale[level]), n);
  }
  // Down: level, image, y0, y1 and x1, y1.  Across: x0, x1, 0, 0 and x2, y2.
  const int begin = range.begin, end = range.end;
  if (axis == 0)
    store(cells + int64_t{r} * 8, Pack<int32_t, 4>{{valid ? level : -1, valid ? static_cast<int>(row[0]) : -1, begin, end}});
  else
    store(cells + int64_t{r} * 8 + 4, Pack<int32_t, 4>{{begin, end, 0, 0}});
  const double x = axis == 0 ? row[1] : row[3], y = axis == 0 ? row[2] : row[4];
  store(corner + int64_t{r} * 4 + 2 * axis, Pack<double, 2>{{x, y}});
}

// f(a value of the boxes' type).
template <class F> void with_box_type(const Tensor& rois, F&& f) {
  if (rois.dtype() == DType::f64)
    f(double{});
  else
    f(float{});
}

// make(A{}) gives the Find of the type that the maps are computed in.
template <class Make> RoIPlaces find_places(const char* name, const RoIWork& work, const Make& make) {
  const RoIPlaces places{Tensor::empty({work.count(), 4}, DType::f64, work.device()),
                         Tensor::empty({work.count(), 8}, DType::i32, work.device())};
  if (work.count() == 0) return places;
  const auto queue = [&]<class A, class B>(A, B) {
    constexpr int64_t threads = 128;
    const auto find = make(A{});
    launch(name, {(2 * work.count() + threads - 1) / threads}, {threads}, 0, compute_stream(),
           places_kernel<A, B, A, std::remove_const_t<decltype(find)>>, static_cast<int>(work.count()), work.rois.device_data<B>(),
           work.levels.device_data<int32_t>(), pyramid<A>(work, {}), places.corner.device_data<double>(),
           places.cells.device_data<int32_t>(), find);
  };
  if (work.dtype != DType::f64)
    queue(float{}, float{});
  else
    with_box_type(work.rois, [&]<class B>(B) { queue(double{}, B{}); });
  return places;
}

// The most channels that a thread moves at once: `width` of 16 bytes,
// or one where that does not divide their number.
// f(std::integral_constant<int, N>{}).
template <int width, class F> void with_pack(int64_t channels, F&& f) {
  if (channels % width == 0)
    f(std::integral_constant<int, width>{});
  else
    f(std::integral_constant<int, 1>{});
}

// N neighbouring channels, in the type that they are summed in.
template <int N, class T> __device__ void load_channels(const T* p, acc_t<T> (&v)[N]) {
  const auto pack = load<Pack<T, N>>(p);
  MR_UNROLL
  for (int k = 0; k < N; ++k) v[k] = static_cast<acc_t<T>>(pack[k]);
}
template <int N, class T> __device__ void store_channels(T* p, const acc_t<T> (&v)[N]) {
  Pack<T, N> pack;
  MR_UNROLL
  for (int k = 0; k < N; ++k) pack[k] = T(v[k]);
  store(p, pack);
}

// Where bins are made: a warp a bin, neighbouring lanes neighbouring channels;
// `bin_warps` bins a block.
constexpr int bin_warps = 8;
struct Bin {
  int r, p, q;
};
__device__ inline Bin bin_of(int bin, int size) { return {bin / size / size, bin / size % size, bin % size}; }

// N running maxima and where they were found. Strict >: the first of equals stays, NaN never wins.
template <class A, int N> struct RunningMax {
  A best[N];
  int32_t at[N];

  __device__ explicit RunningMax(A lowest) {
    MR_UNROLL
    for (int k = 0; k < N; ++k) best[k] = lowest, at[k] = -1;
  }
  __device__ void offer(const A (&v)[N], int32_t where) {
    MR_UNROLL
    for (int k = 0; k < N; ++k)
      if (v[k] > best[k]) best[k] = v[k], at[k] = where;
  }
  template <class T> __device__ void write(T* y, int32_t* arg) const {
    store_channels<N>(y, best);
    if (!arg) return;
    Pack<int32_t, N> pack;
    MR_UNROLL
    for (int k = 0; k < N; ++k) pack[k] = at[k];
    store(arg, pack);
  }
};

// The boxes' gradients: a block a RoI, its warps take the bins in turn and its lanes the channels.
// `sum` holds what a thread found, in the order x1, y1, x2, y2; the block's sum, in a fixed order,
// goes to grois [R,5].
template <class B> __device__ void store_box_sums(double (&sum)[4], int r, B* grois) {
  Shared shared;
  const auto of_warp = shared.array<double>(4 * bin_warps);
  const int lane = static_cast<int>(threadIdx.x), warp = static_cast<int>(threadIdx.y);
  MR_UNROLL
  for (int k = 0; k < 4; ++k) {
    for (int d = warp_size / 2; d > 0; d /= 2) sum[k] += __shfl_down_sync(all_lanes, sum[k], d);
    if (lane == 0) of_warp[warp * 4 + k] = sum[k];
  }
  __syncthreads();
  if (warp > 0 || lane > 4) return;
  double total = 0;
  if (lane > 0)
    for (int k = 0; k < bin_warps; ++k) total += of_warp[k * 4 + lane - 1];
  store(grois + int64_t{r} * 5 + lane, B(total));
}
constexpr size_t box_sums_bytes = SharedSize().array<double>(4 * bin_warps).bytes();

}  // namespace mr::gpu
