// The kernel of ops/each.h, for the source that lists a family's rules.
#pragma once

#include "tensor/gpu/channels.h"

namespace mr::gpu {

template <class Rule> struct ThreadOfRow {
  Rule rule;
  __device__ void operator()(int64_t i) const { rule(At{}, i); }
};

template <class Rule> void each_row(const char* op, int64_t n, const Rule& rule) { for_each(op, n, ThreadOfRow<Rule>{rule}); }

}  // namespace mr::gpu
