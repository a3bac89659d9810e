// Loops over independent work, spread over threads. The work is cut the same way whatever the number of threads, so a result
// never depends on it: a reduction sums fixed blocks, then the blocks in order.
#pragma once

#include <cstdint>
#include <type_traits>

namespace mr {

// Runs fn(state, block) for block = 0 … blocks−1. An exception of the lowest throwing block is rethrown.
void run_blocks(int64_t blocks, void (*fn)(void* state, int64_t block), void* state);
int thread_count();  // threads that run_blocks uses from here

// Inside this scope a library that uses OpenMP takes as many threads as run_blocks does.
class LibraryThreads {
 public:
  LibraryThreads();
  ~LibraryThreads();
  LibraryThreads(const LibraryThreads&) = delete;
  LibraryThreads& operator=(const LibraryThreads&) = delete;

 private:
  int saved_ = 1;
};

// body(begin, end) over [0, n) in pieces of `grain` items.
template <class Body> void parallel_ranges(int64_t n, int64_t grain, Body&& body) {
  struct State {
    std::remove_reference_t<Body>* body;
    int64_t n, grain;
  } state{&body, n, grain};
  run_blocks((n + grain - 1) / grain,
             [](void* s, int64_t block) {
               const auto& st = *static_cast<State*>(s);
               const int64_t begin = block * st.grain;
               (*st.body)(begin, begin + st.grain < st.n ? begin + st.grain : st.n);
             },
             &state);
}

// body(i) for each i of [0, n). `grain`: how many cheap items make a piece worth handing to a thread.
template <class Body> void parallel_for(int64_t n, int64_t grain, Body&& body) {
  parallel_ranges(n, grain, [&body](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(i);
  });
}

}  // namespace mr
