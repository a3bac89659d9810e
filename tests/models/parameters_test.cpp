#include "models/parameters.h"

#include <algorithm>

#include "models/layers.h"
#include "models/weights/load.h"
#include "ops/gemm/linear.h"
#include "tests/catch.h"
#include "tests/folder.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

struct Layers {
  Parameters parameters;
  Conv conv{parameters, "conv", 3, 4, 3, Init::kaiming()};
  ConvNorm normed{parameters, "body", "norm", 3, 4, 1, NormOptions()};
  Var fc = parameters.add("fc.weight", {5, 7}, Init::xavier());
};

}  // namespace

TEST_CASE("a forward pass before pack() is an error that names the parameter", "[parameters]") {
  Layers m;
  const Var x(Tensor::full({1, 8, 8, 3}, 1));
  CHECK_THROWS_WITH(m.conv(x), Contains("parameter conv.weight: has no values yet (Parameters::pack"));
  CHECK_THROWS_WITH(m.normed(x, false, false), Contains("parameter norm.") && Contains("has no values yet"));
  CHECK_THROWS_WITH(m.normed(x, true, true), Contains("has no values yet"));
  CHECK_THROWS_WITH(linear(Var(Tensor::zeros({2, 7})), m.fc), Contains("parameter fc.weight: has no values yet"));
  CHECK_THROWS_WITH(m.fc.value().at(0), Contains("parameter fc.weight: has no values yet"));
  CHECK_THROWS_WITH(m.fc.detach(), Contains("parameter fc.weight: has no values yet"));
  m.parameters.pack(1);
  CHECK(m.conv(x).shape() == Shape{1, 6, 6, 4});
  CHECK(m.normed(x, false, false).shape() == Shape{1, 8, 8, 4});
  CHECK(linear(Var(Tensor::zeros({2, 7})), m.fc).shape() == Shape{2, 5});
}

TEST_CASE("before pack() parameters have shapes, and whatever needs values is an error", "[parameters]") {
  const test::Folder folder;
  Layers m;
  CHECK(m.fc.shape() == Shape{5, 7});
  CHECK(m.fc.size(-1) == 7);
  CHECK(m.fc.requires_grad());
  CHECK_FALSE(m.normed.mean.requires_grad());
  CHECK_FALSE(m.fc.grad().defined());
  CHECK_THROWS_WITH(m.parameters.zero_gradients(), Contains("parameters: gradients zeroed before pack()"));
  CHECK_THROWS_WITH(m.parameters.move_to(Device{}), Contains("parameters: moved before pack()"));
  CHECK_THROWS_WITH(save_weights(m.parameters, folder / "weights.safetensors", {}), Contains("parameter conv.weight: has no values yet"));
  WeightFile file;
  file.path = "memory";
  file.tensors.push_back({"fc.weight", FileType::f32, {5, 7}, [](std::span<std::byte> out) { std::ranges::fill(out, std::byte{}); }});
  CHECK_THROWS_WITH(load_weights(m.parameters, file, {.allow_missing = true}), Contains("parameter fc.weight: has no values yet"));
  m.parameters.pack(1);
  CHECK(load_weights(m.parameters, file, {.allow_missing = true}).loaded.size() == 1);
  m.parameters.zero_gradients();
  for (const Parameter& p : m.parameters.all()) CHECK(p.var.value().shape() == p.var.shape());
}

TEST_CASE("values that are not trained are those that they were given, packed and frozen alike", "[parameters]") {
  Parameters p;
  const Var frozen = p.add("stem.weight", {4}, Init::ones());
  const Var buffer = p.add_buffer("stem.running_var", {3}, 2);
  const Var trained = p.add("head.weight", {2}, Init::ones());
  p.freeze("stem.");
  p.pack(1);
  for (int64_t i = 0; i < 4; ++i) CHECK(frozen.value().at(i) == 1);
  for (int64_t i = 0; i < 3; ++i) CHECK(buffer.value().at(i) == 2);
  CHECK(trained.value().at(1) == 1);
  CHECK_FALSE(frozen.requires_grad());
  CHECK(p.weights().numel() == 16);
}
