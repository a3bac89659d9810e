// What can be told of a COCO file only when all its records are read.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "data/coco/coco_parser.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

// Whether anything of the box lies in the image, as floats, as training sees it.
bool reaches(const CocoAnnotation& a, const CocoImage& im) {
  const auto within = [](double from, double length, int extent) {
    return std::min(static_cast<float>(from + length), static_cast<float>(extent)) > std::max(static_cast<float>(from), 0.0f);
  };
  return within(a.x, a.w, im.width) && within(a.y, a.h, im.height);
}

}  // namespace

CocoFile CocoParser::parse() {
  read_sections();
  drop_repeated(file_.images, "images");
  drop_repeated(file_.categories, "categories");
  drop_repeated(file_.annotations, "annotations");
  check_references();
  return std::move(file_);
}

void CocoParser::tell_lacking() {
  if (lacking_.empty()) return;
  if (lacking_.size() == file_.annotations.size())
    return file_problem("annotations",
                        str("hold boxes only: none of the ", lacking_.size(),
                            " has a segmentation. A detector of boxes is trained and evaluated with model.mask.kind = \"none\" "
                            "(recipe new --no-masks writes it; coco-eval --type bbox, dataset lint --no-masks)"));
  section_ = "annotations";
  for (const Lacking& l : lacking_) {
    CocoAnnotation& a = file_.annotations[l.place];
    a.faulty = true;
    index_ = l.index, id_ = a.id, image_id_ = a.image_id;
    problem("segmentation", l.text, Effect::object);
    settle();
  }
}

template <class Record> void CocoParser::drop_repeated(std::vector<Record>& records, const char* name) {
  std::vector<std::pair<int64_t, size_t>> ids(records.size());
  for (size_t i = 0; i < records.size(); ++i) ids[i] = {records[i].id, i};
  std::sort(ids.begin(), ids.end());
  std::vector<bool> repeated;
  for (size_t k = 1; k < ids.size(); ++k) {
    if (ids[k].first != ids[k - 1].first) continue;
    repeated.resize(records.size());
    repeated[ids[k].second] = true;
    CocoProblem p;
    p.section = name, p.index = static_cast<int64_t>(ids[k].second), p.id = ids[k].first;
    if constexpr (requires { records[0].image_id; }) p.image_id = records[ids[k].second].image_id;
    p.field = "id", p.text = "stands twice";
    report_(p);
  }
  if (repeated.empty()) return;
  size_t kept = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    if (repeated[i]) continue;
    if (kept != i) records[kept] = std::move(records[i]);
    ++kept;
  }
  records.resize(kept);
}

void CocoParser::check_references() {
  std::unordered_map<int64_t, const CocoImage*> images;
  std::unordered_set<int64_t> categories;
  for (const CocoImage& im : file_.images) images[im.id] = &im;
  for (const CocoCategory& c : file_.categories) categories.insert(c.id);
  section_ = "annotations", index_ = 0;
  size_t kept = 0;
  for (CocoAnnotation& a : file_.annotations)
    if (check_reference(a, images, categories)) file_.annotations[kept++] = a;
  file_.annotations.resize(kept);
  fill_areas();
}

// Those that the file leaves out.
void CocoParser::fill_areas() {
  std::vector<CocoAnnotation*> without;
  for (CocoAnnotation& a : file_.annotations)
    if (a.area == no_area) without.push_back(&a);
  if (without.empty()) return;
  std::unordered_map<int64_t, const CocoImage*> images;
  for (const CocoImage& im : file_.images) images[im.id] = &im;
  parallel_for(static_cast<int64_t>(without.size()), 64, [&](int64_t i) {
    CocoAnnotation& a = *without[static_cast<size_t>(i)];
    const CocoImage& im = *images.at(a.image_id);
    a.area = a.mask == CocoAnnotation::Mask::none ? std::max(a.w, 0.0) * std::max(a.h, 0.0)
                                                  : static_cast<double>(rle_area(file_.rle(a, im.height, im.width)));
  });
}

// Whether the record is kept. What it names that was refused has been told already.
bool CocoParser::check_reference(CocoAnnotation& a, const std::unordered_map<int64_t, const CocoImage*>& images,
                                 const std::unordered_set<int64_t>& categories) {
  id_ = a.id, image_id_ = a.image_id;
  if (!images_read_ || !categories_read_) return false;
  const auto at = images.find(a.image_id);
  if (at == images.end() && refused_images_.contains(a.image_id)) return false;
  if (!categories.contains(a.category_id)) {
    if (refused_categories_.contains(a.category_id)) return false;
    problem("category_id", str("there is no category ", a.category_id));
  }
  if (at == images.end()) {
    problem("image_id", str("there is no image ", a.image_id));
  } else {
    const CocoImage& im = *at->second;
    const bool sized = im.width > 0;
    if (!sized && a.mask != CocoAnnotation::Mask::none)
      problem("image_id", str("image ", im.id, " has no width and height, which its masks are made in"));
    else if (a.mask == CocoAnnotation::Mask::rle && (a.height != im.height || a.width != im.width))
      problem("segmentation.size", str("must be the image's, ", im.height, "x", im.width, ", got ", a.height, "x", a.width));
    if (!a.faulty && sized && !reaches(a, im))
      problem("bbox", str("lies outside its image of ", im.height, "x", im.width, ": [", a.x, ", ", a.y, ", ", a.w, ", ", a.h, "]"),
              Effect::object);
  }
  const Effect worst = settle();
  a.faulty |= worst == Effect::object;
  return worst != Effect::stops;
}

}  // namespace mr
