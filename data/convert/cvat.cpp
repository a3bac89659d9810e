// CVAT: "CVAT for images 1.1" and "CVAT for video 1.1", XML.
//
//   <annotations>
//     <meta><task><labels><label><name>car</name> …   <original_size><width>, <height>   of a video's frames
//     <image name="a.jpg" width height subset>
//       <polygon label points="x,y;x,y;…" z_order group_id/>
//       <box label xtl ytl xbr ybr rotation/>             degrees, clockwise about its middle
//       <ellipse label cx cy rx ry rotation/>
//       <mask label rle="3, 5, …" left top width height/> counts of zeros, ones, zeros, …, row by row of the window
//       <polyline label points/>                          taken as an outline
//     <track label><polygon frame="12" outside="0" …/>    a shape a frame; outside="1": it is not to be seen there
//
//   z_order    shapes come in its order, the lowest first
//   group_id   shapes of one label and one number (not 0) are one object in parts, as in CVAT's own COCO export
//   frames     of a video are pictures frame_000012.png or 000012.png, .jpg, …: CVAT's "save images", or ffmpeg's
//   points, skeletons and cuboids enclose nothing; tags and attributes are passed over
#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <set>

#include "base/check.h"
#include "base/files.h"
#include "base/text.h"
#include "data/convert/pictures.h"
#include "data/convert/readers.h"
#include "data/convert/shapes.h"
#include "data/convert/xml.h"

namespace mr::convert {
namespace {

using Node = pugi::xml_node;

std::string frame_name(int64_t number) {
  const std::string digits = std::to_string(number);
  return "frame_" + std::string(digits.size() < 6 ? 6 - digits.size() : 0, '0') + digits;
}

class CvatFile {
 public:
  CvatFile(const std::string& text, const std::string& file, Faults& faults)
      : xml_(text, file, "annotations"), file_(file), faults_(faults) {}

  NamedData read() {
    meta();
    for (const Node node : xml_.root().children("image")) {
      NamedImage& image = data_.images.emplace_back();
      image.source = file_;
      image.stated = xml_.attribute(node, "name");
      image.height = xml_.pixels(node, "height"), image.width = xml_.pixels(node, "width");
      image.subset = node.attribute("subset").value();
      shapes_.clear(), number_ = 0;
      for (const Node shape : node.children()) add_shape(shape, shape, image);
      settle(image);
    }
    tracks();
    data_.classes.assign(declared_.begin(), declared_.end());
    return std::move(data_);
  }

 private:
  struct Shape {
    NamedObject object;
    double z_order = 0;
    std::string group;
  };

  // <meta><task> or <job> or <project>, in which labels and the size of a video's frames stand; a project's tasks lie one level lower.
  void meta() {
    for (const Node part : xml_.root().child("meta").children()) {
      labels(part.child("labels"));
      frame_size(part);
      for (const Node task : part.child("tasks").children("task")) frame_size(task);
    }
  }
  void labels(Node list) {
    for (const Node label : list.children("label"))
      if (const std::string name = label.child_value("name"); !name.empty()) declared_.insert(name);
  }
  void frame_size(Node part) {
    const Node size = part.child("original_size");
    if (!size) return;
    const auto side = [&](const char* name) {
      const double v = xml_.as_number(size, name, size.child_value(name));
      if (!(v >= 1 && v <= 1e9) || v != std::floor(v)) xml_.wrong(size, name, str("expected a number of pixels, got ", v));
      return static_cast<int>(v);
    };
    frame_height_ = side("height"), frame_width_ = side("width");
  }

  void tracks() {
    std::map<int64_t, std::vector<std::pair<Node, Node>>> frames;  // (shape, its track)
    for (const Node track : xml_.root().children("track"))
      for (const Node shape : track.children()) {
        const double frame = xml_.number(shape, "frame");
        if (!(frame >= 0 && frame < 1e9) || frame != std::floor(frame))
          xml_.wrong(shape, "frame", str("expected a frame's number, got ", frame));
        if (std::string_view(shape.attribute("outside").value()) != "1") frames[static_cast<int64_t>(frame)].emplace_back(shape, track);
      }
    for (const auto& [frame, list] : frames) {
      NamedImage& image = data_.images.emplace_back();
      image.source = file_, image.stated = frame_name(frame);
      image.height = frame_height_, image.width = frame_width_;
      shapes_.clear(), number_ = 0;
      for (const auto& [shape, track] : list) add_shape(shape, track, image);
      settle(image);
    }
  }

  // `labelled`: the element with the label, the shape itself or its track.
  void add_shape(Node node, Node labelled, const NamedImage& image) {
    const std::string_view kind = node.name();
    if (node.type() != pugi::node_element || kind == "tag" || kind == "attribute") return;
    Shape s;
    s.object.record = str(printable(image.stated), ": ", kind, " ", number_++);
    s.object.name = xml_.attribute(labelled, "label");
    s.z_order = xml_.number(node, "z_order", 0);
    s.group = labelled.attribute("group_id").value();
    if (s.group == "0") s.group.clear();
    if (outline(node, kind, s.object, image)) shapes_.push_back(std::move(s));
  }

  // False if the shape is left out.
  bool outline(Node node, std::string_view kind, NamedObject& o, const NamedImage& image) {
    const auto number = [&](const char* name) { return xml_.number(node, name); };
    const double angle = xml_.number(node, "rotation", 0) * std::numbers::pi / 180;
    const auto leave_out = [&](const std::string& text) {
      faults_.leave_out(file_, str(o.record, " (", printable(o.name), ")"), text);
      return false;
    };
    if (kind == "polygon" || kind == "polyline") {
      o.line = kind == "polyline";
      o.polygons = {points(node)};
    } else if (kind == "box") {
      const double x1 = number("xtl"), y1 = number("ytl"), x2 = number("xbr"), y2 = number("ybr");
      o.box = true;
      o.polygons = {angle == 0 ? rectangle(x1, y1, x2, y2) : turned_rectangle(x1, y1, x2, y2, angle)};
    } else if (kind == "ellipse") {
      o.polygons = {ellipse(number("cx"), number("cy"), number("rx"), number("ry"), angle)};
      if (o.polygons[0].empty()) return leave_out("expected half axes above 0");
    } else if (kind == "mask") {
      o.pixels = mask(node, image);
    } else if (kind == "points" || kind == "skeleton" || kind == "cuboid") {
      return leave_out(str("is no outline of an object"));
    } else {
      return leave_out("expected polygon, box, mask, ellipse or polyline");
    }
    return true;
  }

  Polygon points(Node node) const {
    const std::string text = xml_.attribute(node, "points");
    Polygon xy;
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find(';', at), text.size());
      const std::string_view pair = std::string_view(text).substr(at, end - at);
      const size_t comma = pair.find(',');
      if (comma == pair.npos) xml_.wrong(node, "points", "expected x,y;x,y;..., got " + printable(pair));
      xy.push_back(xml_.as_number(node, "points", pair.substr(0, comma)));
      xy.push_back(xml_.as_number(node, "points", pair.substr(comma + 1)));
      at = end + 1;
    }
    return xy;
  }

  Rle mask(Node node, const NamedImage& image) const {
    const int width = xml_.pixels(node, "width"), height = xml_.pixels(node, "height");
    const double left = xml_.number(node, "left"), top = xml_.number(node, "top");
    if (!(std::abs(left) <= 1e9 && std::abs(top) <= 1e9) || left != std::floor(left) || top != std::floor(top))
      xml_.wrong(node, "left", "expected whole pixels for left and top");
    if (image.width == 0 || image.height == 0) xml_.wrong(node, "", "the file does not state the size of the frames (original_size)");
    if (width > image.width || height > image.height)
      xml_.wrong(node, "width",
                 str("expected a window no larger than the image of ", image.height, "x", image.width, ", got ", height, "x", width));
    CroppedMask m{image.height, image.width, static_cast<int>(left), static_cast<int>(top), Bitmap(height, width)};
    const std::string text = xml_.attribute(node, "rle");
    const size_t pixels = m.bits.pixels.size();
    size_t at = 0;
    bool inside = false;
    for (size_t from = 0; from < text.size(); inside = !inside) {
      const size_t end = std::min(text.find(',', from), text.size());
      const double run = xml_.as_number(node, "rle", std::string_view(text).substr(from, end - from));
      if (!(run >= 0 && run <= static_cast<double>(pixels - at)) || run != std::floor(run))
        xml_.wrong(node, "rle", str("expected runs that fill the ", height, "x", width, " window, got one of ", run, " at pixel ", at));
      std::fill_n(m.bits.pixels.begin() + static_cast<ptrdiff_t>(at), static_cast<size_t>(run), inside ? uint8_t{1} : uint8_t{0});
      at += static_cast<size_t>(run);
      from = end + 1;
    }
    if (at != pixels) xml_.wrong(node, "rle", str("expected runs for ", pixels, " pixels, got ", at));
    return rle_encode(m);
  }

  // The shapes of one image, in z order and joined by group.
  void settle(NamedImage& image) {
    std::stable_sort(shapes_.begin(), shapes_.end(), [](const Shape& a, const Shape& b) { return a.z_order < b.z_order; });
    Groups groups(image.objects);
    for (Shape& s : shapes_) groups.add(std::move(s.object), s.group);
  }

  XmlFile xml_;
  const std::string& file_;
  Faults& faults_;
  NamedData data_;
  std::set<std::string> declared_;
  std::vector<Shape> shapes_;  // of one image
  int64_t number_ = 0;         // of the next one
  int frame_height_ = 0, frame_width_ = 0;
};

}  // namespace

NamedData parse_cvat(const std::string& text, const std::string& file, Faults& faults) { return CvatFile(text, file, faults).read(); }

NamedData read_cvat(const ConvertOptions& options, Faults& faults) {
  const Pictures pictures(options.images);
  NamedData all;
  for (const std::string& file : annotation_files(options.in, ".xml", "cvat", all.notes)) {
    NamedData one = parse_cvat(read_text_file(file), file, faults);
    for (NamedImage& image : one.images) {
      // A project's export keeps the pictures of a subset, or of "default", in a folder of its own.
      image.file = pictures.find(file, str(image.subset.empty() ? "default" : image.subset, "/", image.stated));
      if (image.file.empty()) image.file = pictures.find(file, image.stated);
      if (image.file.empty() && image.stated.starts_with("frame_")) image.file = pictures.find_stem(file, image.stated);
      if (image.file.empty() && image.stated.starts_with("frame_")) image.file = pictures.find_stem(file, image.stated.substr(6));
      all.images.push_back(std::move(image));
    }
    std::move(one.classes.begin(), one.classes.end(), std::back_inserter(all.classes));
  }
  return all;
}

}  // namespace mr::convert
