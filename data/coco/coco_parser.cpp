#include "data/coco/coco_parser.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "data/coco/image_names.h"
#include "data/coco/numbers.h"

namespace mr {

using Kind = JsonReader::Kind;

namespace {

constexpr int64_t kMostPixels = 179'000'000;
constexpr double kFarthest = 1e9;

}  // namespace

CocoParser::CocoParser(const std::string& text, const std::string& name, const CocoReadOptions& options, CocoReport report)
    : json_(text, name), options_(options), report_(std::move(report)) {
  file_.path = name;
}

void CocoParser::read_sections() {
  if (json_.kind() != Kind::object)
    json_.fail("expected an object with images, annotations and categories" +
               std::string(json_.kind() == Kind::array ? ", got an array (a results file?)" : ""));
  bool images = false, categories = false, annotations = false;
  json_.object([&](std::string_view key) {
    if (key == "images") {
      images = true, images_read_ = section("images", [this] { image(); });
    } else if (key == "categories") {
      categories = true, categories_read_ = section("categories", [this] { category(); });
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

template <class Record> bool CocoParser::section(const char* name, Record&& record) {
  if (json_.kind() != Kind::array) {
    file_problem(name, str("must be an array, got ", json_.skipped()));
    return false;
  }
  section_ = name;
  index_ = -1;
  json_.array([&] {
    ++index_;
    id_.reset(), image_id_.reset();
    if (json_.kind() == Kind::object) return record();
    problem("", str("must be an object, got ", json_.skipped()));
    settle();
  });
  return true;
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

// Of another kind than text, where pictures are not opened: as it is written.
void CocoParser::category_name(std::string& out) {
  if (!options_.pictures && json_.kind() != Kind::string)
    out = json_.skipped();
  else if (string("name", out) && out.empty() && options_.pictures)
    problem("name", "must not be empty");
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
  const bool sized = options_.pictures || options_.masks;
  json_.object([&](std::string_view key) {
    if (key == "id") {
      id = true, identity();
    } else if (key == "width" && sized) {
      w = true, extent(key, width);
    } else if (key == "height" && sized) {
      h = true, extent(key, height);
    } else if (key == "file_name" && (options_.pictures || json_.kind() == Kind::string)) {
      name = true;
      if (string(key, im.file) && options_.pictures)
        if (const std::string fault = image_name_fault(im.file); !fault.empty()) problem(key, fault);
    } else {
      json_.skip();
    }
  });
  require(id, "id");
  if (options_.pictures) require(h, "height"), require(w, "width"), require(name, "file_name");
  if (h != w) height = width = 0;  // one alone is of no use
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
      name = true, category_name(c.name);
    } else {
      json_.skip();
    }
  });
  require(id, "id");
  if (options_.pictures) require(name, "name");
  if (c.name.empty() && id_) c.name = std::to_string(*id_);
  keep(std::move(c), file_.categories, refused_categories_);
}

void CocoParser::annotation() {
  CocoAnnotation a;
  a.area = no_area;
  bool id = false, image = false, category = false, box = false;
  std::string_view skipped;  // the segmentation, where masks are not asked for
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
      box = bbox(a);
    } else if (key == "area" && json_.kind() != Kind::null) {
      if (number(key, a.area) && a.area < 0) problem(key, str("must not be negative, got ", a.area));
    } else if (key == "iscrowd") {
      crowd(a);
    } else if (key == "segmentation" && options_.masks) {
      lacks = segmentation(a);
    } else if (key == "segmentation") {
      skipped = json_.skipped(SIZE_MAX);
    } else {
      json_.skip();
    }
  });
  require(id, "id"), require(image, "image_id"), require(category, "category_id");
  require(box || bounds(a, skipped), "bbox");
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
  if (json_.kind() == Kind::null)
    json_.null();
  else if (json_.kind() == Kind::boolean)
    a.crowd = json_.boolean();
  else if (whole("iscrowd", value) && value != 0 && value != 1)
    problem("iscrowd", str("must be 0 or 1, got ", value));
  else
    a.crowd = value == 1;
}

bool CocoParser::bbox(CocoAnnotation& a) {
  double* const four[] = {&a.x, &a.y, &a.w, &a.h};
  const auto faulty = [this](const std::string& what) {
    problem("bbox", what);
    return true;
  };
  if (json_.kind() == Kind::null) return json_.null(), false;
  if (json_.kind() != Kind::array) return faulty(str("must be [x, y, width, height], got ", json_.skipped()));
  size_t n = 0;
  bool sound = true;
  json_.array([&] {
    double v = 0;
    sound &= number("bbox", v);
    if (n < 4) *four[n] = v;
    ++n;
  });
  if (!sound || n == 0) return n > 0;
  if (n != 4) return faulty(str("must be [x, y, width, height], got ", n, " numbers"));
  for (const double* v : four)
    if (std::abs(*v) > kFarthest) return faulty(str("numbers must be within +-1e9, got ", *v));
  side("width", a.x, a.w), side("height", a.y, a.h);
  return true;
}

// The box around the segmentation, which is the one just read, or the text that was skipped. False where it has no bounds.
bool CocoParser::bounds(CocoAnnotation& a, std::string_view skipped) {
  if (!options_.masks) {
    if (skipped.empty()) return false;
    const std::string text(skipped);
    JsonReader json(text, file_.path);
    read_segmentation(json, segmentation_);
  } else if (a.mask == CocoAnnotation::Mask::none) {
    return false;
  }
  const auto box = segmentation_.fault.empty() ? segmentation_.bounds() : std::nullopt;
  if (!box) return false;
  std::tie(a.x, a.y, a.w, a.h) = std::tuple_cat(*box);
  side("width", a.x, a.w), side("height", a.y, a.h);
  return true;
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

}  // namespace mr
