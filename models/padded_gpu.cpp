#include <algorithm>

#include "models/padded.h"

namespace mr {

PaddedBatch::PaddedBatch(const Batch& batch, bool with_masks, Device device) : PaddedBatch(batch, with_masks) {
  if (images.device() == device) images = images.clone();  // refill writes over them
  for (Tensor* t : all())
    if (t->defined()) *t = t->to(device);
}

PaddedBatch::PaddedBatch(const Batch& batch, bool with_masks) {
  const auto N = static_cast<int64_t>(batch.sizes.size());
  images = batch.images;
  sizes = Tensor::empty({N, 2}, DType::i32, Device{});
  for (int64_t n = 0; n < N; ++n) {
    sizes.data<int32_t>()[2 * n] = batch.sizes[static_cast<size_t>(n)].height;
    sizes.data<int32_t>()[2 * n + 1] = batch.sizes[static_cast<size_t>(n)].width;
  }
  if (batch.targets.empty()) return;

  int64_t most = 1;
  for (const ImageTargets& t : batch.targets) most = std::max(most, t.boxes.size(0));
  const int64_t G = (most + 15) / 16 * 16;
  boxes = Tensor::zeros({N, G, 4}, DType::f32, Device{});
  labels = Tensor::empty({N, G}, DType::i32, Device{});
  labels.fill_(-1);
  count = Tensor::empty({N}, DType::i32, Device{});
  std::vector<std::span<const CroppedMask>> bitmaps;
  for (int64_t n = 0; n < N; ++n) {
    const ImageTargets& t = batch.targets[static_cast<size_t>(n)];
    const int64_t objects = t.boxes.size(0);
    std::copy_n(t.boxes.data<float>(), 4 * objects, boxes.data<float>() + 4 * n * G);
    std::copy_n(t.labels.data<int32_t>(), objects, labels.data<int32_t>() + n * G);
    count.data<int32_t>()[n] = static_cast<int32_t>(objects);
    check(!with_masks || static_cast<int64_t>(t.masks.size()) == objects, "mask head: image ", batch.image_ids[static_cast<size_t>(n)],
          ": expected a mask for each of ", objects, " objects, got ", t.masks.size());
    bitmaps.emplace_back(t.masks);
  }
  anchor_rng = gpu::generator_streams(batch.rngs("rpn sample"));
  roi_rng = gpu::generator_streams(batch.rngs("roi sample"));
  if (with_masks) masks = gpu::mask_table(bitmaps, G, Device{});
}

std::vector<Tensor*> PaddedBatch::all() {
  return {&images, &sizes, &boxes, &labels, &count, &anchor_rng, &roi_rng, &masks.bits, &masks.place};
}

bool PaddedBatch::refill(const Batch& batch) {
  PaddedBatch next(batch, masks.bits.defined());
  const std::vector<Tensor*> to = all(), from = next.all();
  for (size_t i = 0; i < to.size(); ++i)
    if (from[i]->defined() != to[i]->defined() || (to[i]->defined() && from[i]->shape() != to[i]->shape())) return false;
  if (next.masks.width != masks.width) return false;
  for (size_t i = 0; i < to.size(); ++i)
    if (to[i]->defined()) to[i]->copy_(*from[i]);
  return true;
}

}  // namespace mr
