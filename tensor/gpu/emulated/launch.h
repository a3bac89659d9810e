// Queues a kernel on the emulated device.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "tensor/gpu/dim.h"
#include "tensor/gpu/runtime.h"

namespace mr::gpu::emulated {

// `body` is the kernel with its arguments, for the thread that runs.
void enqueue_launch(const char* kernel, const Dim3& grid, const Dim3& block, size_t shared_bytes, Stream& stream,
                    std::function<void()> body);

// A pointer among a kernel's arguments must be null or device memory.
void check_argument(const char* kernel, int number, const void* p);
template <class T> void check_argument(const char* kernel, int number, T* p) {
  check_argument(kernel, number, static_cast<const void*>(p));
}
template <class T> void check_argument(const char*, int, const T&) {}

}  // namespace mr::gpu::emulated
