#include "tensor/gpu/emulated/device.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <utility>

#include "tensor/rng.h"

namespace mr::gpu::emulated {

Device& Device::get() {
  static auto* device = new Device;
  return *device;
}

Device::Device() {
  if (const char* text = std::getenv("MR_GPU_SEED")) {
    const char* end = text + std::strlen(text);
    const auto [at, error] = std::from_chars(text, end, seed);
    check(at == end && error == std::errc(), "MR_GPU_SEED: expected a number from 0 to 18446744073709551615, got \"", text, '"');
  }
}

uint64_t Device::draw() { return mix64(mix64(seed) + ++draws); }

void Device::enqueue(StreamState& stream, Work work) {
  const std::lock_guard lock(mutex);
  work.queued = host_;
  if (recorded == &stream)
    recording.push_back(std::move(work));
  else
    stream.queue.push_back(std::move(work));
}

bool Device::idle() const {
  return std::ranges::all_of(streams, [](const StreamState* s) { return s->queue.empty(); });
}

bool Device::step(bool host_waits) {
  std::vector<StreamState*> able;
  for (StreamState* s : streams)
    if (!s->queue.empty() && (!s->queue.front().after || s->queue.front().after->passed)) able.push_back(s);
  if (able.empty()) return false;
  StreamState& s = *able[seed == 0 ? 0 : draw() % able.size()];
  const Work work = std::move(s.queue.front());
  s.queue.pop_front();
  s.clock.join(*work.queued);
  if (work.after) s.clock.join(work.after->clock);
  const uint64_t number = s.clock.tick(s.id);
  if (work.records) {
    work.records->passed = true;
    work.records->clock = s.clock;
    work.records->at = std::chrono::steady_clock::now();
  }

  // Where no other stream has work and the host waits for this one, all that comes later is ordered after this.
  const bool meets_others =
      !history_.empty() || !host_waits || std::ranges::any_of(streams, [&s](const StreamState* o) { return o != &s && !o->queue.empty(); });
  History::Entry entry{.op = work.op, .stream = s.id, .number = number};
  if (work.run) work.run(meets_others ? &entry.touched : nullptr);
  const DeviceMemory::Allocation* freed = work.frees ? memory.find(work.frees) : nullptr;
  if (meets_others && freed) {
    entry.frees = work.frees;
    entry.touched.add(Touch::free, freed->begin, freed->bytes);
  } else if (work.frees) {
    give_back(work.frees);
  }
  if (meets_others) history_.add(std::move(entry), s.clock);
  return true;
}

void Device::run_until(const std::function<bool()>& done, bool host_waits) {
  const OpenMemory open(memory);
  try {
    while (!done()) check(step(host_waits), "synchronize: expected work that can run, got streams that wait for each other's events");
  } catch (...) {
    for (StreamState* s : streams) {  // as after an error on a device, nothing that was queued can be trusted
      for (const Work& work : s->queue)
        if (work.frees) keep_error([&] { give_back(work.frees); });
      s->queue.clear();
    }
    learn_all();
    throw;
  }
}

void Device::throw_kept() {
  if (kept_) std::rethrow_exception(std::exchange(kept_, nullptr));
}

void Device::wait_for(const StreamState& stream) {
  const std::lock_guard lock(mutex);
  run_until([&stream] { return stream.queue.empty(); });
  learn(stream.clock);
  throw_kept();
}

void Device::wait_for(const std::shared_ptr<Point>& point) {
  const std::lock_guard lock(mutex);
  run_until([&point] { return point->passed; });
  learn(point->clock);
  throw_kept();
}

void Device::run_all() {
  run_until([this] { return idle(); });
  learn_all();
}

void Device::wait_for_all() {
  const std::lock_guard lock(mutex);
  run_all();
  throw_kept();
}

void Device::remove(const StreamState& stream) {
  const std::lock_guard lock(mutex);
  keep_error([&] { run_until([&stream] { return stream.queue.empty(); }, false); });
  gone_.join(stream.clock);
  std::erase(streams, &stream);
}

void Device::learn(const Clock& clock) {
  const std::lock_guard lock(mutex);
  const auto joined = std::make_shared<Clock>(*host_);
  joined->join(clock);
  host_ = joined;
  std::vector<Clock> least = {*host_};
  for (const StreamState* s : streams) {
    if (s->queue.empty()) continue;
    least.push_back(s->clock);
    least.back().join(*s->queue.front().queued);
  }
  for (void* p : history_.forget(least)) give_back(p);
}

void Device::learn_all() {
  Clock all = gone_;
  for (const StreamState* s : streams) all.join(s->clock);
  learn(all);
}

void Device::give_back(void* p) {
  ++memory_version;
  memory.give_back(p);
}

std::string Device::describe(const void* p) const {
  if (memory.in_range(p) || !is_pinned(p, 1)) return memory.describe(p);
  return "pinned memory at " + hex(p);
}

bool Device::is_pinned(const void* p, size_t bytes) const {
  const auto address = reinterpret_cast<uintptr_t>(p);
  const auto next = pinned.upper_bound(address);
  if (next == pinned.begin()) return false;
  const auto& [begin, size] = *std::prev(next);
  return address - begin <= size && bytes <= size - (address - begin);
}

}  // namespace mr::gpu::emulated
