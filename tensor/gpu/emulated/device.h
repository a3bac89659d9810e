// The emulated device: its memory, the queues of its streams, and what its kernels did.
//
// Nothing runs when it is queued. Where the program waits, queues are run in an order that the seed draws among all that streams and
// events allow, until what is waited for is done; so work that nothing orders runs, under some seed, in the order that breaks it.
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
#include "tensor/gpu/emulation.h"

namespace mr::gpu::emulated {

struct EventState {
  uint64_t recorded = 0, passed = 0;  // how often
  std::chrono::steady_clock::time_point at;
};

struct Work {
  std::function<void()> run;
  std::shared_ptr<EventState> after;  // runs once this event has passed `version` times
  uint64_t version = 0;
  bool frees = false;  // gives memory back, and so also runs where an error drops what was queued
};

using Recording = std::vector<Work>;

struct StreamState {
  std::deque<Work> queue;
  std::unique_ptr<Recording> recording;  // what is queued goes there
};

class Device {
 public:
  static Device& get();  // never destroyed

  void enqueue(StreamState& stream, Work work);
  void run_until(
      const std::function<bool()>& done);  // errors: those of the work, after which all queues are empty; work that never can run
  void run_all();
  void run_all_noexcept() noexcept;  // an error is kept for the next wait
  uint64_t draw();                   // of this seed

  std::recursive_mutex mutex;
  DeviceMemory memory;
  uint64_t memory_version = 1;  // changes with every allocation that goes
  std::map<uintptr_t, size_t> pinned;
  std::vector<StreamState*> streams;
  std::map<std::string, LaunchStats> stats;
  uint64_t seed = 1, draws = 0;
  bool count = true;
  StreamState* recorded = nullptr;  // the stream whose work is being recorded

 private:
  Device();
  bool step();  // one piece of work of a stream that can go on; false where none can
  std::exception_ptr kept_;
};

}  // namespace mr::gpu::emulated
