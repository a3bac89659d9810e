#include "ops/optim/sgd.h"

#include <limits>

#include "tests/gpu/ops/same.h"

namespace mr::gpu {
namespace {

// Three pieces, the first two neighbours of one parameter, then one that leaves a gap and ends within a pack.
const std::vector<ArenaPiece> pieces = {{0, 1500, 1, 0.1F}, {1500, 1700, 1, 0.1F}, {1712, 1719, 2, 0}};
constexpr int64_t size = 1728;

struct State {
  Tensor w, v, norm;
};

State steps_on(Device device, const SgdOptions& options, double spoil = 0) {
  const ContextGuard guard;
  context().device = device;
  State s{random_tensor({size}, 1).to(DType::f32).to(device), Tensor::zeros({size}), {}};
  const ArenaPieces all(pieces, device);
  for (uint64_t step = 0; step < 3; ++step) {
    const Tensor g = random_tensor({size}, 2 + step).to(DType::f32);
    if (spoil != 0 && step == 2) g.data<float>()[1713] = static_cast<float>(spoil);
    s.norm = sgd_step(s.w, s.v, g.to(device), all, options, Tensor::of<float>({1}, {0.1F}));
  }
  return {s.w.to(Device{}), s.v.to(Device{}), s.norm.to(Device{})};
}

bool same(const Tensor& a, const Tensor& b) { return std::memcmp(a.raw(), b.raw(), a.bytes()) == 0; }

}  // namespace

TEST_CASE("sgd has the CPU's bits on the device", "[gpu]") {
  if (!has_device()) return;
  for (const SgdOptions& options : {SgdOptions{0.9, false, 0}, SgdOptions{0.9, true, 0}, SgdOptions{0, false, 0}}) {
    const State want = steps_on(Device{}, options), got = steps_on(gpu_device(), options);
    CHECK(same(got.w, want.w));
    CHECK(same(got.v, want.v));
    CHECK(got.norm.at(0) == Approx(want.norm.at(0)).epsilon(1e-14));
  }
}

TEST_CASE("sgd clips gradients on the device, in every order alike", "[gpu]") {
  if (!has_device()) return;
  const SgdOptions options{0.9, true, 2};
  const State want = steps_on(Device{}, options);
  CHECK(want.norm.at(0) > 2);
  State first;
  for (const uint64_t order : {0, 1, 2}) {
    if constexpr (built == Built::emulated) set_seed(order);
    const State got = steps_on(gpu_device(), options);
    if (order == 0) first = got;
    check_close("weights", got.w, want.w, 1e-6);
    CHECK(same(got.w, first.w));
    CHECK(same(got.norm, first.norm));
  }
  if constexpr (built == Built::emulated) set_seed(1);
  if (is_emulated()) CHECK(launch_stats("gradient_squares").bank_conflicts == 0);
}

TEST_CASE("sgd leaves the weights alone on the device when the gradient is not finite", "[gpu]") {
  if (!has_device()) return;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const State want = steps_on(Device{}, {}, nan), got = steps_on(gpu_device(), {}, nan);
  CHECK(std::isnan(got.norm.at(0)));
  CHECK(same(got.w, want.w));
  CHECK(!std::isnan(got.w.at(1713)));
}

}  // namespace mr::gpu
