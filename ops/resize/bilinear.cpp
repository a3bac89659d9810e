#include "ops/resize/bilinear.h"

#include <memory>

#include "ops/kernel.h"
#include "ops/resize/resize_gpu.h"
#include "ops/resize/taps.h"
#include "tensor/gpu/built.h"

namespace mr {
namespace {

// One axis: what output i reads, and its transpose, what reads pixel p.
struct Axis {
  struct Reader {
    int64_t output;
    double weight;
  };
  std::vector<BilinearTaps> taps;  // [out]
  std::vector<Reader> readers;     // those of pixel p: [begin[p], begin[p + 1])
  std::vector<int64_t> begin;      // [in + 1]
  std::span<const Reader> of(int64_t p) const {
    const auto b = static_cast<size_t>(begin[static_cast<size_t>(p)]), e = static_cast<size_t>(begin[static_cast<size_t>(p) + 1]);
    return {readers.data() + b, e - b};
  }

  Axis(int64_t in, int64_t out) : taps(static_cast<size_t>(out)), begin(static_cast<size_t>(in) + 1) {
    for (int64_t i = 0; i < out; ++i) taps[static_cast<size_t>(i)] = bilinear_taps(i, in, out);
    // Outputs read rising pixels, so one sweep a pixel over the outputs from where the last pixel's readers began suffices.
    size_t from = 0;
    for (int64_t p = 0; p < in; ++p) {
      while (from < taps.size() && taps[from].i1 < p) ++from;
      for (size_t i = from; i < taps.size() && taps[i].i0 <= p; ++i) {
        const double weight = taps[i].weight_of(p);
        if (weight != 0) readers.push_back({static_cast<int64_t>(i), weight});
      }
      begin[static_cast<size_t>(p) + 1] = static_cast<int64_t>(readers.size());
    }
  }
};

struct Grid {
  int64_t N, H, W, C, OH, OW;
  Axis y, x;
};

// Row i of image n.
template <int W, class T> void resize_row(const T* x, T* y, const Grid& g, int64_t n, int64_t i) {
  using A = acc_t<T>;
  const BilinearTaps v = g.y.taps[static_cast<size_t>(i)];
  const int64_t C = g.C;
  const T *r0 = x + (n * g.H + v.i0) * g.W * C, *r1 = x + (n * g.H + v.i1) * g.W * C;
  for (int64_t j = 0; j < g.OW; ++j) {
    const BilinearTaps u = g.x.taps[static_cast<size_t>(j)];
    const A w00 = static_cast<A>((1 - v.l) * (1 - u.l)), w01 = static_cast<A>((1 - v.l) * u.l);
    const A w10 = static_cast<A>(v.l * (1 - u.l)), w11 = static_cast<A>(v.l * u.l);
    const T *x00 = r0 + u.i0 * C, *x01 = r0 + u.i1 * C, *x10 = r1 + u.i0 * C, *x11 = r1 + u.i1 * C;
    T* to = y + j * C;
    for_channels<W>(C, [=]<int L>(Lanes<L>, int64_t c) {
      store<L>(to + c, w00 * load<L>(x00 + c) + w01 * load<L>(x01 + c) + w10 * load<L>(x10 + c) + w11 * load<L>(x11 + c));
    });
  }
}

// Row h of image n of the gradient.
template <int W, class T> void resize_backward_row(const T* gy, T* gx, const Grid& g, int64_t n, int64_t h) {
  using A = acc_t<T>;
  struct Read {
    const T* from;
    A weight;
  };
  std::vector<Read> reads;  // of one pixel: its readers in y × those in x
  const T* image = gy + n * g.OH * g.OW * g.C;
  for (int64_t w = 0; w < g.W; ++w) {
    reads.clear();
    for (const Axis::Reader& v : g.y.of(h))
      for (const Axis::Reader& u : g.x.of(w))
        reads.push_back({image + (v.output * g.OW + u.output) * g.C, static_cast<A>(v.weight * u.weight)});
    const Read *first = reads.data(), *last = first + reads.size();
    T* to = gx + w * g.C;
    for_channels<W>(g.C, [=]<int L>(Lanes<L>, int64_t c) {
      Vec<A, L> sum{};
      for (const Read* r = first; r < last; ++r) sum += r->weight * load<L>(r->from + c);
      store<L>(to + c, sum);
    });
  }
}

void resize(const Tensor& x, const Grid& g, const Tensor& y) {
  dispatch_float(x.dtype(), "resize_bilinear", [&]<class T>(T) {
    const T* from = x.data<T>();
    T* to = y.data<T>();
    parallel_ranges(g.N * g.OH, grain_of(g.OW * g.C * 4), [=, &g](int64_t begin, int64_t end) {
      with_simd([=, &g]<int W>(Lanes<W>) {
        for (int64_t r = begin; r < end; ++r) resize_row<W>(from, to + r * g.OW * g.C, g, r / g.OH, r % g.OH);
      });
    });
  });
}

void resize_backward(const Tensor& gy, const Grid& g, const Tensor& gx) {
  dispatch_float(gx.dtype(), "resize_bilinear", [&]<class T>(T) {
    const T* from = gy.data<T>();
    T* to = gx.data<T>();
    parallel_ranges(g.N * g.H, grain_of(g.OW * g.C * 4), [=, &g](int64_t begin, int64_t end) {
      with_simd([=, &g]<int W>(Lanes<W>) {
        for (int64_t r = begin; r < end; ++r) resize_backward_row<W>(from, to + r * g.W * g.C, g, r / g.H, r % g.H);
      });
    });
  });
}

}  // namespace

Var resize_bilinear(const Var& x, int out_h, int out_w) {
  const Shape shape = x.shape();
  check(shape.rank() == 4, "resize_bilinear: x must be [N,H,W,C], got ", shape);
  check(shape[1] > 0 && shape[2] > 0, "resize_bilinear: the map must have pixels, got ", shape);
  check(out_h > 0 && out_w > 0, "resize_bilinear: the target size must be positive, got ", out_h, " x ", out_w);
  const Tensor y = Tensor::empty({shape[0], out_h, out_w, shape[3]}, x.dtype(), x.value().device());
  if constexpr (gpu::exists) {
    if (x.value().on_gpu()) {
      gpu::resize_bilinear(x.value(), y);
      return record("resize_bilinear", {x}, y, [shape](Grads& grads) {
        const Tensor gx = Tensor::empty(shape, grads.out().dtype(), grads.out().device());
        gpu::resize_bilinear_backward(grads.out(), gx);
        grads.give(0, gx);
      });
    }
  }
  const auto grid = std::make_shared<const Grid>(
      Grid{shape[0], shape[1], shape[2], shape[3], out_h, out_w, Axis(shape[1], out_h), Axis(shape[2], out_w)});
  resize(x.value(), *grid, y);
  return record("resize_bilinear", {x}, y, [grid, shape](Grads& grads) {
    const Tensor gx = Tensor::empty(shape, grads.out().dtype());
    resize_backward(grads.out(), *grid, gx);
    grads.give(0, gx);
  });
}

}  // namespace mr
