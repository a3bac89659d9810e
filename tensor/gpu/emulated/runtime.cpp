// tensor/gpu/runtime.h and tensor/gpu/emulation.h for the emulated device.
#include "tensor/gpu/runtime.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "tensor/gpu/emulated/device.h"

namespace mr::gpu {
namespace emulated {
namespace {

std::atomic<int64_t> waits = 0;

bool is_recording() { return Device::get().recorded != nullptr; }  // on any stream

void count_wait(const char* op = "synchronize") {
  if (is_recording()) throw GpuError(op, "emulated", str(op, ": expected none while work is recorded (tensor/gpu/graph.h), got one"));
  ++waits;
}

void count_wait_of_free(const char* op) noexcept {
  Device::get().keep_error([op] { count_wait(op); });
}

StreamState& state(const Stream& stream) { return *static_cast<StreamState*>(stream.handle()); }
// The point that it recorded last.
std::shared_ptr<Point>& state(const Event& event) { return *static_cast<std::shared_ptr<Point>*>(event.handle()); }

void check_device_range(const char* op, const void* p, size_t bytes) {
  const Device& device = Device::get();
  if (!device.memory.holds(p, bytes))
    throw GpuError(op, "emulated",
                   str(op, ": expected ", bytes, " bytes of one allocation of device memory, got ", device.memory.describe(p)));
}

void check_host_range(const void* p, size_t bytes) {
  if (!Device::get().is_pinned(p, bytes))
    throw GpuError("copy_async", "emulated",
                   str("copy_async: the host's side must be ", bytes, " bytes of pinned memory (allocate_pinned), got other memory"));
}

}  // namespace
}  // namespace emulated

using emulated::Device;
using emulated::Touch;
using emulated::Touched;

int device_count() { return 1; }
std::string why_no_device() { return {}; }
std::string device_name() { return "emulated device"; }
int device_index() { return 0; }
void use_device(int index) { check(index == 0, "use_device: expected 0, the one emulated device, got ", index); }
void synchronize() {
  emulated::count_wait();
  Device::get().wait_for_all();
}
int64_t host_waits() { return emulated::waits; }

Stream::Stream() : handle_(new emulated::StreamState) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  emulated::state(*this).id = device.next_stream++;
  device.streams.push_back(&emulated::state(*this));
}

Stream::~Stream() {
  if (!handle_) return;
  Device::get().remove(emulated::state(*this));
  delete &emulated::state(*this);
}

void Stream::synchronize() {
  emulated::count_wait();
  Device::get().wait_for(emulated::state(*this));
}

void Stream::wait(const Event& event) {
  if (!event.recorded()) throw GpuError("wait", "emulated", "wait: expected an event that was recorded, got one that never was");
  if (emulated::state(event)->recorded && Device::get().recorded && Device::get().recorded != &emulated::state(*this))
    throw GpuError("wait", "emulated", "wait: expected the stream that is recorded (tensor/gpu/graph.h), got another for its event");
  Device::get().enqueue(emulated::state(*this), {.op = "wait", .after = emulated::state(event)});
}

// Never destroyed: tensors in static storage may outlive it.
Stream& compute_stream() {
  static auto* stream = new Stream;
  return *stream;
}

Event::Event() : handle_(new std::shared_ptr<emulated::Point>) {}
Event::~Event() { delete &emulated::state(*this); }

void Event::record(Stream& stream) {
  recorded_ = true;
  emulated::state(*this) = std::make_shared<emulated::Point>();
  emulated::state(*this)->recorded = Device::get().recorded == &emulated::state(stream);
  Device::get().enqueue(emulated::state(stream), {.op = "record", .records = emulated::state(*this)});
}

void Event::synchronize() {
  if (!recorded_) throw GpuError("synchronize", "emulated", "synchronize: expected an event that was recorded, got one that never was");
  emulated::count_wait();
  Device::get().wait_for(emulated::state(*this));
}

bool Event::passed() const {
  if (!recorded_) throw GpuError("passed", "emulated", "passed: expected an event that was recorded, got one that never was");
  const std::lock_guard lock(Device::get().mutex);
  const emulated::Point& point = *emulated::state(*this);
  if (point.passed) Device::get().learn(point.clock);
  return point.passed;
}

double Event::milliseconds_since(const Event& earlier) const {
  const auto &begin = emulated::state(earlier), &end = emulated::state(*this);
  if (!begin || !begin->passed || !end || !end->passed)
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
  emulated::count_wait_of_free("free_device");
  Device::get().at_rest([p] { Device::get().give_back(p); });
}

void free_device(void* p, Stream& stream) noexcept {
  if (!p) return;
  Device::get().enqueue(emulated::state(stream), {.op = "free_device", .frees = p});
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
  emulated::count_wait_of_free("free_pinned");
  Device::get().at_rest([p] {
    Device::get().pinned.erase(reinterpret_cast<uintptr_t>(p));
    delete[] static_cast<std::byte*>(p);
  });
}

void copy_async(void* to, const void* from, size_t bytes, Copy kind, Stream& stream) {
  if (bytes == 0) return;
  if (kind != Copy::on_device && emulated::is_recording())
    throw GpuError(
        "copy_async", "emulated",
        str("copy_async: expected none ", name(kind), " while work is recorded (tensor/gpu/graph.h), got one of ", bytes, " bytes"));
  const auto check_ranges = [=] {
    if (kind == Copy::to_host)
      emulated::check_host_range(to, bytes);
    else
      emulated::check_device_range("copy_async", to, bytes);
    if (kind == Copy::to_device)
      emulated::check_host_range(from, bytes);
    else
      emulated::check_device_range("copy_async", from, bytes);
  };
  check_ranges();
  const auto *begin = static_cast<const std::byte*>(from), *there = static_cast<const std::byte*>(to);
  if (begin < there + bytes && there < begin + bytes)
    throw GpuError("copy_async", "emulated",
                   str("copy_async: expected ranges that do not overlap, got ", bytes, " bytes to ", there - begin, " bytes further on"));
  const auto copy = [=](Touched* touched) {
    check_ranges();  // again: another stream may have given the memory back
    std::memcpy(to, from, bytes);
    if (!touched) return;
    touched->add(Touch::read, from, bytes);
    touched->add(Touch::write, to, bytes);
  };
  Device::get().enqueue(emulated::state(stream), {.op = "copy_async", .run = copy});
}

void set_async(void* p, int byte, size_t bytes, Stream& stream) {
  if (bytes == 0) return;
  emulated::check_device_range("set_async", p, bytes);
  const auto set = [=](Touched* touched) {
    emulated::check_device_range("set_async", p, bytes);
    std::memset(p, byte, bytes);
    if (touched) touched->add(Touch::write, p, bytes);
  };
  Device::get().enqueue(emulated::state(stream), {.op = "set_async", .run = set});
}

void begin_recording(Stream& stream) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  if (device.recorded) throw GpuError("begin_recording", "emulated", "begin_recording: expected none under way, got one");
  device.recorded = &emulated::state(stream);
}

void* end_recording(Stream&) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.recorded = nullptr;
  return new emulated::Recording(std::exchange(device.recording, {}));
}

void discard_recording(Stream& stream) noexcept { destroy_recorded(end_recording(stream)); }

void launch_recorded(void* recorded, Stream& stream) {
  for (const emulated::Work& work : *static_cast<emulated::Recording*>(recorded)) Device::get().enqueue(emulated::state(stream), work);
}

void destroy_recorded(void* recorded) noexcept { delete static_cast<emulated::Recording*>(recorded); }

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
