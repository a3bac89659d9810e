#include "ops/loss/keypoint_rules.h"
#include "ops/loss/loss_gpu.h"
#include "ops/loss/sum_gpu.h"
#include "tensor/gpu/column_sums.h"

namespace mr::gpu {
namespace {

constexpr int threads = 256, warps = threads / warp_size;
constexpr unsigned all_lanes = 0xffffffffu;

// A thread labels one point.
struct LabelPoint {
  const float* keypoints;  // [R,K,3]
  const float* boxes;      // [R,4]
  int32_t* labels;         // [R,K]
  int64_t K;
  int m;

  __device__ void operator()(int64_t i) const {
    const auto b = load<Pack<float, 4>>(boxes + i / K * 4);
    const float* p = keypoints + 3 * i;
    const int x = cell_of(load<float>(p), b[0], b[2], m), y = cell_of(load<float>(p + 1), b[1], b[3], m);
    store(labels + i, load<float>(p + 2) > 0 && x >= 0 && y >= 0 ? y * m + x : -1);
  }
};

// A block takes the maps of one RoI, whose positions lie K apart: for each the maximum, and from the cache Σ e^(z − maximum).
template <class T> struct MapPartition {
  using Sum = acc_t<T>;
  const T* z;      // [R, positions, K]
  Sum* partition;  // [R,K,2]
  int positions;
  int64_t K;

  template <int N> __device__ void at(const Columns<N, Sum>& columns) const {
    const T* map = z + int64_t{blockIdx.x} * positions * K + columns.c;
    LaneArray<Sum, N> top = {}, sum = {};
    if (columns.inside) top = load_lanes<N>(map);
    for (int p = columns.y; p < positions && columns.inside; p += columns.height) {
      const auto v = load_lanes<N>(map + p * K);
      MR_UNROLL
      for (int k = 0; k < N; ++k) top[k] = max(top[k], v[k]);
    }
    top = columns.largest(top);
    for (int p = columns.y; p < positions && columns.inside; p += columns.height) {
      const auto v = load_lanes<N>(map + p * K);
      MR_UNROLL
      for (int k = 0; k < N; ++k) sum[k] += std::exp(v[k] - top[k]);
    }
    sum = columns.sum(sum);
    if (!columns.leader) return;
    MR_UNROLL
    for (int k = 0; k < N; ++k) store(partition + 2 * (int64_t{blockIdx.x} * K + columns.c + k), Pack<Sum, 2>{{top[k], sum[k]}});
  }
};

template <class T> struct PointTerm {
  using A = acc_t<T>;
  const T* z;
  const A* partition;
  const int32_t* labels;
  int positions;
  int64_t K;

  __device__ A operator()(int64_t i) const {
    const int label = label_at(labels, i, positions);
    if (label < 0) return 0;
    const auto of_map = load<Pack<A, 2>>(partition + 2 * i);
    return std::log(of_map[1]) + (of_map[0] - static_cast<A>(load<T>(z + (i / K * positions + label) * K + i % K)));
  }
};

// A thread makes N points of one position of one RoI.
template <class T> struct PointGradient {
  using A = acc_t<T>;
  PointTerm<T> f;
  LossFactor<A> factor;
  T* gz;

  template <int N> __device__ void at(int row, int c) const {
    const int r = row / f.positions, position = row % f.positions;
    const A scale = factor();
    auto g = load_lanes<N>(f.z + row * f.K + c);
    MR_UNROLL
    for (int k = 0; k < N; ++k) {
      const int64_t i = r * f.K + c + k;
      const int label = label_at(f.labels, i, f.positions);
      const auto of_map = load<Pack<A, 2>>(f.partition + 2 * i);
      g[k] = label < 0 ? 0 : scale * (std::exp(g[k] - of_map[0]) / of_map[1] - (position == label ? 1 : 0));
    }
    store_lanes(gz + row * f.K + c, g);
  }
};

template <class T> PointTerm<T> point_term(const Tensor& z, const Tensor& partition, const Tensor& labels) {
  return {z.device_data<T>(), partition.device_data<acc_t<T>>(), labels.device_data<int32_t>(), static_cast<int>(z.size(1) * z.size(2)),
          z.size(3)};
}

// The largest value found so far; of equals the first in row-major order.
struct Best {
  double score = -INFINITY;
  int64_t at = 0;  // y · row + x
  static constexpr int64_t row = 1 << 20;
  __device__ void offer(double v, int64_t i) {
    if (v > score || (v == score && i < at)) score = v, at = i;
  }
};

// A block resizes the map of one point and finds its largest value. A warp takes every eighth row of pixels: first the row's mean of four
// rows of cells, m numbers in shared memory, then each lane every 32nd pixel of it.
__global__ void __launch_bounds__(threads) keypoint_decode_kernel(const float* z, const float* boxes, float* out, int K, int m) {
  Shared shared;
  const auto lines = shared.array<double>(warps * m), scores = shared.array<double>(warps);
  const auto places = shared.array<int64_t>(warps);
  const int lane = static_cast<int>(threadIdx.x) % warp_size, warp = static_cast<int>(threadIdx.x) / warp_size;
  const int64_t point = int64_t{blockIdx.x}, r = point / K;
  const auto box = load<Pack<float, 4>>(boxes + 4 * r);
  const float* map = z + r * m * m * K + point % K;
  float* to = out + 3 * point;
  const float width = box[2] - box[0], height = box[3] - box[1];
  if (!(std::abs(width) <= 65536) || !(std::abs(height) <= 65536)) {
    if (threadIdx.x < 3) store(to + threadIdx.x, NAN);
    return;
  }
  const KeypointAxis w(width), h(height);
  Best best;
  for (int y = warp; y < static_cast<int>(h.pixels); y += warps) {
    const CubicTaps rows(y, static_cast<int>(h.pixels), m);
    for (int x = lane; x < m; x += warp_size) {
      double v = 0;
      MR_UNROLL
      for (int k = 0; k < 4; ++k) v += rows.weight[k] * static_cast<double>(load<float>(map + (int64_t{rows.cell[k]} * m + x) * K));
      lines[warp * m + x] = v;
    }
    __syncwarp();
    for (int x = lane; x < static_cast<int>(w.pixels); x += warp_size) {
      const CubicTaps columns(x, static_cast<int>(w.pixels), m);
      double v = 0;
      MR_UNROLL
      for (int k = 0; k < 4; ++k) {
        const double cell = lines[warp * m + columns.cell[k]];
        v += columns.weight[k] * cell;
      }
      best.offer(v, y * Best::row + x);
    }
    __syncwarp();
  }
  MR_UNROLL
  for (int d = warp_size / 2; d > 0; d /= 2) {
    const double score = __shfl_xor_sync(all_lanes, best.score, d);
    const int high = __shfl_xor_sync(all_lanes, static_cast<int>(best.at / Best::row), d);
    const int low = __shfl_xor_sync(all_lanes, static_cast<int>(best.at % Best::row), d);
    best.offer(score, high * Best::row + low);
  }
  if (lane == 0) {
    scores[warp] = best.score;
    places[warp] = best.at;
  }
  __syncthreads();
  if (threadIdx.x > 0) return;
  for (int i = 1; i < warps; ++i) {
    const double score = scores[i];
    const int64_t at = places[i];
    best.offer(score, at);
  }
  store(to + 0, w.centre(box[0], static_cast<int>(best.at % Best::row)));
  store(to + 1, h.centre(box[1], static_cast<int>(best.at / Best::row)));
  store(to + 2, static_cast<float>(best.score));
}

}  // namespace

Tensor keypoint_labels(const Tensor& keypoints, const Tensor& boxes, int m) {
  const int64_t R = keypoints.size(0), K = keypoints.size(1);
  const Tensor labels = Tensor::empty({R, K}, DType::i32, boxes.device());
  for_each("keypoint_labels", R * K,
           LabelPoint{keypoints.device_data<float>(), boxes.device_data<float>(), labels.device_data<int32_t>(), K, m});
  return labels;
}

Tensor keypoint_partition(const Tensor& z) {
  const int64_t R = z.size(0), positions = z.size(1) * z.size(2), K = z.size(3);
  return dispatch_float(z.dtype(), "keypoint_partition", [&]<class T>(T) {
    using A = acc_t<T>;
    const Tensor partition = Tensor::empty({R, K, 2}, dtype_of<A>(), z.device());
    const MapPartition<T> f{z.device_data<T>(), partition.device_data<A>(), static_cast<int>(positions), K};
    if (positions > 0) for_columns<T>("keypoint_partition", R, K, f, f.z);
    return partition;
  });
}

Tensor keypoint_loss(const Tensor& z, const Tensor& partition, const Tensor& labels, const Divisor& divisor) {
  return dispatch_float(z.dtype(), "keypoint_loss", [&]<class T>(T) {
    return loss_of<acc_t<T>>("keypoint_loss", labels.numel(), point_term<T>(z, partition, labels), divisor, z.device());
  });
}

void keypoint_loss_backward(const Tensor& z, const Tensor& partition, const Tensor& labels, const Divisor& divisor, const Tensor& gy,
                            const Tensor& gz) {
  dispatch_float(z.dtype(), "keypoint_loss_backward", [&]<class T>(T) {
    const PointGradient<T> f{point_term<T>(z, partition, labels), {gy.device_data<acc_t<T>>(), DivisorThere(divisor)}, gz.device_data<T>()};
    for_channels<T>("keypoint_loss_backward", z.size(0) * z.size(1) * z.size(2), z.size(3), f, f.f.z, f.gz);
  });
}

Tensor keypoint_decode(const Tensor& logits, const Tensor& boxes) {
  const Tensor z = logits.to(DType::f32);
  const int64_t R = z.size(0), m = z.size(1), K = z.size(3);
  const Tensor out = Tensor::empty({R, K, 3}, DType::f32, z.device());
  if (R * K == 0) return out;
  const size_t bytes = SharedSize().array<double>(static_cast<size_t>(warps * m)).array<double>(warps).array<int64_t>(warps).bytes();
  launch("keypoint_decode", {R * K}, {threads}, bytes, compute_stream(), keypoint_decode_kernel, z.device_data<float>(),
         boxes.device_data<float>(), out.device_data<float>(), static_cast<int>(K), static_cast<int>(m));
  return out;
}

}  // namespace mr::gpu
