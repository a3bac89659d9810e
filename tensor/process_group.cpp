#include "tensor/process_group.h"

namespace mr {
namespace {

class LoneProcess : public ProcessGroup {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void sum(const Tensor&) override {}
  bool all_agree(bool yes) override { return yes; }
};

}  // namespace

ProcessGroup& process_group() {
  static LoneProcess lone;
  return context().group ? *context().group : lone;
}

double sum_of(ProcessGroup& group, double value) {
  if (group.size() == 1) return value;
  const Tensor t = Tensor::empty({1}, DType::f64, Device{});
  t.data<double>()[0] = value;
  group.sum(t);
  return t.data<double>()[0];
}

bool any_of(ProcessGroup& group, bool yes) { return !group.all_agree(!yes); }

double of_first(ProcessGroup& group, double value) { return sum_of(group, group.rank() == 0 ? value : 0); }

bool of_first(ProcessGroup& group, bool yes) { return of_first(group, yes ? 1.0 : 0.0) != 0; }

}  // namespace mr
