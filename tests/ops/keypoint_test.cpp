#include "ops/loss/keypoint.h"

#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

TEST_CASE("keypoint_labels: worked example, RoI (10,20,66,132), m = 56", "[keypoint]") {
  const Tensor box = Tensor::of<float>({1, 4}, {10, 20, 66, 132});
  const Tensor points = Tensor::of<float>({1, 6, 3}, {38.2f, 75.9f, 2, 66, 132, 1, 9.9f, 50, 2, 38.2f, 75.9f, 0, 10, 20, 1, 20, 132.1f, 2});
  const Tensor labels = keypoint_labels(points, box, 56);
  const int expected[] = {27 * 56 + 28, 3135, -1, -1, 0, -1};
  CHECK(expected[0] == 1540);
  for (int i = 0; i < 6; ++i) CHECK(labels.at(i) == expected[i]);
  const Tensor flat = Tensor::of<float>({1, 4}, {10, 20, 10, 132});
  for (int i = 0; i < 6; ++i) CHECK(keypoint_labels(points, flat, 56).at(i) == -1);
}

TEST_CASE("keypoint_loss: by hand, a 1×2 map of two kinds, one without a label", "[keypoint]") {
  // kind 0 at the positions: 0, ln 3; kind 1 is ignored
  const Var z(Tensor::of<double>({1, 1, 2, 2}, {0, 7, std::log(3.0), -4}), true);
  const Var loss = keypoint_loss(z, Tensor::of<int32_t>({1, 2}, {1, -1}));
  CHECK(loss.value().at(0) == Approx(-std::log(0.75)).epsilon(1e-14));
  backward(loss);
  const double expected[] = {0.25, 0, -0.25, 0};
  for (int i = 0; i < 4; ++i) CHECK(z.grad().at(i) == Approx(expected[i]).margin(1e-15));
}

TEST_CASE("keypoint_loss: gradient, types, none valid", "[keypoint]") {
  const Tensor labels = Tensor::of<int32_t>({2, 3}, {5, -1, 0, 11, 3, -1});
  CHECK(gradient_off([&](const std::vector<Var>& v) { return keypoint_loss(v[0], labels); },
                     {random_tensor({2, 3, 4, 3}, "z", DType::f64, 0, 2)}) == "");
  for (const DType t : float_types) {
    const Tensor z = random_tensor({2, 3, 4, 3}, "z", t, 0, 2);
    real sum = 0, magnitude = 0;
    for (int i = 0; i < 6; ++i) {
      const auto at = static_cast<int64_t>(labels.at(i));
      if (at < 0) continue;
      real total = 0;
      const auto value = [&](int64_t p) { return static_cast<real>(z.at((i / 3 * 12 + p) * 3 + i % 3)); };
      for (int64_t p = 0; p < 12; ++p) total += std::exp(value(p));
      sum += std::log(total) - value(at);
      magnitude += std::abs(std::log(total)) + std::abs(value(at));
    }
    CHECK(keypoint_loss(Var(z), labels).value().at(0) ==
          Approx(static_cast<double>(sum / 4)).margin(4 * eps_of(t == DType::bf16 ? DType::f32 : t) * static_cast<double>(magnitude)));
  }
  const Var z(random_tensor({1, 2, 2, 1}, "z"), true);
  const Var none = keypoint_loss(z, Tensor::of<int32_t>({1, 1}, {-1}));
  CHECK(none.value().at(0) == 0);
  backward(none);
  for (int i = 0; i < 4; ++i) CHECK(z.grad().at(i) == 0);
  CHECK(keypoint_loss(Var(Tensor::empty({0, 2, 2, 1})), Tensor::empty({0, 1}, DType::i32)).value().at(0) == 0);
}

TEST_CASE("keypoint_decode: a label's cell comes back, to half a cell", "[keypoint]") {
  const Tensor box = Tensor::of<float>({1, 4}, {10, 20, 66, 132});
  const Tensor z = Tensor::zeros({1, 56, 56, 2});
  z.data<float>()[1540 * 2] = 9;
  z.data<float>()[3135 * 2 + 1] = 9;
  const Tensor out = keypoint_decode(z, box);
  // one pixel a cell across: its centre; two a cell down: either of the two about the centre, the upper first
  CHECK(out.at(0) == Approx(10 + 28.5));
  CHECK(std::abs(out.at(1) - (20 + 2 * 27.5)) <= 1);
  CHECK(out.at(2) > 6);
  CHECK(out.at(3) == Approx(10 + 55.5));
  CHECK(out.at(4) == Approx(131.5).margin(1));
}

TEST_CASE("keypoint_decode: at one pixel a cell the map is as it is, and in a constant map the first pixel is the largest", "[keypoint]") {
  const Tensor box = Tensor::of<float>({1, 4}, {3, 5, 11, 13}), z = random_tensor({1, 8, 8, 1}, "z", DType::f32);
  int64_t best = 0;
  for (int64_t i = 1; i < 64; ++i)
    if (z.at(i) > z.at(best)) best = i;
  const Tensor out = keypoint_decode(z, box);
  CHECK(out.at(0) == Approx(3 + static_cast<double>(best % 8) + 0.5));
  CHECK(out.at(1) == Approx(5 + static_cast<double>(best / 8) + 0.5));
  CHECK(out.at(2) == Approx(z.at(best)).epsilon(1e-6));
  const Tensor flat = keypoint_decode(Tensor::full({1, 4, 4, 1}, 2), Tensor::of<float>({1, 4}, {0, 0, 4, 4}));
  CHECK(flat.at(0) == 0.5);
  CHECK(flat.at(1) == 0.5);
  CHECK(flat.at(2) == 2);
}

TEST_CASE("keypoints: errors say what was expected and what came", "[keypoint]") {
  const Tensor box = Tensor::of<float>({1, 4}, {3, 5, 11, 13});
  CHECK_THROWS_WITH(keypoint_labels(Tensor::zeros({1, 17, 2}), box, 56),
                    Contains("keypoint_labels: keypoints must be [1,K,3] f32, got [1, 17, 2]"));
  CHECK_THROWS_WITH(keypoint_labels(Tensor::zeros({1, 17, 3}), box, 0), Contains("m must be 1"));
  CHECK_THROWS_WITH(keypoint_loss(Var(Tensor::zeros({1, 2, 2})), Tensor::zeros({1, 1}, DType::i32)),
                    Contains("keypoint_loss: logits must be [R,m,m,K]"));
  CHECK_THROWS_WITH(keypoint_loss(Var(Tensor::zeros({1, 2, 2, 1})), Tensor::of<int32_t>({1, 1}, {4})),
                    Contains("a position below 4, got 4"));
  CHECK_THROWS_WITH(keypoint_loss(Var(Tensor::zeros({1, 2, 2, 1})), Tensor::zeros({1, 2}, DType::i32)),
                    Contains("labels must be i32 [1,1]"));
  CHECK_THROWS_WITH(keypoint_decode(Tensor::zeros({2, 4, 4, 1}), box),
                    Contains("keypoint_decode: expected a box for each of 2 RoIs, got 1"));
  CHECK_THROWS_WITH(keypoint_decode(Tensor::zeros({1, 4, 4, 1}), Tensor::of<float>({1, 4}, {0, 0, 1e9f, 4})),
                    Contains("at most 65536 pixels"));
}
