#include "ops/roi/roi_pool.h"

#include <algorithm>
#include <limits>
#include <memory>

#include "ops/roi/lanes.h"
#include "ops/roi/roi_gpu.h"
#include "ops/roi/roi_grid.h"
#include "ops/roi/roi_inputs.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

// One RoI.
template <class T> struct PoolForward {
  using A = acc_t<T>;
  const T* x;    // the map, [H,W,C]
  T* y;          // [P,P,C]
  int32_t* arg;  // [P,P,C], h·W + w of the maximum; may be null
  int h, w, size;
  int64_t channels;
  PoolAxis rows, columns;

  template <int W> void operator()(Lanes<W>) const {
    for (int p = 0; p < size; ++p)
      for (int q = 0; q < size; ++q)
        bin<W>(pool_bin<A>(rows, p, size, h), pool_bin<A>(columns, q, size, w), (int64_t{p} * size + q) * channels);
  }

  template <int W> void bin(CellRange down, CellRange across, int64_t out) const {
    const bool empty = down.begin >= down.end || across.begin >= across.end;
    for_channel_groups<W, 4>(channels, [&]<int L, int K>(Lanes<L>, Group<K>, int64_t c) {
      using Index = typename ArgMax<A, L>::Index;
      ArgMax<A, L> m[K];
      for (int v = 0; v < K; ++v) m[v].start(empty ? A(0) : std::numeric_limits<A>::lowest());
      for (int i = down.begin; i < down.end; ++i) {
        const T* cell = x + (int64_t{i} * w + across.begin) * channels + c;
        Vec<Index, L> at = splat<L>(static_cast<Index>(i) * static_cast<Index>(w) + across.begin);
        for (int j = across.begin; j < across.end; ++j, cell += channels, at += 1)
          for (int v = 0; v < K; ++v) m[v].offer(load<L>(cell + v * L), at);
      }
      for (int v = 0; v < K; ++v) {
        store<L>(y + out + c + v * L, m[v].best);
        if (arg) m[v].store_at(arg + out + c + v * L);
      }
    });
  }
};

template <class T>
void pool_forward(const RoIInputs& in, const std::vector<Tensor>& maps, const RoIPoolOptions& o, const Tensor& y, const Tensor& arg) {
  using A = acc_t<T>;
  const int size = o.size;
  parallel_for(in.count(), 8, [&](int64_t k) {
    const int64_t r = in.order[k], out = r * size * size * in.channels;
    const PlacedRoI& roi = in.rois[r];
    const RoIMap& m = in.maps[roi.map];
    with_simd(PoolForward<T>{in.slab<T>(maps, roi.map), y.data<T>() + out, arg.defined() ? arg.data<int32_t>() + out : nullptr, m.h, m.w,
                             size, in.channels, pool_axis(A(roi.y1), A(roi.y2), A(m.scale), o.bins),
                             pool_axis(A(roi.x1), A(roi.x2), A(m.scale), o.bins)});
  });
}

// gx[argmax] += gy. The owner of a block of channels goes through the RoIs in a fixed order; eight channels are eight different
// places, so that eight loads are under way before the first store.
template <class T> void pool_backward(const RoIInputs& in, int size, const Tensor& gy, const Tensor& arg, const std::vector<Tensor>& gx) {
  using A = acc_t<T>;
  const int64_t channels = in.channels, block = owner_channels(channels);
  parallel_for((channels + block - 1) / block, 1, [&](int64_t b) {
    const int64_t c0 = b * block, c1 = std::min(channels, c0 + block);
    for (const int64_t r : in.order) {
      const int map = in.rois[r].map;
      if (!gx[in.maps[map].level].defined()) continue;
      A* out = in.slab<A>(gx, map);
      for (int bin = 0; bin < size * size; ++bin) {
        const int64_t at = (r * size * size + bin) * channels;
        const int32_t* cell = arg.data<int32_t>() + at;
        const T* g = gy.data<T>() + at;
        int64_t c = c0;
        for (; c + 8 <= c1; c += 8) {
          int32_t any = 0;
          for (int k = 0; k < 8; ++k) any |= cell[c + k];
          if (any < 0) {  // an empty bin, or one of NaN alone
            for (int64_t k = c; k < c + 8; ++k)
              if (cell[k] >= 0) out[cell[k] * channels + k] += static_cast<A>(g[k]);
            continue;
          }
          A sum[8];
          for (int k = 0; k < 8; ++k) sum[k] = out[cell[c + k] * channels + c + k] + static_cast<A>(g[c + k]);
          for (int k = 0; k < 8; ++k) out[cell[c + k] * channels + c + k] = sum[k];
        }
        for (; c < c1; ++c)
          if (cell[c] >= 0) out[cell[c] * channels + c] += static_cast<A>(g[c]);
      }
    }
  });
}

}  // namespace

Var roi_pool(const std::vector<Var>& maps, const std::vector<int>& strides, const Tensor& rois, const Tensor& levels,
             const RoIPoolOptions& o) {
  const Var boxes(rois);
  const RoICall call{maps, strides, boxes, levels};
  if constexpr (gpu::exists) {
    if (call.on_gpu()) return gpu::pool_rois("roi_pool", call, o.size, o.bins);
  }
  const auto in = std::make_shared<const RoIInputs>(check_roi_inputs("roi_pool", call, o.size));
  const Tensor y = Tensor::empty({in->count(), o.size, o.size, in->channels}, in->dtype);
  const Tensor arg = needs_grad(maps) ? Tensor::empty(y.shape(), DType::i32) : Tensor();
  const std::vector<Tensor> x = call.values();
  dispatch_float(in->dtype, "roi_pool", [&]<class T>(T) { pool_forward<T>(*in, x, o, y, arg); });
  std::vector<Shape> shapes;
  for (const Tensor& t : x) shapes.push_back(t.shape());
  return record("roi_pool", call.inputs(), y, [=](Grads& g) {
    const RoIGradients found = wanted_gradients(g, shapes, rois, [&](const Shape& s) { return Tensor::zeros(s, sum_type(in->dtype)); });
    dispatch_float(in->dtype, "roi_pool", [&]<class T>(T) { pool_backward<T>(*in, o.size, g.out(), arg, found.maps); });
    give_gradients(g, found, in->dtype);
  });
}

}  // namespace mr
