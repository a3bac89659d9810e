#include "ops/norm/norm_gpu.h"
#include "ops/norm/rules.h"
#include "tensor/gpu/column_sums.h"
#include "tensor/process_group.h"

namespace mr::gpu {
namespace {

// The run of rows that a block works on, and its segment.
struct RunOfRows {
  int64_t segment, begin, end;  // of all rows
  __device__ RunOfRows(int64_t block, int64_t rows, int64_t of_run, int64_t runs)
      : segment(block / runs), begin(segment * rows + block % runs * of_run), end(min(begin + of_run, (segment + 1) * rows)) {}
};

// A block takes a run of rows: the mean of each channel, and from the cache the squared deviations from it.
template <class T> struct RunMoments {
  using Sum = acc_t<T>;
  const T* x;
  Sum* parts;  // [segments, runs, 2, C]
  int64_t rows, of_run, runs, C;

  template <int N> __device__ void at(const Columns<N, Sum>& columns) const {
    const RunOfRows run(blockIdx.x, rows, of_run, runs);
    LaneArray<Sum, N> mean = {}, m2 = {};
    for (int64_t row = run.begin + columns.y; row < run.end && columns.inside; row += columns.height) {
      const auto v = load_lanes<N>(x + row * C + columns.c);
      MR_UNROLL
      for (int k = 0; k < N; ++k) mean[k] += v[k];
    }
    mean = columns.sum(mean);
    MR_UNROLL
    for (int k = 0; k < N; ++k) mean[k] /= static_cast<Sum>(run.end - run.begin);
    for (int64_t row = run.begin + columns.y; row < run.end && columns.inside; row += columns.height) {
      const auto v = load_lanes<N>(x + row * C + columns.c);
      MR_UNROLL
      for (int k = 0; k < N; ++k) m2[k] += (v[k] - mean[k]) * (v[k] - mean[k]);
    }
    m2 = columns.sum(m2);
    if (!columns.leader) return;
    Sum* to = parts + int64_t{blockIdx.x} * 2 * C + columns.c;
    store_wide(to, mean);
    store_wide(to + C, m2);
  }
};

// A block joins the runs of one segment: the mean of means by their rows, and m2 = Σ m2ᵢ + nᵢ·(meanᵢ − mean)².
template <class A> struct JoinMoments {
  using Sum = double;
  const A* parts;
  double* moments;  // [segments, 2, C]
  int64_t rows, of_run, runs, C;

  __device__ double rows_of(int64_t run) const { return static_cast<double>(min(of_run, rows - run * of_run)); }

  template <int N> __device__ void at(const Columns<N, double>& columns) const {
    const A* from = parts + int64_t{blockIdx.x} * runs * 2 * C + columns.c;
    LaneArray<double, N> mean = {}, m2 = {};
    for (int64_t i = columns.y; i < runs && columns.inside; i += columns.height) {
      const auto v = load_wide<N>(from + i * 2 * C);
      MR_UNROLL
      for (int k = 0; k < N; ++k) mean[k] += rows_of(i) * v[k];
    }
    mean = columns.sum(mean);
    MR_UNROLL
    for (int k = 0; k < N; ++k) mean[k] = rows > 0 ? mean[k] / static_cast<double>(rows) : 0;
    for (int64_t i = columns.y; i < runs && columns.inside; i += columns.height) {
      const auto v = load_wide<N>(from + i * 2 * C), s = load_wide<N>(from + (i * 2 + 1) * C);
      MR_UNROLL
      for (int k = 0; k < N; ++k) m2[k] += s[k] + rows_of(i) * (v[k] - mean[k]) * (v[k] - mean[k]);
    }
    m2 = columns.sum(m2);
    if (!columns.leader) return;
    double* to = moments + int64_t{blockIdx.x} * 2 * C + columns.c;
    MR_UNROLL
    for (int k = 0; k < N; ++k) {
      store(to + k, mean[k]);
      store(to + C + k, m2[k]);
    }
  }
};

// A block takes a run of rows: Σ gy and Σ gy·(x − mean).
template <class T> struct RunGradSums {
  using Sum = acc_t<T>;
  const T* gy;
  const T* x;
  const Sum* mean;  // [segments, C]
  Sum* parts;       // [segments, runs, 2, C]
  int64_t rows, of_run, runs, C;

  template <int N> __device__ void at(const Columns<N, Sum>& columns) const {
    const RunOfRows run(blockIdx.x, rows, of_run, runs);
    LaneArray<Sum, N> g = {}, gx = {}, m = {};
    if (columns.inside) m = load_wide<N>(mean + run.segment * C + columns.c);
    for (int64_t row = run.begin + columns.y; row < run.end && columns.inside; row += columns.height) {
      const auto v = load_lanes<N>(gy + row * C + columns.c), u = load_lanes<N>(x + row * C + columns.c);
      MR_UNROLL
      for (int k = 0; k < N; ++k) {
        g[k] += v[k];
        gx[k] += v[k] * (u[k] - m[k]);
      }
    }
    g = columns.sum(g);
    gx = columns.sum(gx);
    if (!columns.leader) return;
    Sum* to = parts + int64_t{blockIdx.x} * 2 * C + columns.c;
    store_wide(to, g);
    store_wide(to + C, gx);
  }
};

// Writes the statistics and the coefficients of one segment and channel.
template <class A> struct Coefficients {
  double *mean, *rstd;
  A* to;  // [3, all]
  int64_t all;

  explicit Coefficients(const Normalization& n)
      : mean(n.mean.device_data<double>()), rstd(n.rstd.device_data<double>()), to(n.coefficients.device_data<A>()), all(n.mean.numel()) {}
  __device__ void set(int64_t i, double m, double r, double w, double b) const {
    store(mean + i, m);
    store(rstd + i, r);
    store(to + i, static_cast<A>(m));
    store(to + all + i, static_cast<A>(w * r));
    store(to + 2 * all + i, static_cast<A>(b));
  }
};

// Of this member's moments [2,C] what is added up over the group (batch_norm.cpp: join_members): first n·mean, and n behind them.
struct FirstSums {
  const double* moments;
  double* sums;  // [C+1]
  double rows;
  int64_t C;
  __device__ void operator()(int64_t c) const { store(sums + c, c < C ? rows * load<double>(moments + c) : rows); }
};

// Then Σ (x − μ)² about the mean of all: [2,C] of which the second row is still this member's.
struct AboutCommonMean {
  const double *moments, *sums;
  double* out;  // [2,C]
  double rows;
  int64_t C;
  __device__ void operator()(int64_t c) const {
    const double n = load<double>(sums + C), mean = n > 0 ? load<double>(sums + c) / n : 0, d = load<double>(moments + c) - mean;
    store(out + c, mean);
    store(out + C + c, load<double>(moments + C + c) + rows * d * d);
  }
};

// A thread takes one channel; R: the type of the running statistics.
template <class A, class R> struct BatchChannel {
  const double* moments;    // [2,C]; null: not training
  const double* positions;  // M; null: `rows`
  const double *w, *b;
  R *running_mean, *running_var;
  Coefficients<A> out;
  double rows, momentum, eps;

  __device__ void operator()(int64_t c) const {
    const double old_mean = static_cast<double>(load<R>(running_mean + c)), old_var = static_cast<double>(load<R>(running_var + c));
    double mean = old_mean, var = old_var;
    if (moments) {
      const Moments m{positions ? load<double>(positions) : rows, load<double>(moments + c), load<double>(moments + out.all + c)};
      mean = m.mean;
      var = m.variance();
      if (m.n > 0) {
        store(running_mean + c, convert<R>(running(old_mean, mean, momentum)));
        store(running_var + c, convert<R>(running(old_var, m.m2 / (m.n - 1), momentum)));
      }
    }
    out.set(c, mean, reciprocal_deviation(var, eps), load<double>(w + c), load<double>(b + c));
  }
};

// A thread takes one group of one segment, and joins its channels in order.
template <class A> struct GroupOfChannels {
  const double* moments;  // [segments, 2, C]
  const double *w, *b;
  Coefficients<A> out;
  double rows, eps;
  int64_t groups, width;

  __device__ void operator()(int64_t i) const {
    const int64_t C = groups * width, n = i / groups, c0 = i % groups * width;
    Moments all;
    for (int64_t c = c0; c < c0 + width; ++c)
      all.merge({rows, load<double>(moments + n * 2 * C + c), load<double>(moments + (n * 2 + 1) * C + c)});
    const double rstd = reciprocal_deviation(all.variance(), eps);
    for (int64_t c = c0; c < c0 + width; ++c) out.set(n * C + c, all.mean, rstd, load<double>(w + c), load<double>(b + c));
  }
};

// A thread makes N channels of one row.
template <class T, bool scale_only> struct Normalize {
  using A = acc_t<T>;
  const T* x;
  const A* coefficients;  // [3, all]
  T* y;
  int64_t rows, C, all;

  template <int N> __device__ void at(int row, int c) const {
    const A* of = coefficients + row / rows * C + c;
    auto v = load_lanes<N>(x + row * C + c);
    const auto scale = load_wide<N>(of + all);
    if constexpr (scale_only) {
      MR_UNROLL
      for (int k = 0; k < N; ++k) v[k] *= scale[k];
    } else {
      const auto mean = load_wide<N>(of), shift = load_wide<N>(of + 2 * all);
      MR_UNROLL
      for (int k = 0; k < N; ++k) v[k] = normalized(v[k], mean[k], scale[k], shift[k]);
    }
    store_lanes(y + row * C + c, v);
  }
};

template <class T> struct NormalizeBackward {
  using A = acc_t<T>;
  const T* gy;
  const T* x;
  const A* coefficients;  // [3, all]
  const A* terms;         // [2, all]: per_x, constant
  T* gx;
  int64_t rows, C, all;

  template <int N> __device__ void at(int row, int c) const {
    const int64_t i = row / rows * C + c;
    auto v = load_lanes<N>(gy + row * C + c);
    const auto u = load_lanes<N>(x + row * C + c);
    const auto mean = load_wide<N>(coefficients + i), scale = load_wide<N>(coefficients + all + i);
    const auto per_x = load_wide<N>(terms + i), constant = load_wide<N>(terms + all + i);
    MR_UNROLL
    for (int k = 0; k < N; ++k) v[k] = normalized_gradient(v[k], u[k], mean[k], scale[k], per_x[k], constant[k]);
    store_lanes(gx + row * C + c, v);
  }
};

// A thread takes one channel: of the sums Σ gy and Σ gy·(x − μ) the gradients of b and w, and the terms of gx.
template <class A> struct BatchGradient {
  const double *sums, *of_all;  // [2,C]: of this member, of the group
  const double* rstd;
  const A* scale;
  A* gradients;             // [2,C]: gb, gw
  A* terms;                 // [2,C]
  const double* positions;  // M; null: `rows`
  double rows;              // 0: not training
  int64_t C;

  __device__ void operator()(int64_t c) const {
    const double g = load<double>(sums + c), r = load<double>(rstd + c), gw = load<double>(sums + C + c) * r;
    store(gradients + c, static_cast<A>(g));
    store(gradients + C + c, static_cast<A>(gw));
    GradientTerms t{0, 0};
    if (const double M = positions ? load<double>(positions) : rows; M > 0)
      t = batch_gradient_terms(static_cast<double>(load<A>(scale + c)), r, load<double>(of_all + c), load<double>(of_all + C + c) * r, M);
    store(terms + c, static_cast<A>(t.per_x));
    store(terms + C + c, static_cast<A>(t.constant));
  }
};

// A thread takes one group of one segment. Σ gy·(x − μ) becomes the segment's share of gw.
template <class A> struct GroupGradient {
  double* sums;  // [segments, 2, C]
  const double* rstd;
  const double* w;
  A* terms;  // [2, segments·C]
  double rows;
  int64_t groups, width, all;

  __device__ void operator()(int64_t i) const {
    const int64_t C = groups * width, n = i / groups, c0 = i % groups * width;
    const double r = load<double>(rstd + n * C + c0), M = rows * static_cast<double>(width);
    double *g = sums + n * 2 * C, *gw = g + C, g1 = 0, gx = 0;
    for (int64_t c = c0; c < c0 + width; ++c) {
      const double weight = load<double>(w + c), share = load<double>(gw + c) * r;
      store(gw + c, share);
      g1 += weight * load<double>(g + c);
      gx += weight * share;
    }
    const GradientTerms t = group_gradient_terms(r, g1, gx, M);
    for (int64_t c = c0; c < c0 + width; ++c) {
      store(terms + n * C + c, static_cast<A>(t.per_x));
      store(terms + all + n * C + c, static_cast<A>(t.constant));
    }
  }
};

template <class T> struct Fold {
  const double *w, *b, *mean, *var;
  T *scale, *shift;
  double eps;
  __device__ void operator()(int64_t c) const {
    const double s = load<double>(w + c) / std::sqrt(load<double>(var + c) + eps);
    store(scale + c, convert<T>(s));
    store(shift + c, convert<T>(load<double>(b + c) - load<double>(mean + c) * s));
  }
};

// Calls f with a value of the type that sums are held in, t's.
template <class F> void with_sums(const Tensor& t, F&& f) {
  if (t.dtype() == DType::f64)
    f(double{});
  else
    f(float{});
}

Tensor f64_like(const Tensor& x, const Shape& shape) { return Tensor::empty(shape, DType::f64, x.device()); }

Tensor channel_moments(const Tensor& x, const NormRows& r) {
  const RowRuns runs(r.rows);
  const Tensor out = f64_like(x, {r.segments, 2, r.channels});
  dispatch_float(x.dtype(), "moments", [&]<class T>(T) {
    using A = acc_t<T>;
    const Tensor parts = Tensor::empty({r.segments * runs.count, 2, r.channels}, dtype_of<A>(), x.device());
    const RunMoments<T> f{x.device_data<T>(), parts.device_data<A>(), r.rows, runs.of_run, runs.count, r.channels};
    for_columns<T>("moments", r.segments * runs.count, r.channels, f, f.x, f.parts);
    const JoinMoments<A> join{f.parts, out.device_data<double>(), r.rows, runs.of_run, runs.count, r.channels};
    for_columns<A>("join_moments", r.segments, r.channels, join, join.parts);
  });
  return out;
}

// [segments, 2, C]: Σ gy, Σ gy·(x − mean)
Tensor channel_grad_sums(const Tensor& gy, const Tensor& x, const NormRows& r, const Normalization& n) {
  const RowRuns runs(r.rows);
  const Tensor out = f64_like(x, {r.segments, 2, r.channels});
  dispatch_float(x.dtype(), "grad_sums", [&]<class T>(T) {
    using A = acc_t<T>;
    const Tensor parts = Tensor::empty({r.segments * runs.count, 2, r.channels}, dtype_of<A>(), x.device());
    const RunGradSums<T> f{
        gy.device_data<T>(), x.device_data<T>(), n.coefficients.device_data<A>(), parts.device_data<A>(), r.rows, runs.of_run,
        runs.count,          r.channels};
    for_columns<T>("grad_sums", r.segments * runs.count, r.channels, f, f.gy, f.x, f.mean, f.parts);
    join_runs(f.parts, r.segments, runs.count, 2 * r.channels, out.device_data<double>());
  });
  return out;
}

Normalization new_normalization(const Tensor& x, const NormRows& r) {
  const int64_t all = r.segments * r.channels;
  const DType sums = x.dtype() == DType::f64 ? DType::f64 : DType::f32;
  return {f64_like(x, {all}), f64_like(x, {all}), Tensor::empty({3, all}, sums, x.device()), {}};
}

template <bool scale_only> void apply(const char* op, const Tensor& x, const NormRows& r, const Normalization& n, const Tensor& y) {
  dispatch_float(x.dtype(), op, [&]<class T>(T) {
    using A = acc_t<T>;
    const Normalize<T, scale_only> f{x.device_data<T>(), n.coefficients.device_data<A>(), y.device_data<T>(), r.rows, r.channels,
                                     n.mean.numel()};
    for_channels<T>(op, r.segments * r.rows, r.channels, f, f.x, f.coefficients, f.y);
  });
}

void apply_backward(const Tensor& gy, const Tensor& x, const NormRows& r, const Normalization& n, const Tensor& terms, const Tensor& gx) {
  dispatch_float(x.dtype(), "normalize_backward", [&]<class T>(T) {
    using A = acc_t<T>;
    const NormalizeBackward<T> f{
        gy.device_data<T>(), x.device_data<T>(), n.coefficients.device_data<A>(), terms.device_data<A>(), gx.device_data<T>(), r.rows,
        r.channels,          n.mean.numel()};
    for_channels<T>("normalize_backward", r.segments * r.rows, r.channels, f, f.gy, f.x, f.coefficients, f.terms, f.gx);
  });
}

// The moments [2,C] of this member become those of all; returns their number of positions.
Tensor join_members(Tensor& moments, const NormRows& r) {
  const Tensor here = moments.reshape({2, r.channels}), sums = f64_like(here, {r.channels + 1}), all = f64_like(here, {2, r.channels});
  const auto rows = static_cast<double>(r.rows);
  for_each("first_sums", r.channels + 1, FirstSums{here.device_data<double>(), sums.device_data<double>(), rows, r.channels});
  process_group().sum(sums);
  for_each("about_common_mean", r.channels,
           AboutCommonMean{here.device_data<double>(), sums.device_data<double>(), all.device_data<double>(), rows, r.channels});
  process_group().sum(all.slice(1, 2));
  moments = all;
  return sums.slice(r.channels, r.channels + 1);
}

}  // namespace

Normalization batch_normalization(const Tensor& x, const NormRows& r, const Tensor& weight, const Tensor& bias, const Tensor& running_mean,
                                  const Tensor& running_var, double momentum, double eps, bool training) {
  Normalization n = new_normalization(x, r);
  const Tensor w = weight.to(DType::f64), b = bias.to(DType::f64);
  Tensor of_x = training ? channel_moments(x, r) : Tensor();
  if (training && process_group().size() > 1) n.positions = join_members(of_x, r);
  check(running_mean.dtype() == running_var.dtype(), "batch_norm: running_mean and running_var must have one type, got ",
        running_mean.dtype(), " and ", running_var.dtype());
  with_sums(n.coefficients, [&]<class A>(A) {
    dispatch_float(running_mean.dtype(), "batch_norm", [&]<class R>(R) {
      for_each("batch_norm_channels", r.channels,
               BatchChannel<A, R>{of_x.device_data<double>(), n.positions.device_data<double>(), w.device_data<double>(),
                                  b.device_data<double>(), running_mean.device_data<R>(), running_var.device_data<R>(), Coefficients<A>(n),
                                  static_cast<double>(r.rows), momentum, eps});
    });
  });
  return n;
}

Normalization group_normalization(const Tensor& x, const NormRows& r, const Tensor& weight, const Tensor& bias, int groups, double eps) {
  const Normalization n = new_normalization(x, r);
  const Tensor of_x = channel_moments(x, r), w = weight.to(DType::f64), b = bias.to(DType::f64);
  with_sums(n.coefficients, [&]<class A>(A) {
    for_each("group_norm_groups", r.segments * groups,
             GroupOfChannels<A>{of_x.device_data<double>(), w.device_data<double>(), b.device_data<double>(), Coefficients<A>(n),
                                static_cast<double>(r.rows), eps, groups, r.channels / groups});
  });
  return n;
}

void normalize(const Tensor& x, const NormRows& r, const Normalization& n, const Tensor& y) { apply<false>("normalize", x, r, n, y); }
void scale_rows(const Tensor& x, const NormRows& r, const Normalization& n, const Tensor& y) { apply<true>("scale_rows", x, r, n, y); }

Tensor batch_norm_backward(const Tensor& gy, const Tensor& x, const NormRows& r, const Normalization& n, bool training, const Tensor& gx) {
  const Tensor sums = channel_grad_sums(gy, x, r, n), of_all = training && process_group().size() > 1 ? sums.clone() : sums;
  if (training) process_group().sum(of_all);
  const Tensor gradients = Tensor::empty({2, r.channels}, n.coefficients.dtype(), x.device()), terms = Tensor::empty_like(gradients);
  with_sums(gradients, [&]<class A>(A) {
    for_each("batch_norm_gradients", r.channels,
             BatchGradient<A>{sums.device_data<double>(), of_all.device_data<double>(), n.rstd.device_data<double>(),
                              n.coefficients.slice(1, 2).device_data<A>(), gradients.device_data<A>(), terms.device_data<A>(),
                              n.positions.device_data<double>(), training ? static_cast<double>(r.rows) : 0, r.channels});
  });
  if (gx.defined() && training) apply_backward(gy, x, r, n, terms, gx);
  if (gx.defined() && !training) scale_rows(gy, r, n, gx);
  return gradients;
}

Tensor group_norm_backward(const Tensor& gy, const Tensor& x, const NormRows& r, const Normalization& n, const Tensor& weight, int groups,
                           const Tensor& gx) {
  const Tensor sums = channel_grad_sums(gy, x, r, n), w = weight.to(DType::f64);
  const Tensor gradients = Tensor::empty({2, r.channels}, n.coefficients.dtype(), x.device());
  const Tensor terms = Tensor::empty({2, n.mean.numel()}, n.coefficients.dtype(), x.device());
  with_sums(gradients, [&]<class A>(A) {
    for_each("group_norm_gradients", r.segments * groups,
             GroupGradient<A>{sums.device_data<double>(), n.rstd.device_data<double>(), w.device_data<double>(), terms.device_data<A>(),
                              static_cast<double>(r.rows), groups, r.channels / groups, n.mean.numel()});
    join_runs(static_cast<const double*>(sums.device_data<double>()), 1, r.segments, 2 * r.channels, gradients.device_data<A>());
  });
  if (gx.defined()) apply_backward(gy, x, r, n, terms, gx);
  return gradients;
}

void fold_batch_norm(const Tensor& weight, const Tensor& bias, const Tensor& mean, const Tensor& var, double eps, const Tensor& scale,
                     const Tensor& shift) {
  const Tensor w = weight.to(DType::f64), b = bias.to(DType::f64), m = mean.to(DType::f64), v = var.to(DType::f64);
  dispatch_float(scale.dtype(), "fold_batch_norm", [&]<class T>(T) {
    for_each("fold_batch_norm", w.numel(),
             Fold<T>{w.device_data<double>(), b.device_data<double>(), m.device_data<double>(), v.device_data<double>(),
                     scale.device_data<T>(), shift.device_data<T>(), eps});
  });
}

}  // namespace mr::gpu
