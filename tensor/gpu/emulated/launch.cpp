#include "tensor/gpu/emulated/launch.h"

#include <algorithm>
#include <numeric>

#include "tensor/gpu/emulated/block.h"
#include "tensor/gpu/emulated/device.h"
#include "tensor/parallel.h"
#include "tensor/rng.h"

namespace mr::gpu::emulated {
namespace {

// The order in which blocks are begun; which of them run at the same time, the processor decides.
std::vector<uint32_t> block_order(uint64_t seed, size_t blocks) {
  std::vector<uint32_t> order(blocks);
  std::iota(order.begin(), order.end(), 0u);
  if (seed == 0) return order;
  for (size_t i = blocks; i > 1; --i) std::swap(order[i - 1], order[mix64(seed + i) % i]);
  return order;
}

void run_launch(Launch& launch, Touched* touched) {
  Device& device = Device::get();
  launch.seed = device.seed == 0 ? 0 : device.draw() | 1;
  launch.count = device.count;
  launch.touch = touched != nullptr;
  const auto blocks = static_cast<size_t>(launch.grid.x * launch.grid.y * launch.grid.z);
  const std::vector<uint32_t> order = block_order(launch.seed, blocks);
  LaunchStats total;
  std::mutex mutex;
  parallel_for(static_cast<int64_t>(blocks), 1, [&](int64_t i) {
    LaunchStats stats;
    Block& block = Block::of_this_processor_thread();
    block.run(launch, order[static_cast<size_t>(i)], stats);
    const std::lock_guard lock(mutex);
    total += stats;
    if (touched) touched->add(*block.touched());
  });
  total.launches = 1;
  device.stats[launch.kernel] += total;
  device.memory.check_red_zones(launch.kernel);
}

}  // namespace

void enqueue_launch(const char* kernel, const Dim3& grid, const Dim3& block, size_t shared_bytes, Stream& stream,
                    std::function<void()> body) {
  const auto launch = std::make_shared<Launch>();
  *launch = {kernel, grid, block, shared_bytes, std::move(body)};
  Device::get().enqueue(*static_cast<StreamState*>(stream.handle()),
                        {.op = kernel, .run = [launch](Touched* touched) { run_launch(*launch, touched); }});
}

void check_argument(const char* kernel, int number, const void* p) {
  const DeviceMemory& memory = Device::get().memory;
  if (p && !memory.find(p))
    throw GpuError(kernel, "emulated", str(kernel, ": argument ", number, " must point to device memory, got ", memory.describe(p)));
}

}  // namespace mr::gpu::emulated
