#include "data/cityscapes/dataset.h"

#include <algorithm>
#include <map>

#include "base/check.h"
#include "data/cityscapes/instance_map.h"
#include "data/cityscapes/labels.h"
#include "data/cityscapes/published.h"
#include "data/eval/coco_eval.h"
#include "data/image/image.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

// The window of a number in a map.
struct Window {
  int x0 = 0, y0 = 0, x1 = 0, y1 = 0;  // x1, y1 exclusive
  int64_t pixels = 0;
};

// Of the numbers that are objects or groups of the eight classes, by number.
std::map<uint16_t, Window> windows_of(const Bitmap16& map) {
  std::map<uint16_t, Window> windows;
  for (int y = 0; y < map.height; ++y)
    for (int x = 0; x < map.width;) {
      const uint16_t id = map.at(y, x);
      const int begin = x;
      while (x < map.width && map.at(y, x) == id) ++x;
      if (cityscapes_class(cityscapes_label_of(id)) < 0) continue;
      const auto [at, first] = windows.try_emplace(id, Window{begin, y, x, y + 1, 0});
      Window& w = at->second;
      w.x0 = std::min(w.x0, begin), w.x1 = std::max(w.x1, x), w.y1 = y + 1;
      w.pixels += x - begin;
    }
  return windows;
}

CroppedMask mask_of(const Bitmap16& map, uint16_t id, const Window& w) {
  CroppedMask mask{map.height, map.width, w.x0, w.y0, Bitmap(w.y1 - w.y0, w.x1 - w.x0)};
  for (int y = w.y0; y < w.y1; ++y)
    for (int x = w.x0; x < w.x1; ++x) mask.bits.at(y - w.y0, x - w.x0) = map.at(y, x) == id;
  return mask;
}

std::vector<CityscapesSplit> look_up(const std::string& root, const CityscapesOptions& options) {
  check(!options.splits.empty(), "cityscapes: expected a split to read (train, val, ...), got none");
  std::vector<CityscapesSplit> splits;
  for (const std::string& name : options.splits) {
    check(std::ranges::count(options.splits, name) == 1, "cityscapes: the split ", name, " is named twice");
    const CityscapesSplit& s = splits.emplace_back(cityscapes_split(root, name, options.coarse, options.source));
    if (s.unpaired.empty()) continue;
    const CityscapesUnpaired& first = s.unpaired.front();
    fail(root, ": split ", name, ": ", s.unpaired.size(), s.unpaired.size() == 1 ? " file has" : " files have",
         " no counterpart: there is ", first.there, ", but not ", first.missing,
         "; unpack the downloads once more (mrcnn dataset lint lists all)");
  }
  return splits;
}

}  // namespace

CityscapesDataset::CityscapesDataset(const std::string& root, const CityscapesOptions& options)
    : CityscapesDataset(look_up(root, options), options) {}

CityscapesDataset::CityscapesDataset(std::vector<CityscapesSplit> splits, const CityscapesOptions& options) : options_(options) {
  for (CityscapesSplit& s : splits) {
    split_sizes_.push_back(static_cast<int64_t>(s.frames.size()));
    std::ranges::move(s.frames, std::back_inserter(frames_));
  }
  sizes_ = std::make_unique<std::atomic<uint64_t>[]>(frames_.size());
  if (options_.keep_empty) return;
  std::vector<char> empty(frames_.size());
  parallel_for(size(), 1, [&](int64_t i) {
    const std::vector<Instance> found = objects(i, options_.min_pixels);
    empty[static_cast<size_t>(i)] = std::ranges::all_of(found, &Instance::crowd);
  });
  size_t kept = 0;
  for (size_t i = 0; i < frames_.size(); ++i)
    if (!empty[i]) std::swap(frames_[kept++], frames_[i]);
  frames_.resize(kept);
  sizes_ = std::make_unique<std::atomic<uint64_t>[]>(kept);
}

CityscapesDataset::~CityscapesDataset() = default;

const std::vector<std::string>& CityscapesDataset::class_names() const {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    for (const int label : cityscapes_classes) out.emplace_back(cityscapes_label(label).name);
    return out;
  }();
  return names;
}

std::vector<int64_t> CityscapesDataset::category_ids() const { return {cityscapes_classes.begin(), cityscapes_classes.end()}; }

ImageInfo CityscapesDataset::info(int64_t index) const {
  const CityscapesFrame& f = frame(index);
  std::atomic<uint64_t>& known = sizes_[static_cast<size_t>(index)];
  uint64_t size = known;
  if (size == 0) {
    const PixelSize read = instance_map_size(f.truth);
    known = size = static_cast<uint64_t>(read.height) << 32 | static_cast<uint64_t>(read.width);
  }
  return {index + 1, static_cast<int>(size >> 32), static_cast<int>(size & 0xffffffff), f.image};
}

std::vector<Instance> CityscapesDataset::objects(int64_t index, int64_t min_pixels) const {
  const CityscapesFrame& f = frame(index);
  const Bitmap16 map = read_instance_map(f.truth);
  std::vector<Instance> out;
  for (const auto& [id, w] : windows_of(map)) {
    const bool group = id < 1000;
    if (!group && w.pixels < min_pixels) continue;
    Instance i;
    i.id = 100000 * (index + 1) + id;
    i.label = cityscapes_class(cityscapes_label_of(id)) + 1;
    i.box = {static_cast<float>(w.x0), static_cast<float>(w.y0), static_cast<float>(w.x1), static_cast<float>(w.y1)};
    i.mask = mask_of(map, id, w);
    i.area = static_cast<double>(w.pixels), i.crowd = group;
    out.push_back(std::move(i));
  }
  return out;
}

std::vector<Instance> CityscapesDataset::instances(int64_t index) const { return objects(index, options_.min_pixels); }

Sample CityscapesDataset::sample(int64_t index) const {
  const CityscapesFrame& f = frame(index);
  Sample s;
  s.image = read_image(f.image);
  s.instances = instances(index);
  s.info = info(index);
  if (s.image.height != s.info.height || s.image.width != s.info.width)
    throw ImageError(
        ImageFault::other_size, f.image,
        str("expected ", s.info.height, "x", s.info.width, " pixels, as ", f.truth, " has, got ", s.image.height, "x", s.image.width));
  return s;
}

std::vector<CocoObject> CityscapesDataset::truth(int64_t index, bool masks) const {
  std::vector<CocoObject> out;
  for (const Instance& i : objects(index, 0)) {
    CocoObject& o = out.emplace_back();
    o.id = i.id, o.image_id = index + 1, o.label = i.label;
    o.box = coco_box(i.box), o.area = i.area, o.crowd = i.crowd;
    if (masks) o.mask = rle_encode(i.mask);
  }
  return out;
}

std::vector<uint16_t> CityscapesDataset::instance_ids(int64_t index) const { return read_instance_map(frame(index).truth).pixels; }

std::vector<std::string> CityscapesDataset::notes() const {
  std::vector<std::string> out;
  for (size_t k = 0; k < split_sizes_.size(); ++k) {
    const std::string& name = options_.splits[k];
    const int64_t whole = cityscapes_published_images(name), there = split_sizes_[k];
    if (whole > 0 && there != whole)
      out.push_back(str("Cityscapes' split ", name, " is not complete: ", there, " of its ", whole, " images are there"));
  }
  return out;
}

}  // namespace mr
