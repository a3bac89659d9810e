#include "ops/conv/conv2d_rungs.h"

#include <string>
#include <string_view>
#include <vector>

#include "ops/conv/conv2d_gpu.h"
#include "ops/conv/conv2d_table.h"
#include "ops/rungs.h"

namespace mr {
namespace {

const Conv2dRung* forced(Device device) {
  static const std::string name = [] {
    std::vector<Conv2dRung> all(conv2d_rungs().begin(), conv2d_rungs().end());
    const auto on_gpu = gpu::exists ? conv2d_rungs(gpu_device()) : std::span<const Conv2dRung>();
    all.insert(all.end(), on_gpu.begin(), on_gpu.end());
    const Conv2dRung* rung = forced_rung<Conv2dRung>("MR_CONV", all);
    return std::string(rung ? rung->name : "");
  }();
  for (const Conv2dRung& r : conv2d_rungs(device))
    if (name == r.name) return &r;
  return nullptr;
}

// The case in which it is computed: bf16 goes through f32 unless a rung has it (or the reference was asked for).
Conv2dCase computed(Conv2dCase c, Conv2dPass pass) {
  if (c.dtype == DType::bf16 && std::string_view(conv2d_choice(c, pass).name) == "reference" && !forced(c.device)) c.dtype = DType::f32;
  return c;
}

}  // namespace

void append(std::string& out, const Conv2dCase& c) {
  append(out, str(c.kH, "×", c.kW, "/", c.stride, " ", c.Cin, "→", c.Cout, " on ", c.N, "×", c.H, "×", c.W, " ", c.dtype));
  if (c.dilation != 1) append(out, str(" dilation ", c.dilation));
  if (c.groups != 1) append(out, str(" groups ", c.groups));
}

const char* name(Conv2dPass pass) {
  constexpr const char* names[] = {"forward", "data", "weights"};
  return names[static_cast<int>(pass)];
}

std::span<const Conv2dRung> conv2d_rungs(Device device) {
  static const Conv2dRung rungs[] = {
      conv2d_matmul,    conv2d_winograd, conv2d_grouped, conv2d_im2col,
#ifdef MR_HAS_ONEDNN
      conv2d_onednn,
#endif
      conv2d_reference,
  };
  if constexpr (gpu::exists) {
    static const Conv2dRung of_gpu[] = {gpu::conv2d_gpu_implicit, gpu::conv2d_gpu_matmul, gpu::conv2d_gpu_im2col,
                                        gpu::conv2d_gpu_matrix,   gpu::conv2d_gpu_tiled,  gpu::conv2d_gpu_reference};
    if (device.type != DeviceType::cpu) return of_gpu;
  }
  return rungs;
}

const Conv2dRung& conv2d_choice(const Conv2dCase& c, Conv2dPass pass) {
  if (const Conv2dRung* f = forced(c.device); f && f->supports(c, pass)) return *f;
  const std::span<const Conv2dRung> rungs = conv2d_rungs(c.device);
  for (const Conv2dRung& r : rungs)
    if (r.supports(c, pass)) return r;
  return rungs.back();  // the reference
}

Tensor weights_as(const Var& w, DType t) {
  return w.dtype() == t ? w.value() : w.derived(name(t), [&](const Tensor& v) { return v.to(t); });
}

void set_finish(Gemm& g, const Conv2dFinish& f) {
  const auto raw = [](const Tensor& t) -> const void* { return t.defined() ? t.raw() : nullptr; };
  g.scale = raw(f.scale);
  g.shift = raw(f.shift);
  g.residual = raw(f.residual);
  g.ldr = g.N;
  g.relu = f.relu;
}

Tensor conv2d_forward(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f) {
  const Conv2dCase k = computed(c, Conv2dPass::forward);
  const Conv2dFinish finish{f.scale, f.shift, f.residual.defined() ? f.residual.to(k.dtype) : Tensor(), f.relu};
  return conv2d_choice(k, Conv2dPass::forward).forward(k, x.to(k.dtype), w, finish).to(c.dtype);
}

Tensor conv2d_data(const Conv2dCase& c, const Tensor& gy, const Var& w, const Conv2dFinish& f) {
  const Conv2dCase k = computed(c, Conv2dPass::data);
  return conv2d_choice(k, Conv2dPass::data).data(k, gy.to(k.dtype), w, f).to(c.dtype);
}

Tensor conv2d_weights(const Conv2dCase& c, const Tensor& x, const Tensor& gy) {
  const Conv2dCase k = computed(c, Conv2dPass::weights);
  return conv2d_choice(k, Conv2dPass::weights).weights(k, x.to(k.dtype), gy.to(k.dtype));
}

}  // namespace mr
