// What the oneDNN rungs share. Included by *_onednn.cpp files alone.
#pragma once

#include <initializer_list>
#include <map>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>

#include "tensor/parallel.h"
#include "tensor/tensor.h"

namespace mr::onednn {

const dnnl::engine& engine();
dnnl::memory::data_type type(DType t);
bool has_bf16();  // AVX-512, as far as ONEDNN_MAX_CPU_ISA lets it
bool has_amx();   // the same of AMX's matrix units

struct Argument {
  int which;  // DNNL_ARG_…
  const dnnl::memory::desc& desc;
  void* data;  // null: not given
};
// Runs and waits; the scratch comes from our allocator.
void run(const dnnl::primitive& primitive, const dnnl::memory::desc& scratch, std::initializer_list<Argument> arguments);
void reorder(const dnnl::memory::desc& from, void* x, const dnnl::memory::desc& to, void* y);

// Primitives of one kind, kept by everything they depend on;
// emptied when a program keeps on asking for new shapes.
template <class Plan> class Plans {
 public:
  template <class Make> Plan get(const std::string& shapes, Make&& make) {
    const std::string key = str(shapes, ' ', thread_count());
    const std::lock_guard lock(mutex_);
    if (const auto found = plans_.find(key); found != plans_.end()) return found->second;
    if (plans_.size() >= 1024) plans_.clear();
    return plans_.emplace(key, make()).first->second;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, Plan> plans_;
};

uint64_t layout_hash(const dnnl::memory::desc& desc);  // of type, sizes and order in memory

}  // namespace mr::onednn
