// Times convolutions and linear layers: forward, backward-data and backward-weights of the layers of Mask R-CNN R50-FPN at 800×1216 and
// of a small one on 256×256, batch 8. bench/compare_conv.py runs it beside torch.
//
//   bench_ops_conv [--filter TEXT] [--rung NAME|choice|all] [--threads N] [--repeat N] [--clock wall|cpu] [--cold 1]
//                  [--device cpu|cuda:N|emulated] [--dtype f32|bf16] [--batch N]
//   --clock cpu: processor time of one thread, which a busy machine leaves (nearly) alone
//   --cold 1: transform and pack the weights anew each time, as a training step must
//   --batch N: as many times the layer's own; of another device than the CPU, convolutions alone
//   prints one line of JSON a layer, pass and rung: seconds (best of N after a warm-up) and GF/s of the plain convolution's 2·products
#include <cstdio>
#include <ctime>
#include <functional>
#include <string>
#include <string_view>

#include "base/json_text.h"
#include "bench/best_of.h"
#include "bench/inputs.h"
#include "ops/conv/conv2d_rungs.h"
#include "ops/gemm/gemm.h"
#include "ops/gemm/linear.h"
#include "tensor/context.h"
#include "tensor/simd.h"

using namespace mr;

namespace {

struct Layer {
  const char* name;
  int64_t N, H, W, Cin, Cout;
  int k, stride;
};
const Layer layers[] = {
    {"stem", 1, 800, 1216, 3, 64, 7, 2},
    {"res2 1x1 64-64", 1, 200, 304, 64, 64, 1, 1},
    {"res2 3x3 64", 1, 200, 304, 64, 64, 3, 1},
    {"res2 1x1 64-256", 1, 200, 304, 64, 256, 1, 1},
    {"res2 1x1 256-64", 1, 200, 304, 256, 64, 1, 1},
    {"res3 1x1 256-128", 1, 200, 304, 256, 128, 1, 1},
    {"res3 3x3/2 128", 1, 200, 304, 128, 128, 3, 2},
    {"res3 1x1/2 256-512", 1, 200, 304, 256, 512, 1, 2},
    {"res3 3x3 128", 1, 100, 152, 128, 128, 3, 1},
    {"res3 1x1 128-512", 1, 100, 152, 128, 512, 1, 1},
    {"res3 1x1 512-128", 1, 100, 152, 512, 128, 1, 1},
    {"res4 3x3/2 256", 1, 100, 152, 256, 256, 3, 2},
    {"res4 3x3 256", 1, 50, 76, 256, 256, 3, 1},
    {"res4 1x1 256-1024", 1, 50, 76, 256, 1024, 1, 1},
    {"res4 1x1 1024-256", 1, 50, 76, 1024, 256, 1, 1},
    {"res5 3x3/2 512", 1, 50, 76, 512, 512, 3, 2},
    {"res5 3x3 512", 1, 25, 38, 512, 512, 3, 1},
    {"res5 1x1 512-2048", 1, 25, 38, 512, 2048, 1, 1},
    {"res5 1x1 2048-512", 1, 25, 38, 2048, 512, 1, 1},
    {"fpn lateral 256-256", 1, 200, 304, 256, 256, 1, 1},
    {"fpn 3x3 P2", 1, 200, 304, 256, 256, 3, 1},
    {"fpn 3x3 P3", 1, 100, 152, 256, 256, 3, 1},
    {"fpn 3x3 P4", 1, 50, 76, 256, 256, 3, 1},
    {"fpn 3x3 P5", 1, 25, 38, 256, 256, 3, 1},
    {"fpn 3x3 P6", 1, 13, 19, 256, 256, 3, 1},
    {"rpn 1x1 256-12", 1, 200, 304, 256, 12, 1, 1},
    {"mask 3x3 14x14", 100, 14, 14, 256, 256, 3, 1},
    {"mask 1x1 256-91", 100, 28, 28, 256, 91, 1, 1},
    {"fc6 12544-1024", 1000, 1, 1, 12544, 1024, 0, 1},
    {"fc7 1024-1024", 1000, 1, 1, 1024, 1024, 0, 1},
    {"small stem", 8, 256, 256, 3, 64, 7, 2},
    {"small 3x3 64", 8, 64, 64, 64, 64, 3, 1},
    {"small 3x3/2 64-128", 8, 64, 64, 64, 128, 3, 2},
    {"small 3x3 128", 8, 32, 32, 128, 128, 3, 1},
    {"small 3x3 256", 8, 16, 16, 256, 256, 3, 1},
    {"small 3x3 512", 8, 8, 8, 512, 512, 3, 1},
    {"small 1x1/2 64-128", 8, 64, 64, 64, 128, 1, 2},
    {"small fpn 3x3 128", 8, 64, 64, 128, 128, 3, 1},
    {"small mask 3x3 128", 256, 14, 14, 128, 128, 3, 1},
    {"small fc6 6272-512", 512, 1, 1, 6272, 512, 0, 1},
};

struct Arguments {
  std::string filter, rung = "choice", clock = "wall", pass;
  int threads = 2, repeat = 5, cold = 0, batch = 1;
  Device device = {};
  DType dtype = DType::f32;
};

Arguments parse(int argc, char** argv) {
  Arguments a;
  for (int i = 1; i < argc; i += 2) {
    const std::string key = argv[i];
    check(i + 1 < argc, "bench_ops_conv: ", key, " needs a value");
    const std::string value = argv[i + 1];
    if (key == "--filter")
      a.filter = value;
    else if (key == "--rung")
      a.rung = value;
    else if (key == "--clock")
      a.clock = value;
    else if (key == "--pass")
      a.pass = value;
    else if (key == "--threads")
      a.threads = std::stoi(value);
    else if (key == "--repeat")
      a.repeat = std::stoi(value);
    else if (key == "--device")
      a.device = device_of(value);
    else if (key == "--dtype" && (value == "f32" || value == "bf16"))
      a.dtype = value == "bf16" ? DType::bf16 : DType::f32;
    else if (key == "--batch")
      a.batch = std::stoi(value);
    else if (key == "--cold")
      a.cold = std::stoi(value);
    else
      fail("bench_ops_conv: expected one of the options that its source lists, got ", key, " ", value);
  }
  if (a.clock == "cpu") a.threads = 1;
  return a;
}

Tensor random(const Arguments& a, const Shape& shape) { return random_tensor(shape).to(a.dtype).to(a.device); }

double processor_seconds() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

void time(const Arguments& a, const Layer& l, const char* pass, const char* rung, double flops, const std::function<void()>& f) {
  if (!a.pass.empty() && a.pass != pass) return;
  const double best = best_of(a.repeat, a.device, 16, f, a.clock == "cpu" ? processor_seconds : wall_seconds);
  JsonWriter j;
  j.object().field("layer", l.name).field("n", a.batch * l.N).field("h", l.H).field("w", l.W).field("cin", l.Cin).field("cout", l.Cout);
  j.field("k", l.k).field("stride", l.stride).field("pass", pass).field("rung", rung).field("seconds", best);
  j.field("gflops", 1e-9 * flops / best).end();
  std::printf("%s\n", j.text().c_str());
  std::fflush(stdout);
}

void time_conv(const Arguments& a, const Layer& l) {
  const Conv2dCase c =
      conv2d_case({a.batch * l.N, l.H, l.W, l.Cin}, {l.Cout, l.k, l.k, l.Cin}, {.stride = l.stride, .padding = l.k / 2}, a.dtype, a.device);
  const Tensor x = random(a, c.x_shape()), gy = random(a, c.y_shape());  // [N,H,W,C]
  const Var w(random_tensor(c.w_shape()).to(a.device));
  const Conv2dFinish finish{random_tensor({c.Cout}).to(a.device), random_tensor({c.Cout}).to(a.device), {}, true};
  for (const Conv2dRung& rung : conv2d_rungs(a.device))
    for (const Conv2dPass pass : {Conv2dPass::forward, Conv2dPass::data, Conv2dPass::weights}) {
      if (!rung.supports(c, pass) || (a.rung == "all" && std::string_view(rung.name).ends_with("reference"))) continue;
      if (a.rung == "choice" ? &conv2d_choice(c, pass) != &rung : a.rung != "all" && a.rung != rung.name) continue;
      time(a, l, name(pass), rung.name, c.flops(), [&] {
        if (a.cold) w.touch();
        if (pass == Conv2dPass::forward)
          rung.forward(c, x, w, finish);
        else if (pass == Conv2dPass::data)
          rung.data(c, gy, w, {});
        else
          rung.weights(c, x, gy);
      });
    }
}

void time_linear(const Arguments& a, const Layer& l) {
  const Var x(random_tensor({l.N, l.Cin})), w(random_tensor({l.Cout, l.Cin})), b(random_tensor({l.Cout}));
  const double flops = 2.0 * static_cast<double>(l.N * l.Cin * l.Cout);
  const Tensor gy = random_tensor({l.N, l.Cout});
  const char* rung = "gemm";
  time(a, l, "forward", rung, flops, [&] {
    if (a.cold) w.touch();
    linear(x, w, b, true);
  });
  for (const bool data : {true, false}) {
    Gemm g;
    g.a = gy.raw();
    g.dtype = g.c_dtype = DType::f32;
    const Tensor c = Tensor::empty(data ? x.shape() : w.shape());
    g.c = c.raw();
    g.M = c.size(0);
    g.N = c.size(1);
    g.K = data ? l.Cout : l.N;
    g.transpose_a = !data;
    g.lda = l.Cout;
    g.ldb = g.ldc = l.Cin;
    g.b = x.value().raw();
    time(a, l, data ? "data" : "weights", rung, flops, [&] {
      if (a.cold) w.touch();
      if (data)
        gemm_with_weights(g, w);
      else
        gemm(g);
    });
  }
}

}  // namespace

int main(int argc, char** argv) try {
  const Arguments a = parse(argc, argv);
  context().threads = a.threads;
  for (const Layer& l : layers) {
    if (std::string(l.name).find(a.filter) == std::string::npos) continue;
    if (l.k > 0)
      time_conv(a, l);
    else if (a.device.type == DeviceType::cpu)
      time_linear(a, l);
  }
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
