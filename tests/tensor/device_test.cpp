#include "tensor/device.h"

#include "base/check.h"
#include "tensor/gpu/runtime.h"
#include "tests/catch.h"

namespace mr {

using Catch::Matchers::Contains;

TEST_CASE("a device is known by its name", "[tensor]") {
  CHECK(device_of("cpu") == Device{});
  if (gpu::built != gpu::Built::cuda) CHECK(device_of("") == Device{});
  if (gpu::built == gpu::Built::emulated) CHECK(device_of("emulated") == gpu_device());
}

TEST_CASE("a device that is not there is an error that says what to do", "[tensor]") {
  for (const char* text : {"gpu", "cuda:", "cuda:-1", "cuda:x", "cuda:1x", "CPU"})
    CHECK_THROWS_WITH(device_of(text), Contains(str("device: expected cpu, cuda, cuda:N or emulated, got ", text)));
  if (gpu::built == gpu::Built::off) {
    CHECK_THROWS_WITH(device_of("cuda"),
                      Contains("device: expected one of this build (cpu), got cuda; cmake --preset cuda makes a build that has it"));
    CHECK_THROWS_WITH(
        device_of("emulated"),
        Contains("device: expected one of this build (cpu), got emulated; cmake --preset emulated makes a build that has it"));
  }
  if (gpu::built == gpu::Built::cuda && gpu::device_count() == 0)
    CHECK_THROWS_WITH(device_of("cuda:99"), Contains("device: expected a GPU for cuda:99, got none (" + gpu::why_no_device() + ")"));
}

}  // namespace mr
