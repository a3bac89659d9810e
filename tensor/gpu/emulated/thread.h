// One thread of a kernel on the emulated device, and how an error of it is reported.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "tensor/gpu/emulated/access.h"
#include "tensor/gpu/location.h"

namespace mr::gpu::emulated {

class Block;
class Fibre;
struct SharedSpan;

// Every byte of memory that nothing was written to: a NaN as f32, bf16 and f64; −1 as an integer.
constexpr int poison = 0xff;

struct Index3 {
  unsigned x = 0, y = 0, z = 0;
};

enum class State : uint8_t { fresh, running, at_barrier, at_warp, done };

// A collective of a warp that a lane has come to: which, with which lanes, where, and what it brings.
struct Wait {
  const char* name = "";
  uint32_t mask = 0;
  void* slot = nullptr;
  Location at;
};

// A cp.async that has not landed.
struct PendingCopy {
  const SharedSpan* to = nullptr;
  int64_t first = 0;  // element of the array
  int elements = 0;
  const void* from = nullptr;  // null: zeros
  int64_t group = 0;
  Location at;
};

struct Thread {
  Block* block = nullptr;
  Index3 index;
  int number = 0, warp = 0, lane = 0;
  State state = State::fresh;
  Fibre* fibre = nullptr;
  Wait wait;
  uint32_t stamp = 1;  // counts the __syncwarps it has passed
  std::vector<PendingCopy> copies;
  int64_t groups = 0;  // cp.async groups committed
  int arrays = 0;      // shared arrays that it has carved
  Log log;
};

// The thread that this processor runs now; null outside a kernel.
inline constinit thread_local Thread* running = nullptr;

Thread& thread();  // errors: outside a kernel
const Index3& thread_index();
const Index3& block_index();
const Index3& block_extent();
const Index3& grid_extent();

bool same_place(const Location& a, const Location& b);
std::string hex(uint32_t v);     // a mask
std::string hex(const void* p);  // an address
std::string file_of(const Location& at);
std::string place(const Location& at);  // file:line
std::string describe(const Thread& t);  // thread (x, y, z)
[[noreturn]] void fail_at(const Thread& t, const Location& at, const std::string& message);
template <class... A> [[noreturn]] void fail_in(const Thread& t, const Location& at, const A&... a) { fail_at(t, at, str(a...)); }

}  // namespace mr::gpu::emulated
