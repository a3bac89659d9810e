// No matrix of all pairs is kept: where every object promotes its best boxes, a first kernel finds the largest IoU of each object, and the second
// computes the IoUs once more and compares.
#include "ops/boxes/box_rules.h"
#include "ops/boxes/boxes_gpu.h"
#include "tensor/gpu/channels.h"

namespace mr::gpu {
namespace {

constexpr int threads = 256, tile = 128;

// top [N,G]: the largest IoU of each object. Block (256 boxes, image), one thread a box; the objects lie in shared memory 128 at a time, and all
// lanes read the same one. IoUs are not negative, so their bits are ordered as integers, whose maximum no order of threads changes.
__global__ void __launch_bounds__(threads) best_of_objects_kernel(Pairs p, int* top) {
  Shared shared;
  const auto objects = shared.array<float>(4 * tile);
  const auto best = shared.array<int>(tile);
  const int t = static_cast<int>(threadIdx.x);
  const int64_t i = int64_t{blockIdx.x} * threads + t, image = blockIdx.y;
  const int count = load<int32_t>(p.object_count + image);
  const bool there = i < (p.box_count ? load<int32_t>(p.box_count + image) : p.B);
  Corners<float> mine{};
  if (there) mine = corners(load<Box>(p.boxes + image * p.pitch + i));
  for (int first = 0; first < count; first += tile) {
    const int here = min(tile, count - first);
    if (t < here) {
      store(objects + 4 * t, load<Box>(p.objects + image * p.G + first + t));
      best[t] = 0;
    }
    __syncthreads();
    if (there)
      for (int g = 0; g < here; ++g) {
        const float v = iou(corners(load<Box>(objects + 4 * g)), mine);
        if (v > 0) atomicMax(best + g, std::bit_cast<int>(v));
      }
    __syncthreads();
    if (t < here) {
      const int most = best[t];
      if (most > 0) atomicMax(top + image * p.G + first + t, most);
    }
    __syncthreads();
  }
}

// One thread a box, which goes through the objects of its image; all lanes read the same one.
struct MatchRow {
  Pairs p;
  const float* top;  // null: no object promotes a box
  int32_t* match;

  __device__ void operator()(int64_t i) const {
    const int64_t image = i / p.B, r = i % p.B;
    if (p.box_count && r >= load<int32_t>(p.box_count + image)) return store(match + i, int32_t{Match::between});
    const Corners<float> mine = corners(load<Box>(p.boxes + image * p.pitch + r));
    const int count = load<int32_t>(p.object_count + image);
    float best = -1;
    int32_t index = 0;
    bool promoted = false;
    for (int g = 0; g < count; ++g) {
      const float v = iou(corners(load<Box>(p.objects + image * p.G + g)), mine);
      if (v > best) {
        best = v;
        index = g;
      }
      if (top) promoted = promoted || (v > 0 && v == load<float>(top + image * p.G + g));
    }
    store(match + i, count == 0 ? Match::background : promoted ? index : match_of(best, index, p.high, p.low));
  }
};

}  // namespace

void match_boxes(const Pairs& p, bool keep_best, const Tensor& match) {
  if (match.numel() == 0) return;
  const int64_t images = match.size(0);
  Tensor top;
  if (keep_best) {
    top = Tensor::zeros({images, p.G}, DType::f32, match.device());
    launch("best_of_objects", {blocks_of(p.B, threads), images}, {threads}, SharedSize().array<float>(4 * tile).array<int>(tile).bytes(),
           compute_stream(), best_of_objects_kernel, p, reinterpret_cast<int*>(top.device_data<float>()));
  }
  for_each("match_boxes", match.numel(), MatchRow{p, top.device_data<float>(), match.device_data<int32_t>()});
}

}  // namespace mr::gpu
