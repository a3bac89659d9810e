// One thread a box; it goes through the image's objects, which lie in shared memory 128 at a time, and all lanes read the same one. No matrix
// of all pairs is kept: where every object promotes its best boxes, a first kernel finds the largest IoU of each object, and the second computes
// the IoUs once more and compares.
#include "ops/boxes/box_rules.h"
#include "ops/boxes/boxes_gpu.h"
#include "ops/boxes/matcher.h"
#include "ops/boxes/rows_gpu.h"
#include "tensor/gpu/kernel.h"

namespace mr::gpu {
namespace {

constexpr int threads = 256, tile = 128;

struct Pairs {
  const Box* gt;            // [N,G]
  const int32_t* gt_count;  // [N]
  int G;
  SharedBoxes boxes;
  const int32_t* box_count;  // [N] or null
  float* top;                // [N,G]: the largest IoU of each object
};

// Objects [first, first + tile) into shared memory; → how many there are.
__device__ int load_objects(const Pairs& p, int64_t image, int first, int count, const SharedArray<float>& objects) {
  const int here = min(tile, count - first), t = static_cast<int>(threadIdx.x);
  if (t < here) store(objects + 4 * t, load<Box>(p.gt + image * p.G + first + t));
  return here;
}

// Block (256 boxes, image). IoUs are not negative, so their bits are ordered as integers, whose maximum no order of threads changes.
__global__ void __launch_bounds__(threads) best_of_objects_kernel(Pairs p) {
  Shared shared;
  const auto objects = shared.array<float>(4 * tile);
  const auto top = shared.array<int>(tile);
  const int t = static_cast<int>(threadIdx.x), i = static_cast<int>(blockIdx.x) * threads + t;
  const int64_t image = blockIdx.y;
  const int count = load<int32_t>(p.gt_count + image), boxes = p.box_count ? load<int32_t>(p.box_count + image) : p.boxes.rows;
  Corners<float> mine{};
  if (i < boxes) mine = corners(load<Box>(p.boxes.boxes + image * p.boxes.pitch + i));
  for (int first = 0; first < count; first += tile) {
    const int here = load_objects(p, image, first, count, objects);
    if (t < here) top[t] = 0;
    __syncthreads();
    if (i < boxes)
      for (int g = 0; g < here; ++g) {
        const float v = iou(corners(load<Box>(objects + 4 * g)), mine);
        if (v > 0) atomicMax(top + g, std::bit_cast<int>(v));
      }
    __syncthreads();
    if (t < here) {
      const int most = top[t];
      if (most > 0) atomicMax(reinterpret_cast<int*>(p.top) + image * p.G + first + t, most);
    }
    __syncthreads();
  }
}

__global__ void __launch_bounds__(threads) match_kernel(Pairs p, float high, float low, int32_t* match) {
  Shared shared;
  const auto objects = shared.array<float>(4 * tile);
  const auto top = shared.array<float>(tile);
  const int t = static_cast<int>(threadIdx.x), i = static_cast<int>(blockIdx.x) * threads + t;
  const int64_t image = blockIdx.y;
  const int count = load<int32_t>(p.gt_count + image), boxes = p.box_count ? load<int32_t>(p.box_count + image) : p.boxes.rows;
  Corners<float> mine{};
  if (i < boxes) mine = corners(load<Box>(p.boxes.boxes + image * p.boxes.pitch + i));
  float best = -1;
  int32_t index = 0;
  bool promoted = false;
  for (int first = 0; first < count; first += tile) {
    const int here = load_objects(p, image, first, count, objects);
    if (t < here) top[t] = p.top ? load<float>(p.top + image * p.G + first + t) : 0.0f;
    __syncthreads();
    if (i < boxes)
      for (int g = 0; g < here; ++g) {
        const float v = iou(corners(load<Box>(objects + 4 * g)), mine), most = top[g];
        if (v > best) {
          best = v;
          index = first + g;
        }
        promoted = promoted || (most > 0 && v == most);
      }
    __syncthreads();
  }
  if (i >= p.boxes.rows) return;
  int32_t found = Match::background;
  if (i >= boxes)
    found = Match::between;
  else if (count > 0)
    found = promoted ? index : match_of(best, index, high, low);
  store(match + image * p.boxes.rows + i, found);
}

}  // namespace

Tensor match_boxes(const BoxList& objects, const Tensor& boxes, const Tensor& count, float high, float low, bool keep_best) {
  const int64_t images = objects.boxes.size(0), G = objects.boxes.size(1);
  const Tensor top = keep_best ? Tensor::empty({images, G}, DType::f32, boxes.device()) : Tensor();
  const Pairs p{checked_boxes(objects.boxes, "match_boxes", "objects", {images, G, 4}),
                checked_data<int32_t>(objects.count, "match_boxes", "count", {images}),
                static_cast<int>(G),
                shared_boxes(boxes, images, "match_boxes", "boxes"),
                optional_data<int32_t>(count, "match_boxes", "count", {images}),
                top.device_data<float>()};
  const Tensor match = Tensor::empty({images, p.boxes.rows}, DType::i32, boxes.device());
  if (match.numel() == 0) return match;
  const Dim3 grid{blocks_of(p.boxes.rows, threads), images};
  if (keep_best) {
    top.fill_(0);
    launch("best_of_objects", grid, {threads}, SharedSize().array<float>(4 * tile).array<int>(tile).bytes(), compute_stream(),
           best_of_objects_kernel, p);
  }
  launch("match_boxes", grid, {threads}, SharedSize().array<float>(4 * tile).array<float>(tile).bytes(), compute_stream(), match_kernel, p,
         high, low, match.device_data<int32_t>());
  return match;
}

}  // namespace mr::gpu
