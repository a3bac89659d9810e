#include "tensor/gpu/runtime.h"

#include "tests/catch.h"

using namespace mr;

TEST_CASE("a build without a GPU has no device, and says how to get one", "[gpu]") {
  if constexpr (gpu::built != gpu::Built::off) return skip("this build has a GPU or its emulation");
  CHECK(gpu::device_count() == 0);
  CHECK_THROWS_WITH(gpu::Stream(), Catch::Matchers::Contains("stream: expected a build with a GPU (cmake --preset cuda"));
  CHECK_THROWS_WITH(gpu::allocate_device(64), Catch::Matchers::Contains("allocate_device: expected a build with a GPU"));
}
