#include "train/batches.h"

#include <algorithm>

namespace mr {
namespace {

ImageTargets targets_of(const Sample& s) {
  std::vector<const Instance*> objects;
  for (const Instance& i : s.instances)
    if (!i.crowd) objects.push_back(&i);
  const auto n = static_cast<int64_t>(objects.size());
  ImageTargets t;
  t.boxes = Tensor::empty({n, 4});
  t.labels = Tensor::empty({n}, DType::i32);
  float* box = t.boxes.data<float>();
  int32_t* label = t.labels.data<int32_t>();
  for (const Instance* o : objects) {
    for (const float v : {o->box.x1, o->box.y1, o->box.x2, o->box.y2}) *box++ = v;
    *label++ = o->label;
    t.masks.push_back(o->mask);
  }
  return t;
}

}  // namespace

Batch training_batch(const LoadedBatch& loaded, const Preprocess& preprocess, uint64_t seed) {
  ImageBatch images = images_to_tensor(loaded.samples, preprocess);
  Batch b;
  b.images = images.images;  // [N,H,W,3]
  for (const PixelSize& s : images.sizes) b.sizes.push_back({s.height, s.width});
  for (const Sample& s : loaded.samples) {
    b.targets.push_back(targets_of(s));
    b.image_ids.push_back(s.info.image_id);
  }
  b.seed = seed;
  b.step = static_cast<uint64_t>(loaded.number);
  return b;
}

std::function<Batch()> training_batches(const Recipe& recipe, std::shared_ptr<const Dataset> dataset, int64_t first,
                                        std::function<void(const std::string&)> skipped) {
  LoaderOptions options;
  options.batch = recipe.train.batch;
  options.workers = recipe.data.workers;
  options.prefetch = recipe.data.prefetch;
  options.group_by_aspect = recipe.data.group_aspect;
  options.corrupt = recipe.data.corrupt_images;
  const auto seed = static_cast<uint64_t>(recipe.seed);
  const auto change = [augmentation = recipe.augment, seed](Sample& s, uint64_t epoch, int64_t index) {
    augment(s, augmentation, seed, epoch, static_cast<uint64_t>(index));
  };
  auto loader = std::make_shared<Loader>(Loader::endless(std::move(dataset), options, seed, change, first));
  return [loader, preprocess = recipe.preprocess, seed, skipped = std::move(skipped)] {
    std::optional<LoadedBatch> loaded = loader->next();
    check(loaded.has_value(), "train: the loader ended");
    for (const SkippedSample& s : loaded->skipped) skipped(str("left out: ", s.why));
    return training_batch(*loaded, preprocess, seed);
  };
}

}  // namespace mr
