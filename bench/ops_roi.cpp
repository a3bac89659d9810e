// Times the RoI operators, forward and backward, on one map. bench/compare_roi.py runs it beside torchvision on the same boxes.
//
//   bench_ops_roi [--rois FILE] [--repeat N] [--only align|pool|warp|precise|crop|max] [--size P] [--dtype f32|bf16] [--h H --w W --channels C --stride S]
//                 [--device cpu|cuda:N|emulated]
//   FILE: rows of five f32 (image, x1, y1, x2, y2); without it 1000 boxes of the map's size are drawn
//   prints one line of JSON: seconds, best of N after a warm-up
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "base/json_text.h"
#include "bench/best_of.h"
#include "bench/inputs.h"
#include "ops/roi/crop_and_resize.h"
#include "ops/roi/precise_roi_pool.h"
#include "ops/roi/roi_align.h"
#include "ops/roi/roi_pool.h"
#include "ops/roi/roi_warp.h"
#include "tensor/context.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"

using namespace mr;

namespace {

struct Arguments {
  std::string rois, only, dtype = "f32";
  int repeat = 8, size = 7, h = 200, w = 304, channels = 256, stride = 4;
  Device device = {};
};

Arguments parse(int argc, char** argv) {
  Arguments a;
  for (int i = 1; i < argc; i += 2) {
    const std::string key = argv[i];
    check(i + 1 < argc, "bench_ops_roi: ", key, " needs a value");
    const std::string value = argv[i + 1];
    if (key == "--rois")
      a.rois = value;
    else if (key == "--only")
      a.only = value;
    else if (key == "--dtype")
      a.dtype = value;
    else if (key == "--device")
      a.device = device_of(value);
    else if (key == "--repeat")
      a.repeat = std::stoi(value);
    else if (key == "--size")
      a.size = std::stoi(value);
    else if (key == "--h")
      a.h = std::stoi(value);
    else if (key == "--w")
      a.w = std::stoi(value);
    else if (key == "--channels")
      a.channels = std::stoi(value);
    else if (key == "--stride")
      a.stride = std::stoi(value);
    else
      fail("bench_ops_roi: unknown option ", key);
  }
  return a;
}

Tensor read_rois(const Arguments& a) {
  if (a.rois.empty()) return random_boxes(1000, a.h * a.stride, a.w * a.stride, 5).to(a.device);
  std::ifstream f(a.rois, std::ios::binary);
  check(f.good(), "bench_ops_roi: cannot read ", a.rois);
  std::vector<float> rows;
  float v;
  while (f.read(reinterpret_cast<char*>(&v), sizeof v)) rows.push_back(v);
  check(rows.size() % 5 == 0, "bench_ops_roi: ", a.rois, " must hold rows of five f32, got ", rows.size(), " numbers");
  return Tensor::of<float>({static_cast<int64_t>(rows.size()) / 5, 5}, rows).to(a.device);
}

struct Best {
  double forward = 1e9, backward = 1e9;
};

Best measure(const Var& x, int repeat, Device device, const std::function<Var()>& op) {
  const auto runs = static_cast<size_t>(runs_together(device, 8));
  Best best;
  Tensor seed;
  for (int i = 0; i <= repeat; ++i) {  // the first is the warm-up
    std::vector<Var> y(runs);
    const auto seconds = [&](const std::function<void(Var&)>& work) {
      synchronize(device);
      const double start = wall_seconds();
      for (Var& v : y) work(v);
      synchronize(device);
      return (wall_seconds() - start) / static_cast<double>(runs);
    };
    const double forward = seconds([&](Var& v) { v = op(); });
    if (!seed.defined()) seed = Tensor::full(y[0].shape(), 1, y[0].dtype());
    const double back = seconds([&](Var& v) { backward(v, seed); });
    x.set_grad(Tensor());
    if (i == 0) continue;
    best.forward = std::min(best.forward, forward);
    best.backward = std::min(best.backward, back);
  }
  return best;
}

int run(int argc, char** argv) {
  const Arguments a = parse(argc, argv);
  const DType dtype = a.dtype == "bf16" ? DType::bf16 : DType::f32;
  const Var x(random_tensor({1, a.h, a.w, a.channels}).to(dtype).to(a.device), true);  // [1,H,W,C]
  const Tensor rois = read_rois(a);
  const OnDevice where(a.device);
  JsonWriter j;
  j.object().field("threads", thread_count()).field("isa", name(isa()));
  const auto report = [&](const char* op, const std::function<Var()>& f) {
    if (!a.only.empty() && a.only != op) return;
    const Best b = measure(x, a.repeat, a.device, f);
    j.key(op).object().field("forward", b.forward).field("backward", b.backward).end();
  };
  report("align", [&] { return roi_align({x}, {a.stride}, rois, {}, {.size = a.size}); });
  report("pool", [&] { return roi_pool({x}, {a.stride}, rois, {}, {.size = a.size}); });
  const Var boxes(rois);
  report("warp", [&] { return roi_warp({x}, {a.stride}, boxes, {}, {.size = a.size}); });
  report("precise", [&] { return precise_roi_pool({x}, {a.stride}, boxes, {}, {.size = a.size}); });
  report("crop", [&] { return crop_and_resize({x}, {a.stride}, boxes, {}, {.size = a.size}); });
  report("max", [&] { return roi_align({x}, {a.stride}, rois, {}, {.size = a.size, .reduce = Reduce::max}); });
  std::printf("%s\n", j.end().text().c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
