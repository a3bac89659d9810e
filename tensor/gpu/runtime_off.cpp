// tensor/gpu/runtime.h and blas.h where the build has no device.
#include "tensor/gpu/blas.h"
#include "tensor/gpu/runtime.h"

namespace mr::gpu {
namespace {

[[noreturn]] void none(const char* op) {
  throw GpuError(
      op, "off",
      std::string(op) + ": expected a build with a GPU (cmake --preset cuda, or emulated for the CPU in its place), got one without");
}

}  // namespace

int device_count() { return 0; }
std::string why_no_device() { return "a build without a GPU"; }
std::string device_name() { none("device_name"); }
int device_index() { return 0; }
void use_device(int) { none("use_device"); }
void synchronize() { none("synchronize"); }
int64_t host_waits() { return 0; }

Stream::Stream() { none("stream"); }
Stream::~Stream() { handle_ = nullptr; }
void Stream::synchronize() { none("synchronize"); }
void Stream::wait(const Event&) { none("wait"); }

Stream& compute_stream() { none("compute_stream"); }

Event::Event() { none("event"); }
Event::~Event() { handle_ = nullptr; }
void Event::record(Stream&) { none("record"); }
void Event::synchronize() { none("synchronize"); }
bool Event::passed() const { none("passed"); }
double Event::milliseconds_since(const Event&) const { none("milliseconds_since"); }

void* allocate_device(size_t, Location) { none("allocate_device"); }
void free_device(void*) noexcept {}
void free_device(void*, Stream&) noexcept {}
void* allocate_pinned(size_t) { none("allocate_pinned"); }
void free_pinned(void*) noexcept {}
void copy_async(void*, const void*, size_t, Copy, Stream&) { none("copy_async"); }
void set_async(void*, int, size_t, Stream&) { none("set_async"); }
void begin_recording(Stream&) { none("begin_recording"); }
void* end_recording(Stream&) { none("end_recording"); }
void discard_recording(Stream&) noexcept {}
void launch_recorded(void*, Stream&) { none("launch_recorded"); }
void destroy_recorded(void*) noexcept {}

void gemm(const Gemm&, Stream&) { none("gemm"); }

}  // namespace mr::gpu
