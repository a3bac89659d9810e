#include "data/cache/held.h"

#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "data/image/canvas.h"
#include "data/transforms/objects.h"

namespace mr {
namespace {

std::string bytes_text(uint64_t bytes) {
  const bool large = bytes >= 1000000000;
  return str(rounded(static_cast<double>(bytes) / (large ? 1e9 : 1e6)), large ? " GB" : " MB");
}

PixelSize held_size(const ImageInfo& whole, int64_t reduce) {
  return image::reduced({whole.height, whole.width}, static_cast<int>(reduce));
}

}  // namespace

Image reduced(const Image& image, int64_t factor) {
  const std::string name;
  ImageOptions options;
  options.reduce = static_cast<int>(factor);
  image::Canvas canvas({{}, name, options}, image.height, image.width);
  for (int y = 0; y < image.height; ++y) canvas.put(y, 0, image.width, image.at(y, 0));
  ImageNotes notes;
  return canvas.finish(notes);
}

HeldPictures::HeldPictures(std::shared_ptr<const Dataset> from, int64_t reduce, std::shared_ptr<PictureCache> cache)
    : View(std::move(from)), reduce_(reduce), cache_(std::move(cache)) {
  check(reduce >= 1 && reduce <= 64, "data.reduce: must be from 1 to 64, got ", reduce);
}

ImageInfo HeldPictures::info(int64_t index) const {
  ImageInfo info = View::info(index);
  const PixelSize held = held_size(info, reduce_);
  info.height = held.height, info.width = held.width;
  return info;
}

// The window is that of whole blocks, so that each of its pixels is one: it may reach beyond the picture.
PixelChange HeldPictures::reduction(const ImageInfo& whole) const {
  const auto n = static_cast<int>(reduce_);
  const PixelSize held = held_size(whole, reduce_);
  return {.window = {0, 0, held.height * n, held.width * n}, .height = held.height, .width = held.width};
}

void HeldPictures::reduce_objects(std::vector<Instance>& objects, const ImageInfo& whole) const {
  if (reduce_ == 1) return;
  const PixelChange c = reduction(whole);
  crop(objects, c.window, {c.height, c.width}, 1);
}

std::vector<ProposedBox> HeldPictures::proposals(int64_t index) const {
  std::vector<ProposedBox> boxes = View::proposals(index);
  if (reduce_ > 1) change(boxes, reduction(View::info(index)));
  return boxes;
}

std::vector<Instance> HeldPictures::instances(int64_t index) const {
  std::vector<Instance> objects = View::instances(index);
  reduce_objects(objects, View::info(index));
  return objects;
}

Sample HeldPictures::sample(int64_t index) const {
  const ImageInfo whole = View::info(index);
  const bool cached = cache_ != nullptr && !whole.file.empty();
  const CachedPicture entry = cached ? cache_->entry(whole.file, {whole.height, whole.width}, reduce_) : CachedPicture();
  Sample s;
  if (std::optional<Image> image = cached ? cache_->find(entry) : std::nullopt) {
    s.image = std::move(*image);
    s.instances = View::instances(index);
  } else {
    s = View::sample(index);
    if (reduce_ > 1) s.image = reduced(s.image, reduce_);
    if (cached) cache_->store(entry, s.image);
  }
  reduce_objects(s.instances, whole);
  s.proposals = proposals(index);
  s.info = info(index);
  return s;
}

std::string HeldPictures::about_cache() const {
  check(cache_ != nullptr, "data.cache: there is none");
  int64_t pictures = 0, there = 0;
  uint64_t stored = 0, whole = 0;
  for (int64_t i = 0; i < size(); ++i) {
    const ImageInfo info = View::info(i);
    if (info.file.empty()) continue;
    const CachedPicture entry = cache_->entry(info.file, {info.height, info.width}, reduce_);
    const uint64_t bytes = cache_->stored_bytes(entry);
    ++pictures, stored += bytes, there += bytes > 0;
    whole += uint64_t{3} * static_cast<uint64_t>(entry.size.height) * static_cast<uint64_t>(entry.size.width);
  }
  const std::optional<uint64_t> free = cache_->free_bytes();
  return str("data.cache: ", cache_->folder(), ": ", there, " of ", counted(pictures, "picture"),
             there > 0 ? str(" (", bytes_text(stored), ")") : std::string(), "; all of them take ", bytes_text(whole), " at most",
             free ? str(", and ", bytes_text(*free), " are free on its disk") : std::string());
}

}  // namespace mr
