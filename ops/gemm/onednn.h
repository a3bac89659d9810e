// What the oneDNN rungs share. Included by *_onednn.cpp files alone.
#pragma once

#include <initializer_list>
#include <oneapi/dnnl/dnnl.hpp>

#include "tensor/tensor.h"

namespace mr::onednn {

const dnnl::engine& engine();
dnnl::memory::data_type type(DType t);
bool has_bf16();  // AVX-512, as far as ONEDNN_MAX_CPU_ISA lets it

struct Argument {
  int which;  // DNNL_ARG_…
  const dnnl::memory::desc& desc;
  void* data;  // null: not given
};
// Runs and waits; the scratch comes from our allocator.
void run(const dnnl::primitive& primitive, const dnnl::memory::desc& scratch, std::initializer_list<Argument> arguments);
void reorder(const dnnl::memory::desc& from, void* x, const dnnl::memory::desc& to, void* y);
uint64_t layout_hash(const dnnl::memory::desc& desc);  // of type, sizes and order in memory

}  // namespace mr::onednn
