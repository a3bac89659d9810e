#include "data/coco/coco_dataset.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "data/coco/box_kind.h"
#include "data/dataset_tools/share.h"
#include "data/eval/coco_eval.h"
#include "data/image/stated_size.h"
#include "tensor/parallel.h"

namespace mr {

CocoDataset::CocoDataset(const std::string& annotations, const std::string& images, const CocoOptions& options)
    : folder_(images), masks_(options.masks) {
  const auto hear = [this](const CocoProblem& p) { note(p); };
  file_ = read_coco(annotations, {.masks = options.masks, .faulty = options.faulty, .left_out = hear});
  if (const std::string kind = box_kind_fault(file_); !kind.empty()) fail(annotations, ": ", kind);
  build(options, {});
  const bool none = left_out_.first.empty();
  check(options.faulty == FaultyObjects::drop || none, annotations, ": ", none ? "" : left_out_.first.front(),
        "; data.faulty = \"drop\" leaves such objects out");
}

CocoDataset::CocoDataset(CocoFile file, const std::string& images, const CocoOptions& options, const CocoReport& report)
    : file_(std::move(file)), folder_(images), masks_(options.masks) {
  build(options, report);
}

// Counts what is left out, and keeps the first of it.
void CocoDataset::note(const CocoProblem& p) {
  left_out_.masks += p.effect == CocoProblem::Effect::part;
  if (left_out_.first.size() == 3 || p.record() == last_noted_) return;
  last_noted_ = p.record();
  left_out_.first.push_back(p.line());
}

void CocoDataset::find_empty_masks(const CocoReport& report) {
  std::unordered_map<int64_t, const CocoImage*> images;
  for (const CocoImage& im : file_.images) images[im.id] = &im;
  std::vector<uint8_t> empty(file_.annotations.size());
  parallel_for(static_cast<int64_t>(empty.size()), 64, [&](int64_t i) {
    const CocoAnnotation& a = file_.annotations[static_cast<size_t>(i)];
    const CocoImage& im = *images.at(a.image_id);
    empty[static_cast<size_t>(i)] = !a.faulty && rle_area(file_.rle(a, im.height, im.width)) == 0;
  });
  for (size_t i = 0; i < empty.size(); ++i) {
    if (empty[i] == 0) continue;
    CocoAnnotation& a = file_.annotations[i];
    a.faulty = true;
    CocoProblem p;
    p.effect = CocoProblem::Effect::object, p.section = "annotations", p.index = static_cast<int64_t>(i);
    p.id = a.id, p.image_id = a.image_id;
    p.field = "segmentation", p.text = "has no pixel within its image";
    note(p);
    if (report) report(p);
  }
}

std::unordered_set<int64_t> CocoDataset::images_of(const CocoPart& part) const {
  check(file_.images.size() >= 2, file_.path, ": expected two images at least, of which some are set apart, got ", file_.images.size());
  std::vector<uint64_t> keys;
  for (const CocoImage& im : file_.images) keys.push_back(static_cast<uint64_t>(im.id));
  const std::vector<bool> drawn = draw_share(keys, part.share, part.seed);
  std::unordered_set<int64_t> ids;
  for (size_t i = 0; i < drawn.size(); ++i)
    if (drawn[i] == part.drawn) ids.insert(file_.images[i].id);
  return ids;
}

void CocoDataset::build(const CocoOptions& options, const CocoReport& report) {
  check(!file_.categories.empty(), file_.path, ": categories: there are none");
  std::vector<CocoCategory> categories = file_.categories;
  std::sort(categories.begin(), categories.end(), [](const CocoCategory& a, const CocoCategory& b) { return a.id < b.id; });
  for (const CocoCategory& c : categories) {
    class_names_.push_back(c.name);
    category_ids_.push_back(c.id);
    labels_[c.id] = static_cast<int>(class_names_.size());
  }
  if (options.part) {
    const std::unordered_set<int64_t> ids = images_of(*options.part);
    std::erase_if(file_.images, [&ids](const CocoImage& im) { return !ids.contains(im.id); });
    std::erase_if(file_.annotations, [&ids](const CocoAnnotation& a) { return !ids.contains(a.image_id); });
  }
  if (masks_) find_empty_masks(report);

  std::unordered_map<int64_t, std::vector<size_t>> of_image;
  std::unordered_map<int64_t, bool> has_object;
  for (size_t k = 0; k < file_.annotations.size(); ++k) {
    const CocoAnnotation& a = file_.annotations[k];
    of_image[a.image_id].push_back(k);
    has_object[a.image_id] |= !a.crowd && !a.faulty;
    left_out_.objects += a.faulty;
  }
  std::vector<size_t> by_id(file_.images.size());
  std::iota(by_id.begin(), by_id.end(), size_t{0});
  std::sort(by_id.begin(), by_id.end(), [this](size_t a, size_t b) { return file_.images[a].id < file_.images[b].id; });
  for (const size_t i : by_id) {
    const int64_t id = file_.images[i].id;
    if (!options.keep_empty && !has_object[id]) continue;
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
  const auto within = [](double v, int extent) { return std::clamp(static_cast<float>(v), 0.0f, static_cast<float>(extent)); };
  std::vector<Instance> out;
  for (const size_t k : annotations_[static_cast<size_t>(index)]) {
    const CocoAnnotation& a = file_.annotations[k];
    if (a.faulty) continue;
    Instance& object = out.emplace_back();
    object.id = a.id;
    object.label = label_of(a.category_id);
    object.box = {within(a.x, im.width), within(a.y, im.height), within(a.x + a.w, im.width), within(a.y + a.h, im.height)};
    object.area = a.area;
    object.crowd = a.crowd;
    object.mask.image_height = im.height, object.mask.image_width = im.width;
    if (masks_) object.mask = rle_crop(file_.rle(a, im.height, im.width));
  }
  return out;
}

std::vector<CocoObject> CocoDataset::truth(int64_t index, bool masks) const {
  const CocoImage& im = image(index);
  std::vector<CocoObject> out;
  for (const size_t k : annotations_[static_cast<size_t>(index)]) {
    const CocoAnnotation& a = file_.annotations[k];
    CocoObject& g = out.emplace_back();
    g.id = a.id, g.image_id = im.id, g.label = label_of(a.category_id);
    g.box = {a.x, a.y, a.w, a.h}, g.area = a.area, g.crowd = a.crowd;
    if (masks) g.mask = file_.rle(a, im.height, im.width);
  }
  return out;
}

std::vector<ObjectCount> CocoDataset::object_counts() const {
  std::vector<ObjectCount> counts(class_names_.size());
  for (const CocoAnnotation& a : file_.annotations) {
    if (a.faulty) continue;
    ObjectCount& c = counts[static_cast<size_t>(label_of(a.category_id)) - 1];
    ++(a.crowd ? c.crowds : c.objects);
  }
  return counts;
}

std::vector<std::string> CocoDataset::notes() const {
  std::vector<std::string> out;
  if (left_out_.objects > 0 || left_out_.masks > 0) {
    std::string text = str(file_.path, ": ", left_out_.objects, " of ", file_.annotations.size(), " annotations");
    if (left_out_.masks > 0) text += str(", and parts of ", left_out_.masks, " masks,");
    text += " are faulty; training does without them, evaluation counts them as cocoapi does (data.faulty = \"drop\"): ";
    for (const std::string& line : left_out_.first) text += line + "; ";
    out.push_back(text + "mrcnn dataset lint lists them all");
  }
  for (const CocoAnnotation& a : file_.annotations)
    if (a.id == 0)
      out.push_back(str(file_.path, ": annotation 0 (image ", a.image_id,
                        "): id: id 0 counts as unmatched in cocoapi, and in evaluation here: number annotations from 1"));
  return out;
}

Sample CocoDataset::sample(int64_t index) const {
  Sample s;
  s.info = info(index);
  s.image = read_image_of_size(s.info.file, {s.info.height, s.info.width});
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
