#include "bench/timings/ops.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/json_text.h"
#include "bench/best_of.h"
#include "bench/inputs.h"
#include "ops/boxes/nms.h"
#include "ops/conv/conv2d_rungs.h"
#include "ops/gemm/linear.h"
#include "ops/roi/roi_align.h"
#include "ops/roi/roi_pool.h"
#include "tensor/context.h"
#include "tensor/device.h"
#include "tensor/gpu/built.h"

namespace mr {
namespace {

struct ConvLayer {
  int64_t n, h, w, cin, cout;
  int k, stride;
};
constexpr ConvLayer conv_layers[] = {
    {1, 800, 1216, 3, 64, 7, 2},                                   // stem
    {1, 200, 304, 64, 64, 3, 1},                                   // res2
    {1, 200, 304, 64, 256, 1, 1},  {1, 100, 152, 128, 128, 3, 1},  // res3
    {1, 50, 76, 256, 256, 3, 1},                                   // res4
    {1, 50, 76, 1024, 256, 1, 1},  {1, 25, 38, 512, 512, 3, 1},    // res5
    {1, 200, 304, 256, 256, 3, 1},                                 // P2 and the RPN on it
    {1, 50, 76, 256, 256, 3, 2},   {100, 14, 14, 256, 256, 3, 1},  // mask head
    {8, 256, 256, 3, 64, 7, 2},                                    // the small model
    {8, 64, 64, 64, 64, 3, 1},     {8, 32, 32, 128, 128, 3, 1},   {8, 64, 64, 128, 128, 3, 1},
};

class Bench {
 public:
  Bench(const std::string& filter, int64_t repeats, Device device) : filter_(filter), repeats_(repeats), device_(device) {}

  // Whether to time what is so named; every name that is asked for is listed.
  bool wanted(const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    return name.find(filter_) != std::string::npos;
  }
  // Once to warm up, then the best of the repeats. `before` is not timed.
  void time(
      const std::string& name, const std::string& rung, double flops, const std::function<void()>& work,
      const std::function<void()>& before = [] {}) {
    if (!wanted(name)) return;
    double best = 1e30;
    for (int64_t i = 0; i <= repeats_; ++i) {
      before();
      synchronize(device_);
      const double begin = wall_seconds();
      work();
      synchronize(device_);
      if (i > 0) best = std::min(best, wall_seconds() - begin);
    }
    timings.push_back({name, rung, best, 1e-9 * flops / best});
  }
  // An operator on the tape: forward, then backward from a gradient of ones.
  void time_var(const std::string& name, const Var& x, const std::function<Var()>& op) {
    Var y;
    time(name + " forward", "", 0, [&] { y = op(); });
    time(
        name + " backward", "", 0, [&] { backward(y, Tensor::full(y.shape(), 1)); },
        [&] {
          y = op();
          x.set_grad({});
        });
  }

  std::vector<OpTiming> timings;
  std::vector<std::string> names;

 private:
  std::string filter_;
  int64_t repeats_;
  Device device_;
};

void time_conv(Bench& bench, const ConvLayer& l) {
  Conv2dOptions options;
  options.stride = l.stride;
  options.padding = l.k / 2;
  const Conv2dCase c = conv2d_case({l.n, l.h, l.w, l.cin}, {l.cout, l.k, l.k, l.cin}, options, DType::f32, context().device);
  const std::string name = fmt::format("conv {0}x{0}/{1} {2}-{3} {4}x{5}x{6}", l.k, l.stride, l.cin, l.cout, l.n, l.h, l.w);
  bool any = false;
  for (const char* pass : {" forward", " data", " weights"}) any |= bench.wanted(name + pass);
  if (!any) return;
  const Tensor x = random_tensor(c.x_shape()), gy = random_tensor(c.y_shape());  // [N,H,W,C]
  const Var w(random_tensor(c.w_shape()));
  const auto rung = [&](Conv2dPass pass) { return conv2d_choice(c, pass).name; };
  bench.time(name + " forward", rung(Conv2dPass::forward), c.flops(), [&] { conv2d_forward(c, x, w, {}); });
  bench.time(name + " data", rung(Conv2dPass::data), c.flops(), [&] { conv2d_data(c, gy, w, {}); });
  bench.time(name + " weights", rung(Conv2dPass::weights), c.flops(), [&] { conv2d_weights(c, x, gy); });
}

}  // namespace

std::vector<OpTiming> bench_ops(const std::string& filter, int64_t repeats, Device device) {
  check(repeats >= 1, "bench: --repeats must be 1 or more, got ", repeats);
  const OnDevice where(device);
  Bench bench(filter, repeats, device);
  for (const ConvLayer& l : conv_layers) time_conv(bench, l);
  if (bench.wanted("linear 12544-1024 1000")) {
    const Var x(random_tensor({1000, 12544})), w(random_tensor({1024, 12544})), b(random_tensor({1024}));
    bench.time("linear 12544-1024 1000", "", 2.0 * 1000 * 12544 * 1024, [&] { linear(x, w, b, true); });
  }
  const Var map(random_tensor({1, 200, 304, 256}), true);  // [N,H,W,C]
  const Tensor rois = random_boxes(1000, 800, 1216, 5);
  bench.time_var("roi_align 1000 7x7 256", map, [&] { return roi_align({map}, {4}, rois, {}); });
  bench.time_var("roi_pool 1000 7x7 256", map, [&] { return roi_pool({map}, {4}, rois, {}); });
  const Tensor boxes = random_boxes(2000, 800, 1216, 4), scores = random_tensor({2000});
  bench.time("nms 2000", "", 0, [&] { nms(candidates_of(boxes, scores), 0.7, 2000); });
  check(!bench.timings.empty(), "bench: --filter ", filter, ": expected a part of one of ",
        fmt::format("{}", fmt::join(bench.names, ", ")));
  return std::move(bench.timings);
}

std::string to_json(const std::vector<OpTiming>& timings) {
  JsonWriter j;
  j.array();
  for (const OpTiming& t : timings) {
    if (&t != timings.data()) j.line(" ");
    j.object().field("name", t.name).field("rung", t.rung).field("seconds", t.seconds).field("gflops", t.gflops).end();
  }
  return j.end().take();
}

std::string to_text(const std::vector<OpTiming>& timings) {
  std::string out = fmt::format("{:<44} {:<10} {:>10} {:>9}\n", "", "rung", "ms", "GF/s");
  for (const OpTiming& t : timings)
    out += fmt::format("{:<44} {:<10} {:>10.3f} {:>9}\n", t.name, t.rung, 1e3 * t.seconds,
                       t.gflops > 0 ? fmt::format("{:.0f}", t.gflops) : "");
  return out;
}

}  // namespace mr
