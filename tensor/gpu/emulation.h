// What the emulated device can be asked and told beyond what a device can: the order it runs things in, what its kernels did, and the
// errors it finds. In other builds these functions are errors.
#pragma once

#include <cstdint>
#include <string>

#include "tensor/gpu/runtime.h"

namespace mr::gpu {

// Seed 0: threads, blocks and streams run in their natural order, for stepping through in a debugger. Any other seed shuffles the order of
// threads between barriers, of blocks, and of streams where no event orders them. A correct program gives the same bits under every seed.
// At the start of the program: the environment variable MR_GPU_SEED, or 1.
void set_seed(uint64_t seed);

// What the launches of one kernel did, summed. An access is that of a warp: what its lanes do at one place in the source.
struct LaunchStats {
  int64_t launches = 0, blocks = 0, threads = 0;
  int64_t barriers = 0;         // __syncthreads passed, a block
  int64_t shared_accesses = 0;  // loads and stores of shared memory
  int64_t bank_conflicts = 0;   // passes over the 32 banks beyond those that an access of its width needs (1; 2 of 8 bytes; 4 of 16)
  int64_t global_accesses = 0;  // through load, store and cp_async
  int64_t sectors = 0;          // 32-byte sectors of device memory that they touch
  int64_t ideal_sectors = 0;    // that as many bytes would touch were they neighbours
  bool complete = true;         // false: a thread made so many accesses between two barriers that the rest were not counted
  LaunchStats& operator+=(const LaunchStats& o);
};
LaunchStats launch_stats(const std::string& kernel);
void reset_launch_stats();
// Counting costs about as much time as checking; on by default.
void count_accesses(bool on);

// An error of a kernel, with the place: `what()` reads  kernel: block (x, y, z), thread (x, y, z), file:line: expectation, got value.
class KernelError : public GpuError {
 public:
  struct Place {
    std::string kernel;
    int64_t block[3], thread[3];
    std::string file;
    uint32_t line = 0;
  };
  KernelError(Place place, const std::string& message) : GpuError(place.kernel, "emulated", message), place_(std::move(place)) {}
  const Place& place() const { return place_; }

 private:
  Place place_;
};

}  // namespace mr::gpu
