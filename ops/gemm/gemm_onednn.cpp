// oneDNN's matmul: bf16 where the processor has AVX-512; in f32 a peer to measure ours by.
#include "ops/gemm/gemm_rungs.h"
#include "ops/gemm/onednn.h"
#include "tensor/parallel.h"
#include "tensor/rng.h"

namespace mr {
namespace onednn {

using dnnl::memory;

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

memory::data_type type(DType t) {
  check(t == DType::f32 || t == DType::bf16, "onednn: expected f32 or bf16, got ", t);
  return t == DType::f32 ? memory::data_type::f32 : memory::data_type::bf16;
}

namespace {

bool has(int isa) { return (static_cast<int>(dnnl::get_effective_cpu_isa()) & isa) == isa; }

}  // namespace

bool has_bf16() {
  static const bool avx512 = has(dnnl_cpu_isa_avx512_core);
  return avx512;
}

bool has_amx() {
  static const bool amx = has(dnnl_cpu_isa_avx512_core_amx);
  return amx;
}

void run(const dnnl::primitive& primitive, const memory::desc& scratch, std::initializer_list<Argument> arguments) {
  dnnl::stream stream(engine());
  std::unordered_map<int, memory> given;
  for (const Argument& a : arguments)
    if (a.data) given.emplace(a.which, memory(a.desc, engine(), a.data));
  const Tensor room = Tensor::empty({static_cast<int64_t>(scratch.get_size())}, DType::u8);
  if (scratch.get_size() > 0) given.emplace(DNNL_ARG_SCRATCHPAD, memory(scratch, engine(), room.raw()));
  primitive.execute(stream, given);
  stream.wait();
}

void reorder(const memory::desc& from, void* x, const memory::desc& to, void* y) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const dnnl::reorder::primitive_desc p(engine(), from, engine(), to, attr);
  run(dnnl::reorder(p), p.scratchpad_desc(), {{DNNL_ARG_FROM, from, x}, {DNNL_ARG_TO, to, y}});
}

uint64_t layout_hash(const memory::desc& desc) {
  const dnnl_memory_desc_t& d = desc.data;
  const auto& b = d.format_desc.blocking;
  std::string text = str(static_cast<int>(d.data_type), ' ', d.offset0, ' ', static_cast<uint64_t>(d.extra.flags));
  for (int i = 0; i < d.ndims; ++i) text += str(' ', d.dims[i], ' ', d.padded_dims[i], ' ', b.strides[i]);
  for (int i = 0; i < b.inner_nblks; ++i) text += str(' ', b.inner_blks[i], ' ', b.inner_idxs[i]);
  return hash64(text);
}

}  // namespace onednn

namespace {

using dnnl::memory;

struct Plan {
  dnnl::matmul matmul;
  memory::desc a, b, bias, c, scratch;
};

// In these cases scale, residual and ReLU are a pass of their own. ReLU always is, because oneDNN's
// gives 0 for a NaN.
bool finished_after(const Gemm& g) { return g.scale || g.residual || g.relu; }

Plan make_plan(const Gemm& g) {
  const auto t = onednn::type(g.dtype);
  const auto matrix = [](int64_t rows, int64_t columns, memory::data_type type, int64_t ld, bool transposed) {
    return memory::desc({rows, columns}, type, transposed ? memory::dims{1, ld} : memory::dims{ld, 1});
  };
  const memory::desc a = matrix(g.M, g.K, t, g.lda, g.transpose_a), b = matrix(g.K, g.N, t, g.ldb, g.transpose_b),
                     c = matrix(g.M, g.N, onednn::type(g.c_dtype), g.ldc, false),
                     bias({1, g.N}, memory::data_type::f32, memory::format_tag::ab);
  dnnl::post_ops then;
  if (g.accumulate) then.append_sum(1.0f);
  dnnl::primitive_attr attr;
  attr.set_post_ops(then);
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const auto desc = g.shift && !finished_after(g) ? dnnl::matmul::desc(a, b, bias, c) : dnnl::matmul::desc(a, b, c);
  const dnnl::matmul::primitive_desc p(desc, attr, onednn::engine());
  return {dnnl::matmul(p), p.src_desc(), p.weights_desc(), bias, p.dst_desc(), p.scratchpad_desc()};
}

Plan plan(const Gemm& g) {
  static onednn::Plans<Plan> plans;
  return plans.get(str(g.M, ' ', g.N, ' ', g.K, ' ', g.lda, ' ', g.ldb, ' ', g.ldc, ' ', g.transpose_a, g.transpose_b, g.accumulate, ' ',
                       g.dtype, ' ', g.c_dtype, ' ', g.shift != nullptr, finished_after(g)),
                   [&] { return make_plan(g); });
}

}  // namespace

bool gemm_onednn_supports(const Gemm& g) {
  const bool type = g.dtype == DType::f32 || (g.dtype == DType::bf16 && onednn::has_bf16());
  return type && g.M > 0 && g.N > 0 && g.K > 0;
}

void gemm_onednn(const Gemm& g) {
  const LibraryThreads threads;
  const Plan p = plan(g);
  const auto at = [](const void* q) { return const_cast<void*>(q); };
  onednn::run(p.matmul, p.scratch,
              {{DNNL_ARG_SRC, p.a, at(g.a)},
               {DNNL_ARG_WEIGHTS, p.b, at(g.b)},
               {DNNL_ARG_BIAS, p.bias, finished_after(g) ? nullptr : at(g.shift)},
               {DNNL_ARG_DST, p.c, g.c}});
  if (finished_after(g)) gemm_finish(g);
}

}  // namespace mr
