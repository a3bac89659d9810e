#include "tensor/gpu/emulated/ptx.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "tensor/dtype.h"
#include "tensor/gpu/emulated/block.h"
#include "tensor/gpu/emulated/memory.h"

namespace mr::gpu {
namespace emulated {
namespace {

constexpr uint32_t all_lanes = 0xffffffffu;

struct MatrixSlot {
  const SharedSpan* array = nullptr;
  int64_t row = 0;  // its first element
  int matrices = 0;
  bool transposed = false;
  uint32_t* r = nullptr;
};

// The address that a lane gives is read in its name: what was written there must be ordered before it for that lane.
void run_ldmatrix(Block& block, int warp, uint32_t) {
  const auto slot = [&](int l) -> MatrixSlot& { return *static_cast<MatrixSlot*>(block.lane(warp, l).wait.slot); };
  const int matrices = slot(0).matrices;
  for (int m = 0; m < matrices; ++m) {
    uint16_t x[8][8];
    for (int i = 0; i < 8; ++i) {
      Thread& t = block.lane(warp, 8 * m + i);
      const MatrixSlot& s = slot(8 * m + i);
      const int elements = 16 / s.array->element;
      block.arena().read(t, *s.array, s.row, elements, t.wait.at);
      std::memcpy(x[i], block.arena().data(*s.array, s.row), sizeof x[i]);
    }
    for (int l = 0; l < warp_size; ++l) {
      const int g = l / 4, t = l % 4;
      const MatrixSlot& s = slot(l);
      const uint16_t low = s.transposed ? x[2 * t][g] : x[g][2 * t], high = s.transposed ? x[2 * t + 1][g] : x[g][2 * t + 1];
      s.r[m] = low | static_cast<uint32_t>(high) << 16;
    }
  }
}

// One product of the matrix units: the fragments of all lanes are put together, multiplied, and taken apart again.
struct MmaSlot {
  void* d = nullptr;
  const void* a = nullptr;
  const void* b = nullptr;
};

MmaSlot& mma_slot(Block& block, int warp, int l) { return *static_cast<MmaSlot*>(block.lane(warp, l).wait.slot); }

double bf16_half(uint32_t packed, int half) { return std::bit_cast<float>(half == 0 ? packed << 16 : packed & 0xffff0000u); }
double tf32_value(uint32_t bits) { return std::bit_cast<float>(bits & 0xffffe000u); }

template <int K> void multiply(const double (&a)[16][K], const double (&b)[K][8], Block& block, int warp) {
  for (int l = 0; l < warp_size; ++l) {
    auto* d = static_cast<float*>(mma_slot(block, warp, l).d);
    for (int e = 0; e < 4; ++e) {
      const int row = l / 4 + 8 * (e / 2), column = 2 * (l % 4) + e % 2;
      double sum = d[e];
      for (int k = 0; k < K; ++k) sum += a[row][k] * b[k][column];
      d[e] = static_cast<float>(sum);
    }
  }
}

void run_mma_bf16(Block& block, int warp, uint32_t) {
  double a[16][16], b[16][8];
  for (int l = 0; l < warp_size; ++l) {
    const int g = l / 4, t = l % 4;
    const MmaSlot& s = mma_slot(block, warp, l);
    const auto *x = static_cast<const uint32_t*>(s.a), *y = static_cast<const uint32_t*>(s.b);
    for (int half = 0; half < 2; ++half) {
      for (int r = 0; r < 4; ++r) a[g + 8 * (r % 2)][2 * t + 8 * (r / 2) + half] = bf16_half(x[r], half);
      for (int r = 0; r < 2; ++r) b[2 * t + 8 * r + half][g] = bf16_half(y[r], half);
    }
  }
  multiply(a, b, block, warp);
}

void run_mma_tf32(Block& block, int warp, uint32_t) {
  double a[16][8], b[8][8];
  for (int l = 0; l < warp_size; ++l) {
    const int g = l / 4, t = l % 4;
    const MmaSlot& s = mma_slot(block, warp, l);
    const auto *x = static_cast<const uint32_t*>(s.a), *y = static_cast<const uint32_t*>(s.b);
    for (int r = 0; r < 4; ++r) a[g + 8 * (r % 2)][t + 4 * (r / 2)] = tf32_value(x[r]);
    for (int r = 0; r < 2; ++r) b[t + 4 * r][g] = tf32_value(y[r]);
  }
  multiply(a, b, block, warp);
}

void run_mma_f64(Block& block, int warp, uint32_t) {
  double a[8][4], b[4][8];
  for (int l = 0; l < warp_size; ++l) {
    const MmaSlot& s = mma_slot(block, warp, l);
    a[l / 4][l % 4] = *static_cast<const double*>(s.a);
    b[l % 4][l / 4] = *static_cast<const double*>(s.b);
  }
  for (int l = 0; l < warp_size; ++l) {
    auto* d = static_cast<double*>(mma_slot(block, warp, l).d);
    for (int e = 0; e < 2; ++e)
      for (int k = 0; k < 4; ++k) d[e] = std::fma(a[l / 4][k], b[k][2 * (l % 4) + e], d[e]);
  }
}

}  // namespace

void begin_copy(const SharedSpan& to, int64_t i, const void* from, int bytes, bool inside, const Location& at) {
  Thread& t = thread();
  const auto size = static_cast<size_t>(bytes);
  check_shared_alignment(to, i, size, at);
  if (inside) check_device_access(from, size, "cp_async", Touch::read, at);
  const int elements = bytes / to.element;
  t.block->arena().begin_copy(t, to, i, elements, at);
  t.copies.push_back({&to, i, elements, inside ? from : nullptr, t.groups, at});
  if (!t.block->counts()) return;
  t.log.add(at, true, Space::shared, to.offset + static_cast<uint64_t>(i * to.element), bytes);
  t.log.add(at, false, inside ? Space::global : Space::none, reinterpret_cast<uintptr_t>(from), bytes);
}

void commit_copies() { ++thread().groups; }

void wait_copies(int64_t newest) {
  Thread& t = thread();
  const auto landed = [&](const PendingCopy& c) { return c.group < t.groups - newest; };
  for (const PendingCopy& c : t.copies)
    if (landed(c)) t.block->arena().land_copy(t, c);
  std::erase_if(t.copies, landed);
}

void load_matrices(const SharedSpan& a, int64_t row, int matrices, bool transposed, uint32_t* r, const Location& at) {
  Thread& t = thread();
  const bool gives = t.lane < 8 * matrices;
  if (gives) check_shared_alignment(a, row, 16, at);
  if (t.block->counts()) t.log.add(at, false, gives ? Space::shared : Space::none, a.offset + static_cast<uint64_t>(row * a.element), 16);
  MatrixSlot slot{&a, row, matrices, transposed, r};
  t.block->meet(t, transposed ? "ldmatrix_trans" : "ldmatrix", all_lanes, &slot, run_ldmatrix, at);
}

}  // namespace emulated

void mma_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], Location at) {
  emulated::Thread& t = emulated::thread();
  emulated::MmaSlot slot{d, a, b};
  t.block->meet(t, "mma_bf16", emulated::all_lanes, &slot, emulated::run_mma_bf16, at);
}

void mma_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], Location at) {
  emulated::Thread& t = emulated::thread();
  emulated::MmaSlot slot{d, a, b};
  t.block->meet(t, "mma_tf32", emulated::all_lanes, &slot, emulated::run_mma_tf32, at);
}

void mma_f64(double (&d)[2], double a, double b, Location at) {
  emulated::Thread& t = emulated::thread();
  emulated::MmaSlot slot{d, &a, &b};
  t.block->meet(t, "mma_f64", emulated::all_lanes, &slot, emulated::run_mma_f64, at);
}

uint32_t to_tf32(float v) {
  const auto bits = std::bit_cast<uint32_t>(v);
  if (std::isnan(v)) return 0x7fffffffu;
  if (std::isinf(v)) return bits;
  return (bits + 0x1000u) & 0xffffe000u;  // half a unit more in magnitude, then cut off
}

}  // namespace mr::gpu
