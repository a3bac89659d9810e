// The one way to start a kernel:
//
//   launch("transpose", {w / 32, h / 32}, {32, 8}, shared_bytes, stream, transpose_kernel, x, y, h, w);
//
// queues `kernel(arguments…)` on `stream`, for grid · block threads with `shared_bytes` of shared memory a block. The arguments are converted
// to the kernel's parameters and copied; pointers among them are to device memory. Errors: a grid or block that the device does not take;
// emulated, also a pointer to other memory. What goes wrong in the kernel is thrown where the program next waits for the stream.
#pragma once

#include <tuple>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "tensor/gpu/builtins.h"
#include "tensor/gpu/runtime.h"

#if !defined(__CUDACC__)
#include "tensor/gpu/emulated/launch.h"
#endif

namespace mr::gpu {
namespace detail {

inline void check_launch(const char* kernel, const Dim3& grid, const Dim3& block, size_t shared_bytes) {
  constexpr int64_t most_x = (int64_t{1} << 31) - 1, most_yz = 65535, most_shared = 163 << 10;  // an A100's
  const auto within = [](int64_t v, int64_t most) { return v >= 1 && v <= most; };
  check(within(grid.x, most_x) && within(grid.y, most_yz) && within(grid.z, most_yz), kernel,
        ": the grid must be within (2147483647, 65535, 65535) and not empty, got ", grid);
  check(within(block.x, 1024) && within(block.y, 1024) && within(block.z, 64) && block.x * block.y * block.z <= 1024, kernel,
        ": a block must be 1024 threads at most, within (1024, 1024, 64) and not empty, got ", block);
  check(shared_bytes <= static_cast<size_t>(most_shared), kernel, ": a block has ", most_shared, " bytes of shared memory at most, got ",
        shared_bytes);
}

}  // namespace detail

#if defined(__CUDACC__)

template <class... P, class... A>
void launch(const char* name, Dim3 grid, Dim3 block, size_t shared_bytes, Stream& stream, void (*kernel)(P...), A&&... arguments) {
  static_assert((std::is_trivially_copyable_v<P> && ...), "parameters of a kernel are copied to the device");
  static_assert(sizeof...(P) == sizeof...(A), "as many arguments as the kernel has parameters");
  detail::check_launch(name, grid, block, shared_bytes);
  std::tuple<P...> values(std::forward<A>(arguments)...);
  const auto extent = [](const Dim3& d) {
    return dim3(static_cast<unsigned>(d.x), static_cast<unsigned>(d.y), static_cast<unsigned>(d.z));
  };
  const auto checked = [name](const char* call, cudaError_t status) {
    if (status == cudaSuccess) return;
    const char* advice = status == cudaErrorNoKernelImageForDevice ? "; MR_CUDA_ARCHITECTURES says which GPUs a build is for" : "";
    throw GpuError(
        name, call,
        str(name, ": ", call, ": expected cudaSuccess, got ", cudaGetErrorName(status), " (", cudaGetErrorString(status), ")", advice));
  };
  const void* function = reinterpret_cast<const void*>(kernel);
  if (shared_bytes > (48u << 10))
    checked("cudaFuncSetAttribute",
            cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes)));
  std::apply(
      [&](auto&... value) {
        void* pointers[] = {const_cast<void*>(static_cast<const void*>(&value))..., nullptr};
        checked("cudaLaunchKernel", cudaLaunchKernel(function, extent(grid), extent(block), pointers, shared_bytes,
                                                     static_cast<cudaStream_t>(stream.handle())));
      },
      values);
}

#else

template <class... P, class... A>
void launch(const char* name, Dim3 grid, Dim3 block, size_t shared_bytes, Stream& stream, void (*kernel)(P...), A&&... arguments) {
  static_assert((std::is_trivially_copyable_v<P> && ...), "parameters of a kernel are copied to the device");
  static_assert(sizeof...(P) == sizeof...(A), "as many arguments as the kernel has parameters");
  detail::check_launch(name, grid, block, shared_bytes);
  const std::tuple<P...> values(std::forward<A>(arguments)...);
  std::apply(
      [&](const auto&... value) {
        int number = 0;
        (emulated::check_argument(name, number++, value), ...);
      },
      values);
  emulated::enqueue_launch(name, grid, block, shared_bytes, stream, [kernel, values] { std::apply(kernel, values); });
}

#endif

}  // namespace mr::gpu
