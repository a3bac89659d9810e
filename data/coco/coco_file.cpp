#include "data/coco/coco_file.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/check.h"
#include "base/files.h"
#include "base/json_reader.h"
#include "data/convert/recognise.h"
#include "geometry/polygon.h"

namespace mr {

using Kind = JsonReader::Kind;

std::string CocoProblem::record() const {
  const std::string singular = section == "images" ? "image" : section == "categories" ? "category" : "annotation";
  std::string out = section.empty() ? "" : id ? str(singular, " ", *id) : str(section, "[", index, "]");
  if (image_id && section == "annotations") out += str(" (image ", *image_id, ")");
  return out;
}

std::string CocoProblem::line() const {
  std::string out = record();
  if (!field.empty()) out += (out.empty() ? "" : ": ") + field;
  return out.empty() ? text : out + ": " + text;
}

namespace {

constexpr int64_t kMostPixels = 179'000'000;
constexpr double kFarthest = 1e9;

// A file of the image folder, by a name that cannot lead out of it.
std::string name_fault(const std::string& name) {
  if (name.empty()) return "must not be empty";
  if (name.find('\0') != std::string::npos) return "must not hold a 0 byte";
  if (name[0] == '/' || name[0] == '\\' || (name.size() > 1 && name[1] == ':'))
    return "must be relative to the image folder, got '" + name + "'";
  for (size_t at = 0; at <= name.size();) {
    const size_t slash = std::min(name.find_first_of("/\\", at), name.size());
    if (std::string_view(name).substr(at, slash - at) == "..") return "must not leave the image folder, got '" + name + "'";
    at = slash + 1;
  }
  return {};
}

}  // namespace

class CocoParser {
 public:
  CocoParser(const std::string& text, const std::string& name, const CocoReadOptions& options, CocoReport report)
      : json_(text, name), options_(options), report_(std::move(report)) {
    file_.path = name;
  }

  CocoFile parse() {
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
    if (!images) file_problem("images");
    if (!categories) file_problem("categories");
    if (!annotations) file_problem("annotations");
    drop_repeated(file_.images, "images");
    drop_repeated(file_.categories, "categories");
    drop_repeated(file_.annotations, "annotations");
    check_references();
    return std::move(file_);
  }

 private:
  // ---- problems: told at a record's end, when its id is known ----

  void problem(std::string_view field, const std::string& text) {
    for (const CocoProblem& p : pending_)
      if (p.field == field) return;  // one a field: a flat list of coordinates is one mistake, not a hundred
    CocoProblem& p = pending_.emplace_back();
    p.field = field, p.text = text;
  }
  void file_problem(std::string_view field) {
    CocoProblem p;
    p.field = field, p.text = "the file has none";
    report_(p);
  }
  // True if the record is sound.
  bool settle() {
    const bool sound = pending_.empty();
    for (CocoProblem& p : std::exchange(pending_, {})) {
      p.section = section_, p.index = index_, p.id = id_, p.image_id = image_id_;
      report_(p);
    }
    return sound;
  }

  template <class Record> void section(const char* name, Record&& record) {
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

  bool integer(std::string_view field, int64_t& out) {
    std::string_view got;
    if (json_.kind() == Kind::number) {
      const JsonNumber n = json_.number();
      out = n.integer;
      if (n.is_integer) return true;
      got = n.text;
    } else {
      got = json_.skipped();
    }
    problem(field, str("must be an integer of 64 bits, got ", got));
    return false;
  }
  bool number(std::string_view field, double& out) {
    if (json_.kind() != Kind::number) {
      problem(field, str("must be a number, got ", json_.skipped()));
      return false;
    }
    out = json_.number().value;
    if (std::isfinite(out)) return true;
    problem(field, str("must be finite, got ", out));
    return false;
  }
  bool string(std::string_view field, std::string& out) {
    if (json_.kind() == Kind::string) {
      out = json_.string();
      return true;
    }
    problem(field, str("must be a string, got ", json_.skipped()));
    return false;
  }
  void require(bool present, std::string_view field) {
    if (!present) problem(field, "is missing");
  }
  void identity() {
    int64_t id = 0;
    if (integer("id", id)) id_ = id;
  }

  // ---- records ----

  void image() {
    CocoImage im;
    int64_t height = 0, width = 0;
    bool id = false, h = false, w = false, name = false;
    json_.object([&](std::string_view key) {
      if (key == "id") {
        id = true, identity();
      } else if (key == "width") {
        w = true;
        if (integer(key, width) && (width < 1 || width > kMostPixels)) problem(key, str("must be in 1 ... 179000000, got ", width));
      } else if (key == "height") {
        h = true;
        if (integer(key, height) && (height < 1 || height > kMostPixels)) problem(key, str("must be in 1 ... 179000000, got ", height));
      } else if (key == "file_name") {
        name = true;
        if (string(key, im.file))
          if (const std::string fault = name_fault(im.file); !fault.empty()) problem(key, fault);
      } else {
        json_.skip();
      }
    });
    require(id, "id"), require(h, "height"), require(w, "width"), require(name, "file_name");
    if (pending_.empty() && height * width > kMostPixels)
      problem("width", str("an image may hold 179000000 pixels, got ", height, "x", width));
    if (id_) im.id = *id_;
    im.height = static_cast<int>(height), im.width = static_cast<int>(width);
    if (settle())
      file_.images.push_back(std::move(im));
    else if (id_)
      refused_images_.insert(*id_);
  }

  void category() {
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
    if (id_) c.id = *id_;
    if (settle())
      file_.categories.push_back(std::move(c));
    else if (id_)
      refused_categories_.insert(*id_);
  }

  void annotation() {
    CocoAnnotation a;
    const size_t coordinates = file_.coordinates_.size(), polygons = file_.polygon_ends_.size(), runs = file_.runs_.size();
    bool id = false, image = false, category = false, box = false, area = false, mask = !options_.masks;
    json_.object([&](std::string_view key) {
      if (key == "id") {
        id = true, identity();
      } else if (key == "image_id") {
        image = true;
        if (integer(key, a.image_id)) image_id_ = a.image_id;
      } else if (key == "category_id") {
        category = true, integer(key, a.category_id);
      } else if (key == "bbox") {
        box = true, bbox(a);
      } else if (key == "area") {
        area = true;
        if (number(key, a.area) && a.area < 0) problem(key, str("must not be negative, got ", a.area));
      } else if (key == "iscrowd") {
        crowd(a);
      } else if (key == "segmentation" && options_.masks) {
        mask = true, segmentation(a);
      } else {
        json_.skip();
      }
    });
    require(id, "id"), require(image, "image_id"), require(category, "category_id");
    require(box, "bbox"), require(area, "area"), require(mask, "segmentation");
    if (id_) a.id = *id_;
    if (settle()) {
      file_.annotations.push_back(a);
    } else {
      file_.coordinates_.resize(coordinates), file_.polygon_ends_.resize(polygons), file_.runs_.resize(runs);
    }
  }

  void crowd(CocoAnnotation& a) {
    int64_t value = 0;
    if (json_.kind() == Kind::boolean)
      a.crowd = json_.boolean();
    else if (integer("iscrowd", value) && value != 0 && value != 1)
      problem("iscrowd", str("must be 0 or 1, got ", value));
    else
      a.crowd = value == 1;
  }

  void bbox(CocoAnnotation& a) {
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
    // As floats, as training sees it: 600 + 1e-5 is 600.
    const auto side = [&](const char* name, double from, double length) {
      const bool flat = !(static_cast<float>(from + length) > static_cast<float>(from));
      if (length < 0 || (flat && !options_.flat_boxes)) problem("bbox", str(name, " must be above 0, got ", length));
    };
    side("width", a.x, a.w), side("height", a.y, a.h);
  }

  // ---- segmentations ----

  void segmentation(CocoAnnotation& a) {
    switch (json_.kind()) {
      case Kind::array:
        return polygons(a);
      case Kind::object:
        return runs(a);
      case Kind::null:
        json_.null();
        return problem("segmentation", "is null");
      default:
        problem("segmentation", str("must be polygons or runs, got ", json_.skipped()));
    }
  }

  void polygons(CocoAnnotation& a) {
    a.mask = CocoAnnotation::Mask::polygons;
    a.first = file_.polygon_ends_.size();
    json_.array([&] {
      const uint64_t k = a.count++;
      if (json_.kind() != Kind::array)
        return problem("segmentation", str("polygon ", k, " must be an array of coordinates, got ", json_.skipped()));
      const size_t begin = file_.coordinates_.size();
      bool numbers = true;
      json_.array([&] {
        if (json_.kind() == Kind::number) {
          file_.coordinates_.push_back(json_.number().value);
        } else {
          problem("segmentation", str("polygon ", k, " must hold numbers, got ", json_.skipped()));
          numbers = false;
        }
      });
      const size_t n = file_.coordinates_.size() - begin;
      file_.polygon_ends_.push_back(file_.coordinates_.size());
      if (!numbers) return;
      if (n < 6) return problem("segmentation", str("polygon ", k, " must have at least three points, got ", n, " coordinates"));
      try {
        polygon_check({file_.coordinates_.data() + begin, n});
      } catch (const Error& e) {
        problem("segmentation", e.what());
      }
    });
    if (a.count == 0) problem("segmentation", "has no polygon");
  }

  void runs(CocoAnnotation& a) {
    a.mask = CocoAnnotation::Mask::rle;
    int64_t size[2] = {0, 0};
    size_t sizes = 0;
    bool counts = false, text = false;
    counts_.clear(), string_.clear();
    json_.object([&](std::string_view key) {
      if (key == "size" && json_.kind() == Kind::array) {
        json_.array([&] {
          int64_t v = 0;
          integer("segmentation.size", v);
          if (sizes < 2) size[sizes] = v;
          ++sizes;
        });
      } else if (key == "counts" && json_.kind() == Kind::string) {
        counts = text = true, string_ = json_.string();
      } else if (key == "counts" && json_.kind() == Kind::array) {
        counts = true;
        json_.array([&] {
          int64_t v = 0;
          if (!pending_.empty())
            json_.skip();
          else if (integer("segmentation.counts", v))
            counts_.push_back(v);
        });
      } else {
        json_.skip();
      }
    });
    if (sizes != 2) problem("segmentation", "must have a size of [height, width]");
    if (!counts) problem("segmentation", "must have counts, a string or an array");
    if (!pending_.empty()) return;
    try {
      const Rle mask = text ? rle_from_string(string_, size[0], size[1]) : rle_from_counts(counts_, size[0], size[1]);
      if (!text) string_ = rle_to_string(mask);
    } catch (const Error& e) {
      return problem("segmentation", e.what());
    }
    a.height = static_cast<int>(size[0]), a.width = static_cast<int>(size[1]);
    a.first = file_.runs_.size(), a.count = string_.size();
    file_.runs_ += string_;
  }

  // ---- across records ----

  template <class Record> void drop_repeated(std::vector<Record>& records, const char* name) {
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

  void check_references() {
    std::unordered_map<int64_t, const CocoImage*> images;
    std::unordered_set<int64_t> categories;
    for (const CocoImage& im : file_.images) images[im.id] = &im;
    for (const CocoCategory& c : file_.categories) categories.insert(c.id);
    section_ = "annotations", index_ = 0;
    std::erase_if(file_.annotations, [&](const CocoAnnotation& a) {
      id_ = a.id, image_id_ = a.image_id;
      const auto at = images.find(a.image_id);
      if (at == images.end() && refused_images_.contains(a.image_id)) return true;
      if (!categories.contains(a.category_id)) {
        if (refused_categories_.contains(a.category_id)) return true;
        problem("category_id", str("there is no category ", a.category_id));
      }
      if (at == images.end()) {
        problem("image_id", str("there is no image ", a.image_id));
      } else if (const CocoImage& im = *at->second; a.mask == CocoAnnotation::Mask::rle && (a.height != im.height || a.width != im.width)) {
        problem("segmentation.size", str("must be the image's, ", im.height, "x", im.width, ", got ", a.height, "x", a.width));
      }
      return !settle();
    });
  }

  JsonReader json_;
  CocoReadOptions options_;
  CocoReport report_;
  CocoFile file_;

  const char* section_ = "";  // of the record being read
  int64_t index_ = 0;
  std::optional<int64_t> id_, image_id_;
  std::vector<CocoProblem> pending_;
  std::unordered_set<int64_t> refused_images_, refused_categories_;
  std::vector<int64_t> counts_;
  std::string string_;
};

CocoFile parse_coco(const std::string& text, const std::string& name, const CocoReadOptions& options, CocoReport report) {
  if (!report) report = [&name](const CocoProblem& p) { fail(name, ": ", p.line()); };
  return CocoParser(text, name, options, std::move(report)).parse();
}

// A file of another kind is named as what it is, rather than by what it lacks.
CocoFile read_coco(const std::string& path, const CocoReadOptions& options, CocoReport report) {
  const auto name_other_kinds = [&path] {
    if (const std::string other = foreign_annotations(path); !other.empty()) fail(path, ": ", other);
  };
  if (report)
    report = [&name_other_kinds, report = std::move(report)](const CocoProblem& p) {
      if (p.section.empty()) name_other_kinds();
      report(p);
    };
  try {
    return parse_coco(read_text_file(path), path, options, std::move(report));
  } catch (const Error&) {
    name_other_kinds();
    throw;
  }
}

std::vector<std::vector<double>> CocoFile::polygons(const CocoAnnotation& a) const {
  std::vector<std::vector<double>> out;
  if (a.mask != CocoAnnotation::Mask::polygons) return out;
  for (uint64_t k = a.first; k < a.first + a.count; ++k) {
    const uint64_t begin = k == 0 ? 0 : polygon_ends_[k - 1];
    out.emplace_back(coordinates_.begin() + static_cast<ptrdiff_t>(begin), coordinates_.begin() + static_cast<ptrdiff_t>(polygon_ends_[k]));
  }
  return out;
}

Rle CocoFile::rle(const CocoAnnotation& a, int height, int width) const {
  if (a.mask == CocoAnnotation::Mask::rle) return rle_from_string(std::string_view(runs_).substr(a.first, a.count), a.height, a.width);
  std::vector<Rle> parts;
  for (uint64_t k = a.first; k < a.first + a.count; ++k) {
    const uint64_t begin = k == 0 ? 0 : polygon_ends_[k - 1];
    parts.push_back(rasterise(std::span(coordinates_).subspan(begin, polygon_ends_[k] - begin), height, width));
  }
  if (parts.size() == 1) return std::move(parts[0]);
  return parts.empty() ? rasterise(std::span<const double>(), height, width) : rle_merge(parts);
}

}  // namespace mr
