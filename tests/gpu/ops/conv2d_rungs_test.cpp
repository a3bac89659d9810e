// Each rung of the device against the loops of the formula on the CPU in f64.
#include "ops/conv/conv2d_rungs.h"

#include <bit>
#include <functional>
#include <string_view>

#include "ops/conv/conv2d_gpu.h"
#include "tests/gpu/ops/conv_layer.h"

namespace mr::gpu {
namespace {

const Layer layers[] = {
    {{1, 5, 4, 8}, {16, 3, 3, 8}, {1, 1}},        {{2, 7, 6, 24}, {40, 3, 3, 24}, {2, 1}},  // a step of 64 takes in three taps
    {{1, 3, 5, 72}, {72, 1, 1, 72}, {}},                                                    // more than a step and a tile of channels
    {{1, 6, 5, 16}, {8, 1, 1, 16}, {2, 0}},                                                 // classes that no output reads
    {{1, 7, 8, 8}, {8, 3, 2, 8}, {3, 2, 2}},                                                // dilated; some classes have one tap
    {{3, 1, 2, 8}, {8, 3, 3, 8}, {4, 1}},                                                   // more classes than pixels
    {{1, 7, 6, 3}, {5, 7, 7, 3}, {2, 3}},                                                   // the stem's channels
    {{1, 5, 6, 8}, {12, 3, 3, 2}, {1, 1, 1, 4}},                                            // groups
    {{1, 6, 5, 32}, {32, 3, 3, 4}, {2, 1, 1, 8}},                                           // a ResNeXt's
};

const Conv2dRung& reference() { return mr::conv2d_rungs().back(); }

// run() → Tensor on the device, the same bits under `orders` orders; against `want`.
void check_pass(const char* what, int orders, const Tensor& want, const std::function<Tensor()>& run, double most = 0) {
  INFO(what);
  Tensor first;
  for (int order = 0; order < orders; ++order) {
    if constexpr (built == Built::emulated) set_seed(static_cast<uint64_t>(order));
    const Tensor got = run().to(Device{});
    if (order == 0) {
      check_close("value", got, want, most > 0 ? most : got.dtype() == DType::f64 ? 1e-14 : got.dtype() == DType::bf16 ? 1e-2 : 1e-6);
      first = got;
    } else {
      CHECK(std::memcmp(got.raw(), first.raw(), got.bytes()) == 0);
    }
  }
  if constexpr (built == Built::emulated) set_seed(1);
}

struct Inputs {
  Conv2dCase c, exact;  // on the device; in f64 on the CPU
  Tensor x, w, gy;
  Conv2dFinish f, g;  // of y, of gx
  Inputs(const Layer& l, DType t)
      : c(conv2d_case(l.x, l.w, l.o, t, gpu_device())),
        exact(conv2d_case(l.x, l.w, l.o, DType::f64)),
        x(random_tensor(l.x, 1).to(t)),
        w(random_tensor(l.w, 2).to(t)),
        gy(random_tensor(exact.y_shape(), 3).to(t)) {
    const DType s = c.sum_dtype();
    f = {random_tensor({c.Cout}, 4).to(s), random_tensor({c.Cout}, 5).to(s), random_tensor(c.y_shape(), 6).to(t), true};
    g = {random_tensor({c.Cin}, 7).to(s), random_tensor({c.Cin}, 8).to(s), {}, true};
  }
};

Tensor there(const Tensor& t) { return t.defined() ? t.to(gpu_device()) : t; }
Tensor wide(const Tensor& t) { return t.defined() ? t.to(DType::f64) : t; }
Conv2dFinish there(const Conv2dFinish& f) { return {there(f.scale), there(f.shift), there(f.residual), f.relu}; }
Conv2dFinish wide(const Conv2dFinish& f) { return {wide(f.scale), wide(f.shift), wide(f.residual), f.relu}; }

void check_rung(const Conv2dRung& rung, const Inputs& in) {
  INFO(str(rung.name, ": ", in.c));
  const Tensor x = there(in.x), gy = there(in.gy);
  const Var w(there(in.w)), exact_w(wide(in.w));
  const Conv2dFinish f = there(in.f), g = there(in.g);
  const int orders = in.c.dtype == DType::bf16 ? 3 : in.c.dtype == DType::f32 ? 2 : 1;
  const bool alone = in.c.dtype == DType::bf16 && in.c.dilation == 2;  // and without all that may follow
  if (rung.supports(in.c, Conv2dPass::forward)) {
    check_pass("forward", orders, reference().forward(in.exact, wide(in.x), exact_w, wide(in.f)),
               [&] { return rung.forward(in.c, x, w, f); });
    if (alone)
      check_pass("forward alone", 1, reference().forward(in.exact, wide(in.x), exact_w, {}), [&] { return rung.forward(in.c, x, w, {}); });
  }
  if (rung.supports(in.c, Conv2dPass::data)) {
    check_pass("data", orders, reference().data(in.exact, wide(in.gy), exact_w, wide(in.g)), [&] { return rung.data(in.c, gy, w, g); });
    if (alone)
      check_pass("data alone", 1, reference().data(in.exact, wide(in.gy), exact_w, {}), [&] { return rung.data(in.c, gy, w, {}); });
  }
  if (rung.supports(in.c, Conv2dPass::weights))
    check_pass("weights", orders, reference().weights(in.exact, wide(in.x), wide(in.gy)), [&] { return rung.weights(in.c, x, gy); });
}

// v to the nearest of 10 mantissa bits, ties away from 0, as the PTX manual has it for cvt.rna.tf32.
Tensor rounded_to_tf32(const Tensor& v) {
  const Tensor r = v.clone();
  for (float& x : r.values<float>()) x = std::bit_cast<float>((std::bit_cast<uint32_t>(x) + 0x1000u) & 0xffffe000u);
  return r;
}

void reset_stats() {
  synchronize();
  if constexpr (built == Built::emulated) reset_launch_stats();
}

LaunchStats stats_of(const char* kernel, const std::function<void()>& run) {
  reset_stats();
  run();
  synchronize();
  return launch_stats(kernel);
}

}  // namespace

TEST_CASE("conv2d: every rung of the device, forward, data and weights", "[gpu][conv]") {
  if (!has_device()) return;
  for (const Layer& l : layers)
    for (const DType t : {DType::f32, DType::f64, DType::bf16}) {
      const Inputs in(l, t);
      for (const Conv2dRung& rung : mr::conv2d_rungs(gpu_device())) check_rung(rung, in);
    }
}

TEST_CASE("conv2d: gpu_implicit with its large tile", "[gpu][conv]") {
  if (!has_device()) return;
  Conv2dRung large = conv2d_gpu_implicit;
  large.forward = [](const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f) {
    return implicit_forward(c, x, w, f, ImplicitTile::large);
  };
  large.data = [](const Conv2dCase& c, const Tensor& gy, const Var& w, const Conv2dFinish& f) {
    return implicit_data(c, gy, w, f, ImplicitTile::large);
  };
  large.weights = [](const Conv2dCase& c, const Tensor& x, const Tensor& gy) { return implicit_weights(c, x, gy, ImplicitTile::large); };
  for (const DType t : {DType::bf16, DType::f32}) check_rung(large, Inputs(layers[1], t));
}

TEST_CASE("conv2d: with TF32 f32 is rounded to 10 bits of mantissa before it is multiplied, and only then", "[gpu][conv]") {
  if (!has_device()) return;
  const Inputs in(layers[1], DType::f32);
  const Tensor x = there(in.x), gy = there(in.gy);
  const Var w(there(in.w));
  const Conv2dFinish f = there(in.f), g = there(in.g);
  const auto expected = [&](int pass, const auto& factor) {
    if (pass == 0) return reference().forward(in.exact, factor(in.x), Var(factor(in.w)), wide(in.f));
    if (pass == 1) return reference().data(in.exact, factor(in.gy), Var(factor(in.w)), wide(in.g));
    return reference().weights(in.exact, factor(in.x), factor(in.gy));
  };
  const auto check_passes = [&](const char* what, double rounded_as_ours, const auto& run) {
    INFO(what);
    for (int pass = 0; pass < 3; ++pass) {
      INFO(name(static_cast<Conv2dPass>(pass)));
      const Tensor before = run(pass).to(Device{});
      {
        const ContextGuard guard;
        context().tf32 = true;
        check_pass(
            "with", 2, expected(pass, [](const Tensor& t) { return wide(rounded_to_tf32(t)); }), [&] { return run(pass); },
            rounded_as_ours);
      }
      const Tensor after = run(pass).to(Device{});
      check_close("without", after, expected(pass, [](const Tensor& t) { return wide(t); }), 1e-6);
      CHECK(std::memcmp(before.raw(), after.raw(), before.bytes()) == 0);
    }
  };
  for (const ImplicitTile tile : {ImplicitTile::small, ImplicitTile::large})
    check_passes("gpu_implicit", 2e-6, [&](int pass) {
      if (pass == 0) return implicit_forward(in.c, x, w, f, tile);
      return pass == 1 ? implicit_data(in.c, gy, w, g, tile) : implicit_weights(in.c, x, gy, tile);
    });
  // a vendor's library may round in another way
  check_passes("gpu_im2col", built == Built::emulated ? 2e-6 : 2e-3, [&](int pass) {
    const Conv2dRung& rung = conv2d_gpu_im2col;
    if (pass == 0) return rung.forward(in.c, x, w, f);
    return pass == 1 ? rung.data(in.c, gy, w, g) : rung.weights(in.c, x, gy);
  });
}

TEST_CASE("conv2d: gpu_implicit sums the weights' gradient over parts of the pixels, in their order", "[gpu][conv]") {
  if (!has_device()) return;
  const Inputs in({{3, 14, 13, 8}, {8, 1, 1, 8}, {}}, DType::bf16);  // 546 pixels: 9 steps, 3 parts
  const Tensor x = there(in.x), gy = there(in.gy);
  reset_stats();
  check_pass("weights", 3, reference().weights(in.exact, wide(in.x), wide(in.gy)),
             [&] { return implicit_weights(in.c, x, gy, ImplicitTile::small); });
  if (!is_emulated("the emulated device counts")) return;
  CHECK(launch_stats("conv2d_implicit_weights").blocks == 3 * 3);
  CHECK(launch_stats("conv2d_implicit_weights_sum").launches == 3);
}

TEST_CASE("conv2d: gpu_implicit has no bank conflict, and moves whole sectors", "[gpu][conv]") {
  if (!has_device() || !is_emulated("the emulated device counts")) return;
  for (const auto& [t, tf32] : {std::pair{DType::bf16, false}, {DType::f32, false}, {DType::f32, true}, {DType::f64, false}}) {
    INFO(name(t) << (tf32 ? " as TF32" : ""));
    const ContextGuard guard;
    context().tf32 = tf32;
    const Inputs in({{1, 8, 8, 64}, {64, 1, 3, 64}, {1, 1}}, t);
    const Tensor x = there(in.x), gy = there(in.gy);
    const Var w(there(in.w));
    const Conv2dFinish f{{}, {}, there(in.f.residual), true};  // scale and shift are read a number at a time
    for (const ImplicitTile tile : {ImplicitTile::small, ImplicitTile::large}) {
      if (t == DType::f64 && tile == ImplicitTile::large) continue;
      const LaunchStats forward = stats_of("conv2d_implicit_forward", [&] { implicit_forward(in.c, x, w, f, tile); });
      CHECK(forward.shared_accesses > 0);
      CHECK(forward.complete);
      CHECK(forward.bank_conflicts == 0);
      CHECK(forward.sectors == forward.ideal_sectors);
      const LaunchStats data = stats_of("conv2d_implicit_data", [&] { implicit_data(in.c, gy, w, {}, tile); });
      CHECK(data.shared_accesses > 0);
      CHECK(data.bank_conflicts == 0);
      CHECK(data.sectors == data.ideal_sectors);
      const LaunchStats weights = stats_of("conv2d_implicit_weights", [&] { implicit_weights(in.c, x, gy, tile); });
      CHECK(weights.shared_accesses > 0);
      CHECK(weights.complete);
      CHECK(weights.bank_conflicts == 0);
      CHECK(weights.sectors == weights.ideal_sectors);
    }
    CHECK(stats_of("conv2d_transpose_weights", [&] { implicit_data(in.c, gy, Var(w.value()), {}, ImplicitTile::small); }).bank_conflicts ==
          0);
  }
}

TEST_CASE("conv2d: what each step of the ladder saves", "[gpu][conv]") {
  if (!has_device() || !is_emulated("the emulated device counts")) return;
  struct Step {
    const Conv2dRung* rung;
    const char* kernel;
    DType dtype;
    int64_t sectors, barriers, shared, conflicts;  // the table of ops/conv/README.md
  };
  const Step steps[] = {
      {&conv2d_gpu_reference, "conv2d_reference_forward", DType::f32, 2044928, 0, 0, 0},
      {&conv2d_gpu_tiled, "conv2d_tiled", DType::f32, 8992, 36, 39168, 0},
      {&conv2d_gpu_implicit, "conv2d_implicit_forward", DType::f32, 8992, 18, 9792, 0},
      {&conv2d_gpu_reference, "conv2d_reference_forward", DType::bf16, 2044672, 0, 0, 0},
      {&conv2d_gpu_tiled, "conv2d_tiled", DType::bf16, 4496, 36, 39168, 0},
      {&conv2d_gpu_matrix, "conv2d_matrix", DType::bf16, 5264, 18, 864, 16128},
      {&conv2d_gpu_implicit, "conv2d_implicit_forward", DType::bf16, 4496, 9, 864, 0},
  };
  for (const Step& s : steps) {
    INFO(s.kernel << " " << name(s.dtype));
    const Inputs in({{1, 8, 8, 64}, {64, 3, 3, 64}, {1, 1}}, s.dtype);
    const Tensor x = there(in.x);
    const Var w(there(in.w));
    const LaunchStats stats = stats_of(s.kernel, [&] { s.rung->forward(in.c, x, w, {}); });
    CHECK(stats.complete);
    CHECK(stats.sectors == s.sectors);
    CHECK(stats.barriers == s.barriers);
    CHECK(stats.shared_accesses == s.shared);
    CHECK(stats.bank_conflicts == s.conflicts);
  }
}

}  // namespace mr::gpu
