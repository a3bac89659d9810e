// A part of a kernel's speed that needs no clock: bank conflicts and sectors.
#include "tests/gpu/device.h"
#include "tests/gpu/kernels.h"

using namespace mr;
using namespace mr::gpu;

namespace {

template <class Run> LaunchStats stats_of(const char* kernel, Run&& run) {
  reset_launch_stats();
  Stream stream;
  run(stream);
  stream.synchronize();
  return launch_stats(kernel);
}

LaunchStats of_transpose(const char* kernel, void (*run)(const float*, float*, int, int, Stream&)) {
  DeviceArray<float> x(64 * 96), y(64 * 96);
  return stats_of(kernel, [&](Stream& s) {
    set_async(x.data(), 0, x.bytes(), s);
    run(x.data(), y.data(), 64, 96, s);
  });
}

}  // namespace

TEST_CASE("transpose: a pitch of 33 has no bank conflicts, one of 32 has 31 a read", "[gpu]") {
  if (!is_emulated("the emulated device counts")) return;
  const LaunchStats good = of_transpose("transpose", samples::transpose);
  CHECK(good.launches == 1);
  CHECK(good.blocks == 6);
  CHECK(good.threads == 6 * 256);
  CHECK(good.barriers == 6);
  CHECK(good.shared_accesses == 2 * 6 * 32);  // 32 rows of a tile, written and read
  CHECK(good.bank_conflicts == 0);
  CHECK(good.global_accesses == 2 * 6 * 32);
  CHECK(good.sectors == good.global_accesses * 4);  // 128 bytes in a row
  CHECK(good.sectors == good.ideal_sectors);
  CHECK(good.complete);
  const LaunchStats bad = of_transpose("transpose_conflicts", samples::transpose_conflicts);
  CHECK(bad.bank_conflicts == 31 * 6 * 32);
  CHECK(bad.sectors == bad.ideal_sectors);
}

TEST_CASE("transpose without shared memory touches eight times the sectors it writes", "[gpu]") {
  if (!is_emulated("the emulated device counts")) return;
  const LaunchStats naive = of_transpose("transpose_naive", samples::transpose_naive);
  CHECK(naive.shared_accesses == 0);
  CHECK(naive.ideal_sectors == 2 * 6 * 32 * 4);
  CHECK(naive.sectors == 6 * 32 * 4 + 6 * 32 * 32);  // reads along rows; writes a sector a lane
}

TEST_CASE("matmul: the swizzle leaves no bank conflict, and copies are whole sectors", "[gpu]") {
  if (!is_emulated("the emulated device counts")) return;
  DeviceArray<bf16> a(128 * 64), b(64 * 128);
  DeviceArray<float> c(128 * 128);
  const LaunchStats s = stats_of("matmul", [&](Stream& stream) {
    set_async(a.data(), 0, a.bytes(), stream);
    set_async(b.data(), 0, b.bytes(), stream);
    samples::matmul(a.data(), b.data(), c.data(), 128, 128, 64, stream);
  });
  CHECK(s.blocks == 4);
  CHECK(s.barriers == 4 * 2 * 2);
  // a step: 4 copies by each of 4 warps, and 2 · (2 + 2) ldmatrix
  CHECK(s.shared_accesses == 4 * 2 * 4 * (4 + 8));
  CHECK(s.bank_conflicts == 0);
  CHECK(s.sectors == s.ideal_sectors);
}

TEST_CASE("packs of four move a warp's 512 bytes in one access", "[gpu]") {
  if (!is_emulated("the emulated device counts")) return;
  DeviceArray<float> x(4096), y(4096), z(4096);
  const LaunchStats s = stats_of("vector_add", [&](Stream& stream) {
    set_async(x.data(), 0, x.bytes(), stream);
    set_async(y.data(), 0, y.bytes(), stream);
    samples::vector_add(x.data(), y.data(), z.data(), 4096, stream);
  });
  CHECK(s.global_accesses == 3 * 4096 / 128);
  CHECK(s.sectors == 3 * 4096 / 8);
  CHECK(s.ideal_sectors == s.sectors);
}

TEST_CASE("counting can be switched off", "[gpu]") {
  if (!is_emulated("the emulated device counts")) return;
  count_accesses(false);
  const LaunchStats s = of_transpose("transpose", samples::transpose);
  count_accesses(true);
  CHECK(s.blocks == 6);
  CHECK(s.shared_accesses == 0);
}
