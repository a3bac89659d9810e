// Which device this build was made for: one a build, chosen by the CMake variable MR_GPU. Callers write
//
//   if constexpr (gpu::built == gpu::Built::emulated) …
//
// and need no #ifdef.
#pragma once

#include <cstdint>

namespace mr::gpu {

enum class Built : uint8_t { off, emulated, cuda };

#if defined(MR_GPU_CUDA)
inline constexpr Built built = Built::cuda;
#elif defined(MR_GPU_EMULATED)
inline constexpr Built built = Built::emulated;
#else
inline constexpr Built built = Built::off;
#endif

// Code that calls a kernel's launcher stands under `if constexpr (gpu::exists)`: the launchers of other builds are not compiled.
inline constexpr bool exists = built != Built::off;

constexpr const char* name(Built b) { return b == Built::emulated ? "emulated" : b == Built::cuda ? "cuda" : "off"; }

}  // namespace mr::gpu
