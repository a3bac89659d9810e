// Which stage an operation's backward belongs to.
#include "tensor/stages.h"

#include <chrono>
#include <thread>

#include "autograd/var.h"
#include "tests/catch.h"

using namespace mr;

namespace {

// 2x, whose backward takes its time.
Var slow(const Var& x, int milliseconds) {
  const Tensor y = x.value().clone();
  y.add_(x.value());
  return record("slow", {x}, y, [milliseconds](Grads& g) {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    const Tensor gx = g.out().clone();
    gx.add_(g.out());
    g.give(0, gx);
  });
}

}  // namespace

TEST_CASE("backward counts for the stage in which the operation was recorded", "[stages]") {
  const Var x(Tensor::full({1}, 3), true);
  StageClock clock;
  const ContextGuard guard;
  context().stages = &clock;
  const Var in_trunk = [&] {
    const Stage stage("trunk");
    return slow(x, 4);
  }();
  const Var in_none = slow(in_trunk, 50);
  const Var in_head = [&] {
    const Stage stage("head");
    return slow(in_none, 8);
  }();
  backward(in_head);
  CHECK(x.grad().at(0) == 8);
  REQUIRE(clock.times().size() == 2);
  CHECK(clock.times()[0].backward >= 0.004);
  CHECK(clock.times()[1].backward >= 0.008);
  CHECK(clock.times()[0].backward + clock.times()[1].backward > 0.012);
}
