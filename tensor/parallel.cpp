#include "tensor/parallel.h"

#include <algorithm>
#include <cstdlib>
#include <exception>

#include "base/processors.h"
#include "tensor/context.h"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace mr {

#ifdef _OPENMP

namespace {

// OpenMP knows the processors that the process may run on, but not the share of time that its control group has. A number that a person
// set is taken as it is.
int default_threads() {
  static const bool set = std::getenv("OMP_NUM_THREADS") != nullptr;
  return set ? omp_get_max_threads() : std::min(omp_get_max_threads(), processors());
}

}  // namespace

int thread_count() {
  if (omp_in_parallel()) return 1;
  return context().threads > 0 ? context().threads : default_threads();
}

LibraryThreads::LibraryThreads() : saved_(omp_get_max_threads()) { omp_set_num_threads(thread_count()); }
LibraryThreads::~LibraryThreads() { omp_set_num_threads(saved_); }

void run_blocks(int64_t blocks, void (*fn)(void*, int64_t), void* state) {
  const int threads = thread_count();
  if (threads == 1 || blocks <= 1) {
    for (int64_t block = 0; block < blocks; ++block) fn(state, block);
    return;
  }
  std::exception_ptr error;
  int64_t error_block = blocks;
  const Context caller = context();
#pragma omp parallel num_threads(threads)
  {
    const ContextGuard guard;
    context() = caller;
#pragma omp for schedule(dynamic, 1)
    for (int64_t block = 0; block < blocks; ++block) {
      try {
        fn(state, block);
      } catch (...) {
#pragma omp critical(mr_run_blocks_error)
        if (block < error_block) {
          error_block = block;
          error = std::current_exception();
        }
      }
    }
  }
  if (error) std::rethrow_exception(error);
}

#else

int thread_count() { return 1; }

LibraryThreads::LibraryThreads() = default;
LibraryThreads::~LibraryThreads() = default;

void run_blocks(int64_t blocks, void (*fn)(void*, int64_t), void* state) {
  for (int64_t block = 0; block < blocks; ++block) fn(state, block);
}

#endif

}  // namespace mr
