// How many multiply-adds a computation takes, as its operators with weights tell: convolutions, deconvolutions, linear layers.
//
//   WorkLog log;  model.detect(batch);
//   for (const WorkLog::Entry& e : log.entries()) …    // in the order in which they ran
//
// From its construction to its end a log takes what its thread computes; one inside another takes it
// alone. Backward is not counted.
#pragma once

#include <vector>

#include "tensor/tensor.h"

namespace mr {

class WorkLog {
 public:
  struct Entry {
    const void* weights = nullptr;  // the values that took part: Tensor::raw() of the parameter, whatever its shape
    Shape out;                      // of what came out
    int64_t multiply_adds = 0;
  };

  WorkLog();
  ~WorkLog();
  WorkLog(const WorkLog&) = delete;
  WorkLog& operator=(const WorkLog&) = delete;
  const std::vector<Entry>& entries() const { return entries_; }

  // An operator's word; nothing without a log.
  static void add(const Tensor& weights, const Tensor& y, int64_t multiply_adds);

 private:
  std::vector<Entry> entries_;
  WorkLog* outer_;
};

}  // namespace mr
