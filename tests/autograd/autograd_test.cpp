#include "autograd/gradcheck.h"
#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

// y = x², elementwise; `wrong` scales the gradient to see that gradcheck notices.
Var square(const Var& x, double wrong = 1) {
  Tensor y = Tensor::empty_like(x.value());
  const Tensor xv = x.value();
  for (int64_t i = 0; i < y.numel(); ++i) y.data<double>()[i] = xv.at(i) * xv.at(i);
  return record("square", {x}, y, [xv, wrong](Grads& g) {
    Tensor gx = Tensor::empty_like(xv);
    for (int64_t i = 0; i < gx.numel(); ++i) gx.data<double>()[i] = wrong * 2 * xv.at(i) * g.out().at(i);
    g.give(0, gx);
  });
}

Var plus(const Var& a, const Var& b) {
  Tensor y = a.value().clone();
  y.add_(b.value());
  return record("plus", {a, b}, y, [](Grads& g) {
    g.give(0, g.out());
    g.give(1, g.out());
  });
}

}  // namespace

TEST_CASE("gradients of a value used twice are summed", "[autograd]") {
  const Var x(Tensor::of<double>({1}, {3}), true);
  const Var y = square(x);
  backward(plus(plus(y, y), square(x)));
  CHECK(x.grad().at(0) == 18);
}

TEST_CASE("a leaf given a gradient tensor has it added to, in place", "[autograd]") {
  const Var x(Tensor::of<double>({1}, {3}), true);
  const Tensor sum = Tensor::of<double>({1}, {100});
  x.set_grad(sum);
  backward(square(x));
  CHECK(sum.at(0) == 106);
}

TEST_CASE("gradcheck accepts the right gradient and rejects one that is 0.1% off", "[autograd]") {
  const std::vector<Tensor> in = {Tensor::of<double>({3}, {0.5, -2, 1.5})};
  CHECK(gradcheck([](const std::vector<Var>& v) { return square(v[0]); }, in).ok);
  CHECK_FALSE(gradcheck([](const std::vector<Var>& v) { return square(v[0], 1.001); }, in).ok);
}

TEST_CASE("backward twice, and backward of a constant, are errors", "[autograd]") {
  const Var x(Tensor::of<double>({1}, {3}), true);
  const Var y = square(x);
  backward(y);
  CHECK_THROWS_WITH(backward(y), Contains("already run"));
  CHECK_THROWS_WITH(backward(Var(Tensor::of<double>({1}, {3}))), Contains("depends on nothing"));
  const NoGrad guard;
  CHECK_FALSE(square(x).requires_grad());
}

TEST_CASE("derived tensors follow their value", "[autograd]") {
  const Var w(Tensor::of<double>({1}, {2}), true);
  int made = 0;
  const auto twice = [&](const Tensor& t) {
    ++made;
    Tensor d = t.clone();
    d.scale_(2);
    return d;
  };
  CHECK(w.derived("twice", twice).at(0) == 4);
  CHECK(w.derived("twice", twice).at(0) == 4);
  CHECK(made == 1);
  w.value().fill_(5);
  w.touch();
  CHECK(w.derived("twice", twice).at(0) == 10);
}

TEST_CASE("a derived tensor may be made from other derived tensors of the same value", "[autograd]") {
  const Var w(Tensor::of<double>({1}, {2}), true);
  const std::function<Tensor(const Tensor&, int)> power = [&](const Tensor& t, int n) -> Tensor {
    Tensor d = t.clone();
    if (n > 1) d.scale_(w.derived(("power " + std::to_string(n - 1)).c_str(), [&](const Tensor& v) { return power(v, n - 1); }).at(0));
    return d;
  };
  CHECK(w.derived("power 9", [&](const Tensor& t) { return power(t, 9); }).at(0) == 512);
  w.value().fill_(1);
  w.touch();
  CHECK(w.derived("power 9", [&](const Tensor& t) { return power(t, 9); }).at(0) == 1);
}
