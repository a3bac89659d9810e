// The emulated device: its memory, the queues of its streams, and what its kernels did.
//
// Nothing runs when it is queued. Where the program waits, queues are run in an order that the seed draws among all that streams and
// events allow, until what is waited for is done; so work that nothing orders runs, under some seed, in the order that breaks it. It is an
// error under every seed where the bytes that it touches show it (order.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tensor/gpu/emulated/memory.h"
#include "tensor/gpu/emulated/order.h"
#include "tensor/gpu/emulation.h"

namespace mr::gpu::emulated {

// A point in a stream's queue that an event has recorded.
struct Point {
  bool passed = false, recorded = false;  // recorded: as a part of a graph
  Clock clock;
  std::chrono::steady_clock::time_point at;
};

struct Work {
  std::string op;
  std::function<void(Touched*)> run = nullptr;  // says what it touched, where it is asked
  void* frees = nullptr;                        // memory that it gives back, also where an error drops what was queued
  std::shared_ptr<Point> after = nullptr;       // it runs once this is passed
  std::shared_ptr<Point> records = nullptr;
  std::shared_ptr<const Clock> queued = nullptr;  // the host's when it was queued
};

using Recording = std::vector<Work>;

struct StreamState {
  size_t id = 0;
  std::deque<Work> queue;
  Clock clock;
};

class Device {
 public:
  static Device& get();  // never destroyed

  void enqueue(StreamState& stream, Work work);
  // The host waits. Errors: those of the work, after which all queues are empty; work that never can run.
  void wait_for(const StreamState& stream);
  void wait_for(const std::shared_ptr<Point>& point);
  void wait_for_all();
  // Does it when all has been waited for. Errors are kept for the next wait.
  template <class Then> void at_rest(const Then& then) noexcept {
    const std::lock_guard lock(mutex);
    keep_error([this] { run_all(); });
    keep_error(then);
  }
  // An error of it is kept for the next wait.
  template <class Part> void keep_error(const Part& part) noexcept {
    try {
      part();
    } catch (...) {
      kept_ = std::current_exception();
    }
  }
  void remove(const StreamState& stream);  // once what is queued there has run, for which nobody waits
  void learn(const Clock& clock);          // what the host queues from now on is ordered after it
  void give_back(void* p);                 // memory
  bool is_pinned(const void* p, size_t bytes) const;
  std::string describe(const void* p) const;  // device memory or pinned memory
  uint64_t draw();                            // of this seed

  std::recursive_mutex mutex;
  DeviceMemory memory;
  uint64_t memory_version = 1;  // changes with every allocation that goes
  std::map<uintptr_t, size_t> pinned;
  std::vector<StreamState*> streams;
  size_t next_stream = 0;
  std::map<std::string, LaunchStats> stats;
  uint64_t seed = 1, draws = 0;
  bool count = true;
  StreamState* recorded = nullptr;  // what is queued on this stream goes to the recording
  Recording recording;

 private:
  Device();
  void run_until(const std::function<bool()>& done, bool host_waits = true);
  bool step(bool host_waits);  // one piece of work of a stream that can go on; false where none can
  void learn_all();
  void run_all();
  void throw_kept();
  bool idle() const;  // nothing is queued
  std::exception_ptr kept_;
  std::shared_ptr<const Clock> host_ = std::make_shared<Clock>();
  Clock gone_;  // of streams that are no more
  History history_;
};

}  // namespace mr::gpu::emulated
