// Kernels with one mistake each, that the emulated device must find and name by this file's line. On a GPU they are compiled and never run.
#include "tensor/gpu/kernel.h"
#include "tests/gpu/kernels.h"

namespace mr::gpu::samples {
namespace {

constexpr unsigned all_lanes = 0xffffffffu;
constexpr int threads = 64, size = 1024;

__device__ int me() { return static_cast<int>(threadIdx.x); }

// Races

__global__ void two_writers(float*) {
  Shared shared;
  const auto t = shared.array<float>(size);
  t[0] = 1.0f;  // planted: two_writers
}

__global__ void missing_barrier(float* x) {
  Shared shared;
  const auto t = shared.array<float>(size);
  t[me()] = 1.0f;
  __syncthreads();
  t[me()] = 2.0f;                              // planted: missing_barrier
  const float left = t[(me() + 1) % threads];  // planted: missing_barrier
  store(x + me(), left);
}

// One thread reads, one writes: whichever comes first, and only the second can be reported.
__global__ void write_after_read(float* x) {
  Shared shared;
  const auto t = shared.array<float>(size);
  t[me()] = 1.0f;
  __syncthreads();
  if (me() == 0) store(x, static_cast<float>(t[1]));  // planted: write_after_read
  if (me() == 1) t[1] = 2.0f;                         // planted: write_after_read
}

// The barrier after the reads is missing, so a fast thread overwrites what a slow one has yet to read.
__global__ void missing_second_barrier(float* x) {
  Shared shared;
  const auto t = shared.array<float>(size);
  for (int i = 0; i < 2; ++i) {
    t[me()] = static_cast<float>(i);  // planted: missing_second_barrier
    __syncthreads();
    const float other = t[threads - 1 - me()];  // planted: missing_second_barrier
    store(x + me(), other);
  }
}

__global__ void missing_syncwarp(float* x) {
  Shared shared;
  const auto t = shared.array<float>(size);
  t[me()] = 1.0f;
  __syncwarp();
  t[me()] = 2.0f;                   // planted: missing_syncwarp
  const float other = t[me() ^ 1];  // planted: missing_syncwarp
  store(x + me(), other);
}

// A __syncwarp orders lanes of one warp; the other half of the block is another.
__global__ void syncwarp_across_warps(float* x) {
  Shared shared;
  const auto t = shared.array<float>(size);
  t[me()] = 0.0f;
  __syncthreads();
  t[me()] = 1.0f;  // planted: syncwarp_across_warps
  __syncwarp();
  const float other = t[me() ^ 32];  // planted: syncwarp_across_warps
  store(x + me(), other);
}

// A shuffle brings lanes together and orders nothing in memory.
__global__ void shuffle_as_fence(float* x) {
  Shared shared;
  const auto t = shared.array<float>(size);
  t[me()] = 0.0f;
  __syncthreads();
  t[me()] = 1.0f;  // planted: shuffle_as_fence
  const int one = __shfl_xor_sync(all_lanes, me(), 1);
  const float other = t[one];  // planted: shuffle_as_fence
  store(x + me(), other);
}

__global__ void atomic_and_read(float* x) {
  Shared shared;
  const auto t = shared.array<int>(1);
  if (me() == 0) t[0] = 0;
  __syncthreads();
  atomicAdd(t + 0, 1);                                                  // planted: atomic_and_read
  if (me() == 5) store(x, static_cast<float>(static_cast<int>(t[0])));  // planted: atomic_and_read
}

__global__ void atomic_after_read(float* x) {
  Shared shared;
  const auto t = shared.array<int>(1);
  if (me() == 0) t[0] = 0;
  __syncthreads();
  if (me() == 0) store(x, static_cast<float>(static_cast<int>(t[0])));  // planted: atomic_after_read
  if (me() == 1) atomicAdd(t + 0, 1);                                   // planted: atomic_after_read
}

// Shared memory

__global__ void beyond_the_end(float*) {
  Shared shared;
  const auto t = shared.array<float>(threads);
  const auto behind = shared.array<float>(threads);
  behind[me()] = 0.0f;
  t[me() + 1] = 1.0f;  // planted: beyond_the_end
}

__global__ void before_the_start(float*) {
  Shared shared;
  const auto before = shared.array<float>(threads);
  const auto t = shared.array<float>(threads);
  before[me()] = 0.0f;
  t[me() - 1] = 1.0f;  // planted: before_the_start
}

__global__ void pack_beyond_the_end(float*) {
  Shared shared;
  const auto t = shared.array<float>(4 * threads - 2);
  store(t + 4 * me(), Pack<float, 4>{});  // planted: pack_beyond_the_end
}

__global__ void not_initialised(float* x) {
  Shared shared;
  const auto t = shared.array<float>(size);
  if (me() > 0) t[me()] = 1.0f;
  __syncthreads();
  const float v = t[threads - 1 - me()];  // planted: not_initialised
  store(x + me(), v);
}

__global__ void too_much_shared(float*) {
  Shared shared;
  const auto t = shared.array<float>(size);
  const auto more = shared.array<float>(size);  // planted: too_much_shared
  t[me()] = 1.0f;
  more[me()] = 1.0f;
}

__global__ void different_arrays(float*) {
  Shared shared;
  const auto t = shared.array<float>(me() < 40 ? 64 : 128);  // planted: different_arrays
  t[me()] = 1.0f;
}

__global__ void misaligned_pack(float*) {
  Shared shared;
  const auto t = shared.array<float>(size);
  store(t + (4 * me() + 1), Pack<float, 4>{});  // planted: misaligned_pack
}

// Barriers and warps

__global__ void divergent_barrier(float*) {
  if (me() % 2 == 0) __syncthreads();  // planted: divergent_barrier
}

__global__ void two_barriers(float*) {
  if (me() < 32) {
    __syncthreads();  // planted: two_barriers
  } else {
    __syncthreads();  // planted: two_barriers
  }
}

__global__ void lane_returned(float* x) {
  if (me() == 5) return;
  const int v = __shfl_sync(all_lanes, me(), 0);  // planted: lane_returned
  store(x + me(), static_cast<float>(v));
}

__global__ void lane_at_barrier(float* x) {
  int v = 0;
  if (me() != 7) v = static_cast<int>(__ballot_sync(all_lanes, 1));  // planted: lane_at_barrier
  __syncthreads();
  store(x + me(), static_cast<float>(v));
}

__global__ void caller_not_in_mask(float* x) {
  const int v = __shfl_sync(0x0000ffffu, me(), 0);  // planted: caller_not_in_mask
  store(x + me(), static_cast<float>(v));
}

__global__ void masks_differ(float* x) {
  const unsigned mask = me() % 32 < 16 ? all_lanes : 0xffff0000u;
  const int v = __any_sync(mask, 1);  // planted: masks_differ
  store(x + me(), static_cast<float>(v));
}

__global__ void reads_outside_mask(float* x) {
  int v = 0;
  if (me() % 32 < 16) v = __shfl_sync(0x0000ffffu, me(), 20);  // planted: reads_outside_mask
  store(x + me(), static_cast<float>(v));
}

__global__ void half_a_warp(float* x) {
  const int v = __shfl_sync(all_lanes, me(), 0);  // planted: half_a_warp
  store(x + me(), static_cast<float>(v));
}

__global__ void lane_missing_from_mma(float* x) {
  float d[4] = {};
  const uint32_t a[4] = {}, b[2] = {};
  if (me() != 3) mma_bf16(d, a, b);  // planted: lane_missing_from_mma
  __syncthreads();
  store(x + me(), d[0]);
}

// Asynchronous copies

__global__ void no_wait(float* x) {
  Shared shared;
  const auto t = shared.array<float>(size);
  cp_async<16>(t + 4 * me(), x + 4 * me());
  cp_async_commit();
  __syncthreads();
  const float v = t[4 * me()];  // planted: no_wait
  store(x + me(), v);
  cp_async_wait<0>();
}

// Two groups are under way; waiting until one is left leaves the one that is read.
__global__ void wait_for_too_few(float* x) {
  Shared shared;
  const auto t = shared.array<float>(size);
  for (int i = 0; i < 2; ++i) {
    cp_async<4>(t + i * threads + me(), x + me());
    cp_async_commit();
  }
  cp_async_wait<1>();
  __syncthreads();
  const float v = t[threads + me()];  // planted: wait_for_too_few
  store(x + me(), v);
  cp_async_wait<0>();
}

// What was not committed belongs to no group, so no wait waits for it.
__global__ void no_commit(float* x) {
  Shared shared;
  const auto t = shared.array<float>(size);
  cp_async<8>(t + 2 * me(), x + 2 * me());
  cp_async_wait<0>();
  const float v = t[2 * me()];  // planted: no_commit
  store(x + me(), v);
}

// A wait is for the thread's own copies; those of others want a barrier after it.
__global__ void wait_without_barrier(float* x) {
  Shared shared;
  const auto t = shared.array<float>(size);
  t[me()] = 0.0f;
  __syncthreads();
  cp_async<4>(t + me(), x + me());  // planted: wait_without_barrier
  cp_async_commit();
  cp_async_wait<0>();
  const float v = t[threads - 1 - me()];  // planted: wait_without_barrier
  store(x + me(), v);
}

// The next copy begins while other threads still read what it overwrites.
__global__ void copy_into_use(float* x) {
  Shared shared;
  const auto t = shared.array<float>(size);
  for (int i = 0; i < 2; ++i) {
    cp_async<4>(t + me(), x + me());  // planted: copy_into_use
    cp_async_commit();
    cp_async_wait<0>();
    __syncthreads();
    const float v = t[threads - 1 - me()];  // planted: copy_into_use
    store(x + me(), v);
  }
}

__global__ void copy_never_lands(float* x) {
  Shared shared;
  const auto t = shared.array<float>(size);
  cp_async<4>(t + me(), x + me());  // planted: copy_never_lands
  cp_async_commit();
}

// Device memory

__global__ void load_beyond(float* x) { store(x, load<float>(x + size - 10 + me())); }  // planted: load_beyond

__global__ void store_misaligned(float* x) { store(x + 4 * me() + 1, Pack<float, 4>{}); }  // planted: store_misaligned

__global__ void atomic_beyond(float* x) { atomicAdd(x + size, 1.0f); }  // planted: atomic_beyond

// Through a plain pointer nothing is checked at once; what lies behind an allocation is looked at after the kernel.
__global__ void write_behind_kernel(float* x, int n) { x[n] = 1.0f; }

// Not mistakes

__global__ void lanes_one_after_the_other(float* x) {
  Shared shared;
  const auto t = shared.array<float>(threads);
  t[me()] = static_cast<float>(me());
  for (int i = 0; i < 3; ++i) {
    __syncwarp();
    const float other = t[me() ^ 1];
    __syncwarp();
    t[me()] = other;
  }
  __syncwarp();
  store(x + me(), static_cast<float>(t[me() ^ 2]));
}

// Lane 0 hands to lane 1, lane 1 to lane 2: each __syncwarp names two lanes, and order passes along.
__global__ void order_passes_along(float* x) {
  Shared shared;
  const auto t = shared.array<float>(1);
  const int lane = me() % warp_size;
  if (me() >= warp_size) return;
  if (lane == 0) t[0] = 5.0f;
  if (lane < 2) __syncwarp(0x3);
  if (lane == 1 || lane == 2) __syncwarp(0x6);
  if (lane == 2) store(x, static_cast<float>(t[0]));
}

// Every thread writes its own half of a word.
__global__ void halves_of_a_word(float* x) {
  Shared shared;
  const auto t = shared.array<bf16>(threads);
  t[me()] = bf16(1.0f);
  __syncthreads();
  const bf16 v = t[me() ^ 1];
  store(x + me(), static_cast<float>(v));
}

// A wave through three stages: written before, between and after barriers by different threads.
__global__ void passed_on_by_barriers(float* x) {
  Shared shared;
  const auto t = shared.array<float>(threads);
  for (int i = 0; i < 4; ++i) {
    t[(me() + i) % threads] = static_cast<float>(i);
    __syncthreads();
  }
  store(x + me(), static_cast<float>(t[me()]));
}

// 1024 values of shared memory a block, which is what most of these want.
template <void (*kernel)(float*), int block = threads> void run(const char* name, float* x, Stream& stream) {
  launch(name, {2}, {block}, size * sizeof(float), stream, kernel, x);
}

}  // namespace

std::span<const Planted> planted_bugs() {
  static constexpr Planted bugs[] = {
      {"two_writers", [](float* x, Stream& s) { run<two_writers>("two_writers", x, s); }, "race"},
      {"missing_barrier", [](float* x, Stream& s) { run<missing_barrier>("missing_barrier", x, s); }, "race"},
      {"write_after_read", [](float* x, Stream& s) { run<write_after_read>("write_after_read", x, s); }, "race"},
      {"missing_second_barrier", [](float* x, Stream& s) { run<missing_second_barrier>("missing_second_barrier", x, s); }, "race"},
      {"missing_syncwarp", [](float* x, Stream& s) { run<missing_syncwarp>("missing_syncwarp", x, s); }, "race"},
      {"syncwarp_across_warps", [](float* x, Stream& s) { run<syncwarp_across_warps>("syncwarp_across_warps", x, s); }, "race"},
      {"shuffle_as_fence", [](float* x, Stream& s) { run<shuffle_as_fence>("shuffle_as_fence", x, s); }, "race"},
      {"atomic_and_read", [](float* x, Stream& s) { run<atomic_and_read>("atomic_and_read", x, s); }, "race"},
      {"atomic_after_read", [](float* x, Stream& s) { run<atomic_after_read>("atomic_after_read", x, s); }, "race"},
      {"beyond_the_end", [](float* x, Stream& s) { run<beyond_the_end>("beyond_the_end", x, s); },
       "shared array 0: index must be in [0, 64), got 64"},
      {"before_the_start", [](float* x, Stream& s) { run<before_the_start>("before_the_start", x, s); },
       "shared array 1: index must be in [0, 64), got -1"},
      {"pack_beyond_the_end", [](float* x, Stream& s) { run<pack_beyond_the_end>("pack_beyond_the_end", x, s); },
       "shared array 0: elements must be in [0, 254), got [252, 256)"},
      {"not_initialised", [](float* x, Stream& s) { run<not_initialised>("not_initialised", x, s); }, "not initialised"},
      {"too_much_shared", [](float* x, Stream& s) { run<too_much_shared>("too_much_shared", x, s); },
       "the launch gave 4096 bytes of shared memory"},
      {"different_arrays", [](float* x, Stream& s) { run<different_arrays>("different_arrays", x, s); },
       "every thread must carve the same"},
      {"misaligned_pack", [](float* x, Stream& s) { run<misaligned_pack>("misaligned_pack", x, s); },
       "16 bytes must be aligned to their size"},
      {"divergent_barrier", [](float* x, Stream& s) { run<divergent_barrier>("divergent_barrier", x, s); },
       "__syncthreads: every thread of the block must come"},
      {"two_barriers", [](float* x, Stream& s) { run<two_barriers>("two_barriers", x, s); },
       "__syncthreads: every thread of the block must come"},
      {"lane_returned", [](float* x, Stream& s) { run<lane_returned>("lane_returned", x, s); },
       "every lane of the mask 0xffffffff must come, got lane 5: thread (5, 0, 0) has returned"},
      {"lane_at_barrier", [](float* x, Stream& s) { run<lane_at_barrier>("lane_at_barrier", x, s); },
       "every lane of the mask 0xffffffff must come, got lane 7: thread (7, 0, 0) waits at the __syncthreads"},
      {"caller_not_in_mask", [](float* x, Stream& s) { run<caller_not_in_mask>("caller_not_in_mask", x, s); },
       "the mask must hold the calling lane"},
      {"masks_differ", [](float* x, Stream& s) { run<masks_differ>("masks_differ", x, s); }, "every lane of the mask 0xffffffff must come"},
      {"reads_outside_mask", [](float* x, Stream& s) { run<reads_outside_mask>("reads_outside_mask", x, s); },
       "the lane that is read must be in the mask 0x0000ffff, got lane 20"},
      {"half_a_warp", [](float* x, Stream& s) { run<half_a_warp, 48>("half_a_warp", x, s); },
       "the mask must name lanes that there are, got lane 16 in 0xffffffff and a block of 48 threads"},
      {"lane_missing_from_mma", [](float* x, Stream& s) { run<lane_missing_from_mma>("lane_missing_from_mma", x, s); },
       "mma_bf16: every lane of the mask 0xffffffff must come, got lane 3"},
      {"no_wait", [](float* x, Stream& s) { run<no_wait>("no_wait", x, s); }, "expected cp_async_wait first"},
      {"wait_for_too_few", [](float* x, Stream& s) { run<wait_for_too_few>("wait_for_too_few", x, s); }, "expected cp_async_wait first"},
      {"no_commit", [](float* x, Stream& s) { run<no_commit>("no_commit", x, s); }, "expected cp_async_wait first"},
      {"wait_without_barrier", [](float* x, Stream& s) { run<wait_without_barrier>("wait_without_barrier", x, s); }, "race"},
      {"copy_into_use", [](float* x, Stream& s) { run<copy_into_use>("copy_into_use", x, s); }, "race"},
      {"copy_never_lands", [](float* x, Stream& s) { run<copy_never_lands>("copy_never_lands", x, s); },
       "expected cp_async_wait before the thread returns"},
      {"load_beyond", [](float* x, Stream& s) { run<load_beyond>("load_beyond", x, s); },
       "load: expected 4 bytes of one allocation of device memory"},
      {"store_misaligned", [](float* x, Stream& s) { run<store_misaligned>("store_misaligned", x, s); },
       "store: 16 bytes of device memory must be aligned"},
      {"atomic_beyond", [](float* x, Stream& s) { run<atomic_beyond>("atomic_beyond", x, s); },
       "atomic: expected 4 bytes of one allocation"},
  };
  return bugs;
}

std::span<const Planted> close_calls() {
  static constexpr Planted calls[] = {
      {"lanes_one_after_the_other", [](float* x, Stream& s) { run<lanes_one_after_the_other>("lanes_one_after_the_other", x, s); }, ""},
      {"order_passes_along", [](float* x, Stream& s) { run<order_passes_along>("order_passes_along", x, s); }, ""},
      {"halves_of_a_word", [](float* x, Stream& s) { run<halves_of_a_word>("halves_of_a_word", x, s); }, ""},
      {"passed_on_by_barriers", [](float* x, Stream& s) { run<passed_on_by_barriers>("passed_on_by_barriers", x, s); }, ""},
  };
  return calls;
}

void write_behind(float* x, int n, Stream& stream) { launch("write_behind", {1}, {1}, 0, stream, write_behind_kernel, x, n); }

}  // namespace mr::gpu::samples
