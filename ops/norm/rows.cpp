#include "ops/norm/rows.h"

#include "ops/kernel.h"

namespace mr {
namespace {

// Rows of a block: so many that a block stays in the cache for its second reading. Fixed by the shape alone.
int64_t block_rows(int64_t channels) { return std::clamp<int64_t>(16384 / std::max<int64_t>(1, channels), 16, 256); }

template <class A> std::vector<A> as(const std::vector<double>& v) { return std::vector<A>(v.begin(), v.end()); }

// Runs f(block, segment, first row, rows) for every block, then join(segment, channel, block) over the blocks of each in order.
struct Blocks {
  NormRows r;
  int64_t rows = block_rows(r.channels), count = (r.rows + rows - 1) / rows;  // of a segment

  template <class F> void each(F f) const {
    parallel_ranges(r.segments * count, grain_of(rows * r.channels), [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) {
        const int64_t segment = k / count, first = k % count * rows;
        f(k, segment, segment * r.rows + first, std::min(rows, r.rows - first));
      }
    });
  }
  template <class F> void join(F f) const {
    parallel_for(r.segments * r.channels, grain_of(count), [&](int64_t at) {
      for (int64_t k = 0; k < count; ++k) f(at, at / r.channels * count + k, at % r.channels, std::min(rows, r.rows - k * rows));
    });
  }
};

template <int W, class T> void block_moments(const T* x, int64_t rows, int64_t C, acc_t<T>* mean, acc_t<T>* m2) {
  using A = acc_t<T>;
  std::fill_n(mean, C, A{});
  std::fill_n(m2, C, A{});
  for (int64_t i = 0; i < rows; ++i)
    for_channels<W>(C, [=]<int L>(Lanes<L>, int64_t c) { store<L>(mean + c, load<L>(mean + c) + load<L>(x + i * C + c)); });
  for (int64_t c = 0; c < C; ++c) mean[c] /= static_cast<A>(rows);
  for (int64_t i = 0; i < rows; ++i)
    for_channels<W>(C, [=]<int L>(Lanes<L>, int64_t c) {
      const auto d = load<L>(x + i * C + c) - load<L>(mean + c);
      store<L>(m2 + c, load<L>(m2 + c) + d * d);
    });
}

template <int W, class T>
void block_grad_sums(const T* gy, const T* x, int64_t rows, int64_t C, const acc_t<T>* mean, acc_t<T>* g, acc_t<T>* gx) {
  using A = acc_t<T>;
  std::fill_n(g, C, A{});
  std::fill_n(gx, C, A{});
  for (int64_t i = 0; i < rows; ++i)
    for_channels<W>(C, [=]<int L>(Lanes<L>, int64_t c) {
      const auto v = load<L>(gy + i * C + c);
      store<L>(g + c, load<L>(g + c) + v);
      store<L>(gx + c, load<L>(gx + c) + v * (load<L>(x + i * C + c) - load<L>(mean + c)));
    });
}

}  // namespace

std::vector<Moments> moments(const Tensor& x, const NormRows& r) {
  std::vector<Moments> all(r.statistics());
  dispatch_float(x.dtype(), "moments", [&]<class T>(T) {
    using A = acc_t<T>;
    const Blocks blocks{r};
    const int64_t C = r.channels;
    const Tensor partial = Tensor::empty({r.segments * blocks.count, 2, C}, dtype_of<A>());
    const T* xv = x.data<T>();
    A* pv = partial.data<A>();
    blocks.each([=](int64_t k, int64_t, int64_t first, int64_t rows) {
      with_simd([=]<int W>(Lanes<W>) { block_moments<W>(xv + first * C, rows, C, pv + 2 * k * C, pv + (2 * k + 1) * C); });
    });
    blocks.join([&](int64_t at, int64_t k, int64_t c, int64_t rows) {
      all[static_cast<size_t>(at)].merge({static_cast<double>(rows), pv[2 * k * C + c], pv[(2 * k + 1) * C + c]});
    });
  });
  return all;
}

GradSums grad_sums(const Tensor& gy, const Tensor& x, const NormRows& r, const std::vector<double>& mean) {
  GradSums sums{std::vector<double>(r.statistics()), std::vector<double>(r.statistics())};
  dispatch_float(x.dtype(), "grad_sums", [&]<class T>(T) {
    using A = acc_t<T>;
    const Blocks blocks{r};
    const int64_t C = r.channels;
    const Tensor partial = Tensor::empty({r.segments * blocks.count, 2, C}, dtype_of<A>());
    const std::vector<A> means = as<A>(mean);
    const T *gv = gy.data<T>(), *xv = x.data<T>();
    const A* mv = means.data();
    A* pv = partial.data<A>();
    blocks.each([=](int64_t k, int64_t segment, int64_t first, int64_t rows) {
      with_simd([=]<int W>(Lanes<W>) {
        block_grad_sums<W>(gv + first * C, xv + first * C, rows, C, mv + segment * C, pv + 2 * k * C, pv + (2 * k + 1) * C);
      });
    });
    blocks.join([&](int64_t at, int64_t k, int64_t c, int64_t) {
      sums.g[static_cast<size_t>(at)] += pv[2 * k * C + c];
      sums.gx[static_cast<size_t>(at)] += pv[(2 * k + 1) * C + c];
    });
  });
  return sums;
}

void normalize(const Tensor& x, const NormRows& r, const std::vector<double>& mean, const std::vector<double>& scale,
               const std::vector<double>& shift, const Tensor& y) {
  dispatch_float(x.dtype(), "normalize", [&]<class T>(T) {
    using A = acc_t<T>;
    const std::vector<A> ms = as<A>(mean), ss = as<A>(scale), ts = as<A>(shift);
    const A *m = ms.data(), *s = ss.data(), *t = ts.data();
    const T* xv = x.data<T>();
    T* yv = y.data<T>();
    const int64_t C = r.channels, per = r.rows;
    parallel_ranges(r.segments * r.rows, grain_of(C), [=](int64_t begin, int64_t end) {
      with_simd([=]<int W>(Lanes<W>) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t at = i * C, k = i / per * C;
          for_channels<W>(C, [=]<int L>(Lanes<L>, int64_t c) {
            store<L>(yv + at + c, normalized(load<L>(xv + at + c), load<L>(m + k + c), load<L>(s + k + c), load<L>(t + k + c)));
          });
        }
      });
    });
  });
}

void normalize_backward(const Tensor& gy, const Tensor& x, const NormRows& r, const std::vector<double>& mean, const std::vector<double>& a,
                        const std::vector<double>& b, const std::vector<double>& c, const Tensor& gx) {
  dispatch_float(x.dtype(), "normalize_backward", [&]<class T>(T) {
    using A = acc_t<T>;
    const std::vector<A> ms = as<A>(mean), as_ = as<A>(a), bs = as<A>(b), cs = as<A>(c);
    const A *mv = ms.data(), *av = as_.data(), *bv = bs.data(), *cv = cs.data();
    const T *gv = gy.data<T>(), *xv = x.data<T>();
    T* to = gx.data<T>();
    const int64_t C = r.channels, per = r.rows;
    parallel_ranges(r.segments * r.rows, grain_of(C), [=](int64_t begin, int64_t end) {
      with_simd([=]<int W>(Lanes<W>) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t at = i * C, k = i / per * C;
          for_channels<W>(C, [=]<int L>(Lanes<L>, int64_t j) {
            store<L>(to + at + j, normalized_gradient(load<L>(gv + at + j), load<L>(xv + at + j), load<L>(mv + k + j), load<L>(av + k + j),
                                                      load<L>(bv + k + j), load<L>(cv + k + j)));
          });
        }
      });
    });
  });
}

void check_channels(const char* op, const char* what, const Tensor& t, int64_t channels) {
  check(t.defined(), op, ": ", what, " must have ", channels, " numbers, got none");
  check(t.rank() == 1 && t.size(0) == channels, op, ": ", what, " must have shape [", channels, "] as x has channels, got ", t.shape());
  check(is_float(t.dtype()), op, ": ", what, " must be floating, got ", t.dtype());
}

std::vector<double> read_channels(const char* op, const char* what, const Tensor& t, int64_t channels) {
  check_channels(op, what, t, channels);
  std::vector<double> v(static_cast<size_t>(channels));
  for (int64_t c = 0; c < channels; ++c) v[static_cast<size_t>(c)] = t.at(c);
  return v;
}

}  // namespace mr
