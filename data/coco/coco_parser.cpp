#include "data/coco/coco_parser.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "data/coco/image_names.h"
#include "data/coco/numbers.h"

namespace mr {

using Kind = JsonReader::Kind;

namespace {

constexpr int64_t kMostPixels = 179'000'000;
constexpr double kFarthest = 1e9;

// Whether anything of the box lies in the image, as floats, as training sees it.
bool reaches(const CocoAnnotation& a, const CocoImage& im) {
  const auto within = [](double from, double length, int extent) {
    return std::min(static_cast<float>(from + length), static_cast<float>(extent)) > std::max(static_cast<float>(from), 0.0f);
  };
  return within(a.x, a.w, im.width) && within(a.y, a.h, im.height);
}

}  // namespace

CocoParser::CocoParser(const std::string& text, const std::string& name, const CocoReadOptions& options, CocoReport report)
    : json_(text, name), options_(options), report_(std::move(report)) {
  file_.path = name;
}

CocoFile CocoParser::parse() {
  read_sections();
  drop_repeated(file_.images, "images");
  drop_repeated(file_.categories, "categories");
  drop_repeated(file_.annotations, "annotations");
  check_references();
  return std::move(file_);
}

void CocoParser::read_sections() {
  if (json_.kind() != Kind::object)
    json_.fail("expected an object with images, annotations and categories" +
               std::string(json_.kind() == Kind::array ? ", got an array (a results file?)" : ""));
  bool images = false, categories = false, annotations = false;
  json_.object([&](std::string_view key) {
    if (key == "images") {
      images = true, section("images", [this] { image(); });
    } else if (key == "categories") {
      categories = true, section("categories", [this] { category(); });
    } else if (key == "annotations") {
      annotations = true, section("annotations", [this] { annotation(); });
    } else {
      json_.skip();
    }
  });
  json_.end();
  tell_lacking();
  if (!images) file_problem("images", "the file has none");
  if (!categories) file_problem("categories", "the file has none");
  if (!annotations) file_problem("annotations", "the file has none");
}

// ---- problems: told at a record's end, when its id is known ----

// One a field, the worst.
void CocoParser::problem(std::string_view field, const std::string& text, Effect effect) {
  auto at = std::find_if(pending_.begin(), pending_.end(), [field](const CocoProblem& p) { return p.field == field; });
  if (at != pending_.end() && at->effect <= effect) return;
  if (at == pending_.end()) at = pending_.emplace(at);
  at->field = field, at->text = text, at->effect = effect;
}

void CocoParser::file_problem(std::string_view field, const std::string& text) {
  CocoProblem p;
  p.field = field, p.text = text;
  report_(p);
}

CocoParser::Effect CocoParser::settle() {
  Effect worst = Effect::part;
  for (CocoProblem& p : std::exchange(pending_, {})) {
    worst = std::min(worst, p.effect);
    p.section = section_, p.index = index_, p.id = id_, p.image_id = image_id_;
    report_(p);
  }
  return worst;
}

template <class Record> void CocoParser::section(const char* name, Record&& record) {
  section_ = name;
  index_ = -1;
  if (json_.kind() != Kind::array) {
    problem("", str("must be an array, got ", json_.skipped()));
    index_ = 0, id_.reset(), image_id_.reset();
    settle();
    return;
  }
  json_.array([&] {
    ++index_;
    id_.reset(), image_id_.reset();
    if (json_.kind() == Kind::object) return record();
    problem("", str("must be an object, got ", json_.skipped()));
    settle();
  });
}

// ---- single fields ----

bool CocoParser::whole(std::string_view field, int64_t& out) {
  std::string why;
  if (read_whole(json_, out, why)) return true;
  problem(field, why);
  return false;
}

bool CocoParser::number(std::string_view field, double& out) {
  std::string why;
  if (read_finite(json_, out, why)) return true;
  problem(field, why);
  return false;
}

bool CocoParser::string(std::string_view field, std::string& out) {
  if (json_.kind() == Kind::string) {
    out = json_.string();
    return true;
  }
  problem(field, str("must be a string, got ", json_.skipped()));
  return false;
}

void CocoParser::extent(std::string_view field, int64_t& out) {
  if (whole(field, out) && (out < 1 || out > kMostPixels)) problem(field, str("must be in 1 ... 179000000, got ", out));
}

void CocoParser::require(bool present, std::string_view field) {
  if (!present) problem(field, "is missing");
}

void CocoParser::identity() {
  int64_t id = 0;
  if (whole("id", id)) id_ = id;
}

// ---- records ----

// The record, unless it stops the reading; then its id, so that what names it is not told of as well.
template <class Record> void CocoParser::keep(Record record, std::vector<Record>& records, std::unordered_set<int64_t>& refused) {
  if (id_) record.id = *id_;
  if (settle() != Effect::stops)
    records.push_back(std::move(record));
  else if (id_)
    refused.insert(*id_);
}

void CocoParser::image() {
  CocoImage im;
  int64_t height = 0, width = 0;
  bool id = false, h = false, w = false, name = false;
  json_.object([&](std::string_view key) {
    if (key == "id") {
      id = true, identity();
    } else if (key == "width") {
      w = true, extent(key, width);
    } else if (key == "height") {
      h = true, extent(key, height);
    } else if (key == "file_name") {
      name = true;
      if (string(key, im.file))
        if (const std::string fault = image_name_fault(im.file); !fault.empty()) problem(key, fault);
    } else {
      json_.skip();
    }
  });
  require(id, "id"), require(h, "height"), require(w, "width"), require(name, "file_name");
  if (pending_.empty() && height * width > kMostPixels)
    problem("width", str("an image may hold 179000000 pixels, got ", height, "x", width));
  im.height = static_cast<int>(height), im.width = static_cast<int>(width);
  keep(std::move(im), file_.images, refused_images_);
}

void CocoParser::category() {
  CocoCategory c;
  bool id = false, name = false;
  json_.object([&](std::string_view key) {
    if (key == "id") {
      id = true, identity();
    } else if (key == "name") {
      name = true;
      if (string(key, c.name) && c.name.empty()) problem(key, "must not be empty");
    } else {
      json_.skip();
    }
  });
  require(id, "id"), require(name, "name");
  keep(std::move(c), file_.categories, refused_categories_);
}

void CocoParser::annotation() {
  CocoAnnotation a;
  bool id = false, image = false, category = false, box = false, area = false;
  const char* lacks = options_.masks ? "is missing" : nullptr;
  json_.object([&](std::string_view key) {
    if (key == "id") {
      id = true, identity();
    } else if (key == "image_id") {
      image = true;
      if (whole(key, a.image_id)) image_id_ = a.image_id;
    } else if (key == "category_id") {
      category = true, whole(key, a.category_id);
    } else if (key == "bbox") {
      box = true, bbox(a);
    } else if (key == "area") {
      area = true;
      if (number(key, a.area) && a.area < 0) problem(key, str("must not be negative, got ", a.area));
    } else if (key == "iscrowd") {
      crowd(a);
    } else if (key == "segmentation" && options_.masks) {
      lacks = segmentation(a);
    } else {
      json_.skip();
    }
  });
  require(id, "id"), require(image, "image_id"), require(category, "category_id");
  require(box, "bbox"), require(area, "area");
  if (id_) a.id = *id_;
  const Effect worst = settle();
  if (worst == Effect::stops) return;
  a.faulty = worst == Effect::object;
  if (a.mask != CocoAnnotation::Mask::none) keep_mask(a);
  if (lacks != nullptr) lacking_.push_back({file_.annotations.size(), index_, lacks});
  file_.annotations.push_back(a);
}

void CocoParser::crowd(CocoAnnotation& a) {
  int64_t value = 0;
  if (json_.kind() == Kind::boolean)
    a.crowd = json_.boolean();
  else if (whole("iscrowd", value) && value != 0 && value != 1)
    problem("iscrowd", str("must be 0 or 1, got ", value));
  else
    a.crowd = value == 1;
}

void CocoParser::bbox(CocoAnnotation& a) {
  double* const four[] = {&a.x, &a.y, &a.w, &a.h};
  if (json_.kind() != Kind::array) return problem("bbox", str("must be [x, y, width, height], got ", json_.skipped()));
  size_t n = 0;
  bool sound = true;
  json_.array([&] {
    double v = 0;
    sound &= number("bbox", v);
    if (n < 4) *four[n] = v;
    ++n;
  });
  if (!sound) return;
  if (n != 4) return problem("bbox", str("must be [x, y, width, height], got ", n, " numbers"));
  for (const double* v : four)
    if (std::abs(*v) > kFarthest) return problem("bbox", str("numbers must be within +-1e9, got ", *v));
  side("width", a.x, a.w), side("height", a.y, a.h);
}

// As floats, as training sees it: 600 + 1e-5 is 600.
void CocoParser::side(const char* name, double from, double length) {
  if (!(static_cast<float>(from + length) > static_cast<float>(from)))
    problem("bbox", str(name, " must be above 0, got ", length), Effect::object);
}

const char* CocoParser::segmentation(CocoAnnotation& a) {
  const bool null = json_.kind() == Kind::null;
  read_segmentation(json_, segmentation_);
  const Segmentation& s = segmentation_;
  if (!s.fault.empty()) {
    problem(s.field, s.fault);
    return nullptr;
  }
  if (s.short_parts > 0) problem("segmentation", s.short_part, s.empty() ? Effect::object : Effect::part);
  if (s.kind == Segmentation::Kind::polygons)
    a.mask = CocoAnnotation::Mask::polygons;
  else if (s.kind == Segmentation::Kind::runs)
    a.mask = CocoAnnotation::Mask::rle, a.height = s.height, a.width = s.width;
  return !s.empty() || s.short_parts > 0 ? nullptr : null ? "is null" : "has no polygon";
}

void CocoParser::keep_mask(CocoAnnotation& a) {
  const Segmentation& s = segmentation_;
  if (a.mask == CocoAnnotation::Mask::rle) {
    a.first = file_.runs_.size(), a.count = s.runs.size();
    file_.runs_ += s.runs;
    return;
  }
  a.first = file_.polygon_ends_.size(), a.count = s.ends.size();
  const size_t begin = file_.coordinates_.size();
  file_.coordinates_.insert(file_.coordinates_.end(), s.coordinates.begin(), s.coordinates.end());
  for (const size_t end : s.ends) file_.polygon_ends_.push_back(begin + end);
}

// ---- across records ----

void CocoParser::tell_lacking() {
  if (lacking_.empty()) return;
  if (lacking_.size() == file_.annotations.size())
    return file_problem("annotations",
                        str("hold boxes only: none of the ", lacking_.size(),
                            " has a segmentation. A detector of boxes is trained and evaluated with model.mask.enabled = false "
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
}

// Whether the record is kept. What it names that was refused has been told already.
bool CocoParser::check_reference(CocoAnnotation& a, const std::unordered_map<int64_t, const CocoImage*>& images,
                                 const std::unordered_set<int64_t>& categories) {
  id_ = a.id, image_id_ = a.image_id;
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
    if (a.mask == CocoAnnotation::Mask::rle && (a.height != im.height || a.width != im.width))
      problem("segmentation.size", str("must be the image's, ", im.height, "x", im.width, ", got ", a.height, "x", a.width));
    if (!a.faulty && !reaches(a, im))
      problem("bbox", str("lies outside its image of ", im.height, "x", im.width, ": [", a.x, ", ", a.y, ", ", a.w, ", ", a.h, "]"),
              Effect::object);
  }
  const Effect worst = settle();
  a.faulty |= worst == Effect::object;
  return worst != Effect::stops;
}

}  // namespace mr
