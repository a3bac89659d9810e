// A mini-batch of boxes of each image, the same as on the CPU from the same generator.
//
// The CPU lists the positive boxes and makes the first steps of a Fisher–Yates shuffle: step i swaps place i and place j_i = i + below(n − i).
// Here all j_i are drawn at once, since random numbers are counted, and each thread follows one of them back. Before step i, place p ≥ i holds
//     head(t)  for the latest t < i with j_t = p, which put there what stood in place t;    p  if there is none
//     head(t) = head(s)  for the latest s < t with j_s = t;    t  if there is none
// Step i takes what stands in j_i. That is a rank among the positive boxes; the box is found by counts of blocks of 256.
#include "ops/boxes/block.h"
#include "ops/boxes/boxes_gpu.h"
#include "ops/boxes/matcher.h"
#include "ops/boxes/sampler.h"

namespace mr::gpu {
namespace {

constexpr int chunk = 256, threads = 512, warps = threads / warp_size;

__device__ bool is_wanted(int32_t match, int kind) { return kind == 0 ? match >= 0 : match == Match::background; }

// counts [N,2,chunks]: the positive and the negative boxes among each 256. Block (chunk, image), one box a thread.
__global__ void __launch_bounds__(chunk) count_kernel(const int32_t* match, int B, int chunks, int32_t* counts) {
  const int64_t image = blockIdx.y;
  const int i = static_cast<int>(blockIdx.x) * chunk + static_cast<int>(threadIdx.x);
  const int32_t m = i < B ? load<int32_t>(match + image * B + i) : Match::between;
  const int positive = __syncthreads_count(is_wanted(m, 0)), negative = __syncthreads_count(is_wanted(m, 1));
  if (threadIdx.x != 0) return;
  store(counts + (image * 2 + 0) * chunks + blockIdx.x, positive);
  store(counts + (image * 2 + 1) * chunks + blockIdx.x, negative);
}

// before[c]: how many stand in chunks before c; → how many there are.
__device__ int sum_chunks(const int32_t* counts, int chunks, const SharedArray<int>& before, const SharedArray<int>& of_warp) {
  int all = 0;
  for (int first = 0; first < chunks; first += threads) {
    const int c = first + static_cast<int>(threadIdx.x);
    int here = 0;
    const int sum = sum_before<threads>(c < chunks ? load<int32_t>(counts + c) : 0, of_warp, here);
    if (c < chunks) before[c] = all + sum;
    all += here;
  }
  return all;
}

__device__ Philox stream_of(const int32_t* words) {
  const auto word = [words](int i) { return static_cast<uint32_t>(load<int32_t>(words + i)); };
  return {{word(0), word(1)}, {word(2), word(3), word(4), word(5)}};
}

__device__ uint64_t pair_of(const Philox& stream, uint64_t i) {
  uint32_t word[4];
  stream.block(i / 2, word);
  return i % 2 == 0 ? uint64_t{word[0]} << 32 | word[1] : uint64_t{word[2]} << 32 | word[3];
}

// The draws of both kinds, one after the other: step i of kind k is draw first[k] + i.
struct Draws {
  int size[2], steps[2];  // boxes of a kind; steps drawn: none where all are taken
  __device__ int step(int d) const { return d - (d < steps[0] ? 0 : steps[0]); }
  // A choice of two values, and not an array with a variable index: that would not stay in
  // registers.
  __device__ uint64_t below(int d) const { return static_cast<uint64_t>((d < steps[0] ? size[0] : size[1]) - step(d)); }
  __device__ int all() const { return steps[0] + steps[1]; }
};

// jump[d] = j of draw d. A draw that is not fair (once in 2^40 or so) shifts all later ones: then one thread draws them in turn.
__device__ void draw(const Draws& draws, const Philox& stream, const SharedArray<int>& jump) {
  bool unfair = false;
  for (int d = static_cast<int>(threadIdx.x); d < draws.all(); d += threads) {
    const uint64_t x = pair_of(stream, static_cast<uint64_t>(d)), n = draws.below(d);
    unfair = unfair || x >= Rng::fair_below(n);
    jump[d] = draws.step(d) + static_cast<int>(x % n);
  }
  if (__syncthreads_or(unfair) == 0) return;
  if (threadIdx.x == 0) {
    uint64_t next = 0;
    for (int d = 0; d < draws.all(); ++d) {
      const uint64_t n = draws.below(d);
      uint64_t x = pair_of(stream, next++);
      while (x >= Rng::fair_below(n)) x = pair_of(stream, next++);
      jump[d] = draws.step(d) + static_cast<int>(x % n);
    }
  }
  __syncthreads();
}

// keys[s] = kind << 32 | rank of what slot s takes; `taken` of each kind.
__device__ void follow(const Draws& draws, const int (&taken)[2], const SharedArray<int>& jump, const SharedArray<int>& link,
                       const SharedArray<uint64_t>& keys) {
  for (int d = static_cast<int>(threadIdx.x); d < draws.all(); d += threads) {
    const int first = d - draws.step(d);
    int latest = -1;
    for (int s = first; s < d; ++s)
      if (jump[s] == d - first) latest = s;
    link[d] = latest;
  }
  __syncthreads();
  for (int slot = static_cast<int>(threadIdx.x); slot < taken[0] + taken[1]; slot += threads) {
    const int kind = slot < taken[0] ? 0 : 1, i = slot - (kind == 0 ? 0 : taken[0]);
    int rank = i;
    if ((kind == 0 ? draws.steps[0] : draws.steps[1]) > 0) {
      const int first = kind == 0 ? 0 : draws.steps[0], to = jump[first + i];
      int latest = -1;
      for (int s = first; s < first + i; ++s)
        if (jump[s] == to) latest = s;
      rank = to;
      if (latest >= 0) {
        for (int back = link[latest]; back >= 0; back = link[latest]) latest = back;
        rank = latest - first;
      }
    }
    keys[slot] = static_cast<uint64_t>(kind) << 32 | static_cast<uint64_t>(rank);
  }
}

// The box that is number `rank` of its kind, found by one warp: the chunk by bisection, then 32 boxes at a time.
__device__ int32_t find_box(const int32_t* match, int B, int kind, int rank, SharedArray<int> before, int chunks) {
  int low = 0, high = chunks;  // before[low] ≤ rank < before[high]
  while (high - low > 1) {
    const int middle = (low + high) / 2, b = before[middle];
    (b <= rank ? low : high) = middle;
  }
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  int32_t m[chunk / warp_size];
  MR_UNROLL
  for (int u = 0; u < chunk / warp_size; ++u) {
    const int i = low * chunk + u * warp_size + lane;
    m[u] = i < B ? load<int32_t>(match + i) : Match::between;
  }
  int left = rank - before[low];
  int32_t box = -1;
  MR_UNROLL
  for (int u = 0; u < chunk / warp_size; ++u) {
    const bool mine = is_wanted(m[u], kind);
    const unsigned all = __ballot_sync(all_lanes, mine);
    if (mine && __popc(all & ((1u << lane) - 1)) == left) box = low * chunk + u * warp_size + lane;
    left -= __popc(all);  // negative from then on
  }
  return box;  // −1 in all lanes but one
}

// One block an image.
__global__ void __launch_bounds__(threads) sample_kernel(const int32_t* match, const int32_t* counts, const int32_t* streams, int B,
                                                         int chunks, int count, int most_positive, int32_t* index) {
  Shared shared;
  const auto positive_before = shared.array<int>(chunks), negative_before = shared.array<int>(chunks);
  const auto of_warp = shared.array<int>(warps), jump = shared.array<int>(count), link = shared.array<int>(count);
  const auto keys = shared.array<uint64_t>(sorted_length(count));
  const int64_t image = blockIdx.x;
  const int t = static_cast<int>(threadIdx.x);
  Draws draws{};
  draws.size[0] = sum_chunks(counts + (image * 2 + 0) * chunks, chunks, positive_before, of_warp);
  draws.size[1] = sum_chunks(counts + (image * 2 + 1) * chunks, chunks, negative_before, of_warp);
  int taken[2];
  taken[0] = min(draws.size[0], most_positive);
  taken[1] = min(draws.size[1], count - taken[0]);
  MR_UNROLL
  for (int k = 0; k < 2; ++k) draws.steps[k] = taken[k] < draws.size[k] ? taken[k] : 0;
  draw(draws, stream_of(streams + image * stream_words), jump);
  follow(draws, taken, jump, link, keys);
  const int slots = taken[0] + taken[1], length = sorted_length(slots);
  for (int s = slots + t; s < length; s += threads) keys[s] = ~uint64_t{0};
  sort_keys(keys, length);
  for (int s = t / warp_size; s < slots; s += warps) {
    const uint64_t key = keys[s];
    const int kind = static_cast<int>(key >> 32), rank = static_cast<int>(key & 0xffffffffu);
    const int32_t box = find_box(match + image * B, B, kind, rank, kind == 0 ? positive_before : negative_before, chunks);
    if (box >= 0) store(index + image * count + s, box);
  }
  for (int s = slots + t; s < count; s += threads) store(index + image * count + s, -1);
}

}  // namespace

void sample_balanced(const int32_t* match, const int32_t* streams, int64_t B, int64_t most_positive, const Tensor& index) {
  const int64_t images = index.size(0), count = index.size(1), chunks = std::max<int64_t>(blocks_of(B, chunk), 1);
  check(count <= longest_sort, "sample_balanced: count must be 0 … ", longest_sort, ", got ", count);
  if (index.numel() == 0) return;
  const Tensor counts = Tensor::empty({images, 2, chunks}, DType::i32, index.device());
  auto* c = counts.device_data<int32_t>();
  launch("count_matches", {chunks, images}, {chunk}, 0, compute_stream(), count_kernel, match, static_cast<int>(B),
         static_cast<int>(chunks), c);
  const auto room = static_cast<size_t>(count);
  const size_t bytes = SharedSize()
                           .array<int>(static_cast<size_t>(chunks))
                           .array<int>(static_cast<size_t>(chunks))
                           .array<int>(warps)
                           .array<int>(room)
                           .array<int>(room)
                           .array<uint64_t>(static_cast<size_t>(sorted_length(static_cast<int>(count))))
                           .bytes();
  launch("sample_balanced", {images}, {threads}, bytes, compute_stream(), sample_kernel, match, c, streams, static_cast<int>(B),
         static_cast<int>(chunks), static_cast<int>(count), static_cast<int>(most_positive), index.device_data<int32_t>());
}

}  // namespace mr::gpu
