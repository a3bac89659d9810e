// oneDNN's direct convolution on maps as they are (nhwc), weights in whatever layout it likes best, packed once and kept with them.
// It serves bf16 on processors with AVX-512; in f32 our own rungs are as fast or faster, and it is a peer to measure them by.
//
// scale is folded into the weights, shift is the bias, the residual is added by the `sum` post-op into a copy. ReLU is a
// pass of its own, because oneDNN's gives 0 for a NaN, which would hide a training that fails.
// Backward-data of stride 1 is a forward convolution with the kernel turned by 180°: as one it is up to twice as fast.
#include <algorithm>
#include <cstring>
#include <oneapi/dnnl/dnnl.hpp>

#include "ops/conv/conv2d_table.h"
#include "ops/gemm/gemm_rungs.h"
#include "ops/gemm/onednn.h"
#include "tensor/parallel.h"
#include "tensor/rng.h"

namespace mr::conv_onednn {
namespace {

using dnnl::memory;
using dnnl::prop_kind;
using Dims = memory::dims;

struct Plan {
  dnnl::primitive primitive;
  memory::desc x, w, b, y, scratch;  // as the primitive wants them
};

Dims w_dims(const Conv2dCase& c) {
  if (c.groups == 1) return {c.Cout, c.Cin, c.kH, c.kW};
  return {c.groups, c.Cout / c.groups, c.Cin / c.groups, c.kH, c.kW};
}
memory::desc w_as_stored(const Conv2dCase& c, DType t) {
  return {w_dims(c), onednn::type(t), c.groups == 1 ? memory::format_tag::ohwi : memory::format_tag::gohwi};
}

Plan make_plan(const Conv2dCase& c, Conv2dPass pass, bool bias, bool residual) {
  const auto t = onednn::type(c.dtype), sums = memory::data_type::f32;
  const auto nhwc = memory::format_tag::nhwc, any = memory::format_tag::any;
  const memory::desc x({c.N, c.Cin, c.H, c.W}, t, nhwc), y({c.N, c.Cout, c.OH, c.OW}, t, nhwc), w(w_dims(c), t, any);
  const memory::desc gw(w_dims(c), sums, any), b = bias ? memory::desc({c.Cout}, sums, memory::format_tag::x) : memory::desc();
  const auto room = [&](int64_t in, int64_t k, int64_t out) { return (out - 1) * c.stride + (k - 1) * c.dilation + 1 - in - c.padding; };
  const Dims stride{c.stride, c.stride}, dilation{c.dilation - 1, c.dilation - 1}, before{c.padding, c.padding},
      after{room(c.H, c.kH, c.OH), room(c.W, c.kW, c.OW)};
  const auto direct = dnnl::algorithm::convolution_direct;
  dnnl::post_ops then;
  if (residual) then.append_sum(1.0f);
  dnnl::primitive_attr attr, plain;
  attr.set_post_ops(then);
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  plain.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const auto& engine = onednn::engine();

  using Forward = dnnl::convolution_forward;
  const Forward::desc forward(prop_kind::forward_training, direct, x, w, b, y, stride, dilation, before, after);
  if (pass == Conv2dPass::forward) {
    const Forward::primitive_desc p(forward, attr, engine);
    return {Forward(p), p.src_desc(), p.weights_desc(), p.bias_desc(), p.dst_desc(), p.scratchpad_desc()};
  }
  const Forward::primitive_desc hint(forward, plain, engine);
  if (pass == Conv2dPass::data) {
    using Data = dnnl::convolution_backward_data;
    const Data::primitive_desc p(Data::desc(direct, x, w, y, stride, dilation, before, after), plain, engine, hint);
    return {Data(p), p.diff_src_desc(), p.weights_desc(), {}, p.diff_dst_desc(), p.scratchpad_desc()};
  }
  using Weights = dnnl::convolution_backward_weights;
  const Weights::primitive_desc p(Weights::desc(direct, x, gw, y, stride, dilation, before, after), plain, engine, hint);
  return {Weights(p), p.src_desc(), p.diff_weights_desc(), {}, p.diff_dst_desc(), p.scratchpad_desc()};
}

Plan plan(const Conv2dCase& c, Conv2dPass pass, bool bias, bool residual) {
  static onednn::Plans<Plan> plans;
  return plans.get(str(name(pass), c.N, ' ', c.H, ' ', c.W, ' ', c.Cin, ' ', c.Cout, ' ', c.kH, ' ', c.kW, ' ', c.stride, ' ', c.padding,
                       ' ', c.dilation, ' ', c.groups, ' ', c.dtype, ' ', bias, residual),
                   [&] { return make_plan(c, pass, bias, residual); });
}

// w[o,p,q,c] → [c,−p,−q,o]
Tensor turned(const Tensor& w) {
  const int64_t O = w.size(0), kH = w.size(1), kW = w.size(2), C = w.size(3);
  const Tensor out = Tensor::empty({C, kH, kW, O}), from = w.to(DType::f32);
  parallel_for(C, 4, [&](int64_t c) {
    for (int64_t p = 0; p < kH; ++p)
      for (int64_t q = 0; q < kW; ++q)
        for (int64_t o = 0; o < O; ++o)
          out.data<float>()[((c * kH + p) * kW + q) * O + o] = from.data<float>()[((o * kH + kH - 1 - p) * kW + kW - 1 - q) * C + c];
  });
  return out;
}

// The weights in the primitive's layout. A scale belongs to the key by its values; only the newest is kept.
Tensor packed(const Conv2dCase& c, const Var& w, const Tensor& scale, bool turn, const memory::desc& to) {
  std::string key = str("onednn", turn ? " turned " : " ", onednn::layout_hash(to));
  if (scale.defined()) {
    const std::string prefix = key + " scaled ";
    key = str(prefix, hash64({reinterpret_cast<const char*>(scale.raw()), scale.bytes()}));
    std::erase_if(w.impl()->derived, [&](const Var::Derived& d) { return d.key.starts_with(prefix) && d.key != key; });
  }
  return w.derived(key.c_str(), [&](const Tensor& value) {
    const Tensor from = scale.defined() ? scaled_rows(value.to(DType::f32), scale) : turn ? turned(value) : value;
    const Tensor out = Tensor::empty({static_cast<int64_t>(to.get_size())}, DType::u8);
    onednn::reorder(w_as_stored(c, from.dtype()), from.raw(), to, out.raw());
    return out;
  });
}

// y [..., C] = relu(y · scale + shift), in a pass of its own.
void finish(const Tensor& y, const Conv2dFinish& f) {
  Gemm g;
  g.N = y.size(3);
  g.M = y.numel() / g.N;
  g.dtype = g.c_dtype = y.dtype();
  g.c = y.raw();
  g.ldc = g.N;
  set_finish(g, f);
  gemm_finish(g);
}

bool supports(const Conv2dCase& c, Conv2dPass) {
  const bool type = c.dtype == DType::f32 || (c.dtype == DType::bf16 && onednn::has_bf16());
  return type && c.out_pixels() > 0 && c.Cin > 0 && c.Cout > 0;
}

Tensor forward_as(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f, bool turn) {
  const LibraryThreads threads;
  const Plan p = plan(c, Conv2dPass::forward, f.shift.defined(), f.residual.defined());
  const Tensor weights = packed(c, w, f.scale, turn, p.w);
  const Tensor y = f.residual.defined() ? f.residual.clone() : Tensor::empty(c.y_shape(), c.dtype);
  onednn::run(p.primitive, p.scratch,
              {{DNNL_ARG_SRC, p.x, x.raw()},
               {DNNL_ARG_WEIGHTS, p.w, weights.raw()},
               {DNNL_ARG_BIAS, p.b, f.shift.defined() ? f.shift.raw() : nullptr},
               {DNNL_ARG_DST, p.y, y.raw()}});
  finish(y, {.relu = f.relu});
  return y;
}

Tensor forward(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f) { return forward_as(c, x, w, f, false); }

Tensor data(const Conv2dCase& c, const Tensor& gy, const Var& w, const Conv2dFinish& f) {
  const int64_t padding = c.kH - 1 - c.padding;
  if (c.stride == 1 && c.dilation == 1 && c.groups == 1 && c.kH == c.kW && padding >= 0 && !f.scale.defined()) {
    const Conv2dCase t{c.N, c.OH, c.OW, c.Cout, c.Cin, c.kH, c.kW, c.H, c.W, 1, static_cast<int>(padding), 1, 1, c.dtype};
    return forward_as(t, gy, w, f, true);
  }
  const LibraryThreads threads;
  const Plan p = plan(c, Conv2dPass::data, false, false);
  const Tensor weights = packed(c, w, {}, false, p.w);
  const Tensor gx = Tensor::empty(c.x_shape(), c.dtype);
  onednn::run(p.primitive, p.scratch,
              {{DNNL_ARG_DIFF_DST, p.y, gy.raw()}, {DNNL_ARG_WEIGHTS, p.w, weights.raw()}, {DNNL_ARG_DIFF_SRC, p.x, gx.raw()}});
  finish(gx, f);
  return gx;
}

Tensor weights_at_once(const Conv2dCase& c, const Tensor& x, const Tensor& gy) {
  const LibraryThreads threads;
  const Plan p = plan(c, Conv2dPass::weights, false, false);
  const Tensor gw = Tensor::empty(c.w_shape()), packed_gw = Tensor::empty({static_cast<int64_t>(p.w.get_size())}, DType::u8);
  onednn::run(p.primitive, p.scratch,
              {{DNNL_ARG_SRC, p.x, x.raw()}, {DNNL_ARG_DIFF_DST, p.y, gy.raw()}, {DNNL_ARG_DIFF_WEIGHTS, p.w, packed_gw.raw()}});
  onednn::reorder(p.w, packed_gw.raw(), w_as_stored(c, DType::f32), gw.raw());
  return gw;
}

// Rows top … top + height − 1 and columns left … left + width − 1 of x [N,H,W,C]; outside of it zeros.
Tensor window(const Tensor& x, int64_t top, int64_t left, int64_t height, int64_t width) {
  const int64_t H = x.size(1), W = x.size(2), C = x.size(3);
  const Tensor out = Tensor::zeros({x.size(0), height, width, C}, x.dtype());
  const int64_t pixel = C * static_cast<int64_t>(size_of(x.dtype()));
  const int64_t begin = std::max<int64_t>(left, 0), end = std::min(left + width, W);
  parallel_for(x.size(0) * height, 16, [&](int64_t row) {
    const int64_t n = row / height, y = top + row % height;
    if (y < 0 || y >= H || begin >= end) return;
    std::memcpy(out.raw() + (row * width + begin - left) * pixel, x.raw() + ((n * H + y) * W + begin) * pixel,
                static_cast<size_t>((end - begin) * pixel));
  });
  return out;
}

// On AMX's matrix units oneDNN 2.6 computes the weights' gradient of large maps wrongly: with sums of what was
// never written, or with writes beyond its buffers (seen from 36×260 with 128 channels on, and at every height of 400
// columns with 32; no rule was found). Up to this side none of 449 random convolutions went wrong, of 3 to
// 256 channels, kernels 1×1 and 3×3, strides 1 and 2. So larger maps are taken in tiles, whose sums
// are added up; that is still faster than without these units.
constexpr int64_t amx_side = 160;

Tensor weights(const Conv2dCase& c, const Tensor& x, const Tensor& gy) {
  if (c.dtype != DType::bf16 || !onednn::has_amx() || (c.H <= amx_side && c.W <= amx_side)) return weights_at_once(c, x, gy);
  const int64_t reach_h = (c.kH - 1) * c.dilation + 1, reach_w = (c.kW - 1) * c.dilation + 1;
  // Of OH outputs so many a tile that their inputs are no more than amx_side, and all tiles about alike.
  const auto tile = [&](int64_t outputs, int64_t reach) {
    const int64_t most = std::max<int64_t>((amx_side - reach) / c.stride + 1, 1), tiles = (outputs + most - 1) / most;
    return (outputs + tiles - 1) / tiles;
  };
  const int64_t th = tile(c.OH, reach_h), tw = tile(c.OW, reach_w);
  const Tensor sum = Tensor::zeros(c.w_shape());
  for (int64_t i = 0; i < c.OH; i += th)
    for (int64_t j = 0; j < c.OW; j += tw) {
      Conv2dCase t = c;
      t.OH = std::min(th, c.OH - i);
      t.OW = std::min(tw, c.OW - j);
      t.H = (t.OH - 1) * c.stride + reach_h;
      t.W = (t.OW - 1) * c.stride + reach_w;
      t.padding = 0;
      sum.add_(weights_at_once(t, window(x, i * c.stride - c.padding, j * c.stride - c.padding, t.H, t.W), window(gy, i, j, t.OH, t.OW)));
    }
  return sum;
}

}  // namespace
}  // namespace mr::conv_onednn

constinit const mr::Conv2dRung mr::conv2d_onednn{"onednn", conv_onednn::supports, conv_onednn::forward, conv_onednn::data,
                                                 conv_onednn::weights};
