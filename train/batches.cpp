#include "train/batches.h"

#include <algorithm>
#include <cmath>

#include "tensor/process_group.h"
#include "train/proposals.h"

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

// So many of a corner of the image: background, of which there is always enough.
Tensor corner_proposals(PixelSize image, int64_t n) {
  const Tensor boxes = Tensor::zeros({n, 4});
  for (int64_t i = 0; i < n; ++i) {
    boxes.data<float>()[4 * i + 2] = static_cast<float>(image.width) / 64;
    boxes.data<float>()[4 * i + 3] = static_cast<float>(image.height) / 64;
  }
  return boxes;
}

// Objects side by side in a grid that fills the image: no two overlap, so that each is a positive RoI of its own.
ImageTargets grid_of_objects(PixelSize image, int64_t objects) {
  const auto columns = static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(objects))));
  const int64_t rows = (objects + columns - 1) / columns;
  ImageTargets t;
  t.boxes = Tensor::empty({objects, 4});
  t.labels = Tensor::empty({objects}, DType::i32);
  t.labels.fill_(1);
  float* box = t.boxes.data<float>();
  for (int64_t i = 0; i < objects; ++i) {
    const auto begin = [](int64_t k, int64_t n, int side) { return static_cast<int>(k * side / n); };
    const int64_t x = i % columns, y = i / columns;
    const int x1 = begin(x, columns, image.width), x2 = begin(x + 1, columns, image.width);
    const int y1 = begin(y, rows, image.height), y2 = begin(y + 1, rows, image.height);
    for (const int v : {x1, y1, x2, y2}) *box++ = static_cast<float>(v);
    CroppedMask mask{image.height, image.width, x1, y1, Bitmap(y2 - y1, x2 - x1)};
    std::ranges::fill(mask.bits.pixels, uint8_t{1});
    t.masks.push_back(std::move(mask));
  }
  return t;
}

// The sides of the largest batch that the data and the augmentation give. Batches mix all images, or keep wide ones apart.
PixelSize largest_image(const Recipe& recipe, const Dataset& dataset) {
  PixelSize most[2] = {};
  for (int64_t i = 0; i < dataset.size(); ++i) {
    const ImageInfo info = dataset.info(i);
    const PixelSize size = largest_augmented(recipe.augment, info.height, info.width);
    PixelSize& m = most[recipe.data.group_aspect && info.width > info.height ? 1 : 0];
    m = {std::max(m.height, size.height), std::max(m.width, size.width)};
  }
  const auto area = [](PixelSize s) { return static_cast<int64_t>(s.height) * s.width; };
  return area(most[0]) > area(most[1]) ? most[0] : most[1];
}

}  // namespace

BatchNeeds needs_of(System& system) {
  const Traits t = system.traits();
  return {t.masks, t.rois, t.given.train, system.parameters().device()};
}

DeviceBatch fullest_batch(const Recipe& recipe, const Dataset& dataset, const BatchNeeds& needs) {
  const PixelSize size = largest_image(recipe, dataset);
  const int64_t N = recipe.train.batch / process_group().size();
  const std::vector<Image> black(static_cast<size_t>(N), Image(size.height, size.width));
  std::vector<const Image*> images;
  for (const Image& image : black) images.push_back(&image);
  HostBatch b;
  b.images = images_to_tensor(images, recipe.preprocess).images;  // [N,H,W,3]
  for (int64_t n = 0; n < N; ++n) {
    b.sizes.push_back({size.height, size.width});
    b.targets.push_back(grid_of_objects(size, std::max<int64_t>(needs.rois, 1)));
    b.image_ids.push_back(n);
    if (needs.given > 0) b.proposals.push_back(corner_proposals(size, needs.given));
  }
  b.most_proposals = needs.given;
  return {b, needs.masks, needs.device};
}

DeviceBatch training_batch(const BatchOf<InputSample>& loaded, const Preprocess& preprocess, uint64_t seed, const BatchNeeds& needs) {
  ImageBatch images = images_to_tensor(loaded.samples, preprocess, needs.device);
  HostBatch b;
  b.images = images.images;  // [N,H,W,3]
  for (const PixelSize& s : images.sizes) b.sizes.push_back({s.height, s.width});
  for (const Sample& s : loaded.samples) {
    b.targets.push_back(targets_of(s));
    b.image_ids.push_back(s.info.image_id);
    if (needs.given > 0) b.proposals.push_back(boxes_of(s.proposals, needs.given));
  }
  b.most_proposals = needs.given;
  b.seed = seed;
  b.step = static_cast<uint64_t>(loaded.number);
  return {b, needs.masks, needs.device};
}

std::function<DeviceBatch()> training_batches(const Recipe& recipe, std::shared_ptr<const Dataset> dataset, int64_t first,
                                              std::function<void(const std::string&)> skipped, const BatchNeeds& needs) {
  LoaderOptions options;
  options.batch = recipe.train.batch;
  options.part = process_group().rank();
  options.parts = process_group().size();
  options.workers = recipe.data.workers;
  options.prefetch = recipe.data.prefetch;
  options.group_by_aspect = recipe.data.group_aspect;
  options.corrupt = recipe.data.corrupt_images;
  const auto seed = static_cast<uint64_t>(recipe.seed);
  const auto change = [augmentation = recipe.augment, seed, device = needs.device](InputSample& s, uint64_t epoch, int64_t index) {
    const auto key = static_cast<uint64_t>(index);
    if (device.type == DeviceType::cpu) return augment(s, augmentation, seed, epoch, key);
    s.pending = augment_objects(s, augmentation, seed, epoch, key);
    stage_image(s, device);
  };
  using Samples = LoaderOf<InputSample>;
  auto loader = std::make_shared<Samples>(Samples::endless(std::move(dataset), options, seed, change, first));
  return [loader, preprocess = recipe.preprocess, seed, needs, skipped = std::move(skipped)] {
    const std::optional<BatchOf<InputSample>> loaded = loader->next();
    check(loaded.has_value(), "train: the loader ended");
    for (const SkippedSample& s : loaded->skipped) skipped(str("left out: ", s.why));
    return training_batch(*loaded, preprocess, seed, needs);
  };
}

}  // namespace mr
