// tensor/gpu/runtime.h by the CUDA runtime.
#include <cuda_runtime_api.h>

#include <atomic>

#include "base/check.h"
#include "tensor/gpu/runtime.h"

namespace mr::gpu {
namespace {

void checked(const char* op, const char* call, cudaError_t status) {
  if (status == cudaSuccess) return;
  throw GpuError(op, call,
                 str(op, ": ", call, ": expected cudaSuccess, got ", cudaGetErrorName(status), " (", cudaGetErrorString(status), ")"));
}

cudaStream_t stream_of(const Stream& s) { return static_cast<cudaStream_t>(s.handle()); }
cudaEvent_t event_of(const Event& e) { return static_cast<cudaEvent_t>(e.handle()); }

std::atomic<int64_t> waits = 0;
std::atomic<bool> recording = false;

// What this thread asks for is no part of what any thread records. (Else CUDA ends the recording.)
class NoPart {
 public:
  explicit NoPart(const char* op) { checked(op, "cudaThreadExchangeStreamCaptureMode", cudaThreadExchangeStreamCaptureMode(&mode_)); }
  ~NoPart() { cudaThreadExchangeStreamCaptureMode(&mode_); }
  NoPart(const NoPart&) = delete;
  NoPart& operator=(const NoPart&) = delete;

 private:
  cudaStreamCaptureMode mode_ = cudaStreamCaptureModeRelaxed;
};

// Where CUDA would end the recording with an error of its own.
void not_recording(const char* op, const char* call) {
  if (recording) throw GpuError(op, call, str(op, ": expected none while work is recorded (tensor/gpu/graph.h), got one"));
}

}  // namespace

// No driver and no device are an answer here, not an error.
int device_count() {
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
  cudaGetLastError();
  return 0;
}

std::string why_no_device() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  cudaGetLastError();
  return status == cudaSuccess ? std::string() : cudaGetErrorString(status);
}

std::string device_name() {
  cudaDeviceProp properties{};
  checked("device_name", "cudaGetDeviceProperties", cudaGetDeviceProperties(&properties, device_index()));
  return properties.name;
}

int device_index() {
  int device = 0;
  checked("device_index", "cudaGetDevice", cudaGetDevice(&device));
  return device;
}

void use_device(int index) {
  checked("use_device", "cudaSetDevice", cudaSetDevice(index));
  int major = 0;
  checked("use_device", "cudaDeviceGetAttribute", cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, index));
  if (major < 8)
    throw GpuError("use_device", "cudaDeviceGetAttribute",
                   str("use_device: expected a GPU of compute capability 8.0 or later (A100), got ", major, ".x: ", device_name(),
                       "; --device cpu works"));
}

void synchronize() {
  not_recording("synchronize", "cudaDeviceSynchronize");
  ++waits;
  checked("synchronize", "cudaDeviceSynchronize", cudaDeviceSynchronize());
}
int64_t host_waits() { return waits; }

Stream::Stream() {
  cudaStream_t s = nullptr;
  checked("stream", "cudaStreamCreateWithFlags", cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking));
  handle_ = s;
}
Stream::~Stream() {
  if (handle_) cudaStreamDestroy(stream_of(*this));
}
void Stream::synchronize() {
  not_recording("synchronize", "cudaStreamSynchronize");
  ++waits;
  checked("synchronize", "cudaStreamSynchronize", cudaStreamSynchronize(stream_of(*this)));
}
void Stream::wait(const Event& event) {
  if (!event.recorded()) throw GpuError("wait", "cudaStreamWaitEvent", "wait: expected an event that was recorded, got one that never was");
  checked("wait", "cudaStreamWaitEvent", cudaStreamWaitEvent(stream_of(*this), event_of(event), 0));
}

// Never destroyed: tensors in static storage may outlive it.
Stream& compute_stream() {
  static auto* stream = new Stream;
  return *stream;
}

Event::Event() {
  cudaEvent_t e = nullptr;
  checked("event", "cudaEventCreate", cudaEventCreate(&e));
  handle_ = e;
}
Event::~Event() { cudaEventDestroy(event_of(*this)); }
void Event::record(Stream& stream) {
  checked("record", "cudaEventRecord", cudaEventRecord(event_of(*this), stream_of(stream)));
  recorded_ = true;
}
void Event::synchronize() {
  if (!recorded_)
    throw GpuError("synchronize", "cudaEventSynchronize", "synchronize: expected an event that was recorded, got one that never was");
  not_recording("synchronize", "cudaEventSynchronize");
  ++waits;
  checked("synchronize", "cudaEventSynchronize", cudaEventSynchronize(event_of(*this)));
}
bool Event::passed() const {
  if (!recorded_) throw GpuError("passed", "cudaEventQuery", "passed: expected an event that was recorded, got one that never was");
  const NoPart guard("passed");
  const cudaError_t status = cudaEventQuery(event_of(*this));
  if (status == cudaErrorNotReady) return false;
  checked("passed", "cudaEventQuery", status);
  return true;
}
double Event::milliseconds_since(const Event& earlier) const {
  float ms = 0;
  checked("milliseconds_since", "cudaEventElapsedTime", cudaEventElapsedTime(&ms, event_of(earlier), event_of(*this)));
  return ms;
}

void* allocate_device(size_t bytes, Location) {
  const NoPart guard("allocate_device");
  void* p = nullptr;
  checked("allocate_device", "cudaMalloc", cudaMalloc(&p, bytes == 0 ? 1 : bytes));
  return p;
}
void free_device(void* p) noexcept {
  waits += p ? 1 : 0;
  cudaFree(p);
}
void free_device(void* p, Stream& stream) noexcept {
  ++waits;
  cudaStreamSynchronize(stream_of(stream));  // tensors do not come here: their memory stays in segments (allocator.cpp)
  cudaFree(p);
}

void* allocate_pinned(size_t bytes) {
  const NoPart guard("allocate_pinned");
  void* p = nullptr;
  checked("allocate_pinned", "cudaMallocHost", cudaMallocHost(&p, bytes == 0 ? 1 : bytes));
  return p;
}
void free_pinned(void* p) noexcept {
  waits += p ? 1 : 0;
  cudaFreeHost(p);
}

void copy_async(void* to, const void* from, size_t bytes, Copy kind, Stream& stream) {
  if (bytes == 0) return;
  if (kind != Copy::on_device) {
    not_recording("copy_async", "cudaMemcpyAsync");
    cudaPointerAttributes host{};
    checked("copy_async", "cudaPointerGetAttributes", cudaPointerGetAttributes(&host, kind == Copy::to_host ? to : from));
    if (host.type != cudaMemoryTypeHost)
      throw GpuError("copy_async", "cudaPointerGetAttributes",
                     str("copy_async: the host's side must be ", bytes, " bytes of pinned memory (allocate_pinned), got other memory"));
  }
  const cudaMemcpyKind kinds[] = {cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice};
  checked("copy_async", "cudaMemcpyAsync", cudaMemcpyAsync(to, from, bytes, kinds[static_cast<int>(kind)], stream_of(stream)));
}

void set_async(void* p, int byte, size_t bytes, Stream& stream) {
  if (bytes == 0) return;
  checked("set_async", "cudaMemsetAsync", cudaMemsetAsync(p, byte, bytes, stream_of(stream)));
}

void begin_recording(Stream& stream) {
  not_recording("begin_recording", "cudaStreamBeginCapture");
  checked("begin_recording", "cudaStreamBeginCapture", cudaStreamBeginCapture(stream_of(stream), cudaStreamCaptureModeGlobal));
  recording = true;
}
void* end_recording(Stream& stream) {
  recording = false;
  cudaGraph_t graph = nullptr;
  checked("end_recording", "cudaStreamEndCapture", cudaStreamEndCapture(stream_of(stream), &graph));
  cudaGraphExec_t work = nullptr;
  const cudaError_t status = cudaGraphInstantiate(&work, graph, 0);
  cudaGraphDestroy(graph);
  checked("end_recording", "cudaGraphInstantiate", status);
  return work;
}
void discard_recording(Stream& stream) noexcept {
  recording = false;
  cudaGraph_t graph = nullptr;
  if (cudaStreamEndCapture(stream_of(stream), &graph) == cudaSuccess && graph) cudaGraphDestroy(graph);
  cudaGetLastError();
}
void launch_recorded(void* recorded, Stream& stream) {
  checked("launch_recorded", "cudaGraphLaunch", cudaGraphLaunch(static_cast<cudaGraphExec_t>(recorded), stream_of(stream)));
}
void destroy_recorded(void* recorded) noexcept { cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(recorded)); }

}  // namespace mr::gpu
