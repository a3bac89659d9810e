// tensor/gpu/blas.h by cublasLt.
#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include <memory>
#include <utility>

#include "tensor/gpu/blas.h"

namespace mr::gpu {
namespace {

constexpr size_t workspace_bytes = size_t{32} << 20;  // what NVIDIA advises for sm_90

void checked(const char* call, cublasStatus_t status) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw GpuError("gemm", call, str("gemm: ", call, ": expected CUBLAS_STATUS_SUCCESS, got ", cublasLtGetStatusName(status)));
}

template <class T, cublasStatus_t (*destroy)(T)> struct Owned {
  T value{};
  Owned() = default;
  ~Owned() {
    if (value) destroy(value);
  }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
};

// A handle and a workspace a thread. Work of one thread on two streams would share the workspace, so it is one a stream that is used last.
struct Library {
  Owned<cublasLtHandle_t, cublasLtDestroy> handle;
  void* workspace = nullptr;
  void* stream = nullptr;

  Library() { checked("cublasLtCreate", cublasLtCreate(&handle.value)); }
  ~Library() { free_device(workspace); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  void* workspace_for(void* wanted) {
    if (!workspace) workspace = allocate_device(workspace_bytes);
    if (stream != wanted && stream) cudaStreamSynchronize(static_cast<cudaStream_t>(stream));
    stream = wanted;
    return workspace;
  }
};

Library& library() {
  thread_local Library one;
  return one;
}

cudaDataType_t type(DType t) { return t == DType::f64 ? CUDA_R_64F : t == DType::bf16 ? CUDA_R_16BF : CUDA_R_32F; }

using Layout = Owned<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;

void make_layout(Layout& l, DType t, int64_t rows, int64_t columns, int64_t ld, int64_t stride, int64_t batch) {
  checked("cublasLtMatrixLayoutCreate",
          cublasLtMatrixLayoutCreate(&l.value, type(t), static_cast<uint64_t>(rows), static_cast<uint64_t>(columns), ld));
  const auto count = static_cast<int32_t>(batch);
  checked("cublasLtMatrixLayoutSetAttribute",
          cublasLtMatrixLayoutSetAttribute(l.value, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count));
  checked("cublasLtMatrixLayoutSetAttribute",
          cublasLtMatrixLayoutSetAttribute(l.value, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &stride, sizeof stride));
}

using Product = Owned<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;

template <class T> void set(Product& p, cublasLtMatmulDescAttributes_t attribute, const T& v) {
  checked("cublasLtMatmulDescSetAttribute", cublasLtMatmulDescSetAttribute(p.value, attribute, &v, sizeof v));
}

void make_product(Product& p, const Gemm& g) {
  const bool wide = g.type_a == DType::f64, tf32 = g.type_a == DType::f32 && g.tf32;
  const cublasComputeType_t compute = wide ? CUBLAS_COMPUTE_64F : tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
  checked("cublasLtMatmulDescCreate", cublasLtMatmulDescCreate(&p.value, compute, wide ? CUDA_R_64F : CUDA_R_32F));
  const auto op = [](Op o) { return o == Op::none ? CUBLAS_OP_N : CUBLAS_OP_T; };
  set(p, CUBLASLT_MATMUL_DESC_TRANSA, op(g.op_a));
  set(p, CUBLASLT_MATMUL_DESC_TRANSB, op(g.op_b));
  constexpr cublasLtEpilogue_t epilogues[] = {CUBLASLT_EPILOGUE_DEFAULT, CUBLASLT_EPILOGUE_BIAS, CUBLASLT_EPILOGUE_RELU,
                                              CUBLASLT_EPILOGUE_RELU_BIAS};
  set(p, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogues[static_cast<int>(g.epilogue)]);
  if (!g.bias) return;
  set(p, CUBLASLT_MATMUL_DESC_BIAS_POINTER, g.bias);
  set(p, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, type(g.type_c));
}

}  // namespace

void gemm(const Gemm& g, Stream& stream) {
  check_gemm(g);
  Library& lt = library();
  Product product;
  make_product(product, g);
  const bool a_as_is = g.op_a == Op::none, b_as_is = g.op_b == Op::none;
  Layout a, b, c;
  make_layout(a, g.type_a, a_as_is ? g.m : g.k, a_as_is ? g.k : g.m, g.lda, g.stride_a, g.batch);
  make_layout(b, g.type_b, b_as_is ? g.k : g.n, b_as_is ? g.n : g.k, g.ldb, g.stride_b, g.batch);
  make_layout(c, g.type_c, g.m, g.n, g.ldc, g.stride_c, g.batch);
  Owned<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy> preference;
  checked("cublasLtMatmulPreferenceCreate", cublasLtMatmulPreferenceCreate(&preference.value));
  checked("cublasLtMatmulPreferenceSetAttribute",
          cublasLtMatmulPreferenceSetAttribute(preference.value, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace_bytes,
                                               sizeof workspace_bytes));
  // The library takes 256 bytes for granted; tensors have 64, and a slice has what its rows leave.
  const auto alignment = [](const void* p, int64_t stride, DType t) {
    const auto bits = reinterpret_cast<uintptr_t>(p) | static_cast<uintptr_t>(stride * static_cast<int64_t>(size_of(t))) | 256;
    return static_cast<uint32_t>(bits & (~bits + 1));
  };
  const std::pair<cublasLtMatmulPreferenceAttributes_t, uint32_t> alignments[] = {
      {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment(g.a, g.stride_a, g.type_a)},
      {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment(g.b, g.stride_b, g.type_b)},
      {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment(g.c, g.stride_c, g.type_c)},
      {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment(g.c, g.stride_c, g.type_c)}};
  for (const auto& [attribute, bytes] : alignments)
    checked("cublasLtMatmulPreferenceSetAttribute",
            cublasLtMatmulPreferenceSetAttribute(preference.value, attribute, &bytes, sizeof bytes));
  cublasLtMatmulHeuristicResult_t found{};
  int count = 0;
  checked("cublasLtMatmulAlgoGetHeuristic", cublasLtMatmulAlgoGetHeuristic(lt.handle.value, product.value, a.value, b.value, c.value,
                                                                           c.value, preference.value, 1, &found, &count));
  if (count == 0)
    throw GpuError("gemm", "cublasLtMatmulAlgoGetHeuristic", "gemm: expected an algorithm for this product, got none from cublasLt");
  const auto alpha32 = static_cast<float>(g.alpha), beta32 = static_cast<float>(g.beta);
  const bool wide = g.type_a == DType::f64;
  const void* alpha = wide ? static_cast<const void*>(&g.alpha) : &alpha32;
  const void* beta = wide ? static_cast<const void*>(&g.beta) : &beta32;
  checked("cublasLtMatmul",
          cublasLtMatmul(lt.handle.value, product.value, alpha, g.a, a.value, g.b, b.value, beta, g.c, c.value, g.c, c.value, &found.algo,
                         lt.workspace_for(stream.handle()), workspace_bytes, static_cast<cudaStream_t>(stream.handle())));
}

}  // namespace mr::gpu
