#include "tensor/simd.h"

#include <cstdlib>
#include <string_view>

namespace mr {
namespace {

Isa detect() {
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_cpu_init();
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd");
  return v4 ? Isa::v4 : v3 ? Isa::v3 : Isa::baseline;
#else
  return Isa::baseline;
#endif
}

Isa choose() {
  const Isa best = detect();
  const char* forced = std::getenv("MR_ISA");
  if (!forced) return best;
  const std::string_view want = forced;
  for (const Isa i : {Isa::baseline, Isa::v3, Isa::v4}) {
    if (want != name(i)) continue;
    check(i <= best, "MR_ISA: this processor has ", name(best), " at most, got ", want);
    return i;
  }
  fail("MR_ISA: expected baseline, v3 or v4, got ", want);
}

}  // namespace

Isa isa() {
  static const Isa chosen = choose();
  return chosen;
}

const char* name(Isa isa) {
  switch (isa) {
    case Isa::baseline:
      return "baseline";
    case Isa::v3:
      return "v3";
    case Isa::v4:
      return "v4";
  }
  return "?";
}

}  // namespace mr
