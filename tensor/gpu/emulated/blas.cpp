// tensor/gpu/blas.h for the emulated device: the formula, in f64.
#include "tensor/gpu/blas.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "tensor/gpu/emulated/device.h"
#include "tensor/gpu/emulated/ptx.h"
#include "tensor/parallel.h"

namespace mr::gpu {
namespace emulated {
namespace {

double get(const void* p, DType type, int64_t i) {
  switch (type) {
    case DType::f32:
      return static_cast<const float*>(p)[i];
    case DType::bf16:
      return static_cast<float>(static_cast<const bf16*>(p)[i]);
    default:
      return static_cast<const double*>(p)[i];
  }
}

void set(void* p, DType type, int64_t i, double v) {
  switch (type) {
    case DType::f32:
      static_cast<float*>(p)[i] = static_cast<float>(v);
      break;
    case DType::bf16:
      static_cast<bf16*>(p)[i] = bf16(v);
      break;
    default:
      static_cast<double*>(p)[i] = v;
  }
}

// What the matrix units read of a factor.
double factor(const Gemm& g, const void* p, DType type, int64_t i) {
  const double v = get(p, type, i);
  return g.tf32 && type == DType::f32 ? std::bit_cast<float>(to_tf32(static_cast<float>(v))) : v;
}

// One column of C of one product.
void run_column(const Gemm& g, int64_t product, int64_t j) {
  for (int64_t i = 0; i < g.m; ++i) {
    double sum = 0;
    for (int64_t l = 0; l < g.k; ++l) {
      const int64_t at_a = g.op_a == Op::none ? i + l * g.lda : l + i * g.lda, at_b = g.op_b == Op::none ? l + j * g.ldb : j + l * g.ldb;
      sum += factor(g, g.a, g.type_a, product * g.stride_a + at_a) * factor(g, g.b, g.type_b, product * g.stride_b + at_b);
    }
    const int64_t at_c = product * g.stride_c + i + j * g.ldc;
    double v = g.alpha * sum;
    if (g.beta != 0) v += g.beta * get(g.c, g.type_c, at_c);  // with β = 0 C may hold anything
    if (g.bias) v += get(g.bias, g.type_c, i);
    if (g.epilogue == Epilogue::relu || g.epilogue == Epilogue::relu_bias) v = std::max(v, 0.0);
    set(g.c, g.type_c, at_c, v);
  }
}

// A matrix as it lies in memory: column by column, `ld` elements apart.
struct Matrix {
  const char* name;
  const void* p;
  DType type;
  int64_t rows, columns, ld, stride, batch;

  void check_memory() const {
    const DeviceMemory& memory = Device::get().memory;
    const size_t bytes = static_cast<size_t>((batch - 1) * stride + (columns - 1) * ld + rows) * size_of(type);
    if (!memory.holds(p, bytes))
      throw GpuError("gemm", "emulated",
                     str("gemm: ", name, " must be ", bytes, " bytes of one allocation of device memory, got ", memory.describe(p)));
  }
  void touch(Touch how, Touched& touched) const {
    for (int64_t product = 0; product < batch; ++product)
      for (int64_t j = 0; j < columns; ++j)
        touched.add(how, static_cast<const std::byte*>(p) + static_cast<size_t>(product * stride + j * ld) * size_of(type),
                    static_cast<size_t>(rows) * size_of(type));
  }
};

}  // namespace
}  // namespace emulated

void gemm(const Gemm& g, Stream& stream) {
  check_gemm(g);
  const bool a_as_is = g.op_a == Op::none, b_as_is = g.op_b == Op::none;
  std::vector<emulated::Matrix> read = {
      {"A", g.a, g.type_a, a_as_is ? g.m : g.k, a_as_is ? g.k : g.m, g.lda, g.stride_a, g.batch},
      {"B", g.b, g.type_b, b_as_is ? g.k : g.n, b_as_is ? g.n : g.k, g.ldb, g.stride_b, g.batch},
  };
  if (g.bias) read.push_back({"the bias", g.bias, g.type_c, g.m, 1, g.m, 0, 1});
  const emulated::Matrix c{"C", g.c, g.type_c, g.m, g.n, g.ldc, g.stride_c, g.batch};
  const auto check_memory = [read, c] {
    for (const emulated::Matrix& m : read) m.check_memory();
    c.check_memory();
  };
  check_memory();
  const auto run = [g, read, c, check_memory](emulated::Touched* touched) {
    check_memory();
    parallel_for(g.batch * g.n, 1, [&](int64_t i) { emulated::run_column(g, i / g.n, i % g.n); });
    if (!touched) return;
    for (const emulated::Matrix& m : read) m.touch(emulated::Touch::read, *touched);
    c.touch(emulated::Touch::write, *touched);
  };
  emulated::Device::get().enqueue(*static_cast<emulated::StreamState*>(stream.handle()), {.op = "gemm", .run = run});
}

}  // namespace mr::gpu
