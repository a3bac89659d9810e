#include "data/coco/coco_results.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/check.h"
#include "base/files.h"
#include "base/json_reader.h"
#include "base/json_text.h"
#include "data/coco/numbers.h"
#include "data/coco/segmentation.h"
#include "data/convert/recognise.h"

namespace mr {

using Kind = JsonReader::Kind;

namespace {

class ResultsParser {
 public:
  ResultsParser(const std::string& text, const std::string& name, const std::vector<int64_t>& category_ids, CocoType type,
                const CocoImageSizes& sizes)
      : json_(text, name), name_(name), type_(type), sizes_(sizes) {
    for (size_t k = 0; k < category_ids.size(); ++k) labels_[category_ids[k]] = static_cast<int>(k) + 1;
  }

  CocoResults parse() {
    if (json_.kind() == Kind::object)
      json_.fail("expected an array of results, got an object (an annotation file? the ground truth comes first)");
    if (json_.kind() != Kind::array) json_.fail("expected an array of results");
    json_.array([this] {
      result();
      ++index_;
    });
    json_.end();
    return std::move(out_);
  }

 private:
  // The first result tells what all are, as in cocoapi.
  enum class Holds : uint8_t { unknown, boxes, masks };

  struct Record {
    CocoDetection found;
    int64_t category = 0;
    bool has_category = false, has_score = false, has_box = false, has_mask = false, has_keypoints = false, has_caption = false;
  };

  template <class... A> [[noreturn]] void refuse(std::string_view field, const A&... what) const {
    fail(name_, ": results[", index_, "]", image_ ? str(" (image ", *image_, ")") : "", ": ", field, ": ", what...);
  }
  int64_t integer(const char* field) {
    int64_t v = 0;
    if (std::string why; !read_whole(json_, v, why)) refuse(field, why);
    return v;
  }
  double number(const char* field) {
    double v = 0;
    if (std::string why; !read_finite(json_, v, why)) refuse(field, why);
    return v;
  }

  void result() {
    Record r;
    image_.reset();
    if (json_.kind() != Kind::object) fail(name_, ": results[", index_, "]: must be an object, got ", json_.skipped());
    json_.object([&](std::string_view key) { member(key, r); });
    if (!image_) refuse("image_id", "is missing");
    if (holds_ == Holds::unknown) holds_ = r.has_box ? Holds::boxes : r.has_mask ? Holds::masks : what_else(r);
    if (!r.has_category) refuse("category_id", "is missing");
    if (!r.has_score) refuse("score", "is missing");
    if (holds_ == Holds::boxes)
      box_result(r);
    else
      mask_result(r);
    const auto label = labels_.find(r.category);
    if (label == labels_.end()) {
      ++out_.other_category;
      return;
    }
    r.found.image_id = *image_, r.found.label = label->second;
    out_.detections.push_back(std::move(r.found));
  }

  void member(std::string_view key, Record& r) {
    if (key == "image_id") {
      image_ = integer("image_id");
    } else if (key == "category_id") {
      r.category = integer("category_id"), r.has_category = true;
    } else if (key == "score") {
      r.found.score = number("score"), r.has_score = true;
    } else if (key == "bbox") {
      r.has_box = box(r.found.box);
    } else if (key == "segmentation" && (type_ == CocoType::segm || holds_ != Holds::boxes)) {
      read_segmentation(json_, segmentation_), r.has_mask = true;
    } else {
      r.has_keypoints |= key == "keypoints", r.has_caption |= key == "caption";
      json_.skip();
    }
  }

  [[noreturn]] Holds what_else(const Record& r) const {
    if (r.has_keypoints) refuse("keypoints", "results of keypoints are not evaluated; bbox or segmentation is wanted");
    if (r.has_caption) refuse("caption", "captions are not evaluated; bbox or segmentation is wanted");
    refuse(type_ == CocoType::bbox ? "bbox" : "segmentation", "is missing");
  }

  // The area is that of the box, also where a mask is given.
  void box_result(Record& r) {
    if (!r.has_box) refuse("bbox", "is missing");
    CocoDetection& d = r.found;
    d.area = d.box.w * d.box.h;
    if (type_ == CocoType::bbox) return;
    if (r.has_mask) {
      d.mask = mask();
      return;
    }
    ++out_.boxes_as_masks;
    const double x1 = d.box.x, y1 = d.box.y, x2 = x1 + d.box.w, y2 = y1 + d.box.h;
    segmentation_.kind = Segmentation::Kind::polygons, segmentation_.fault.clear(), segmentation_.short_parts = 0;
    segmentation_.coordinates = {x1, y1, x1, y2, x2, y2, x2, y1}, segmentation_.ends = {8};
    d.mask = mask();
  }

  // The area is that of the mask, and so is the box where none is given.
  void mask_result(Record& r) {
    if (!r.has_mask) refuse("segmentation", "is missing");
    CocoDetection& d = r.found;
    d.mask = mask();
    if (type_ == CocoType::segm) return;
    d.area = static_cast<double>(rle_area(d.mask));
    if (!r.has_box) d.box = coco_box(rle_box(d.mask));
    d.mask = {};
  }

  // False: an empty list, which is no box, as in cocoapi.
  bool box(CocoBox& b) {
    double* const four[] = {&b.x, &b.y, &b.w, &b.h};
    if (json_.kind() != Kind::array) refuse("bbox", "must be [x, y, width, height], got ", json_.skipped());
    size_t n = 0;
    json_.array([&] {
      const double v = number("bbox");
      if (n < 4) *four[n] = v;
      ++n;
    });
    if (n != 4 && n != 0) refuse("bbox", "must be [x, y, width, height], got ", n, " numbers");
    return n == 4;
  }

  Rle mask() const {
    const Segmentation& s = segmentation_;
    if (!s.fault.empty()) refuse(s.field, s.fault);
    if (s.empty() && s.short_parts == 0) refuse("segmentation", "must be {size, counts} or polygons, got none");
    if (s.kind == Segmentation::Kind::runs) return s.rle(0, 0);
    const auto size = sizes_.find(*image_);
    if (size == sizes_.end() && !sizes_.empty()) return {};  // whoever knows the images tells that there is no such
    if (size == sizes_.end() || size->second.height == 0)
      refuse("image_id", "a mask of polygons needs the size of its image, which the ground truth lacks");
    try {
      return s.rle(size->second.height, size->second.width);
    } catch (const Error& e) {
      refuse("segmentation", e.what());
    }
  }

  JsonReader json_;
  std::string name_;
  CocoType type_;
  const CocoImageSizes& sizes_;
  std::unordered_map<int64_t, int> labels_;
  CocoResults out_;
  int64_t index_ = 0;
  std::optional<int64_t> image_;
  Segmentation segmentation_;
  Holds holds_ = Holds::unknown;
};

}  // namespace

CocoResults parse_coco_results(const std::string& text, const std::string& name, const std::vector<int64_t>& category_ids, CocoType type,
                               const CocoImageSizes& sizes) {
  const size_t first = text.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  if (first == std::string::npos || (text[first] != '[' && text[first] != '{'))
    if (const RecognisedAnnotations other = recognise_annotations(name); !other.what.empty())
      fail(name, ": expected a results file, got ", other.what, other.mend.empty() ? "" : ": " + other.mend);
  return ResultsParser(text, name, category_ids, type, sizes).parse();
}

CocoResults read_coco_results(const std::string& path, const std::vector<int64_t>& category_ids, CocoType type,
                              const CocoImageSizes& sizes) {
  return parse_coco_results(read_text_file(path), path, category_ids, type, sizes);
}

std::string coco_results_json(const std::vector<CocoDetection>& detections, const std::vector<int64_t>& category_ids, CocoType type) {
  JsonWriter j;
  j.array();
  for (const CocoDetection& d : detections) {
    check(d.label >= 1 && static_cast<size_t>(d.label) <= category_ids.size(), "coco_results_json: image ", d.image_id,
          ": label must be in 1 ... ", category_ids.size(), ", got ", d.label);
    j.line(" ").object().field("image_id", d.image_id).field("category_id", category_ids[static_cast<size_t>(d.label) - 1]);
    if (type == CocoType::bbox) {
      j.key("bbox").list(std::array{d.box.x, d.box.y, d.box.w, d.box.h});
    } else {
      j.key("segmentation").object().key("size").list(std::array{d.mask.height, d.mask.width});
      j.field("counts", rle_to_string(d.mask)).end();
    }
    j.field("score", d.score).end();
  }
  return j.line().end().take() + "\n";
}

void write_coco_results(const std::string& path, const std::vector<CocoDetection>& detections, const std::vector<int64_t>& category_ids,
                        CocoType type) {
  const std::string text = coco_results_json(detections, category_ids, type);
  std::FILE* file = std::fopen(path.c_str(), "wb");
  check(file != nullptr, path, ": ", std::strerror(errno));
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const bool closed = std::fclose(file) == 0;
  check(written && closed, path, ": could not be written: ", std::strerror(errno));
}

}  // namespace mr
