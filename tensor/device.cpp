#include "tensor/device.h"

#include <charconv>

#include "base/check.h"
#include "tensor/gpu/runtime.h"

namespace mr {
namespace {

// N of "cuda:N"; −1 for another text.
int index_of(const std::string& text) {
  if (text == "cuda") return 0;
  const std::string start = "cuda:";
  int index = -1;
  if (text.rfind(start, 0) != 0) return -1;
  const char *begin = text.data() + start.size(), *end = text.data() + text.size();
  const auto [at, error] = std::from_chars(begin, end, index);
  return error == std::errc() && at == end ? index : -1;
}

}  // namespace

Device device_of(const std::string& text) {
  if (text == "cpu") return {};
  if (text.empty()) return gpu::built == gpu::Built::cuda && gpu::device_count() > 0 ? device_of("cuda") : Device{};
  const int index = index_of(text);
  check(text == "emulated" || index >= 0, "device: expected cpu, cuda, cuda:N or emulated, got ", text);
  const auto wanted = text == "emulated" ? gpu::Built::emulated : gpu::Built::cuda;
  check(gpu::built == wanted, "device: expected one of this build (", gpu::exists ? str(gpu_device(), ", ") : std::string(), "cpu), got ",
        text, "; cmake --preset ", name(wanted), " makes a build that has it");
  if constexpr (gpu::built == gpu::Built::cuda) {
    const int count = gpu::device_count();
    check(count > 0, "device: expected a GPU for ", text, ", got none (", gpu::why_no_device(), ")");
    check(index < count, "device: expected cuda:0 … cuda:", count - 1, ", got ", text);
    gpu::use_device(index);
  }
  return gpu_device();
}

void synchronize(Device device) {
  if (device.type != DeviceType::cpu) gpu::synchronize();
}

}  // namespace mr
