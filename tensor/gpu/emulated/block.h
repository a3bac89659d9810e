// One block of a kernel, run on one thread of the processor: its threads are fibres, taken one by one until each is done.
//
// A thread runs until it returns, or until it waits: at a barrier of the block, or at a collective of its warp whose other lanes have not
// come. A thread that never waits leaves its fibre to the next one, so a kernel without barriers is a loop over its threads on one stack.
// When nobody can run and somebody waits, what they wait for will never come: that is the error.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tensor/gpu/dim.h"
#include "tensor/gpu/emulated/arena.h"
#include "tensor/gpu/emulated/fibre.h"
#include "tensor/gpu/emulated/order.h"
#include "tensor/gpu/emulated/thread.h"

namespace mr::gpu::emulated {

struct Launch {
  std::string kernel;
  Dim3 grid, block;
  size_t shared_bytes = 0;
  std::function<void()> body;  // the kernel with its arguments, for the thread that runs
  uint64_t seed = 0;           // 0: natural order
  bool count = true;           // accesses
  bool touch = false;          // says what it touched
};

class Block {
 public:
  static Block& of_this_processor_thread();
  ~Block();

  // Runs block `number` of the launch, and adds what it did to `stats`. Errors: KernelError.
  void run(const Launch& launch, int64_t number, LaunchStats& stats);
  Touched* touched() { return launch_->touch ? &touched_ : nullptr; }  // by this block, where it is asked

  // For the thread that runs:
  int barrier(Thread& t, const char* name, bool vote, const Location& at);  // how many threads of the block voted
  // Waits until all lanes of `mask` have come to the collective `name` at this place; the last to come does `work` for all.
  using Work = void (*)(Block& block, int warp, uint32_t mask);
  void meet(Thread& t, const char* name, uint32_t mask, void* slot, Work work, const Location& at);
  void sync_warp(int warp, uint32_t mask);  // orders what the lanes did
  Thread& lane(int warp, int l) { return threads_[static_cast<size_t>(warp) * warp_size + static_cast<size_t>(l)]; }

  // Whether what thread `other` did at `stamp`, in this barrier interval, is ordered before what t does now.
  bool ordered(int other, uint32_t stamp, const Thread& t) const;

  Arena& arena() { return arena_; }
  const Launch& launch() const { return *launch_; }
  const Index3& index() const { return index_; }
  const Index3& extent() const { return extent_; }
  const Index3& grid() const { return grid_; }
  std::string describe_thread(int number) const { return describe(threads_[static_cast<size_t>(number)]); }
  bool counts() const { return launch_->count; }

 private:
  struct Cancelled {};
  struct Warp {
    uint32_t seen[warp_size][warp_size] = {};  // seen[l][o]: the newest stamp of lane o that lane l is ordered after
    bool used = false;
  };

  void begin(const Launch& launch, int64_t number);
  void schedule();
  int draw();
  void run_threads();  // the body of every fibre
  void suspend(Thread& t, State state);
  bool release_barrier();
  static bool same_wait(const Thread& a, const Thread& b);
  [[noreturn]] void report_stuck() const;
  std::string whereabouts(const Thread& t) const;
  void cancel();
  void count();

  const Launch* launch_ = nullptr;
  Index3 index_, extent_, grid_;
  int size_ = 0, done_ = 0;
  std::vector<Thread> threads_;
  std::vector<Warp> warps_;
  std::vector<int> ready_;  // from head_ on: fresh threads, and those that need no longer wait
  size_t head_ = 0;
  uint64_t random_ = 0;
  int drawn_ = -1;          // drawn by a fibre that is not its own
  Thread* next_ = nullptr;  // fresh, for the fibre that is entered
  std::vector<std::unique_ptr<Fibre>> fibres_;
  std::vector<Fibre*> idle_;
  Fibre* current_ = nullptr;
  std::exception_ptr error_;
  bool cancelled_ = false;
  Arena arena_;
  LaunchStats stats_;
  Touched touched_;
};

}  // namespace mr::gpu::emulated
