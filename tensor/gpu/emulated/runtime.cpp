// tensor/gpu/runtime.h and tensor/gpu/emulation.h for the emulated device.
#include "tensor/gpu/runtime.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>

#include "tensor/gpu/emulated/device.h"
#include "tensor/rng.h"

namespace mr::gpu {
namespace emulated {

Device& Device::get() {
  static auto* device = new Device;
  return *device;
}

Device::Device() {
  if (const char* text = std::getenv("MR_GPU_SEED")) {
    char* end = nullptr;
    seed = std::strtoull(text, &end, 10);
    check(end != text && *end == 0, "MR_GPU_SEED: expected a number, got ", text);
  }
}

uint64_t Device::draw() { return mix64(mix64(seed) + ++draws); }

void Device::enqueue(StreamState& stream, Work work) {
  const std::lock_guard lock(mutex);
  if (stream.recording)
    stream.recording->push_back(std::move(work));
  else
    stream.queue.push_back(std::move(work));
}

bool Device::step() {
  std::vector<StreamState*> able;
  for (StreamState* s : streams)
    if (!s->queue.empty() && (!s->queue.front().after || s->queue.front().after->passed >= s->queue.front().version)) able.push_back(s);
  if (able.empty()) return false;
  StreamState& s = *able[seed == 0 ? 0 : draw() % able.size()];
  const Work work = std::move(s.queue.front());
  s.queue.pop_front();
  if (work.run) work.run();
  return true;
}

void Device::run_until(const std::function<bool()>& done) {
  const std::lock_guard lock(mutex);
  if (kept_) std::rethrow_exception(std::exchange(kept_, nullptr));
  const OpenMemory open(memory);
  try {
    while (!done()) check(step(), "synchronize: expected work that can run, got streams that wait for each other's events");
  } catch (...) {
    for (StreamState* s : streams) {  // as after an error on a device, nothing that was queued can be trusted
      for (const Work& work : s->queue)
        if (work.frees) work.run();
      s->queue.clear();
    }
    throw;
  }
}

void Device::run_all() {
  run_until([this] { return std::ranges::all_of(streams, [](const StreamState* s) { return s->queue.empty(); }); });
}

void Device::run_all_noexcept() noexcept {
  try {
    run_all();
  } catch (...) {
    kept_ = std::current_exception();
  }
}

namespace {

std::atomic<int64_t> waits = 0;

void count_wait() {
  if (is_recording())
    throw GpuError("synchronize", "emulated", "synchronize: expected none while work is recorded (tensor/gpu/graph.h), got one");
  ++waits;
}

StreamState& state(const Stream& stream) { return *static_cast<StreamState*>(stream.handle()); }
std::shared_ptr<EventState>& state(const Event& event) { return *static_cast<std::shared_ptr<EventState>*>(event.handle()); }

bool is_pinned(const Device& device, const void* p, size_t bytes) {
  const auto address = reinterpret_cast<uintptr_t>(p);
  const auto next = device.pinned.upper_bound(address);
  if (next == device.pinned.begin()) return false;
  const auto& [begin, size] = *std::prev(next);
  return address - begin + bytes <= size;
}

void check_device_range(const char* op, const void* p, size_t bytes) {
  const Device& device = Device::get();
  if (!device.memory.holds(p, bytes))
    throw GpuError(op, "emulated",
                   str(op, ": expected ", bytes, " bytes of one allocation of device memory, got ", device.memory.describe(p)));
}

void check_host_range(const void* p, size_t bytes) {
  if (!is_pinned(Device::get(), p, bytes))
    throw GpuError("copy_async", "emulated",
                   str("copy_async: the host's side must be ", bytes, " bytes of pinned memory (allocate_pinned), got other memory"));
}

}  // namespace
}  // namespace emulated

using emulated::Device;

int device_count() { return 1; }
std::string why_no_device() { return {}; }
std::string device_name() { return "emulated device"; }
int device_index() { return 0; }
void use_device(int index) { check(index == 0, "use_device: expected 0, the one emulated device, got ", index); }
void synchronize() {
  emulated::count_wait();
  Device::get().run_all();
}
int64_t host_waits() { return emulated::waits; }

Stream::Stream() : handle_(new emulated::StreamState) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.streams.push_back(&emulated::state(*this));
}

Stream::~Stream() {
  if (!handle_) return;
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  if (!emulated::state(*this).queue.empty()) device.run_all_noexcept();
  std::erase(device.streams, &emulated::state(*this));
  delete &emulated::state(*this);
}

void Stream::synchronize() {
  const emulated::StreamState& mine = emulated::state(*this);
  emulated::count_wait();
  Device::get().run_until([&mine] { return mine.queue.empty(); });
}

void Stream::wait(const Event& event) {
  if (!event.recorded()) throw GpuError("wait", "emulated", "wait: expected an event that was recorded, got one that never was");
  const auto& e = emulated::state(event);
  Device::get().enqueue(emulated::state(*this), {nullptr, e, e->recorded});
}

// Never destroyed: tensors in static storage may outlive it.
Stream& compute_stream() {
  static auto* stream = new Stream;
  return *stream;
}

Event::Event() : handle_(new std::shared_ptr<emulated::EventState>(std::make_shared<emulated::EventState>())) {}
Event::~Event() { delete &emulated::state(*this); }

void Event::record(Stream& stream) {
  const auto e = emulated::state(*this);
  recorded_ = true;
  const uint64_t version = ++e->recorded;
  Device::get().enqueue(emulated::state(stream), {[e, version] {
                                                    e->passed = std::max(e->passed, version);
                                                    e->at = std::chrono::steady_clock::now();
                                                  },
                                                  nullptr, 0});
}

void Event::synchronize() {
  if (!recorded_) throw GpuError("synchronize", "emulated", "synchronize: expected an event that was recorded, got one that never was");
  const auto& e = emulated::state(*this);
  emulated::count_wait();
  Device::get().run_until([&e, version = e->recorded] { return e->passed >= version; });
}

bool Event::passed() const {
  if (!recorded_) throw GpuError("passed", "emulated", "passed: expected an event that was recorded, got one that never was");
  const std::lock_guard lock(Device::get().mutex);
  const auto& e = emulated::state(*this);
  return e->passed >= e->recorded;
}

double Event::milliseconds_since(const Event& earlier) const {
  const auto &begin = emulated::state(earlier), &end = emulated::state(*this);
  if (begin->passed == 0 || end->passed == 0)
    throw GpuError("milliseconds_since", "emulated", "milliseconds_since: expected two events that have passed, got one that has not");
  return std::chrono::duration<double, std::milli>(end->at - begin->at).count();
}

void* allocate_device(size_t bytes, Location at) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  return device.memory.take(bytes, at);
}

void free_device(void* p) noexcept {
  if (!p) return;
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.run_all_noexcept();
  ++device.memory_version;
  device.memory.give_back(p);
}

void free_device(void* p, Stream& stream) noexcept {
  if (!p) return;
  Device::get().enqueue(emulated::state(stream), {[p] {
                                                    Device& device = Device::get();
                                                    ++device.memory_version;
                                                    device.memory.give_back(p);
                                                  },
                                                  nullptr, 0, true});
}

void* allocate_pinned(size_t bytes) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  auto* p = new std::byte[std::max<size_t>(bytes, 1)];
  std::memset(p, emulated::poison, bytes);
  device.pinned[reinterpret_cast<uintptr_t>(p)] = bytes;
  return p;
}

void free_pinned(void* p) noexcept {
  if (!p) return;
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.run_all_noexcept();
  device.pinned.erase(reinterpret_cast<uintptr_t>(p));
  delete[] static_cast<std::byte*>(p);
}

void copy_async(void* to, const void* from, size_t bytes, Copy kind, Stream& stream) {
  if (bytes == 0) return;
  if (kind != Copy::on_device && is_recording())
    throw GpuError(
        "copy_async", "emulated",
        str("copy_async: expected none ", name(kind), " while work is recorded (tensor/gpu/graph.h), got one of ", bytes, " bytes"));
  if (kind == Copy::to_host)
    emulated::check_host_range(to, bytes);
  else
    emulated::check_device_range("copy_async", to, bytes);
  if (kind == Copy::to_device)
    emulated::check_host_range(from, bytes);
  else
    emulated::check_device_range("copy_async", from, bytes);
  Device::get().enqueue(emulated::state(stream), {[=] { std::memcpy(to, from, bytes); }, nullptr, 0});
}

void set_async(void* p, int byte, size_t bytes, Stream& stream) {
  if (bytes == 0) return;
  emulated::check_device_range("set_async", p, bytes);
  Device::get().enqueue(emulated::state(stream), {[=] { std::memset(p, byte, bytes); }, nullptr, 0});
}

void begin_recording(Stream& stream) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  if (device.recorded) throw GpuError("begin_recording", "emulated", "begin_recording: expected none under way, got one");
  device.recorded = &emulated::state(stream);
  device.recorded->recording = std::make_unique<emulated::Recording>();
}

void* end_recording(Stream& stream) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.recorded = nullptr;
  return emulated::state(stream).recording.release();
}

void discard_recording(Stream& stream) noexcept { destroy_recorded(end_recording(stream)); }

void launch_recorded(void* recorded, Stream& stream) {
  for (const emulated::Work& work : *static_cast<emulated::Recording*>(recorded)) Device::get().enqueue(emulated::state(stream), work);
}

void destroy_recorded(void* recorded) noexcept { delete static_cast<emulated::Recording*>(recorded); }
bool is_recording() { return Device::get().recorded != nullptr; }

// Emulation

void set_seed(uint64_t seed) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.seed = seed;
  device.draws = 0;
}

LaunchStats& LaunchStats::operator+=(const LaunchStats& o) {
  launches += o.launches;
  blocks += o.blocks;
  threads += o.threads;
  barriers += o.barriers;
  shared_accesses += o.shared_accesses;
  bank_conflicts += o.bank_conflicts;
  global_accesses += o.global_accesses;
  sectors += o.sectors;
  ideal_sectors += o.ideal_sectors;
  complete = complete && o.complete;
  return *this;
}

LaunchStats launch_stats(const std::string& kernel) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  const auto found = device.stats.find(kernel);
  return found == device.stats.end() ? LaunchStats{} : found->second;
}

void reset_launch_stats() {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.stats.clear();
}

void count_accesses(bool on) { Device::get().count = on; }

}  // namespace mr::gpu
