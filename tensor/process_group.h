// The processes that train one model together, each on its part of every batch.
//
// Each member runs the same program on the same steps and holds all weights. What a step needs of
// the whole batch is made by adding up, over the members, what each found in its part:
//
//   Σ of counts       what losses are divided by (ops/loss/divisor.h): the losses of the members then add up to the batch's
//   Σ of moments      statistics of live norms (ops/norm/batch_norm.h)
//   Σ of gradients    the arena, once a step (train/loop.h)
//
// so that size members with a part each take the step, up to rounding, that one process takes with
// the whole batch. (Live norms count padded pixels, and a part is padded to its own largest image:
// there all parts are to be of one size.) All members call the same functions in the same order:
// whether a member calls one may depend on nothing that it alone knows, such as its clock or a
// signal. What only one knows is agreed on first (any_of, of_first).
//
//   ProcessGroup& all = process_group();       of this thread: the lone process, unless an InProcessGroup says otherwise
//   all.sum(gradients);
//
// The lone process is the first implementation: its sums are what is there already, and cost
// nothing.
#pragma once

#include "tensor/context.h"
#include "tensor/tensor.h"

namespace mr {

class ProcessGroup {
 public:
  virtual ~ProcessGroup() = default;
  virtual int rank() const = 0;  // 0 … size() − 1
  virtual int size() const = 0;

  // t becomes, at every member, the sum of the members' t: the same bits everywhere. Any dtype but
  // bf16 and u8; all members give the same shape and dtype. On a GPU it is queued on
  // compute_stream().
  // Errors, here and in all_agree: a member has left, by an error or a signal. So no member waits
  // for one that is gone.
  virtual void sum(const Tensor& t) = 0;
  // Whether every member says yes.
  virtual bool all_agree(bool yes) = 0;
};

// Of this thread's context().
ProcessGroup& process_group();

// Inside this scope the thread is a member of `group`.
class InProcessGroup {
 public:
  explicit InProcessGroup(ProcessGroup& group) { context().group = &group; }

 private:
  ContextGuard saved_;
};

double sum_of(ProcessGroup& group, double value);
// Whether any member says yes: a signal that came to one.
bool any_of(ProcessGroup& group, bool yes);
// What the member of rank 0 says: what follows from a clock, or from an evaluation that it alone
// makes.
double of_first(ProcessGroup& group, double value);
bool of_first(ProcessGroup& group, bool yes);

}  // namespace mr
