#include "tensor/tensor.h"

#include <cmath>
#include <limits>

#include "tensor/context.h"
#include "tensor/parallel.h"
#include "tensor/rng.h"
#include "tensor/simd.h"
#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

TEST_CASE("reshape and slice share memory, clone does not", "[tensor]") {
  const Tensor t = Tensor::of<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor row = t.slice(1, 2), flat = t.reshape({6}), copy = t.clone();
  row.data<float>()[0] = 40;
  CHECK(flat.at(3) == 40);
  CHECK(copy.at(3) == 4);
  CHECK(row.shape() == Shape{1, 3});
}

TEST_CASE("tensor errors name what was expected and what came", "[tensor]") {
  const Tensor t = Tensor::zeros({2, 3});
  CHECK_THROWS_WITH(t.reshape({4}), Contains("[2, 3] has 6 elements, [4] has 4"));
  CHECK_THROWS_WITH(t.slice(1, 3), Contains("slice: [1, 3) of [2, 3]"));
  CHECK_THROWS_WITH(t.data<double>(), Contains("data is f32, not f64"));
  CHECK_THROWS_WITH((Shape{1, -1}), Contains("got -1"));
  CHECK_THROWS_WITH((Shape{int64_t{1} << 40, int64_t{1} << 40}), Contains("2^62"));
}

TEST_CASE("bf16 rounds to nearest even, keeps NaN, and every pattern survives the round trip", "[tensor]") {
  CHECK(static_cast<float>(bf16(1.0f)) == 1.0f);
  CHECK(bf16(1.00390625f).bits == 0x3f80);  // halfway to the next: the even one
  CHECK(bf16(1.01171875f).bits == 0x3f82);
  CHECK(std::isnan(static_cast<float>(bf16(std::numeric_limits<float>::quiet_NaN()))));
  int wrong = 0;
  for (uint32_t b = 0; b < 65536; ++b) {
    bf16 v;
    v.bits = static_cast<uint16_t>(b);
    const float f = v;
    const bool same = bf16(f).bits == v.bits;
    wrong += std::isnan(f) ? !std::isnan(static_cast<float>(bf16(f))) : !same;
  }
  CHECK(wrong == 0);
}

struct RoundTrip {
  const float* x;
  bf16* y;
  template <int W> void operator()(Lanes<W>) const {
    for_channels<W>(37, [&]<int L>(Lanes<L>, int64_t c) { store<L>(y + c, load<L>(x + c)); });
  }
};

TEST_CASE("vector and scalar bf16 conversion agree on every lane", "[simd]") {
  Rng rng(1, "simd");
  std::vector<float> x(37);
  for (float& v : x) v = static_cast<float>(rng.normal());
  x[3] = std::numeric_limits<float>::quiet_NaN();
  x[4] = std::numeric_limits<float>::infinity();
  std::vector<bf16> y(37);
  RoundTrip{x.data(), y.data()}(Lanes<16>{});
  for (size_t i = 0; i < x.size(); ++i) CHECK(y[i].bits == bf16(x[i]).bits);
  std::vector<bf16> z(37);
  with_simd(RoundTrip{x.data(), z.data()});
  for (size_t i = 0; i < x.size(); ++i) CHECK(z[i].bits == y[i].bits);
}

TEST_CASE("freed blocks are used again", "[allocator]") {
  { const Tensor warm = Tensor::empty({1 << 20}); }
  const auto before = allocator_stats({});
  for (int i = 0; i < 10; ++i) const Tensor t = Tensor::empty({1 << 20});
  const auto after = allocator_stats({});
  CHECK(after.system_allocations == before.system_allocations);
  CHECK(after.requests == before.requests + 10);
  CHECK(after.in_use_bytes == before.in_use_bytes);
}

TEST_CASE("sizes that vary from step to step work in the range that the largest took", "[allocator]") {
  // Steps of the same kind, more or less large, in another order each: as many boxes and masks as the proposals happen to give.
  Rng rng(3, "sizes");
  const auto step = [&](double scale) {
    std::vector<Tensor> held;
    for (int i = 0; i < 20; ++i) {
      held.push_back(Tensor::empty({static_cast<int64_t>(scale * static_cast<double>(200000 + rng.below(400000)))}));
      if (rng.uniform() < 0.3) held.erase(held.begin() + static_cast<int64_t>(rng.below(held.size())));
    }
  };
  for (int i = 0; i < 20; ++i) step(1.3);
  const auto before = allocator_stats({});
  for (int i = 0; i < 200; ++i) step(0.5 + 0.5 * rng.uniform());
  CHECK(allocator_stats({}).system_allocations == before.system_allocations);
}

TEST_CASE("parallel_for visits each item once and passes on the first error", "[parallel]") {
  std::vector<int> seen(1000);
  parallel_for(1000, 7, [&](int64_t i) { ++seen[static_cast<size_t>(i)]; });
  int wrong = 0;
  for (const int s : seen) wrong += s != 1;
  CHECK(wrong == 0);
  CHECK_THROWS_WITH(parallel_for(1000, 1, [](int64_t i) { check(i < 500, "item ", i); }), Contains("item 5"));
}

TEST_CASE("random streams are pure functions of their key", "[rng]") {
  Rng a(5, "init", 1, 2), b(5, "init", 1, 2), c(5, "init", 1, 3);
  CHECK(a.next() == b.next());
  CHECK(a.next() != c.next());
  double sum = 0, squares = 0;
  for (int i = 0; i < 100000; ++i) {
    const double v = a.normal();
    sum += v;
    squares += v * v;
  }
  CHECK(std::abs(sum / 1e5) < 0.02);
  CHECK(std::abs(squares / 1e5 - 1) < 0.02);
}
