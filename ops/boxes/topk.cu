// The k best of a list, by one block.
//
// A row's key is one integer of 32 + index_bits bits: the score's rank, then the index (sort_key).
// No two keys are equal, so the k least are one set, whatever the order of threads.
// Radix select: the block counts how often each value of the upper 11 bits (9 in a short list)
// occurs among the keys, and finds the value that the k-th key has. Among the keys with this value
// it counts the next 11 bits, and so on, until all keys with a value are among the k; mostly two or
// three counts do. The keys up to there are written to shared memory, and sorted.
#include "ops/boxes/block.h"
#include "ops/boxes/box_rules.h"
#include "ops/boxes/boxes_gpu.h"

namespace mr::gpu {
namespace {

constexpr int at_once = 4, short_list = 1024;

// A thread has two values of a digit to add up.
template <int digit_bits> constexpr int digits = 1 << digit_bits;
template <int digit_bits> constexpr int threads = digits<digit_bits> / 2;
template <int digit_bits> constexpr int warps = threads<digit_bits> / warp_size;

struct Keys {
  const float* scores;
  List list;
  int length, index_bits;
  bool holes;

  // f(key) for each row of the list that is there. A thread asks for several scores before it uses one.
  template <class F> __device__ void each(const F& f) const {
    const int threads = static_cast<int>(blockDim.x);
    for (int first = static_cast<int>(threadIdx.x); first < length; first += at_once * threads) {
      float score[at_once];
      MR_UNROLL
      for (int u = 0; u < at_once; ++u)
        if (first + u * threads < length) score[u] = load<float>(scores + list.at(first + u * threads));
      MR_UNROLL
      for (int u = 0; u < at_once; ++u) {
        const int i = first + u * threads;
        if (i >= length || (holes && score[u] == -INFINITY)) continue;
        f(sort_key(score[u], 0) >> (32 - index_bits) | static_cast<uint64_t>(i));
      }
    }
  }
};

// Counts the keys whose bits above `shift + digit_bits` are `prefix`, by their next digit.
struct CountDigit {
  SharedArray<int> histogram;
  uint64_t prefix;
  int shift, bits;
  __device__ void operator()(uint64_t key) const {
    if (key >> (shift + bits) == prefix) atomicAdd(histogram + static_cast<int>(key >> shift & ((uint64_t{1} << bits) - 1)), 1);
  }
};

// Keeps the keys up to `last`, bits below `shift` not counted.
struct Gather {
  SharedArray<uint64_t> keys;
  SharedArray<int> count;
  uint64_t last;
  int shift;
  __device__ void operator()(uint64_t key) const {
    if (key >> shift <= last) keys[atomicAdd(count, 1)] = key;
  }
};

// The k-th key lies among those whose upper bits, down to `shift`, are `last`, and all of them are among the k; or all keys of the list are.
struct Bound {
  uint64_t last;
  int shift;
};

template <int digit_bits> __device__ Bound find_bound(const Keys& rows, int k, const SharedArray<int>& histogram,
                                                      const SharedArray<int>& of_warp, const SharedArray<int>& found) {
  constexpr int share = 2;
  uint64_t prefix = 0;
  int shift = 32 + rows.index_bits, left = k;  // keys still to be found among those of the prefix
  const int t = static_cast<int>(threadIdx.x);
  while (shift > 0) {
    const int bits = min(digit_bits, shift);
    shift -= bits;
    store(histogram + share * t, Pack<int, share>{});
    if (t == 0) found[0] = -1;
    __syncthreads();
    rows.each(CountDigit{histogram, prefix, shift, bits});
    __syncthreads();
    const auto mine = load<Pack<int, share>>(histogram + share * t);
    int sum = 0, total = 0;
    MR_UNROLL
    for (int u = 0; u < share; ++u) sum += mine[u];
    int below = sum_before<threads<digit_bits>>(sum, of_warp, total);
    MR_UNROLL
    for (int u = 0; u < share; ++u) {
      if (below < left && left <= below + mine[u]) {
        found[0] = share * t + u;
        found[1] = left - below;
        found[2] = mine[u];
      }
      below += mine[u];
    }
    __syncthreads();
    const int digit = found[0];
    if (digit < 0) return {~uint64_t{0}, 0};  // the list has fewer than k
    prefix = prefix << bits | static_cast<uint64_t>(digit);
    left = found[1];
    const int count = found[2];
    __syncthreads();
    if (left == count) break;
  }
  return {prefix, shift};
}

// One block a list. Scores are read by neighbouring lanes.
template <int digit_bits> __global__ void __launch_bounds__(threads<digit_bits>)
    top_k_kernel(const float* scores, Groups of, int index_bits, int k, int room, bool holes, int32_t* index, int32_t* counts) {
  Shared shared;
  const auto keys = shared.array<uint64_t>(room);
  const auto histogram = shared.array<int>(digits<digit_bits>);
  const auto of_warp = shared.array<int>(warps<digit_bits>), found = shared.array<int>(3), taken = shared.array<int>(1);
  const Keys rows{scores, of.list(blockIdx.x), static_cast<int>(of.length), index_bits, holes};
  const int t = static_cast<int>(threadIdx.x);
  if (t == 0) taken[0] = 0;
  Bound bound{~uint64_t{0}, 0};
  if (k < of.length) bound = find_bound<digit_bits>(rows, k, histogram, of_warp, found);
  __syncthreads();
  rows.each(Gather{keys, taken, bound.last, bound.shift});
  __syncthreads();
  const int count = taken[0], length = sorted_length(count);
  for (int i = count + t; i < length; i += threads<digit_bits>) keys[i] = ~uint64_t{0};
  sort_keys(keys, length);
  const uint64_t index_mask = (uint64_t{1} << index_bits) - 1;
  int32_t* const out = index + int64_t{blockIdx.x} * k;
  for (int i = t; i < k; i += threads<digit_bits>) {
    int32_t row = -1;
    if (i < count) row = static_cast<int32_t>(uint64_t{keys[i]} & index_mask);
    store(out + i, row);
  }
  if (t == 0) store(counts + blockIdx.x, count);
}

}  // namespace

Chosen top_k(const float* scores, const Groups& of, int64_t lists, int64_t k, bool holes, Device device) {
  const int64_t most = std::min<int64_t>(k, of.length);
  check(most <= longest_sort, "top_k: expected ", longest_sort, " rows to be sorted at most, got ", most);
  const Chosen chosen{Tensor::empty({lists, k}, DType::i32, device), Tensor::empty({lists}, DType::i32, device)};
  if (lists == 0) return chosen;
  if (most == 0) {
    chosen.index.fill_(-1);
    chosen.count.fill_(0);
    return chosen;
  }
  int index_bits = 1;
  while (int64_t{1} << index_bits < of.length) ++index_bits;
  const int room = sorted_length(static_cast<int>(most));
  const auto launch_with = [&](int values, auto kernel) {
    const auto digits = static_cast<size_t>(values);
    const size_t bytes = SharedSize()
                             .array<uint64_t>(static_cast<size_t>(room))
                             .array<int>(digits)
                             .array<int>(digits / 2 / warp_size)
                             .array<int>(3)
                             .array<int>(1)
                             .bytes();
    launch("top_k", {lists}, {values / 2}, bytes, compute_stream(), kernel, scores, of, index_bits, static_cast<int>(k), room, holes,
           chosen.index.device_data<int32_t>(), chosen.count.device_data<int32_t>());
  };
  if (of.length <= short_list)
    launch_with(digits<9>, top_k_kernel<9>);
  else
    launch_with(digits<11>, top_k_kernel<11>);
  return chosen;
}

}  // namespace mr::gpu
