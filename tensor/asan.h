// Memory that AddressSanitizer is to watch although our own allocators hand it out: nothing without it.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace mr {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool has_asan = true;
inline void asan_poison(const void* p, size_t bytes) { __asan_poison_memory_region(p, bytes); }  // an access from now on is an error
inline void asan_unpoison(const void* p, size_t bytes) { __asan_unpoison_memory_region(p, bytes); }
#else
constexpr bool has_asan = false;
inline void asan_poison(const void*, size_t) {}
inline void asan_unpoison(const void*, size_t) {}
#endif

}  // namespace mr
