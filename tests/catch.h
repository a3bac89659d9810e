// The test framework: Catch2 (2.13) where it is installed, tests/small_catch.h in the plain build.
#pragma once

#ifdef MR_HAS_CATCH2
#include <catch2/catch.hpp>
#else
#include "tests/small_catch.h"
#endif

#include <cstdio>

// Catch2 2.13 cannot skip. This prints the reason where ctest counts it (SKIP_REGULAR_EXPRESSION "SKIPPED:"); then `return`.
inline void skip(const char* reason) { std::printf("SKIPPED: %s\n", reason); }
