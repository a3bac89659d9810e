#include "ops/roi/roi_pool.h"

#include <algorithm>
#include <limits>
#include <memory>

#include "ops/roi/lanes.h"
#include "ops/roi/roi_grid.h"
#include "ops/roi/roi_inputs.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

template <class T> struct PoolForwardBin {
  using A = acc_t<T>;
  const T* x;    // the map, [H,W,C]
  T* y;          // [C]
  int32_t* arg;  // [C], y·W + x of the maximum; may be null
  int64_t map_w, channels;
  CellRange rows, columns;

  template <int W> void operator()(Lanes<W>) const {
    const bool empty = rows.begin >= rows.end || columns.begin >= columns.end;
    for_channel_groups<W, 4>(channels, [&]<int L, int K>(Lanes<L>, std::integral_constant<int, K>, int64_t c) {
      ArgMax<A, L> m[K];
      for (int v = 0; v < K; ++v) m[v].start(empty ? A(0) : std::numeric_limits<A>::lowest());
      for (int h = rows.begin; h < rows.end; ++h) {
        const T* row = x + h * map_w * channels + c;
        for (int w = columns.begin; w < columns.end; ++w)
          for (int v = 0; v < K; ++v) m[v].offer(load<L>(row + w * channels + v * L), static_cast<int32_t>(h * map_w + w));
      }
      for (int v = 0; v < K; ++v) {
        store<L>(y + c + v * L, m[v].best);
        if (arg) m[v].store_at(arg + c + v * L);
      }
    });
  }
};

template <class T> void pool_forward(const RoIInputs& in, const std::vector<Tensor>& maps, int size, Tensor y, Tensor arg) {
  using A = acc_t<T>;
  parallel_for(in.count(), 4, [&](int64_t k) {
    const int64_t r = in.order[static_cast<size_t>(k)];
    const PlacedRoI& roi = in.rois[static_cast<size_t>(r)];
    const RoIMap& m = in.maps[static_cast<size_t>(roi.map)];
    const PoolAxis ay = pool_axis(A(roi.y1), A(roi.y2), A(m.scale)), ax = pool_axis(A(roi.x1), A(roi.x2), A(m.scale));
    for (int p = 0; p < size; ++p)
      for (int q = 0; q < size; ++q) {
        const int64_t at = ((r * size + p) * size + q) * in.channels;
        with_simd(PoolForwardBin<T>{in.slab<T>(maps, roi.map), y.data<T>() + at, arg.defined() ? arg.data<int32_t>() + at : nullptr, m.w,
                                    in.channels, pool_bin<A>(ay, p, size, m.h), pool_bin<A>(ax, q, size, m.w)});
      }
  });
}

// The owner of a block of channels goes through the RoIs in order: gx[argmax] += gy.
template <class T> void pool_backward(const RoIInputs& in, int size, const Tensor& gy, const Tensor& arg, const std::vector<Tensor>& gx) {
  using A = acc_t<T>;
  constexpr int64_t block = 32;
  parallel_for((in.channels + block - 1) / block, 1, [&](int64_t b) {
    const int64_t c0 = b * block, c1 = std::min(in.channels, c0 + block);
    for (int64_t r = 0; r < in.count(); ++r) {
      const int map = in.rois[static_cast<size_t>(r)].map;
      if (!gx[static_cast<size_t>(in.maps[static_cast<size_t>(map)].level)].defined()) continue;
      A* out = in.slab<A>(gx, map);
      for (int bin = 0; bin < size * size; ++bin) {
        const int64_t at = (r * size * size + bin) * in.channels;
        const int32_t* cell = arg.data<int32_t>() + at;
        const T* g = gy.data<T>() + at;
        for (int64_t c = c0; c < c1; ++c)
          if (cell[c] >= 0) out[cell[c] * in.channels + c] += static_cast<A>(g[c]);
      }
    }
  });
}

}  // namespace

void RoIPoolOptions::visit(OptionVisitor& v) const { v.field("size", size); }

Var roi_pool(const std::vector<Var>& maps, const std::vector<int>& strides, const Tensor& rois, const Tensor& levels,
             const RoIPoolOptions& o) {
  const auto in = std::make_shared<const RoIInputs>(check_roi_inputs("roi_pool", maps, strides, rois, levels, o.size));
  const Tensor y = Tensor::empty({in->count(), o.size, o.size, in->channels}, in->dtype);
  const Tensor arg = needs_grad(maps) ? Tensor::empty(y.shape(), DType::i32) : Tensor();
  std::vector<Tensor> x;
  std::vector<Shape> shapes;
  for (const Var& m : maps) {
    x.push_back(m.value());
    shapes.push_back(m.shape());
  }
  dispatch_float(in->dtype, "roi_pool", [&]<class T>(T) { pool_forward<T>(*in, x, o.size, y, arg); });
  return record("roi_pool", o, maps, y, [in, o, arg, shapes](Grads& g) {
    dispatch_float(in->dtype, "roi_pool", [&]<class T>(T) {
      std::vector<Tensor> gx(shapes.size());
      for (size_t l = 0; l < shapes.size(); ++l)
        if (g.needs(static_cast<int>(l))) gx[l] = Tensor::zeros(shapes[l], dtype_of<acc_t<T>>());
      pool_backward<T>(*in, o.size, g.out(), arg, gx);
      for (size_t l = 0; l < shapes.size(); ++l)
        if (gx[l].defined()) g.give(static_cast<int>(l), gx[l].to(in->dtype));
    });
  });
}

}  // namespace mr
