// tensor/gpu/blas.h for the emulated device: the formula, in f64.
#include "tensor/gpu/blas.h"

#include <algorithm>
#include <bit>

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

void check_matrix(const char* name, const void* p, DType type, int64_t rows, int64_t columns, int64_t ld, int64_t stride, int64_t batch) {
  const DeviceMemory& memory = Device::get().memory;
  const auto elements = static_cast<size_t>((batch - 1) * stride + (columns - 1) * ld + rows);
  if (!memory.holds(p, elements * size_of(type)))
    throw GpuError(
        "gemm", "emulated",
        str("gemm: ", name, " must be ", elements * size_of(type), " bytes of one allocation of device memory, got ", memory.describe(p)));
}

}  // namespace
}  // namespace emulated

void gemm(const Gemm& g, Stream& stream) {
  check_gemm(g);
  const bool a_as_is = g.op_a == Op::none, b_as_is = g.op_b == Op::none;
  emulated::check_matrix("A", g.a, g.type_a, a_as_is ? g.m : g.k, a_as_is ? g.k : g.m, g.lda, g.stride_a, g.batch);
  emulated::check_matrix("B", g.b, g.type_b, b_as_is ? g.k : g.n, b_as_is ? g.n : g.k, g.ldb, g.stride_b, g.batch);
  emulated::check_matrix("C", g.c, g.type_c, g.m, g.n, g.ldc, g.stride_c, g.batch);
  if (g.bias) emulated::check_matrix("the bias", g.bias, g.type_c, g.m, 1, g.m, 0, 1);
  emulated::Device::get().enqueue(
      *static_cast<emulated::StreamState*>(stream.handle()),
      {[g] { parallel_for(g.batch * g.n, 1, [&](int64_t i) { emulated::run_column(g, i / g.n, i % g.n); }); }, nullptr, 0});
}

}  // namespace mr::gpu
