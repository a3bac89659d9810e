#include "data/coco/coco_results.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <unordered_map>

#include "base/check.h"
#include "base/files.h"
#include "base/json_reader.h"
#include "base/json_text.h"
#include "tensor/parallel.h"

namespace mr {

using Kind = JsonReader::Kind;

namespace {

class ResultsParser {
 public:
  ResultsParser(const std::string& text, const std::string& name, const std::vector<int64_t>& category_ids, CocoType type)
      : json_(text, name), name_(name), type_(type) {
    for (size_t k = 0; k < category_ids.size(); ++k) labels_[category_ids[k]] = static_cast<int>(k) + 1;
  }

  CocoResults parse() {
    if (json_.kind() != Kind::array) json_.fail("expected an array of results");
    json_.array([this] {
      result();
      ++index_;
    });
    json_.end();
    return std::move(out_);
  }

 private:
  template <class... A> [[noreturn]] void refuse(const char* field, const A&... what) const {
    fail(name_, ": results[", index_, "]", image_ ? str(" (image ", *image_, ")") : "", ": ", field, ": ", what...);
  }

  int64_t integer(const char* field) {
    if (json_.kind() != Kind::number) refuse(field, "must be an integer, got ", json_.skipped());
    const JsonNumber n = json_.number();
    if (!n.is_integer) refuse(field, "must be an integer of 64 bits, got ", n.text);
    return n.integer;
  }
  double number(const char* field) {
    if (json_.kind() != Kind::number) refuse(field, "must be a number, got ", json_.skipped());
    const double v = json_.number().value;
    if (!std::isfinite(v)) refuse(field, "must be finite, got ", v);
    return v;
  }

  void result() {
    CocoDetection d;
    int64_t category = 0;
    bool has_category = false, has_score = false, has_box = false, has_mask = false;
    image_.reset();
    if (json_.kind() != Kind::object) fail(name_, ": results[", index_, "]: must be an object, got ", json_.skipped());
    json_.object([&](std::string_view key) {
      if (key == "image_id") {
        image_ = integer("image_id");
      } else if (key == "category_id") {
        category = integer("category_id"), has_category = true;
      } else if (key == "score") {
        d.score = number("score"), has_score = true;
      } else if (key == "bbox") {
        has_box = box(d.box);
      } else if (key == "segmentation" && needs_masks()) {
        d.mask = mask(), has_mask = true;
      } else {
        json_.skip();
      }
    });
    if (!image_) refuse("image_id", "is missing");
    if (!has_category) refuse("category_id", "is missing");
    if (!has_score) refuse("score", "is missing");
    if (index_ == 0) boxes_ = has_box;  // as cocoapi: the first result tells what all are
    if (type_ == CocoType::bbox && !boxes_ && has_mask) {
      d.area = static_cast<double>(rle_area(d.mask));
      d.box = coco_box(rle_box(d.mask));
      d.mask = {};
      has_box = true;
    } else if (boxes_) {
      d.area = d.box.w * d.box.h;
    }
    if (type_ == CocoType::bbox && !has_box) refuse("bbox", "is missing");
    if (type_ == CocoType::segm && !has_mask) refuse("segmentation", "is missing");
    const auto label = labels_.find(category);
    if (label == labels_.end()) {
      ++out_.other_category;
      return;
    }
    d.image_id = *image_, d.label = label->second;
    out_.detections.push_back(std::move(d));
  }

  bool needs_masks() const { return type_ == CocoType::segm || index_ == 0 || !boxes_; }

  bool box(CocoBox& b) {
    double* const four[] = {&b.x, &b.y, &b.w, &b.h};
    if (json_.kind() != Kind::array) refuse("bbox", "must be [x, y, width, height], got ", json_.skipped());
    size_t n = 0;
    json_.array([&] {
      const double v = number("bbox");
      if (n < 4) *four[n] = v;
      ++n;
    });
    if (n == 0) return false;  // as cocoapi: an empty list is no box
    if (n != 4) refuse("bbox", "must be [x, y, width, height], got ", n, " numbers");
    if (b.w < 0 || b.h < 0) refuse("bbox", "width and height must be 0 or more, got ", b.w, " and ", b.h);
    return true;
  }

  Rle mask() {
    int64_t size[2] = {0, 0};
    size_t sizes = 0;
    bool counts = false, is_text = false;
    std::string text;
    std::vector<int64_t> runs;
    if (json_.kind() != Kind::object) refuse("segmentation", "must be {size, counts}, got ", json_.skipped());
    json_.object([&](std::string_view key) {
      if (key == "size" && json_.kind() == Kind::array) {
        json_.array([&] {
          const int64_t v = integer("segmentation.size");
          if (sizes < 2) size[sizes] = v;
          ++sizes;
        });
      } else if (key == "counts" && json_.kind() == Kind::string) {
        text = json_.string(), counts = is_text = true;
      } else if (key == "counts" && json_.kind() == Kind::array) {
        json_.array([&] { runs.push_back(integer("segmentation.counts")); });
        counts = true;
      } else {
        json_.skip();
      }
    });
    if (sizes != 2) refuse("segmentation", "must have a size of [height, width]");
    if (!counts) refuse("segmentation", "must have counts, a string or an array");
    try {
      return is_text ? rle_from_string(text, size[0], size[1]) : rle_from_counts(runs, size[0], size[1]);
    } catch (const Error& e) {
      refuse("segmentation", e.what());
    }
  }

  JsonReader json_;
  std::string name_;
  CocoType type_;
  std::unordered_map<int64_t, int> labels_;
  CocoResults out_;
  int64_t index_ = 0;
  std::optional<int64_t> image_;
  bool boxes_ = false;
};

// What the evaluator needs of the masks: those of objects that share image and class with a detection.
void add_masks(CocoGroundTruth& truth, const CocoFile& file, const std::vector<bool>* wanted) {
  std::unordered_map<int64_t, const CocoImage*> images;
  for (const CocoImage& im : file.images) images[im.id] = &im;
  parallel_for(static_cast<int64_t>(file.annotations.size()), 64, [&](int64_t index) {
    const auto k = static_cast<size_t>(index);
    if (wanted != nullptr && !(*wanted)[k]) return;
    const CocoAnnotation& a = file.annotations[k];
    const CocoImage& im = *images.at(a.image_id);
    truth.objects[k].mask = file.rle(a, im.height, im.width);
  });
}

struct ImageAndLabel {
  int64_t image;
  int label;
  bool operator==(const ImageAndLabel&) const = default;
};
struct HashImageAndLabel {
  size_t operator()(const ImageAndLabel& k) const { return std::hash<int64_t>()(k.image * 1000003 + k.label); }
};

}  // namespace

CocoResults parse_coco_results(const std::string& text, const std::string& name, const std::vector<int64_t>& category_ids, CocoType type) {
  return ResultsParser(text, name, category_ids, type).parse();
}

CocoResults read_coco_results(const std::string& path, const std::vector<int64_t>& category_ids, CocoType type) {
  return parse_coco_results(read_text_file(path), path, category_ids, type);
}

std::string coco_results_json(const std::vector<CocoDetection>& detections, const std::vector<int64_t>& category_ids, CocoType type) {
  std::string out = "[";
  for (const CocoDetection& d : detections) {
    check(d.label >= 1 && static_cast<size_t>(d.label) <= category_ids.size(), "coco_results_json: image ", d.image_id,
          ": label must be in 1 ... ", category_ids.size(), ", got ", d.label);
    out += out.size() > 1 ? ",\n " : "\n ";
    append(out, "{\"image_id\": ");
    append(out, d.image_id);
    append(out, ", \"category_id\": ");
    append(out, category_ids[static_cast<size_t>(d.label) - 1]);
    if (type == CocoType::bbox)
      out += ", \"bbox\": [" + json_number(d.box.x) + ", " + json_number(d.box.y) + ", " + json_number(d.box.w) + ", " +
             json_number(d.box.h) + "]";
    else
      out += str(", \"segmentation\": {\"size\": [", d.mask.height, ", ", d.mask.width,
                 "], \"counts\": ", json_string(rle_to_string(d.mask)), "}");
    out += ", \"score\": " + json_number(d.score) + "}";
  }
  return out + "\n]\n";
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

CocoGroundTruth coco_ground_truth(const CocoFile& file, bool masks) {
  CocoGroundTruth truth;
  std::vector<CocoCategory> categories = file.categories;
  std::sort(categories.begin(), categories.end(), [](const CocoCategory& a, const CocoCategory& b) { return a.id < b.id; });
  std::unordered_map<int64_t, int> labels;
  for (const CocoCategory& c : categories) {
    truth.class_names.push_back(c.name);
    truth.category_ids.push_back(c.id);
    labels[c.id] = static_cast<int>(truth.category_ids.size());
  }
  for (const CocoImage& im : file.images) truth.image_ids.push_back(im.id);
  truth.objects.reserve(file.annotations.size());
  for (const CocoAnnotation& a : file.annotations)
    truth.objects.push_back({a.id, a.image_id, labels.at(a.category_id), {a.x, a.y, a.w, a.h}, {}, a.area, a.crowd});
  if (masks) add_masks(truth, file, nullptr);
  return truth;
}

CocoEvalFiles coco_eval_files(const std::string& truth_path, const std::string& results_path, CocoType type, int max_dets) {
  check(max_dets >= 1, "coco_eval_files: max_dets must be at least 1, got ", max_dets);
  const bool masks = type == CocoType::segm;
  std::string texts[2];
  parallel_for(2, 1, [&](int64_t i) { texts[i] = read_text_file(i == 0 ? truth_path : results_path); });
  const CocoFile file = parse_coco(texts[0], truth_path, {.masks = masks, .flat_boxes = true});
  CocoGroundTruth truth = coco_ground_truth(file, false);
  CocoResults results = parse_coco_results(texts[1], results_path, truth.category_ids, type);

  std::unordered_map<int64_t, const CocoImage*> images;
  for (const CocoImage& im : file.images) images[im.id] = &im;
  std::unordered_map<ImageAndLabel, bool, HashImageAndLabel> found;
  for (size_t k = 0; k < results.detections.size(); ++k) {
    const CocoDetection& d = results.detections[k];
    const auto im = images.find(d.image_id);
    check(im != images.end(), results_path, ": a result names image ", d.image_id, ", which ", truth_path, " lacks");
    check(!masks || (d.mask.height == im->second->height && d.mask.width == im->second->width), results_path, ": a result of image ",
          d.image_id, ": segmentation.size: must be the image's, ", im->second->height, "x", im->second->width, ", got ", d.mask.height,
          "x", d.mask.width);
    found[{d.image_id, d.label}] = true;
  }
  if (masks) {
    std::vector<bool> wanted(truth.objects.size());
    for (size_t k = 0; k < truth.objects.size(); ++k) wanted[k] = found.contains({truth.objects[k].image_id, truth.objects[k].label});
    add_masks(truth, file, &wanted);
  }
  CocoEvalFiles out;
  out.figures = coco_evaluate(truth, results.detections, {type, coco_max_dets(max_dets)});
  out.images = static_cast<int64_t>(truth.image_ids.size());
  out.objects = static_cast<int64_t>(truth.objects.size());
  out.detections = static_cast<int64_t>(results.detections.size());
  out.other_category = results.other_category;
  return out;
}

}  // namespace mr
