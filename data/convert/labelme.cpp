// labelme: a JSON file an image, beside it.
//
//   {"shapes": [{"label", "points": [[x, y], …], "shape_type", "group_id", "mask"}], "imagePath", "imageHeight", "imageWidth", "imageData"}
//
//   shape_type   polygon (also where it is missing)
//                rectangle: two opposite corners, or four of them; circle: its centre and a point on it
//                linestrip, line: taken as an outline
//                mask: two corners of a window, both of them pixels inside it, and a PNG in base64: what is not 0 is the object
//                point, points: enclose nothing
//   group_id     shapes of one label and one number are one object in parts
//   imagePath    relative to the file, with / or \; one of another machine is looked for by its last part
//   imageData    not read: the picture must be a file
#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/base64.h"
#include "base/check.h"
#include "base/files.h"
#include "base/text.h"
#include "data/convert/json_values.h"
#include "data/convert/pictures.h"
#include "data/convert/readers.h"
#include "data/convert/shapes.h"
#include "data/image/image.h"

namespace mr::convert {
namespace {

using Kind = JsonReader::Kind;

struct Shape {
  std::string label, type = "polygon", mask;
  std::string group;  // as written; empty: none
  std::vector<std::pair<double, double>> points;
};

class LabelmeFile {
 public:
  LabelmeFile(const std::string& text, const std::string& file, Faults& faults) : json_(text, file), file_(file), faults_(faults) {}

  NamedImage read() {
    image_.source = file_;
    bool shapes = false;
    json_.object("", [&](std::string_view key) {
      json_.record.clear();
      if (key == "shapes") {
        shapes = true;
        size_t k = 0;
        json_.array(key, [&] { shape(k++); });
      } else if (key == "imagePath") {
        image_.stated = json_.text_or_empty(key);
      } else if (key == "imageHeight") {
        image_.height = side(key);
      } else if (key == "imageWidth") {
        image_.width = side(key);
      } else {
        if (key == "imageData" && json_.reader.kind() == Kind::string)
          image_.otherwise = ", which is inside the JSON file (imageData): labelme_export_json writes it out";
        json_.reader.skip();
      }
    });
    json_.reader.end();
    check(shapes, file_, ": shapes: is missing; is this a labelme file?");
    settle();
    return std::move(image_);
  }

 private:
  int side(std::string_view key) {
    const double v = json_.number_or(key, 0);
    if (!(v >= 0 && v <= 1e9) || v != std::floor(v)) json_.wrong(key, str("expected a number of pixels, got ", v));
    return static_cast<int>(v);
  }

  void shape(size_t k) {
    json_.record = str("shapes[", k, "]");
    Shape s;
    bool label = false, points = false;
    json_.object("", [&](std::string_view key) {
      if (key == "label") {
        label = true, s.label = json_.text(key);
      } else if (key == "points") {
        points = true;
        json_.array(key, [&] { point(s); });
      } else if (key == "shape_type") {
        if (const std::string type = json_.text_or_empty(key); !type.empty()) s.type = type;
      } else if (key == "group_id") {
        group(s);
      } else if (key == "mask") {
        s.mask = json_.text_or_empty(key);
      } else {
        json_.reader.skip();
      }
    });
    if (!label) json_.wrong("label", "is missing");
    if (!points) json_.wrong("points", "is missing");
    shapes_.push_back(std::move(s));
  }

  void point(Shape& s) {
    const std::vector<double> xy = json_.numbers("points");
    if (xy.size() != 2) json_.wrong("points", str("expected [x, y], got ", xy.size(), " numbers"));
    s.points.emplace_back(xy[0], xy[1]);
  }

  void group(Shape& s) {
    if (json_.reader.kind() == Kind::number)
      s.group = json_.reader.number().text;
    else
      s.group = json_.text_or_empty("group_id");
  }

  // ---- shapes to objects, once the image's size is known ----

  void settle() {
    Groups groups(image_.objects);
    for (size_t k = 0; k < shapes_.size(); ++k) {
      const Shape& s = shapes_[k];
      NamedObject o;
      o.record = str("shapes[", k, "]");
      o.name = s.label;
      if (outline(s, o)) groups.add(std::move(o), s.group);
    }
  }

  // False if the shape is left out.
  bool outline(const Shape& s, NamedObject& o) {
    const auto& p = s.points;
    const auto leave_out = [&](const std::string& text) {
      faults_.leave_out(file_, str(o.record, " (", printable(s.label), ")"), text);
      return false;
    };
    if ((s.type == "circle" || (s.type == "rectangle" && p.size() != 4)) && p.size() != 2)
      return leave_out(str("points: expected 2 for a ", s.type, ", got ", p.size()));
    if (s.type == "rectangle" && p.size() != 4) {
      o.box = true;
      o.polygons = {rectangle(p[0].first, p[0].second, p[1].first, p[1].second)};
    } else if (s.type == "circle") {
      const double r = std::hypot(p[1].first - p[0].first, p[1].second - p[0].second);
      o.polygons = {ellipse(p[0].first, p[0].second, r, r)};
      if (o.polygons[0].empty()) return leave_out(str("expected a circle with a radius above 0, got ", r));
    } else if (s.type == "mask") {
      check(p.size() == 2, file_, ": ", o.record, ": points: expected 2 for a mask, got ", p.size());
      o.pixels = painted(s, o.record);
    } else if (s.type == "point" || s.type == "points") {
      return leave_out("a " + s.type + " shape encloses nothing");
    } else if (s.type == "polygon" || s.type == "rectangle" || s.type == "oriented_rectangle" || s.type == "linestrip" ||
               s.type == "line") {
      o.line = s.type.starts_with("line");
      Polygon& polygon = o.polygons.emplace_back();
      for (const auto& [x, y] : p) polygon.insert(polygon.end(), {x, y});
    } else {
      return leave_out("shape_type: expected polygon, rectangle, circle, linestrip or mask, got " + printable(s.type));
    }
    return true;
  }

  // The picture in the shape, at its window.
  Rle painted(const Shape& s, const std::string& record) const {
    const std::string at = str(file_, ": ", record, ": ");
    check(image_.height > 0 && image_.width > 0, at, "mask: needs imageHeight and imageWidth, which the file lacks");
    const auto bytes = base64_bytes(s.mask);
    check(bytes && !bytes->empty(), at, "mask: expected a picture in base64, got ", s.mask.empty() ? "none" : printable(s.mask));
    ImageOptions limits;
    limits.max_pixels = std::min(limits.max_pixels, int64_t{image_.height} * image_.width);
    const Bitmap16 picture = decode_png16(*bytes, str(file_, ": ", record, ": mask"), limits);
    const auto pixel = [&at](double v) {
      check(std::abs(v) <= 1e9, at, "points: expected the corners of the mask in pixels, got ", v);
      return static_cast<int>(v);
    };
    const int x1 = pixel(s.points[0].first), y1 = pixel(s.points[0].second);
    const int64_t width = int64_t{pixel(s.points[1].first)} - x1 + 1, height = int64_t{pixel(s.points[1].second)} - y1 + 1;
    check(picture.height == height && picture.width == width, at, "mask: expected a picture of ", height, "x", width,
          " pixels, as its points say, got ", picture.height, "x", picture.width);
    CroppedMask mask{image_.height, image_.width, x1, y1, Bitmap(picture.height, picture.width)};
    std::transform(picture.pixels.begin(), picture.pixels.end(), mask.bits.pixels.begin(), [](uint16_t v) { return v != 0; });
    return rle_encode(mask);
  }

  JsonValues json_;
  const std::string& file_;
  Faults& faults_;
  NamedImage image_;
  std::vector<Shape> shapes_;
};

}  // namespace

NamedImage parse_labelme(const std::string& text, const std::string& file, Faults& faults) {
  return LabelmeFile(text, file, faults).read();
}

NamedData read_labelme(const ConvertOptions& options, Faults& faults) {
  const Pictures pictures(options.images);
  NamedData data;
  for (const std::string& file : annotation_files(options.in, ".json", "labelme", data.notes)) {
    NamedImage image = parse_labelme(read_text_file(file), file, faults);
    image.file = pictures.find(file, image.stated);
    if (image.file.empty()) image.file = pictures.find_stem(file, std::filesystem::path(file).stem().string());
    data.images.push_back(std::move(image));
  }
  return data;
}

}  // namespace mr::convert
