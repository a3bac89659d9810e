// The device as a program sees it: memory, streams, events, copies. Three implementations, one a build (tensor/gpu/built.h):
//
//   off        no device: device_count() is 0, all else is an error that names the preset to build
//   emulated   the CPU plays the device, and checks what it is asked to do (docs/gpu.md)
//   cuda       the CUDA runtime
//
//   gpu::Stream stream;
//   gpu::DeviceArray<float> x(1000);
//   x.upload(values, stream);                        // queued
//   launch_something(x.data(), stream);              // queued
//   std::vector<float> y = x.download(stream);       // waits for the stream
//
// Work is queued on a stream and runs in its order; two streams are ordered by events alone. An error of queued work is thrown where the
// program next waits for it. There is no default stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "tensor/gpu/built.h"
#include "tensor/gpu/location.h"

namespace mr::gpu {

// What failed on the device: `op` is ours (a kernel's name, copy_async, …), `call` is whose answer it was (cudaMemcpyAsync, emulated).
class GpuError : public Error {
 public:
  GpuError(std::string op, std::string call, const std::string& message) : Error(message), op_(std::move(op)), call_(std::move(call)) {}
  const std::string& op() const { return op_; }
  const std::string& call() const { return call_; }

 private:
  std::string op_, call_;
};

int device_count();           // 0 where there is none
std::string why_no_device();  // what the driver says then: no driver, none that is new enough, no device
std::string device_name();    // of the current device; errors: there is none
int device_index();           // 0 until another is chosen
void use_device(
    int index);  // by this thread, from here on, before the device has any work; errors: there is none with this index, or it is too old
void synchronize();    // waits for all streams
int64_t host_waits();  // how often this process has waited for a device: for the streams, for one of them, for an event, or to free memory

class Event;

class Stream {
 public:
  Stream();
  ~Stream();  // what is queued still runs
  Stream(Stream&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Stream& operator=(Stream&&) = delete;
  void synchronize();             // waits for all that was queued here; throws what failed
  void wait(const Event& event);  // what is queued here from now on runs after the point that `event` recorded; errors: it recorded none
  void* handle() const { return handle_; }  // cudaStream_t

 private:
  void* handle_ = nullptr;
};

// The stream that operators queue their work on, and whose order the memory of tensors follows.
Stream& compute_stream();

// A point in a stream's queue.
class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void record(Stream& stream);                            // the point that the queue has reached now
  void synchronize();                                     // waits for that point; errors: none was recorded
  bool passed() const;                                    // whether the device has reached it; errors: none was recorded
  double milliseconds_since(const Event& earlier) const;  // both must have been waited for
  void* handle() const { return handle_; }                // cudaEvent_t
  bool recorded() const { return recorded_; }

 private:
  void* handle_ = nullptr;
  bool recorded_ = false;
};

// Device memory, aligned to 256 bytes and not initialised. Errors: out of memory. `at` is named when the memory is misused.
// Only kernels and copies may touch it. Freeing waits for the device.
void* allocate_device(size_t bytes, Location at = Location::current());
void free_device(void* p) noexcept;
void free_device(void* p, Stream& stream) noexcept;  // when the stream has done what is queued on it now

// Host memory that the device can copy from and to while the host goes on.
void* allocate_pinned(size_t bytes);
void free_pinned(void* p) noexcept;

enum class Copy : uint8_t { to_device, to_host, on_device };
constexpr const char* name(Copy c) { return c == Copy::to_device ? "to the device" : c == Copy::to_host ? "to the host" : "on the device"; }

// Queued; the host's side must be pinned, and must not change (to_device) or be read (to_host) before the stream was waited for.
// Errors: host memory that is not pinned; a device range that does not lie in one allocation.
void copy_async(void* to, const void* from, size_t bytes, Copy kind, Stream& stream);
void set_async(void* p, int byte, size_t bytes, Stream& stream);  // every byte

// Between the two, what is queued on this stream is recorded and not done, and nothing may wait or copy from or to the host (graph.h).
void begin_recording(Stream& stream);  // errors: one is under way
void* end_recording(Stream& stream);
void discard_recording(Stream& stream) noexcept;
void launch_recorded(void* recorded, Stream& stream);
void destroy_recorded(void* recorded) noexcept;

// n values of pinned host memory.
template <class T> class PinnedArray {
 public:
  explicit PinnedArray(size_t n) : data_(static_cast<T*>(allocate_pinned(n * sizeof(T)))), size_(n) {}
  ~PinnedArray() { free_pinned(data_); }
  PinnedArray(const PinnedArray&) = delete;
  PinnedArray& operator=(const PinnedArray&) = delete;
  T* data() const { return data_; }
  size_t size() const { return size_; }
  size_t bytes() const { return size_ * sizeof(T); }
  T& operator[](size_t i) const { return data_[i]; }

 private:
  T* data_;
  size_t size_;
};

// n values of device memory. upload and download go through pinned memory and wait; for speed, use copy_async.
template <class T> class DeviceArray {
 public:
  explicit DeviceArray(size_t n, Location at = Location::current())
      : data_(static_cast<T*>(allocate_device(n * sizeof(T), at))), size_(n) {}
  ~DeviceArray() { free_device(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  T* data() const { return data_; }
  size_t size() const { return size_; }
  size_t bytes() const { return size_ * sizeof(T); }

  void upload(std::span<const T> values, Stream& stream) {
    if (values.size() != size_)
      throw GpuError("upload", "DeviceArray",
                     "upload: expected " + std::to_string(size_) + " values, got " + std::to_string(values.size()));
    PinnedArray<T> staged(size_);
    std::memcpy(static_cast<void*>(staged.data()), values.data(), bytes());
    copy_async(data_, staged.data(), bytes(), Copy::to_device, stream);
    stream.synchronize();
  }
  std::vector<T> download(Stream& stream) const {
    PinnedArray<T> staged(size_);
    copy_async(staged.data(), data_, bytes(), Copy::to_host, stream);
    stream.synchronize();
    return std::vector<T>(staged.data(), staged.data() + size_);
  }

 private:
  T* data_;
  size_t size_;
};

}  // namespace mr::gpu
