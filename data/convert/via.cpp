// VGG Image Annotator 1 and 2: a saved project, or exported annotations, both JSON.
//
//   project       {"_via_settings", "_via_img_metadata": {KEY: IMAGE, …}, "_via_attributes", …}
//   annotations   {KEY: IMAGE, …}                                          KEY is the file's name and its bytes
//   IMAGE         {"filename", "size", "regions": [REGION, …] or (version 1) {"0": REGION, …}, "file_attributes"}
//   REGION        {"shape_attributes": {"name", …}, "region_attributes": {NAME: VALUE}}
//
//   name          polygon, polyline (taken as an outline): all_points_x, all_points_y
//                 rect: x, y, width, height;   circle: cx, cy, r;   ellipse: cx, cy, rx, ry, theta (radians)
//                 point: encloses nothing
//   VALUE         a text, or a number; of a checkbox {"cat": true}: what is ticked
//
// Which attribute is the class: `class_attribute`, or the only one that has values, or else the one called class, label, name, category
// or type.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "base/check.h"
#include "base/files.h"
#include "base/text.h"
#include "data/convert/json_values.h"
#include "data/convert/pictures.h"
#include "data/convert/readers.h"
#include "data/convert/shapes.h"

namespace mr::convert {
namespace {

using Kind = JsonReader::Kind;

struct ViaShape {
  std::string name;
  std::map<std::string, double, std::less<>> numbers;
  std::vector<double> x, y;
};

class ViaFile {
 public:
  ViaFile(const std::string& text, const std::string& file, Faults& faults) : json_(text, file), file_(file), faults_(faults) {}

  std::vector<ViaImage> read() {
    json_.object("", [&](std::string_view key) {
      if (key == "_via_img_metadata")
        json_.object(key, [&](std::string_view name) { image(name); });
      else if (key.starts_with("_via_"))
        json_.reader.skip();
      else
        image(key);
    });
    json_.reader.end();
    return std::move(images_);
  }

 private:
  void image(std::string_view key) {
    const std::string picture = printable(key);
    json_.record = picture;
    ViaImage im;
    bool name = false, regions = false;
    json_.object("", [&](std::string_view member) {
      json_.record = picture;
      if (member == "filename") {
        name = true, im.name = json_.text(member);
      } else if (member == "size" && json_.reader.kind() == Kind::number) {
        const JsonNumber n = json_.reader.number();
        im.bytes = n.is_integer ? n.integer : -1;
      } else if (member == "regions") {
        regions = true;
        int64_t k = 0;
        if (json_.reader.kind() == Kind::object)
          json_.object(member, [&](std::string_view) { region(im, picture, k++); });
        else
          json_.array(member, [&] { region(im, picture, k++); });
      } else {
        json_.reader.skip();
      }
    });
    json_.record = picture;
    if (!name) json_.wrong("filename", "is missing; is this a file of VIA annotations?");
    if (!regions) json_.wrong("regions", "is missing");
    images_.push_back(std::move(im));
  }

  void region(ViaImage& im, const std::string& picture, int64_t k) {
    json_.record = str(picture, ": regions[", k, "]");
    ViaRegion r;
    r.record = json_.record;
    ViaShape shape;
    json_.object("", [&](std::string_view member) {
      if (member == "shape_attributes")
        json_.object(member, [&](std::string_view field) { shape_attribute(shape, field); });
      else if (member == "region_attributes")
        attributes(r);
      else
        json_.reader.skip();
    });
    if (outline(shape, r)) im.regions.push_back(std::move(r));
  }

  void shape_attribute(ViaShape& s, std::string_view field) {
    if (field == "name")
      s.name = json_.text(field);
    else if (field == "all_points_x")
      s.x = json_.numbers(field);
    else if (field == "all_points_y")
      s.y = json_.numbers(field);
    else if (json_.reader.kind() == Kind::number)
      s.numbers.emplace(field, json_.reader.number().value);
    else
      json_.reader.skip();
  }

  void attributes(ViaRegion& r) {
    if (json_.reader.kind() == Kind::array) {  // as a list of such objects, or empty
      json_.array("region_attributes", [&] {
        if (json_.reader.kind() == Kind::object)
          attributes(r);
        else
          json_.wrong("region_attributes", str("expected an object, got ", printable(json_.reader.skipped())));
      });
      return;
    }
    json_.object("region_attributes", [&](std::string_view name) {
      const std::string attribute(name);
      if (const std::string value = attribute_value(attribute); !value.empty()) r.attributes.emplace_back(attribute, value);
    });
  }

  std::string attribute_value(const std::string& attribute) {
    JsonReader& json = json_.reader;
    switch (json.kind()) {
      case Kind::string:
        return std::string(json.string());
      case Kind::number:
        return std::string(json.number().text);
      case Kind::object: {
        std::string ticked;
        json.object([&](std::string_view choice) {
          const std::string name(choice);
          if (json.kind() != Kind::boolean || !json.boolean()) return;
          if (!ticked.empty()) json_.wrong("region_attributes." + attribute, str("expected one value, got ", ticked, " and ", name));
          ticked = name;
        });
        return ticked;
      }
      default:
        json.skip();
        return {};
    }
  }

  // False if the region is left out.
  bool outline(const ViaShape& s, ViaRegion& r) {
    const auto number = [&](const char* field) {
      const auto at = s.numbers.find(field);
      if (at == s.numbers.end()) json_.wrong(str("shape_attributes.", field), "is missing, or no number");
      return at->second;
    };
    const auto leave_out = [&](const std::string& text) {
      faults_.leave_out(file_, r.record, text);
      return false;
    };
    const auto round = [&](double rx, double ry, double angle) {
      r.polygons = {ellipse(number("cx"), number("cy"), rx, ry, angle)};
      return !r.polygons[0].empty() || leave_out(str("expected half axes above 0, got ", rx, " and ", ry));
    };
    if (s.name == "polygon" || s.name == "polyline") {
      if (s.x.size() != s.y.size())
        json_.wrong("shape_attributes", str("expected as many all_points_x as all_points_y, got ", s.x.size(), " and ", s.y.size()));
      r.line = s.name == "polyline";
      Polygon& polygon = r.polygons.emplace_back();
      for (size_t i = 0; i < s.x.size(); ++i) polygon.insert(polygon.end(), {s.x[i], s.y[i]});
      return true;
    }
    if (s.name == "rect") {
      const double x = number("x"), y = number("y"), w = number("width"), h = number("height");
      if (!(w > 0 && h > 0)) return leave_out(str("expected a width and a height above 0, got ", w, " and ", h));
      r.box = true;
      r.polygons = {rectangle(x, y, x + w, y + h)};
      return true;
    }
    if (s.name == "circle") return round(number("r"), number("r"), 0);
    if (s.name == "ellipse") return round(number("rx"), number("ry"), s.numbers.contains("theta") ? number("theta") : 0);
    if (s.name == "point") return leave_out("a point encloses nothing");
    if (s.name.empty()) return leave_out("has no shape");
    return leave_out("shape_attributes.name: expected polygon, polyline, rect, circle or ellipse, got " + printable(s.name));
  }

  JsonValues json_;
  const std::string& file_;
  Faults& faults_;
  std::vector<ViaImage> images_;
};

// The attribute that holds the class; empty where no region has any.
std::string class_attribute(const std::vector<std::pair<std::string, std::vector<ViaImage>>>& files, const std::string& wanted) {
  std::set<std::string> used;
  for (const auto& [file, images] : files)
    for (const ViaImage& im : images)
      for (const ViaRegion& r : im.regions)
        for (const auto& [name, value] : r.attributes) used.insert(name);
  std::string all;
  for (const std::string& name : used) all += (all.empty() ? "" : ", ") + printable(name);
  check(wanted.empty() || used.contains(wanted), "--class-attribute: expected an attribute of the regions (", all, "), got ", wanted,
        hint(wanted, {used.begin(), used.end()}));
  if (!wanted.empty() || used.empty()) return wanted;
  if (used.size() == 1) return *used.begin();
  for (const char* usual : {"class", "label", "name", "category", "type"})
    for (const std::string& name : used)
      if (lower_case(name) == usual) return name;
  fail(files.front().first, ": regions have several attributes (", all, "): --class-attribute NAME says which one is the class");
}

std::string value_of(const ViaRegion& r, const std::string& attribute) {
  for (const auto& [name, value] : r.attributes)
    if (name == attribute) return value;
  return {};
}

}  // namespace

std::vector<ViaImage> parse_via(const std::string& text, const std::string& file, Faults& faults) {
  return ViaFile(text, file, faults).read();
}

NamedData read_via(const ConvertOptions& options, Faults& faults) {
  const Pictures pictures(options.images);
  NamedData data;
  std::vector<std::pair<std::string, std::vector<ViaImage>>> files;
  for (const std::string& file : annotation_files(options.in, ".json", "via", data.notes))
    files.emplace_back(file, parse_via(read_text_file(file), file, faults));
  const std::string attribute = class_attribute(files, options.class_attribute);
  int64_t other_bytes = 0;
  for (auto& [file, images] : files) {
    for (ViaImage& via : images) {
      NamedImage image;
      image.source = file, image.stated = via.name;
      image.file = pictures.find(file, via.name);
      std::error_code unknown;
      if (via.bytes > 0 && !image.file.empty() && std::filesystem::file_size(image.file, unknown) != static_cast<uint64_t>(via.bytes))
        ++other_bytes;
      for (ViaRegion& r : via.regions) {
        NamedObject& o = image.objects.emplace_back();
        o.record = std::move(r.record), o.name = value_of(r, attribute);
        o.polygons = std::move(r.polygons), o.box = r.box, o.line = r.line;
      }
      data.images.push_back(std::move(image));
    }
  }
  if (!attribute.empty()) data.notes.push_back("the region attribute '" + printable(attribute) + "' is the class");
  if (other_bytes > 0)
    data.notes.push_back(str(other_bytes,
                             " pictures have another size in bytes than when they were annotated: VIA notes no sizes in "
                             "pixels, so look (mrcnn dataset show) whether the outlines still fit"));
  return data;
}

}  // namespace mr::convert
