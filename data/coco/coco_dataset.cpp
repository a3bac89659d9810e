#include "data/coco/coco_dataset.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "data/image/image.h"

namespace mr {
namespace {

CocoFile read(const std::string& path, const CocoOptions& options, std::vector<CocoProblem>& dropped) {
  const CocoReadOptions read_options{.masks = options.masks};
  if (!options.drop_faulty) return read_coco(path, read_options);
  return read_coco(path, read_options, [&dropped](const CocoProblem& p) { dropped.push_back(p); });
}

}  // namespace

CocoDataset::CocoDataset(const std::string& annotations, const std::string& images, const CocoOptions& options)
    : folder_(images), masks_(options.masks) {
  file_ = read(annotations, options, dropped_);
  build(options.keep_empty);
}

CocoDataset::CocoDataset(CocoFile file, const std::string& images, const CocoOptions& options)
    : file_(std::move(file)), folder_(images), masks_(options.masks) {
  build(options.keep_empty);
}

void CocoDataset::build(bool keep_empty) {
  check(!file_.categories.empty(), file_.path, ": categories: there are none");
  std::vector<CocoCategory> categories = file_.categories;
  std::sort(categories.begin(), categories.end(), [](const CocoCategory& a, const CocoCategory& b) { return a.id < b.id; });
  for (const CocoCategory& c : categories) {
    class_names_.push_back(c.name);
    category_ids_.push_back(c.id);
    labels_[c.id] = static_cast<int>(class_names_.size());
  }

  std::unordered_map<int64_t, std::vector<size_t>> of_image;
  std::unordered_map<int64_t, bool> has_object;
  for (size_t k = 0; k < file_.annotations.size(); ++k) {
    const CocoAnnotation& a = file_.annotations[k];
    of_image[a.image_id].push_back(k);
    has_object[a.image_id] |= !a.crowd;
  }
  std::vector<size_t> by_id(file_.images.size());
  std::iota(by_id.begin(), by_id.end(), size_t{0});
  std::sort(by_id.begin(), by_id.end(), [this](size_t a, size_t b) { return file_.images[a].id < file_.images[b].id; });
  for (const size_t i : by_id) {
    const int64_t id = file_.images[i].id;
    if (!keep_empty && !has_object[id]) continue;
    indices_[id] = static_cast<int64_t>(order_.size());
    order_.push_back(i);
    annotations_.push_back(std::move(of_image[id]));
  }
}

const CocoImage& CocoDataset::image(int64_t index) const {
  check(index >= 0 && index < size(), file_.path, ": sample index must be in 0 ... ", size() - 1, ", got ", index);
  return file_.images[order_[static_cast<size_t>(index)]];
}

ImageInfo CocoDataset::info(int64_t index) const {
  const CocoImage& im = image(index);
  return {im.id, im.height, im.width, folder_ + "/" + im.file};
}

std::vector<Instance> CocoDataset::instances(int64_t index) const {
  const CocoImage& im = image(index);
  std::vector<Instance> out;
  for (const size_t k : annotations_[static_cast<size_t>(index)]) {
    const CocoAnnotation& a = file_.annotations[k];
    Instance& object = out.emplace_back();
    object.id = a.id;
    object.label = label_of(a.category_id);
    object.box = {static_cast<float>(a.x), static_cast<float>(a.y), static_cast<float>(a.x + a.w), static_cast<float>(a.y + a.h)};
    object.area = a.area;
    object.crowd = a.crowd;
    object.mask.image_height = im.height, object.mask.image_width = im.width;
    if (masks_) object.mask = rle_crop(file_.rle(a, im.height, im.width));
  }
  return out;
}

Sample CocoDataset::sample(int64_t index) const {
  Sample s;
  s.info = info(index);
  s.image = read_image(s.info.file);
  check(s.image.height == s.info.height && s.image.width == s.info.width, file_.path, ": image ", s.info.image_id,
        ": height and width must be those of ", s.info.file, ", ", s.image.height, "x", s.image.width, ", got ", s.info.height, "x",
        s.info.width);
  s.instances = instances(index);
  return s;
}

int CocoDataset::label_of(int64_t category_id) const {
  const auto at = labels_.find(category_id);
  return at == labels_.end() ? 0 : at->second;
}

int64_t CocoDataset::index_of(int64_t image_id) const {
  const auto at = indices_.find(image_id);
  return at == indices_.end() ? -1 : at->second;
}

}  // namespace mr
