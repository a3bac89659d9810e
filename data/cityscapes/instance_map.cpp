#include "data/cityscapes/instance_map.h"

#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/files.h"
#include "data/cityscapes/fill.h"
#include "data/cityscapes/labels.h"
#include "data/convert/json_values.h"

namespace mr {
namespace {

bool holds_polygons(const std::string& path) { return path.ends_with(".json"); }

struct PolygonFile {
  int height = 0, width = 0;
  struct Object {
    std::string label;
    std::vector<PixelPoint> outline;
    bool deleted = false;
  };
  std::vector<Object> objects;
};

class PolygonParser {
 public:
  PolygonParser(const std::string& text, const std::string& file) : json_(text, file) {}

  PolygonFile parse() {
    bool objects = false;
    json_.object("", [&](std::string_view key) {
      if (key == "imgHeight")
        file_.height = side(key);
      else if (key == "imgWidth")
        file_.width = side(key);
      else if (key == "objects")
        json_.array(key, [&] { object(); }), objects = true;
      else
        json_.reader.skip();
    });
    json_.reader.end();
    json_.record.clear();
    if (file_.height == 0 || file_.width == 0 || !objects)
      json_.wrong("", "expected imgHeight, imgWidth and objects, as Cityscapes' polygons have them");
    return std::move(file_);
  }

 private:
  int side(std::string_view key) {
    const double n = json_.number(key);
    if (!(n >= 1 && n <= 65535 && n == std::floor(n))) json_.wrong(key, str("expected a whole number from 1 to 65535, got ", n));
    return static_cast<int>(n);
  }

  void object() {
    PolygonFile::Object o;
    bool polygon = false;
    json_.record = str("objects[", file_.objects.size(), "]");
    json_.object("", [&](std::string_view key) {
      if (key == "label")
        o.label = json_.text(key);
      else if (key == "polygon")
        json_.array(key, [&] { o.outline.push_back(point()); }), polygon = true;
      else if (key == "deleted")
        o.deleted = json_.reader.kind() == JsonReader::Kind::boolean ? json_.reader.boolean() : json_.number(key) != 0;
      else
        json_.reader.skip();
    });
    if (o.label.empty() || !polygon) json_.wrong("", "expected a label and a polygon");
    if (o.outline.size() < 2 && !o.deleted) json_.wrong("polygon", str("expected two points or more, got ", o.outline.size()));
    file_.objects.push_back(std::move(o));
  }

  // What lies between pixels is cut off, not rounded, as PIL does.
  PixelPoint point() {
    const std::vector<double> xy = json_.numbers("polygon");
    if (xy.size() != 2) json_.wrong("polygon", str("expected points [x, y], got ", xy.size(), " numbers"));
    for (const double v : xy)
      if (!(std::abs(v) <= 1e6)) json_.wrong("polygon", str("expected coordinates within 1e6, got ", v));
    return {static_cast<int>(xy[0]), static_cast<int>(xy[1])};
  }

  convert::JsonValues json_;
  PolygonFile file_;
};

// A label by its name in a polygon file.
struct NamedLabel {
  int id = -1;  // −1: is not painted
  bool group = false;
};

NamedLabel label_of(std::string name) {
  const auto known = [](const std::string& n) { return n == "license plate" || cityscapes_label_id(n) >= 0; };
  NamedLabel out;
  if (!known(name) && name.ends_with("group")) name.resize(name.size() - 5), out.group = true;
  check(known(name), "label: expected one of Cityscapes, got ", name);
  out.id = cityscapes_label_id(name);
  return out;
}

Bitmap16 paint(const PolygonFile& polygons, const std::string& file) {
  Bitmap16 ids(polygons.height, polygons.width);
  std::array<int, cityscapes_label_count> count = {};
  for (size_t k = 0; k < polygons.objects.size(); ++k) {
    const PolygonFile::Object& o = polygons.objects[k];
    if (o.deleted) continue;
    NamedLabel label;
    try {
      label = label_of(o.label);
    } catch (const Error& e) {
      fail(file, ": objects[", k, "]: ", e.what());
    }
    if (label.id < 0) continue;
    int id = label.id;
    if (cityscapes_label(label.id).instances && !label.group) {
      int& n = count[static_cast<size_t>(label.id)];
      check(n < 1000, file, ": objects[", k, "]: expected at most 1000 objects of the label ", o.label);
      id = 1000 * label.id + n++;
    }
    fill_polygon(o.outline, ids, static_cast<uint16_t>(id));
  }
  return ids;
}

PolygonFile parse(const std::string& text, const std::string& file) { return PolygonParser(text, file).parse(); }

// Errors: the file is no grey PNG of 16 bits.
PixelSize size_of_numbers(const std::string& path, const char* what) {
  const ImageHeader header = read_image_header(path);
  if (header.notes.format != ImageFormat::png || header.notes.channels != 1 || header.notes.bits != 16)
    throw ImageError(ImageFault::unsupported, path,
                     str("expected ", what, ", a grey PNG of 16 bits, got ", name_of(header.notes.format), " of ", header.notes.channels,
                         header.notes.channels == 1 ? " channel" : " channels", ", ", header.notes.bits, " bits each"));
  return header.stored;
}

constexpr const char* kInstanceIds = "instance ids (1000 · label + n)";

}  // namespace

Bitmap16 read_cityscapes_numbers(const std::string& path, const char* what) {
  size_of_numbers(path, what);
  return read_png16(path);
}

Bitmap16 paint_cityscapes_polygons(const std::string& json, const std::string& file) { return paint(parse(json, file), file); }

Bitmap16 read_instance_map(const std::string& path) {
  if (holds_polygons(path)) return paint_cityscapes_polygons(read_text_file(path), path);
  Bitmap16 ids = read_cityscapes_numbers(path, kInstanceIds);
  for (size_t p = 0; p < ids.pixels.size(); ++p)
    if (cityscapes_label_of(ids.pixels[p]) >= cityscapes_label_count)
      throw ImageError(ImageFault::corrupt, path,
                       str("row ", p / static_cast<size_t>(ids.width), ", column ", p % static_cast<size_t>(ids.width),
                           ": the instance id ", ids.pixels[p], " is that of no label of Cityscapes"));
  return ids;
}

PixelSize instance_map_size(const std::string& path) {
  if (!holds_polygons(path)) return size_of_numbers(path, kInstanceIds);
  const PolygonFile polygons = parse(read_text_file(path), path);
  return {polygons.height, polygons.width};
}

}  // namespace mr
