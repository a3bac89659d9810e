#include "ops/optim/adam.h"

#include <limits>

#include "tensor/gpu/graph.h"
#include "tests/gpu/ops/same.h"

namespace mr::gpu {
namespace {

// Three pieces, the first two neighbours of one parameter, then one that leaves a gap and ends within a pack.
const std::vector<ArenaPiece> pieces = {{0, 1500, 1, 0.1F}, {1500, 1700, 1, 0.1F}, {1712, 1719, 2, 0}};
constexpr int64_t size = 1728;

Tensor gradient(uint64_t step) { return random_tensor({size}, 2 + step).to(DType::f32); }
Tensor rate(uint64_t step) { return Tensor::of<float>({1}, {0.1F / static_cast<float>(step + 1)}); }

struct State {
  Tensor w;
  AdamState adam;
  Tensor norm;

  explicit State(Device device)
      : w(random_tensor({size}, 1).to(DType::f32).to(device)),
        adam{Tensor::zeros({size}, DType::f32, device), Tensor::zeros({size}, DType::f32, device),
             Tensor::of<double>({2}, {1, 1}).to(device)} {}
  // Weights, means, squares, powers, norm, on the CPU.
  std::vector<Tensor> all() const { return to_cpu({w, adam.mean, adam.square, adam.powers, norm}); }
};

std::vector<Tensor> after_steps(Device device, const AdamOptions& options, double spoil = 0) {
  const ContextGuard guard;
  State s(device);
  const ArenaPieces there(pieces, device);
  for (uint64_t step = 0; step < 3; ++step) {
    const Tensor g = gradient(step);
    if (spoil != 0 && step == 2) g.data<float>()[1713] = static_cast<float>(spoil);
    context().device = device;
    s.norm = adam_step(s.w, s.adam, g.to(device), there, options, rate(step).to(device));
    context().device = Device{};
  }
  return s.all();
}

bool same(const Tensor& a, const Tensor& b) { return std::memcmp(a.raw(), b.raw(), a.bytes()) == 0; }

}  // namespace

TEST_CASE("adam has the CPU's bits on the device", "[gpu]") {
  if (!has_device()) return;
  for (const AdamDecay decay : {AdamDecay::coupled, AdamDecay::decoupled}) {
    const std::vector<Tensor> want = after_steps(Device{}, {.decay = decay}), got = after_steps(gpu_device(), {.decay = decay});
    for (size_t i = 0; i < 4; ++i) CHECK(same(got[i], want[i]));
    CHECK(got[4].at(0) == Approx(want[4].at(0)).epsilon(1e-14));
  }
}

TEST_CASE("adam clips gradients on the device, in every order alike", "[gpu]") {
  if (!has_device()) return;
  const AdamOptions options{.clip_norm = 2};
  const std::vector<Tensor> want = after_steps(Device{}, options);
  CHECK(want[4].at(0) > 2);
  std::vector<Tensor> first;
  for (const uint64_t order : {0, 1, 2}) {
    if constexpr (built == Built::emulated) set_seed(order);
    const std::vector<Tensor> got = after_steps(gpu_device(), options);
    if (order == 0) first = got;
    for (size_t i = 0; i < got.size(); ++i) {
      check_close("adam", got[i], want[i], 1e-6);
      CHECK(same(got[i], first[i]));
    }
  }
  if constexpr (built == Built::emulated) set_seed(1);
}

TEST_CASE("adam leaves weights and state alone on the device when the gradient is not finite", "[gpu]") {
  if (!has_device()) return;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Tensor> want = after_steps(Device{}, {}, nan), got = after_steps(gpu_device(), {}, nan);
  CHECK(std::isnan(got[4].at(0)));
  for (size_t i = 0; i < 4; ++i) CHECK(same(got[i], want[i]));
  CHECK(got[3].at(0) == 0.9 * 0.9);
}

TEST_CASE("a step of adam once recorded is any step", "[gpu]") {
  if (!has_device()) return;
  const std::vector<Tensor> want = after_steps(gpu_device(), {});
  const ContextGuard guard;
  State s(gpu_device());
  const ArenaPieces there(pieces, gpu_device());
  const Tensor g = gradient(0).to(gpu_device()), lr = rate(0).to(gpu_device());
  context().device = gpu_device();
  const auto step = [&] { s.norm = adam_step(s.w, s.adam, g, there, {}, lr); };
  step();
  const Graph graph(step);
  context().device = Device{};
  for (uint64_t t = 1; t < 3; ++t) {
    g.copy_(gradient(t));
    lr.copy_(rate(t));
    graph.launch();
  }
  const std::vector<Tensor> got = s.all();
  for (size_t i = 0; i < got.size(); ++i) CHECK(same(got[i], want[i]));
}

}  // namespace mr::gpu
