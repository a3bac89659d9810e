#include "models/batch.h"

#include <algorithm>

#include "geometry/box.h"
#include "ops/boxes/sampler.h"
#include "tensor/context.h"

namespace mr {
namespace {

void check_batch(const HostBatch& b) {
  check(b.images.defined() && b.images.rank() == 4 && b.images.size(3) == 3, "batch: images must be [N,H,W,3], got ",
        b.images.defined() ? b.images.shape() : Shape{});
  const auto N = static_cast<size_t>(b.images.size(0));
  check(b.sizes.size() == N, "batch: ", N, " images, but ", b.sizes.size(), " sizes");
  check(b.targets.empty() || (b.targets.size() == N && b.image_ids.size() == N), "batch: ", N, " images, but ", b.targets.size(),
        " targets and ", b.image_ids.size(), " ids");
  check(b.proposals.empty() || b.proposals.size() == N, "batch: ", N, " images, but proposals of ", b.proposals.size());
  for (const Tensor& p : b.proposals)
    check(p.rank() == 2 && p.size(1) == 4 && p.dtype() == DType::f32, "batch: proposals must be [P,4] f32, got ", p.shape(), " ",
          p.dtype());
}

// The best of each image that lie in it, with one room for all.
BoxList proposal_list(const HostBatch& b) {
  const auto N = static_cast<int64_t>(b.proposals.size());
  int64_t room = b.most_proposals;
  if (room == 0)
    for (const Tensor& p : b.proposals) room = std::max(room, p.size(0));
  room = std::max<int64_t>(room, 1);
  BoxList list{Tensor::zeros({N, room, 4}), Tensor::empty({N}, DType::i32)};
  for (int64_t n = 0; n < N; ++n) {
    const Tensor& given = b.proposals[static_cast<size_t>(n)];
    const PixelSize size = b.sizes[static_cast<size_t>(n)];
    const auto width = static_cast<float>(size.width), height = static_cast<float>(size.height);
    float* to = list.boxes.data<float>() + 4 * room * n;
    int32_t count = 0;
    for (int64_t i = 0; i < given.size(0) && count < room; ++i) {
      const float* p = given.data<float>() + 4 * i;
      const Box box{std::clamp(p[0], 0.0f, width), std::clamp(p[1], 0.0f, height), std::clamp(p[2], 0.0f, width),
                    std::clamp(p[3], 0.0f, height)};
      if (box.width() <= 0 || box.height() <= 0) continue;
      for (const float v : {box.x1, box.y1, box.x2, box.y2}) *to++ = v;
      ++count;
    }
    list.count.data<int32_t>()[n] = count;
  }
  return list;
}

}  // namespace

DeviceBatch::DeviceBatch(const HostBatch& batch, bool with_masks, Device device) : DeviceBatch(batch, with_masks) {
  if (images.on_gpu() && images.device() == device) images = images.clone();  // refill writes over them
  for (Tensor* t : all())
    if (t->defined()) *t = t->to(device);
}

DeviceBatch::DeviceBatch(const HostBatch& batch, bool with_masks) {
  check_batch(batch);
  const OnDevice here(Device{});
  const auto N = static_cast<int64_t>(batch.sizes.size());
  images = batch.images;
  seed = batch.seed, step = batch.step;
  image_ids = batch.image_ids;
  sizes = Tensor::empty({N, 2}, DType::i32);
  for (int64_t n = 0; n < N; ++n) {
    sizes.data<int32_t>()[2 * n] = batch.sizes[static_cast<size_t>(n)].height;
    sizes.data<int32_t>()[2 * n + 1] = batch.sizes[static_cast<size_t>(n)].width;
  }
  if (!batch.proposals.empty()) proposals = proposal_list(batch);
  if (batch.targets.empty()) return;

  int64_t most = 1;
  for (const ImageTargets& t : batch.targets) most = std::max(most, t.boxes.size(0));
  const int64_t G = (most + 15) / 16 * 16;
  objects = {Tensor::zeros({N, G, 4}), Tensor::empty({N}, DType::i32)};
  labels = Tensor::empty({N, G}, DType::i32);
  labels.fill_(-1);
  std::vector<std::span<const CroppedMask>> bitmaps;
  for (int64_t n = 0; n < N; ++n) {
    const ImageTargets& t = batch.targets[static_cast<size_t>(n)];
    const int64_t there = t.boxes.size(0);
    std::copy_n(t.boxes.data<float>(), 4 * there, objects.boxes.data<float>() + 4 * n * G);
    std::copy_n(t.labels.data<int32_t>(), there, labels.data<int32_t>() + n * G);
    objects.count.data<int32_t>()[n] = static_cast<int32_t>(there);
    check(!with_masks || static_cast<int64_t>(t.masks.size()) == there, "mask head: image ", batch.image_ids[static_cast<size_t>(n)],
          ": expected a mask for each of ", there, " objects, got ", t.masks.size());
    bitmaps.emplace_back(t.masks);
  }
  anchor_rng = generator_streams(batch.rngs("rpn sample"));
  roi_rng = generator_streams(batch.rngs("roi sample"));
  if (with_masks) masks = mask_table(bitmaps, G);
}

std::vector<Tensor*> DeviceBatch::all() {
  return {&images, &sizes,      &proposals.boxes, &proposals.count, &objects.boxes, &objects.count,
          &labels, &anchor_rng, &roi_rng,         &masks.bits,      &masks.place};
}

bool DeviceBatch::refill(const HostBatch& batch) {
  DeviceBatch next(batch, masks.bits.defined());
  const std::vector<Tensor*> to = all(), from = next.all();
  for (size_t i = 0; i < to.size(); ++i)
    if (from[i]->defined() != to[i]->defined() || (to[i]->defined() && from[i]->shape() != to[i]->shape())) return false;
  if (next.masks.width != masks.width) return false;
  for (size_t i = 0; i < to.size(); ++i)
    if (to[i]->defined()) to[i]->copy_(*from[i]);
  seed = next.seed, step = next.step;
  image_ids = std::move(next.image_ids);
  return true;
}

}  // namespace mr
