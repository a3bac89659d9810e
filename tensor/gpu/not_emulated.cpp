// tensor/gpu/emulation.h in a build without the emulated device.
#include "base/check.h"
#include "tensor/gpu/emulation.h"

namespace mr::gpu {
namespace {

[[noreturn]] void none(const char* op) {
  throw GpuError(op, name(built), str(op, ": expected the emulated device (cmake --preset emulated), got ", name(built)));
}

}  // namespace

void set_seed(uint64_t) { none("set_seed"); }
LaunchStats launch_stats(const std::string&) { none("launch_stats"); }
void reset_launch_stats() { none("reset_launch_stats"); }
void count_accesses(bool) { none("count_accesses"); }

}  // namespace mr::gpu
