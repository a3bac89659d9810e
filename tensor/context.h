// How work is done on this thread: device, threads, precision, and with whom. One thread-local Context, changed by a guard:
//
//   ContextGuard guard; context().threads = 1;     // back as it was at the end of the scope
#pragma once

#include "tensor/dtype.h"
#include "tensor/storage.h"

namespace mr {

class ProcessGroup;  // tensor/process_group.h
class StageClock;    // tensor/stages.h

struct Context {
  Device device;                  // where new tensors live
  int threads = 0;                // of parallel_for; 0: OMP_NUM_THREADS, or as many as there are processors (base/processors.h)
  DType precision = DType::f32;   // of activations: f32, or bf16 for mixed precision
  ProcessGroup* group = nullptr;  // the processes that train together (tensor/process_group.h); null: this one alone
  StageClock* stages = nullptr;   // who wants to know where the time goes (tensor/stages.h); null: nobody
  bool tf32 = false;              // on a GPU, products of f32 on the matrix units: factors rounded to 10 bits of mantissa, sums in f32
};

Context& context();

class ContextGuard {
 public:
  ContextGuard() : saved_(context()) {}
  ~ContextGuard() { context() = saved_; }
  ContextGuard(const ContextGuard&) = delete;
  ContextGuard& operator=(const ContextGuard&) = delete;

 private:
  Context saved_;
};

// Inside this scope new tensors live on `device`.
class OnDevice {
 public:
  explicit OnDevice(Device device) { context().device = device; }

 private:
  ContextGuard saved_;
};

}  // namespace mr
