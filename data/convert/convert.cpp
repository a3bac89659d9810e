#include "data/convert/convert.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/files.h"
#include "base/json_text.h"
#include "base/text.h"
#include "data/coco/coco_file.h"
#include "data/convert/readers.h"
#include "data/convert/settle.h"
#include "data/dataset_tools/share.h"
#include "data/export/coco_records.h"
#include "data/export/files.h"
#include "tensor/rng.h"

namespace mr {

namespace fs = std::filesystem;
using convert::SettledImage;
using convert::SettledObject;

namespace {

struct Kind {
  ConvertKind kind;
  convert::Reader read;
};
constexpr std::array<Kind, 8> kKinds = {{
    {{"labelme", "labelme's JSON files, or folders of them"}, convert::read_labelme},
    {{"via", "VGG Image Annotator 1 and 2: projects or exported annotations (JSON)"}, convert::read_via},
    {{"yolo", "YOLO segmentation: a data.yaml, a folder of text files, or text files"}, convert::read_yolo},
    {{"voc", "Pascal VOC: a folder with SegmentationObject, a list of its ImageSets, XML files or folders of them"}, convert::read_voc},
    {{"cvat", "CVAT for images 1.1, CVAT for video 1.1 (XML)"}, convert::read_cvat},
    {{"masks", "folders with a picture an object: ID/images + ID/masks, or images + masks"}, convert::read_masks},
    {{"instance-maps", "folders with a picture of object numbers an image (PNG, 8 or 16 bits)"}, convert::read_instance_maps},
    {{"cityscapes", "Cityscapes' folder, with leftImg8bit/ and gtFine/ in it"}, convert::read_cityscapes},
}};

convert::Reader reader_of(const std::string& name) {
  std::vector<std::string> names;
  for (const Kind& k : kKinds) {
    if (name == k.kind.name) return k.read;
    names.emplace_back(k.kind.name);
  }
  std::string all;
  for (const std::string& n : names) all += (all.empty() ? "" : ", ") + n;
  fail("--from: expected ", all, ", got ", name, hint(name, names));
}

// The folder that holds all pictures: `wished`, if it does, else the deepest one.
std::string common_folder(const std::vector<SettledImage>& images, const std::string& wished) {
  const auto within = [](const fs::path& file, const fs::path& folder) {
    return std::mismatch(folder.begin(), folder.end(), file.begin(), file.end()).first == folder.end();
  };
  fs::path folder = wished.empty() ? fs::path(images[0].file).parent_path() : fs::canonical(wished);
  for (const SettledImage& image : images)
    while (!within(image.file, folder)) folder = folder.parent_path();
  return folder.string();
}

// "…/NAME.json", "train" → "…/NAME_train.json"
std::string subset_path(const std::string& out, const std::string& subset) {
  if (subset.empty()) return out;
  fs::path path = out;
  const std::string ending = path.extension() == ".json" ? ".json" : "";
  std::string name = ending.empty() ? path.filename().string() : path.stem().string();
  name += "_" + subset + (ending.empty() ? ".json" : ending);
  return (path.parent_path() / name).string();
}

// A share of the images, drawn by base name, is "train", the others are "val".
void split(std::vector<SettledImage>& images, double share, uint64_t seed) {
  check(images.size() >= 2, "--split: expected two images at least, got ", images.size());
  std::vector<uint64_t> keys;
  for (const SettledImage& image : images) keys.push_back(hash64(fs::path(image.file).filename().string()));
  const std::vector<bool> train = draw_share(keys, share, seed);
  for (size_t i = 0; i < images.size(); ++i) images[i].subset = train[i] ? "train" : "val";
}

// Sources know subsets by names of their own; these become part of a file's name.
std::string plain_word(const std::string& subset) {
  std::string word = lower_case(subset);
  for (char& c : word)
    if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') c = '_';
  return word;
}

class Converter {
 public:
  explicit Converter(const ConvertOptions& options) : options_(options), faults_(options.faulty_stop) {}

  ConvertReport run() {
    check(!options_.in.empty(), "convert: expected files or folders to read, got none");
    check(!options_.out.empty(), "--out: expected the name of a JSON file");
    check(options_.split >= 0 && options_.split < 1, "--split: expected a share between 0 and 1, got ", options_.split);
    const convert::Reader read = reader_of(options_.kind);
    prepare_out();
    convert::NamedData data = read(options_, faults_);
    check(!data.images.empty(), options_.in[0], ": holds no annotated image");
    report_.notes = std::move(data.notes);
    const std::vector<std::string> declared = std::move(data.classes);
    images_ = convert::settle(std::move(data), options_.class_name, faults_);
    check_objects();
    number_classes(declared);
    choose_subsets();
    report_.image_folder = common_folder(images_, options_.images);
    write();
    report_.left_out = faults_.count(), report_.left_out_first = faults_.first();
    take_notes();
    return std::move(report_);
  }

 private:
  // Before the work, rather than after it.
  void prepare_out() const {
    if (options_.split > 0)
      for (const char* subset : {"train", "val"}) check_absent(subset_path(options_.out, subset));
    else
      check_absent(options_.out);
    if (const fs::path folder = fs::path(options_.out).parent_path(); !folder.empty()) make_folder(folder.string());
  }

  // A set that declares classes, and holds no object, teaches nothing either.
  void check_objects() const {
    if (std::any_of(images_.begin(), images_.end(), [](const SettledImage& image) { return !image.objects.empty(); })) return;
    const int64_t n = faults_.count();
    fail(options_.in[0], ": holds no object",
         n == 0 ? "" : str(": ", n, n == 1 ? " record was" : " records were", " left out: ", faults_.list()));
  }

  void number_classes(const std::vector<std::string>& declared) {
    std::map<std::string, int64_t> objects;
    for (const std::string& name : declared)
      if (is_utf8(name)) objects[name];
    for (const SettledImage& image : images_)
      for (const SettledObject& o : image.objects) ++objects[o.name];
    for (const auto& [name, count] : objects) {
      const int64_t id = static_cast<int64_t>(report_.classes.size()) + 1;
      report_.classes.push_back({id, name, count});
      ids_[name] = id;
    }
  }

  void choose_subsets() {
    if (options_.split > 0) {
      for (SettledImage& image : images_) image.also.clear();
      return split(images_, options_.split, options_.seed);
    }
    bool all = true, default_alone = true;  // CVAT's word for those of no subset
    for (SettledImage& image : images_) {
      image.subset = plain_word(image.subset);
      all = all && !image.subset.empty();
      default_alone = default_alone && image.subset == "default";
    }
    if (!all || default_alone)
      for (SettledImage& image : images_) image.subset.clear();
  }

  void write() {
    std::map<std::string, std::vector<std::pair<int64_t, const SettledImage*>>> subsets;  // (image id, image)
    for (size_t i = 0; i < images_.size(); ++i) {
      const std::pair<int64_t, const SettledImage*> one(static_cast<int64_t>(i) + 1, &images_[i]);
      subsets[images_[i].subset].push_back(one);
      for (const std::string& subset : images_[i].also) subsets[subset].push_back(one);
      report_.objects += static_cast<int64_t>(images_[i].objects.size());
    }
    report_.images = static_cast<int64_t>(images_.size());
    std::vector<std::string> texts;
    for (const auto& [subset, images] : subsets) {
      ConvertedFile file;
      file.path = subset_path(options_.out, subset), file.subset = subset;
      file.images = static_cast<int64_t>(images.size());
      check_absent(file.path);
      texts.push_back(text(images, file));
      parse_coco(texts.back(), file.path, {.faulty = FaultyObjects::stop});  // what is written can be read
      report_.files.push_back(file);
    }
    for (size_t k = 0; k < texts.size(); ++k) write_text_file(report_.files[k].path, texts[k]);
  }

  std::string text(const std::vector<std::pair<int64_t, const SettledImage*>>& images, ConvertedFile& file) {
    std::vector<int64_t> ids;
    std::vector<std::string> names;
    for (const ConvertedClass& c : report_.classes) ids.push_back(c.id), names.push_back(c.name);
    JsonWriter json;
    begin_coco(json, fs::path(file.path).stem().string(), ids, names);
    for (const auto& [id, image] : images) write_coco_image(json, id, image->height, image->width, file_name(*image));
    begin_coco_annotations(json);
    for (const auto& [id, image] : images)
      for (const SettledObject& o : image->objects) {
        begin_coco_annotation(json, ++annotations_, id, ids_.at(o.name), o.crowd);
        json.field("area", o.area).key("bbox").list(o.bbox);
        segmentation(json, *image, o);
        json.end();
        ++file.objects;
      }
    return end_coco(json);
  }

  std::string file_name(const SettledImage& image) const {
    std::string name = fs::path(image.file).lexically_relative(report_.image_folder).string();
    check(is_utf8(name), printable(image.file), ": expected the picture's name in UTF-8, as JSON has its texts: rename the file");
    return name;
  }

  static void segmentation(JsonWriter& json, const SettledImage& image, const SettledObject& o) {
    if (!o.runs.empty()) return write_coco_runs(json, image.height, image.width, o.runs);
    json.key("segmentation").array();
    for (const convert::Polygon& xy : o.polygons) json.list(xy);
    json.end();
  }

  void take_notes() {
    int64_t boxes = 0, lines = 0, empty = 0;
    for (const SettledImage& image : images_) {
      empty += image.objects.empty();
      for (const SettledObject& o : image.objects) boxes += o.box, lines += o.line;
    }
    const auto note = [this](const auto&... text) { report_.notes.push_back(str(text...)); };
    if (boxes > 0)
      note(boxes, " of ", counted(report_.objects, "object"), boxes == 1 ? " is a box" : " are boxes",
           ", with rectangles for masks; --set model.mask.kind=none trains on boxes alone");
    if (lines > 0) note(counted(lines, "open line"), lines == 1 ? " was" : " were", " taken as an outline, its ends joined");
    if (empty > 0)
      note(empty, " of ", counted(report_.images, "image"), empty == 1 ? " has" : " have",
           " no object; --set data.drop_empty=true leaves them out of training");
  }

  const ConvertOptions& options_;
  convert::Faults faults_;
  ConvertReport report_;
  std::vector<SettledImage> images_;
  std::map<std::string, int64_t> ids_;
  int64_t annotations_ = 0;
};

}  // namespace

std::span<const ConvertKind> convert_kinds() {
  static const std::vector<ConvertKind> kinds = [] {
    std::vector<ConvertKind> all;
    for (const Kind& k : kKinds) all.push_back(k.kind);
    return all;
  }();
  return kinds;
}

ConvertReport convert_annotations(const ConvertOptions& options) { return Converter(options).run(); }

static std::string right_aligned(int64_t number, size_t width) {
  const std::string digits = std::to_string(number);
  return std::string(digits.size() < width ? width - digits.size() : 0, ' ') + digits;
}

std::string to_text(const ConvertReport& r) {
  std::string out = str(counted(r.images, "image"), ", ", counted(r.objects, "object"), "\n\n");
  out += "      id   objects  class\n";
  for (const ConvertedClass& c : r.classes) {
    out += str(right_aligned(c.id, 8), right_aligned(c.objects, 10), "  ", printable(c.name), "\n");
  }
  out += "\n";
  if (r.left_out > 0) {
    out += str("left out: ", r.left_out, r.left_out > 3 ? " records without extent, the first of them:\n" : " records without extent:\n");
    for (const std::string& line : r.left_out_first) out += "  " + line + "\n";
  }
  for (const std::string& note : r.notes) out += "note: " + note + "\n";
  for (const ConvertedFile& f : r.files)
    out += str("wrote ", f.path, ": ", counted(f.images, "image"), ", ", counted(f.objects, "object"), "\n");
  return out + "file names start from " + r.image_folder + " (data.train_images)\n";
}

std::string to_json(const ConvertReport& r) {
  JsonWriter j;
  j.object().field("image_folder", r.image_folder).field("images", r.images).field("objects", r.objects).line(" ").key("classes").array();
  for (const ConvertedClass& c : r.classes) j.line("  ").object().field("id", c.id).field("name", c.name).field("objects", c.objects).end();
  j.end().line(" ").field("left_out", r.left_out).key("left_out_first").list(r.left_out_first);
  j.line(" ").key("notes").list(r.notes).line(" ").key("files").array();
  for (const ConvertedFile& f : r.files)
    j.line("  ").object().field("path", f.path).field("subset", f.subset).field("images", f.images).field("objects", f.objects).end();
  return j.end().end().take();
}

}  // namespace mr
