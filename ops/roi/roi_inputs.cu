#include "ops/roi/roi_kernel.h"

namespace mr::gpu {
namespace {

// A thread checks one RoI. The counts are integers, so that the order of the additions does not
// matter.
template <class B>
__global__ void count_invalid_kernel(int count, const B* rois, const int32_t* levels, int64_t images, int64_t depth, int32_t* invalid) {
  const int r = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (r >= count) return;
  B row[5];
  MR_UNROLL
  for (int k = 0; k < 5; ++k) row[k] = load<B>(rois + int64_t{r} * 5 + k);
  if (row[0] == B(-1)) return;
  const InvalidRoI wrong = invalid_roi(row, levels ? load<int32_t>(levels + r) : 0, images, depth);
  if (wrong.corner) atomicAdd(invalid, 1);
  if (wrong.image) atomicAdd(invalid + 1, 1);
  if (wrong.level) atomicAdd(invalid + 2, 1);
}

}  // namespace

RoIWork::RoIWork(const char* op_, const RoICall& call, int size_)
    : op(op_), strides(call.strides), dtype(call.maps[0].dtype()), rois(call.rois.value()), levels(call.levels), size(size_) {
  check(call.maps.size() <= most_levels, op, ": expected at most ", most_levels, " maps on a GPU, got ", call.maps.size());
  for (const Var& m : call.maps) maps.push_back(m.shape());
  check(bins() <= INT32_MAX, op, ": expected at most 2^31 bins on a GPU, got ", count(), " RoIs of ", size, "×", size);
}

Tensor count_invalid_rois(const Tensor& rois, const Tensor& levels, int64_t images, int64_t depth) {
  const Tensor invalid = Tensor::empty({3}, DType::i32, rois.device());
  invalid.fill_(0);
  constexpr int64_t threads = 256;
  if (rois.size(0) == 0) return invalid;
  with_box_type(rois, [&]<class B>(B) {
    launch("count_invalid_rois", {(rois.size(0) + threads - 1) / threads}, {threads}, 0, compute_stream(), count_invalid_kernel<B>,
           static_cast<int>(rois.size(0)), rois.device_data<B>(), levels.device_data<int32_t>(), images, depth,
           invalid.device_data<int32_t>());
  });
  return invalid;
}

}  // namespace mr::gpu
