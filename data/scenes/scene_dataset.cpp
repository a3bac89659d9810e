#include "data/scenes/scene_dataset.h"

#include <algorithm>

#include "base/check.h"

namespace mr {

using scenes::Kind;
using scenes::Scene;

namespace {

struct Extent {
  int x0 = 1 << 30, y0 = 1 << 30, x1 = -1, y1 = -1;
  int64_t pixels = 0;
};

std::vector<Extent> extents(const Scene& s, int height, int width) {
  std::vector<Extent> e(s.objects.size());
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const int owner = s.owners[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)];
      if (owner < scenes::first_object) continue;
      Extent& k = e[static_cast<size_t>(owner - scenes::first_object)];
      k.x0 = std::min(k.x0, x), k.x1 = std::max(k.x1, x), k.y0 = std::min(k.y0, y), k.y1 = std::max(k.y1, y);
      ++k.pixels;
    }
  return e;
}

}  // namespace

SceneDataset::SceneDataset(const SceneOptions& o) : options_(o) { o.validate(); }

const std::vector<std::string>& SceneDataset::class_names() const {
  static const std::vector<std::string> names{"person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle"};
  return names;
}

std::vector<int64_t> SceneDataset::category_ids() const {
  std::vector<int64_t> ids;
  for (int k = 0; k < 8; ++k) ids.push_back(scenes::label_id(static_cast<Kind>(k)));
  return ids;
}

ImageInfo SceneDataset::info(int64_t index) const {
  check(index >= 0 && index < options_.images, "scenes: index must be from 0 to ", options_.images - 1, ", got ", index);
  return {options_.first + index, static_cast<int>(options_.height), static_cast<int>(options_.width), ""};
}

std::vector<Instance> SceneDataset::instances(int64_t index) const { return draw(index, false).instances; }
Sample SceneDataset::sample(int64_t index) const { return draw(index, true); }

Sample SceneDataset::draw(int64_t index, bool with_image) const {
  Sample out;
  out.info = info(index);
  Scene s = scenes::draw_scene(options_, options_.first + index, with_image);
  out.image = std::move(s.image);
  const int h = out.info.height, w = out.info.width;
  const std::vector<Extent> found = extents(s, h, w);
  for (size_t k = 0; k < found.size(); ++k) {
    const Extent& e = found[k];
    if (e.pixels < options_.min_pixels) continue;
    Instance i;
    i.id = out.info.image_id * 1000 + static_cast<int64_t>(k) + 1;
    i.label = static_cast<int>(s.objects[k]) + 1;
    i.box = {static_cast<float>(e.x0), static_cast<float>(e.y0), static_cast<float>(e.x1 + 1), static_cast<float>(e.y1 + 1)};
    i.mask = {h, w, e.x0, e.y0, Bitmap(e.y1 + 1 - e.y0, e.x1 + 1 - e.x0)};
    i.area = static_cast<double>(e.pixels);
    for (int y = e.y0; y <= e.y1; ++y)
      for (int x = e.x0; x <= e.x1; ++x)
        i.mask.bits.at(y - e.y0, x - e.x0) = s.owners[static_cast<size_t>(y) * static_cast<size_t>(w) + static_cast<size_t>(x)] ==
                                             scenes::first_object + static_cast<int>(k);
    out.instances.push_back(std::move(i));
  }
  return out;
}

std::vector<uint16_t> SceneDataset::instance_ids(int64_t index) const {
  const ImageInfo in = info(index);
  Scene s = scenes::draw_scene(options_, in.image_id, false);
  const std::vector<Extent> found = extents(s, in.height, in.width);
  std::vector<uint16_t> id(found.size());
  int next[8] = {};
  for (size_t k = 0; k < found.size(); ++k) {
    const int label = scenes::label_id(s.objects[k]);
    int& n = next[static_cast<int>(s.objects[k])];
    id[k] = static_cast<uint16_t>(found[k].pixels < options_.min_pixels ? label : label * 1000 + n++);
  }
  for (uint16_t& p : s.owners)
    if (p >= scenes::first_object) p = id[p - scenes::first_object];
  return std::move(s.owners);
}

}  // namespace mr
