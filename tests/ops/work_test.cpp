#include "tensor/work.h"

#include "ops/conv/conv2d.h"
#include "ops/conv/deconv2d.h"
#include "ops/gemm/class_linear.h"
#include "ops/gemm/linear.h"
#include "tests/catch.h"

using namespace mr;

namespace {

Var ones(const Shape& shape) {
  const Tensor t = Tensor::empty(shape);
  t.fill_(1);
  return Var(t);
}

}  // namespace

TEST_CASE("operators with weights tell their multiply-adds", "[work]") {
  const Var w = ones({8, 3, 3, 2});  // 4 groups of 8 channels in
  const WorkLog log;
  (void)conv2d(ones({2, 6, 5, 8}), w, {}, {.stride = 1, .padding = 1, .groups = 4});
  (void)deconv2d(ones({3, 4, 5, 6}), ones({6, 2, 2, 7}), {}, {.stride = 2});
  (void)linear(ones({9, 10}), ones({11, 10}), {});
  (void)class_linear(ones({2, 12, 5}), ones({4, 5}), ones({4}), Tensor::of<int32_t>({2}, {3, 1}));
  REQUIRE(log.entries().size() == 4);
  CHECK(log.entries()[0].weights == w.value().raw());
  CHECK(log.entries()[0].out == Shape{2, 6, 5, 8});
  CHECK(log.entries()[0].multiply_adds == 2 * 6 * 5 * 8 * (9 * 2));
  CHECK(log.entries()[1].out == Shape{3, 8, 10, 7});
  CHECK(log.entries()[1].multiply_adds == 3 * 8 * 10 * 7 * 6);  // one of the four cells of the kernel meets each pixel
  CHECK(log.entries()[2].multiply_adds == 9 * 11 * 10);
  CHECK(log.entries()[3].multiply_adds == 2 * 12 * 5);  // of one class each
}

TEST_CASE("a log takes what is computed while it is there, an inner one alone", "[work]") {
  const auto work = [] { (void)linear(ones({1, 2}), ones({3, 2}), {}); };
  work();
  const WorkLog outer;
  work();
  {
    const WorkLog inner;
    work();
    work();
    CHECK(inner.entries().size() == 2);
  }
  CHECK(outer.entries().size() == 1);
  work();
  CHECK(outer.entries().size() == 2);
}
