#include "ops/elementwise/dropout.h"

#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

TEST_CASE("dropout: worked example", "[dropout]") {
  Rng words(5, "drop");  // element i asks word i
  const Rng stream(5, "drop");
  const Tensor x = random_tensor({3, 7}, "x", DType::f32), y = dropout(Var(x), 0.25, stream).value();
  int dropped = 0;
  for (int64_t i = 0; i < x.numel(); ++i) {
    const bool drops = words.next() < 0x40000000u;
    dropped += drops;
    CHECK(y.at(i) == (drops ? 0 : static_cast<double>(static_cast<float>(x.at(i)) * static_cast<float>(1 / 0.75))));
  }
  CHECK(dropped > 0);
  CHECK(dropped < 21);
}

TEST_CASE("dropout: gradient", "[dropout]") {
  CHECK(gradient_off([](const std::vector<Var>& v) { return dropout(v[0], 0.4, Rng(3, "drop")); }, {random_tensor({3, 50}, "x")}) == "");
}

TEST_CASE("dropout: a share p is dropped, the mean stays, and the gradient is dropped where the value was", "[dropout]") {
  const Tensor ones = Tensor::full({200'000}, 1, DType::f64);
  for (const double p : {0.1, 0.5, 0.9}) {
    INFO(p);
    const Tensor y = dropout(Var(ones), p, Rng(1, "drop")).value();
    double sum = 0, dropped = 0;
    for (int64_t i = 0; i < y.numel(); ++i) sum += y.at(i), dropped += y.at(i) == 0;
    CHECK(std::abs(dropped / 2e5 - p) < 0.005);
    CHECK(std::abs(sum / 2e5 - 1) < 0.02);
    CHECK(same_bits(gradient([p](const Var& v) { return dropout(v, p, Rng(1, "drop")); }, ones, ones), y));
    CHECK(!same_bits(dropout(Var(ones), p, Rng(1, "drop", 1)).value(), y));  // another step
  }
}

TEST_CASE("dropout: threads change no bit, and what is dropped is 0 whatever it was", "[dropout]") {
  const Tensor x = random_tensor({70'001}, "x", DType::bf16);
  CHECK(same_for_any_threads([&] { return dropout(Var(x), 0.3, Rng(2, "drop")).value(); }));
  const Tensor y = dropout(Var(Tensor::full({1000}, HUGE_VAL)), 0.5, Rng(2, "drop")).value();
  for (int64_t i = 0; i < y.numel(); ++i) CHECK(!std::isnan(y.at(i)));
}

TEST_CASE("dropout: edges and errors", "[dropout]") {
  const Var x(random_tensor({5}, "x"));
  CHECK(same_bits(dropout(x, 0, Rng(1)).value(), x.value()));
  CHECK(dropout(Var(Tensor::zeros({0})), 0.5, Rng(1)).shape() == Shape{0});
  CHECK_THROWS_WITH(dropout(x, 1, Rng(1)), Contains("dropout: p must be in [0, 1), got 1"));
  CHECK_THROWS_WITH(dropout(x, -0.1, Rng(1)), Contains("dropout: p must be in [0, 1), got -0.1"));
  CHECK_THROWS_WITH(dropout(x, std::nan(""), Rng(1)), Contains("dropout: p must be in [0, 1), got nan"));
  CHECK_THROWS_WITH(dropout(Var(Tensor::zeros({2}, DType::i64)), 0.5, Rng(1)), Contains("dropout: expected a floating type"));
  CHECK_THROWS_WITH(dropout(Var(), 0.5, Rng(1)), Contains("undefined"));
}
