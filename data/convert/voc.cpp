// Pascal VOC: a folder (VOC2012, say) or one of the lists in its ImageSets/Segmentation, or XML files of that kind and folders of them, as
// labelImg and others write them beside the pictures.
//
//   JPEGImages/ID.jpg
//   SegmentationObject/ID.png    the number of the object each pixel belongs to; 0 is background, 255 is void
//   SegmentationClass/ID.png     the number of its class
//   Annotations/ID.xml           the objects' names and boxes
//   ImageSets/Segmentation/train.txt, val.txt    which image is of which subset
//   labelmap.txt                 "name:r,g,b:…" a line, in the order of class numbers; where it is missing: VOC's own twenty classes
//
// Pictures of numbers are grey or have a palette; colours (as CVAT exports them) are numbered by labelmap.txt and by VOC's palette.
//
// An object's class is that of most of its pixels in SegmentationClass. Without that, or without a name for the number, it is the name of
// the object in the XML file: the one of the same number, if its box is the mask's (IoU ≥ 0.5), else the one whose box is nearest.
// `difficult` ones are crowds here: not learned from, and neither found nor missed. Other members of the XML file are passed over.
// Without SegmentationObject, or a picture in it, there are only the boxes: their rectangles become the masks. XML files that lie in no
// Annotations have their pictures beside them, or in images/ or ../images/.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "base/check.h"
#include "base/files.h"
#include "base/text.h"
#include "data/convert/number_maps.h"
#include "data/convert/pictures.h"
#include "data/convert/readers.h"
#include "data/convert/recognise.h"
#include "data/convert/shapes.h"
#include "data/convert/voc_folder.h"
#include "data/convert/xml.h"

namespace mr::convert {

namespace fs = std::filesystem;

namespace {

double iou(const VocObject& a, const VocObject& b) {
  const double w = std::max(0.0, std::min(a.x2, b.x2) - std::max(a.x1, b.x1)),
               h = std::max(0.0, std::min(a.y2, b.y2) - std::max(a.y1, b.y1));
  const double either = (a.x2 - a.x1) * (a.y2 - a.y1) + (b.x2 - b.x1) * (b.y2 - b.y1) - w * h;
  return either > 0 ? w * h / either : 0;
}

// For each numbered object the XML file's object that it is, or nothing.
std::vector<const VocObject*> matched(const std::vector<NumberedObject>& masks, const std::vector<VocObject>& objects) {
  constexpr double least = 0.5;
  std::vector<const VocObject*> match(masks.size(), nullptr);
  std::set<const VocObject*> free;
  for (const VocObject& o : objects) free.insert(&o);
  const auto box = [&](size_t k) {
    const Box b = rle_box(masks[k].mask);
    return VocObject{"", b.x1, b.y1, b.x2, b.y2, false};
  };
  for (size_t k = 0; k < masks.size(); ++k) {
    const size_t number = masks[k].number;
    if (number > objects.size() || iou(box(k), objects[number - 1]) < least) continue;
    match[k] = &objects[number - 1];
    free.erase(match[k]);
  }
  for (size_t k = 0; k < masks.size(); ++k) {
    if (match[k]) continue;
    const auto nearest = std::max_element(free.begin(), free.end(), [&](auto* a, auto* b) { return iou(box(k), *a) < iou(box(k), *b); });
    if (nearest == free.end() || iou(box(k), **nearest) < least) continue;
    match[k] = *nearest;
    free.erase(nearest);
  }
  return match;
}

class VocReader {
 public:
  VocReader(const ConvertOptions& options, Faults& faults) : options_(options), faults_(faults), pictures_(options.images) {}

  NamedData read() {
    for (const std::string& in : options_.in) {
      check(fs::exists(in), in, ": there is no such file or folder");
      if (fs::is_directory(in))
        folder(in);
      else if (const RecognisedAnnotations r = recognise_annotations(in);
               r.kind == "voc" || lower_case(fs::path(in).extension().string()) == ".xml")
        xml_file(in);
      else
        list(in);
    }
    if (difficult_ > 0)
      data_.notes.push_back(str(counted(difficult_, "difficult object"), difficult_ == 1 ? " is a crowd" : " are crowds",
                                " in the COCO file: not learned from, nor counted as missed"));
    if (other_class_ > 0)
      data_.notes.push_back(str(counted(other_class_, "object"), other_class_ == 1 ? " is" : " are",
                                " of another class in SegmentationClass than in Annotations; the pixels' is taken"));
    return std::move(data_);
  }

 private:
  VocFolder& folder_of(const fs::path& path) { return folders_.try_emplace(path.string(), path.empty() ? "." : path).first->second; }

  void folder(const fs::path& path) {
    if (fs::is_directory(path / "SegmentationObject")) return masked_folder(path);
    const fs::path place = fs::is_directory(path / "Annotations") ? path / "Annotations" : path;
    for (const std::string& file : annotation_files({place.string()}, ".xml", "voc", data_.notes)) xml_file(file);
  }

  void masked_folder(const fs::path& path) {
    VocFolder& f = folder_of(path);
    const fs::path masks = path / "SegmentationObject", notes = path / "Annotations";
    std::set<std::string> ids;
    for (const std::string& file : files_in(masks.string(), false, data_.notes))
      if (fs::path(file).extension() == ".png") ids.insert(fs::path(file).stem().string());
    check(!ids.empty(), masks.string(), ": expected .png files, got none");
    for (const std::string& id : ids) one(f, id, notes / (id + ".xml"));
    FirstThree others;
    if (fs::is_directory(notes))
      for (const std::string& file : files_in(notes.string(), false, data_.notes))
        if (lower_case(fs::path(file).extension().string()) == ".xml" && !ids.contains(fs::path(file).stem().string())) others.add(file);
    if (others.count() > 0)
      data_.notes.push_back(str(others.count(), " XML files have no picture in SegmentationObject, and were passed over: ", others.list(),
                                "; --from voc ", shell_word(notes.string()), " reads their boxes as well"));
  }

  // Of a folder's Annotations, or anywhere.
  void xml_file(const std::string& file) {
    const fs::path place = fs::absolute(file).lexically_normal().parent_path();
    const bool inside = place.filename() == "Annotations" || fs::is_directory(place.parent_path() / "SegmentationObject");
    one(folder_of(inside ? place.parent_path() : place), fs::path(file).stem().string(), file);
  }

  // ImageSets/Segmentation/train.txt: the folder is two above.
  void list(const std::string& in) {
    VocFolder& f = folder_of(fs::absolute(in).lexically_normal().parent_path().parent_path().parent_path());
    for (const std::string& id : voc_ids(in)) one(f, id, f.path / "Annotations" / (id + ".xml"));
  }

  // `notes`: its XML file, which may be absent.
  void one(VocFolder& f, const std::string& id, const fs::path& notes) {
    NamedImage image;
    const fs::path masks = f.path / "SegmentationObject" / (id + ".png");
    VocAnnotation xml;
    if (fs::exists(notes)) xml = parse_voc(read_text_file(notes.string()), notes.string());
    const bool pixels = fs::exists(masks);
    check(pixels || fs::exists(notes), masks.string(), ": there is no such file, nor ", notes.string());
    image.source = pixels ? masks.string() : notes.string();
    image.height = xml.height, image.width = xml.width;
    if (const auto at = f.subsets.find(id); at != f.subsets.end()) image.subset = at->second;
    image.stated = xml.picture.empty() ? id + ".jpg" : xml.picture;
    const std::string beside = (f.path / "JPEGImages" / "any").string();
    image.file = pictures_.find_stem(beside, id);
    if (image.file.empty() && !xml.picture.empty()) image.file = pictures_.find(beside, xml.picture);
    if (image.file.empty() && !xml.picture.empty()) image.file = pictures_.find(notes.string(), xml.picture);
    if (image.file.empty()) image.file = pictures_.find_stem(notes.string(), id);
    if (pixels)
      masked(f, id, masks.string(), xml, image);
    else
      boxed(notes.string(), xml, image);
    data_.images.push_back(std::move(image));
  }

  void boxed(const std::string& file, const VocAnnotation& xml, NamedImage& image) {
    for (size_t k = 0; k < xml.objects.size(); ++k) {
      const VocObject& x = xml.objects[k];
      if (!(x.x2 > x.x1 && x.y2 > x.y1)) {
        faults_.leave_out(file, str("object ", k + 1, " (", printable(x.name), ")"), "its box has no extent");
        continue;
      }
      NamedObject& o = image.objects.emplace_back();
      o.record = str("object ", k + 1), o.name = x.name, o.crowd = x.difficult, o.box = true;
      o.polygons = {rectangle(x.x1, x.y1, x.x2, x.y2)};
      difficult_ += x.difficult;
    }
  }

  void masked(const VocFolder& f, const std::string& id, const std::string& file, const VocAnnotation& xml, NamedImage& image) {
    static const Colours numbers = [] {
      Colours all;
      for (uint32_t k = 0; k <= kVoid; ++k) all[palette_colour(k)] = static_cast<uint16_t>(k);
      return all;
    }();
    const Bitmap16 map = read_number_map(file, &numbers);
    check(image.height == 0 || (map.height == image.height && map.width == image.width), file, ": expected ", image.height, "x",
          image.width, " pixels, as Annotations/", id, ".xml says, got ", map.height, "x", map.width);
    image.height = map.height, image.width = map.width;
    Bitmap16 classes;
    const fs::path class_file = f.path / "SegmentationClass" / (id + ".png");
    if (fs::exists(class_file)) {
      classes = read_number_map(class_file.string(), &f.colours);
      check(classes.height == map.height && classes.width == map.width, class_file.string(), ": expected ", map.height, "x", map.width,
            " pixels, as SegmentationObject has, got ", classes.height, "x", classes.width);
    }
    const std::vector<uint32_t> by_class = votes(map, classes);
    const std::vector<NumberedObject> masks = numbered_objects(map, kVoid);
    check(masks.empty() || masks.back().number < kVoid, file, ": expected numbers below 255, got ",
          masks.empty() ? 0 : masks.back().number);
    const std::vector<const VocObject*> match = matched(masks, xml.objects);
    for (size_t k = 0; k < masks.size(); ++k) {
      NamedObject& o = image.objects.emplace_back();
      o.record = str("object ", masks[k].number);
      o.pixels = masks[k].mask;
      o.crowd = match[k] && match[k]->difficult;
      difficult_ += o.crowd;
      o.name = class_name(f, by_class.data() + size_t{256} * masks[k].number, xml);
      if (match[k] && !o.name.empty() && o.name != match[k]->name) ++other_class_;
      if (o.name.empty() && match[k]) o.name = match[k]->name;
      check(!o.name.empty() || !options_.class_name.empty(), file, ": ", o.record,
            ": has no class: neither SegmentationClass nor an object of Annotations/", id, ".xml says one; --class NAME names it");
    }
  }

  // [256 · object + class]: how many pixels.
  static std::vector<uint32_t> votes(const Bitmap16& map, const Bitmap16& classes) {
    std::vector<uint32_t> pixels(size_t{256} * 256);
    for (size_t i = 0; i < classes.pixels.size(); ++i)
      ++pixels[size_t{256} * std::min(map.pixels[i], kVoid) + std::min(classes.pixels[i], kVoid)];
    return pixels;
  }

  // Of most of an object's pixels in SegmentationClass; empty where that says nothing.
  static std::string class_name(const VocFolder& f, const uint32_t* votes, const VocAnnotation& xml) {
    if (!f.own_labels)  // VOC's numbers mean nothing in a set with classes of its own
      for (const VocObject& x : xml.objects)
        if (std::find(kVocClasses.begin(), kVocClasses.end(), x.name) == kVocClasses.end()) return {};
    const auto most = static_cast<size_t>(std::max_element(votes + 1, votes + kVoid) - votes);
    return votes[most] > 0 && most < f.names.size() ? f.names[most] : "";
  }

  const ConvertOptions& options_;
  Faults& faults_;
  Pictures pictures_;
  std::map<std::string, VocFolder> folders_;
  NamedData data_;
  int64_t difficult_ = 0, other_class_ = 0;
};

}  // namespace

VocAnnotation parse_voc(const std::string& text, const std::string& file) {
  const XmlFile xml(text, file, "annotation");
  VocAnnotation a;
  a.picture = xml.root().child_value("filename");
  if (const pugi::xml_node size = xml.root().child("size")) {
    const auto side = [&](const char* name) {
      const double v = xml.as_number(size, name, size.child_value(name));
      if (!(v >= 0 && v <= 1e9) || v != std::floor(v)) xml.wrong(size, name, str("expected a number of pixels, got ", v));
      return static_cast<int>(v);
    };
    a.height = side("height"), a.width = side("width");
    if (a.height == 0 || a.width == 0) a.height = a.width = 0;  // some tools leave it at 0: not stated
  }
  for (const pugi::xml_node node : xml.root().children("object")) {
    VocObject o;
    o.name = node.child_value("name");
    if (o.name.empty()) xml.wrong(node, "name", "is missing");
    const std::string_view difficult = node.child_value("difficult");
    o.difficult = difficult == "1" || difficult == "true" || difficult == "True";
    const pugi::xml_node box = node.child("bndbox");
    if (!box) xml.wrong(node, "bndbox", "is missing");
    const auto corner = [&](const char* name) { return xml.as_number(box, name, box.child_value(name)); };
    o.x1 = corner("xmin") - 1, o.y1 = corner("ymin") - 1;  // VOC counts pixels from 1, the last one inside
    o.x2 = corner("xmax"), o.y2 = corner("ymax");
    a.objects.push_back(o);
  }
  return a;
}

NamedData read_voc(const ConvertOptions& options, Faults& faults) { return VocReader(options, faults).read(); }

}  // namespace mr::convert
