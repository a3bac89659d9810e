#include "ops/elementwise/add.h"
#include "ops/elementwise/relu.h"
#include "ops/elementwise/scale.h"
#include "ops/elementwise/sigmoid.h"
#include "tests/gpu/ops/same.h"

namespace mr::gpu {

// 1037 is not a multiple of any pack: the last thread works one by one.
TEST_CASE("add, relu, scale, sigmoid are the same on the device", "[gpu]") {
  const std::vector<Tensor> one = {random_tensor({17, 61}, 1, -3, 3)};
  const std::vector<Tensor> two = {random_tensor({17, 61}, 1), random_tensor({17, 61}, 2)};
  same_on_device(two, [](const std::vector<Var>& x) { return add(x[0], x[1]); });
  same_on_device(one, [](const std::vector<Var>& x) { return relu(x[0]); });
  same_on_device(one, [](const std::vector<Var>& x) { return scale(x[0], 0.75); });
  same_on_device(one, [](const std::vector<Var>& x) { return sigmoid(x[0]); });
}

TEST_CASE("an elementwise operator takes a slice whose memory is not aligned to a pack", "[gpu]") {
  same_on_device({random_tensor({5, 3}, 1)}, [](const std::vector<Var>& x) { return relu(Var(x[0].value().slice(1, 5), false)); });
}

TEST_CASE("an elementwise operator takes no elements", "[gpu]") {
  same_on_device({random_tensor({0, 3}, 1)}, [](const std::vector<Var>& x) { return relu(x[0]); });
}

}  // namespace mr::gpu
