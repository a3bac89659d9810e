#include "tensor/stages.h"

#include <chrono>
#include <thread>

#include "tests/catch.h"

using namespace mr;

namespace {

void pass(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

}  // namespace

TEST_CASE("a stage within another has a name and a time of its own", "[stages]") {
  StageClock clock;
  const double begin = clock.now();
  {
    const ContextGuard guard;
    context().stages = &clock;
    for (int i = 0; i < 2; ++i) {
      const Stage outer("head");
      pass(2);
      const Stage inner("features");
      pass(20);
    }
    const Stage other("features");
    pass(2);
  }
  const double all = clock.now() - begin;
  REQUIRE(clock.times().size() == 3);
  CHECK(clock.times()[0].name == "head");
  CHECK(clock.times()[1].name == "head / features");
  CHECK(clock.times()[2].name == "features");
  CHECK(clock.times()[0].forward >= 0.004);  // sleeps are not shorter than asked for
  CHECK(clock.times()[1].forward >= 0.04);
  CHECK(clock.times()[2].forward >= 0.002);
  double sum = 0;
  for (const StageClock::Time& t : clock.times()) sum += t.forward;
  CHECK(sum <= all);
  CHECK(clock.open() == -1);
}

TEST_CASE("without a clock a stage is nothing, and the clock of a thread is its own", "[stages]") {
  const Stage nobody("head");
  StageClock clock;
  const ContextGuard guard;
  context().stages = &clock;
  std::thread([] { const Stage stage("elsewhere"); }).join();
  CHECK(clock.times().empty());
}
