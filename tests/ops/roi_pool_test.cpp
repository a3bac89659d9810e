#include "ops/roi/roi_pool.h"

#include "tests/catch.h"

using namespace mr;

TEST_CASE("roi_pool: the drawn 8×8 map, 2×2 bins", "[roi_pool]") {
  const Var x(Tensor::of<float>(
      {1, 8, 8, 1}, {0.88f, 0.44f, 0.14f, 0.16f, 0.37f, 0.77f, 0.96f, 0.27f, 0.19f, 0.45f, 0.57f, 0.16f, 0.63f, 0.29f, 0.71f, 0.70f,
                     0.66f, 0.26f, 0.82f, 0.64f, 0.54f, 0.73f, 0.59f, 0.26f, 0.85f, 0.34f, 0.76f, 0.84f, 0.29f, 0.75f, 0.62f, 0.25f,
                     0.32f, 0.74f, 0.21f, 0.39f, 0.34f, 0.03f, 0.33f, 0.48f, 0.20f, 0.14f, 0.16f, 0.13f, 0.73f, 0.65f, 0.96f, 0.32f,
                     0.19f, 0.69f, 0.09f, 0.86f, 0.88f, 0.07f, 0.01f, 0.48f, 0.83f, 0.24f, 0.97f, 0.04f, 0.24f, 0.35f, 0.50f, 0.91f}));
  const Tensor y = roi_pool({x}, {1}, Tensor::of<float>({2, 5}, {0, 0, 3, 6, 7, 0, 0, 3, 7, 8}), {}, {.size = 2}).value();
  const float expected[] = {0.85f, 0.96f, 0.97f, 0.96f, 0.85f, 0.96f, 0.97f, 0.91f};
  for (int i = 0; i < 8; ++i) CHECK(y.at(i) == expected[i]);
}
