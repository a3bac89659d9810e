#include "ops/roi/roi_align.h"

#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

// The 8×8 map that the notes on RoIPool draw.
const std::vector<float> drawn = {0.88f, 0.44f, 0.14f, 0.16f, 0.37f, 0.77f, 0.96f, 0.27f, 0.19f, 0.45f, 0.57f, 0.16f, 0.63f,
                                  0.29f, 0.71f, 0.70f, 0.66f, 0.26f, 0.82f, 0.64f, 0.54f, 0.73f, 0.59f, 0.26f, 0.85f, 0.34f,
                                  0.76f, 0.84f, 0.29f, 0.75f, 0.62f, 0.25f, 0.32f, 0.74f, 0.21f, 0.39f, 0.34f, 0.03f, 0.33f,
                                  0.48f, 0.20f, 0.14f, 0.16f, 0.13f, 0.73f, 0.65f, 0.96f, 0.32f, 0.19f, 0.69f, 0.09f, 0.86f,
                                  0.88f, 0.07f, 0.01f, 0.48f, 0.83f, 0.24f, 0.97f, 0.04f, 0.24f, 0.35f, 0.50f, 0.91f};

void check_values(const Tensor& y, std::initializer_list<double> expected, double margin = 6e-5) {
  REQUIRE(y.numel() == static_cast<int64_t>(expected.size()));
  int64_t i = 0;
  for (const double e : expected) {
    INFO("element " << i);
    CHECK(y.at(i++) == Approx(e).margin(margin));
  }
}

}  // namespace

TEST_CASE("roi_align: the drawn 8×8 map, box (0,3,7,8), 2×2 bins", "[roi_align]") {
  const Var x(Tensor::of<float>({1, 8, 8, 1}, drawn));
  const Tensor roi = Tensor::of<float>({1, 5}, {0, 0, 3, 7, 8});
  const auto run = [&](bool aligned, int samples, Reduce reduce) {
    return roi_align({x}, {1}, roi, {}, {.size = 2, .sampling_ratio = samples, .aligned = aligned, .reduce = reduce}).value();
  };
  check_values(run(false, 2, Reduce::max), {0.5811, 0.8136, 0.5883, 0.5513});
  check_values(run(false, 2, Reduce::mean), {0.3663, 0.5501, 0.4598, 0.3752});
  check_values(run(true, 2, Reduce::max), {0.7028, 0.6123, 0.7703, 0.7941});
  check_values(run(true, 2, Reduce::mean), {0.4770, 0.4710, 0.4569, 0.4552});
  check_values(run(true, 1, Reduce::mean), {0.5669, 0.2394, 0.5106, 0.2850});
  check_values(run(true, 0, Reduce::mean), {0.4744, 0.4795, 0.4326, 0.4234});
}
