#include "data/convert/settle.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "data/image/image.h"
#include "geometry/polygon.h"
#include "tensor/parallel.h"

namespace mr::convert {

namespace fs = std::filesystem;

namespace {

struct LeftOut {
  std::string record, text;
};

void check_found(const NamedData& data) {
  constexpr int64_t most_named = 3;
  int64_t missing = 0;
  std::string names;
  for (const NamedImage& image : data.images)
    if (image.file.empty() && ++missing <= most_named)
      names += str(names.empty() ? "" : ", ", printable(image.stated), " (of ", image.source, ")", image.otherwise);
  check(missing == 0, missing, " of ", data.images.size(), " pictures were not found: ", names, missing > most_named ? ", ..." : "",
        "; --images DIR names the folder that they lie in");
}

PixelSize picture_size(const NamedImage& image) {
  const ImageHeader header = read_image_header(image.file);
  const PixelSize size = header.upright();
  const PixelSize stated{image.height, image.width};
  if (stated == PixelSize{} || stated == size) return size;
  const std::string both = str(image.source, ": states ", stated.height, "x", stated.width, " pixels (height x width) for ",
                               printable(image.stated), ", but ", image.file, " has ", size.height, "x", size.width);
  if (stated == header.stored)
    fail(both,
         " once it is turned upright as its EXIF orientation says: the annotation was made on the picture as it is stored; annotate the "
         "upright picture, or remove the EXIF orientation from the file");
  fail(both, stated.height == size.width && stated.width == size.height ? ": are height and width swapped?"
                                                                        : ": is this the picture that was annotated?");
}

struct Scale {
  double x = 1, y = 1;
};

std::string class_of(const NamedObject& o, const std::string& source, const std::string& otherwise) {
  const size_t from = o.name.find_first_not_of(" \t\r\n");
  const std::string name = from == std::string::npos ? otherwise : o.name.substr(from, o.name.find_last_not_of(" \t\r\n") - from + 1);
  check(!name.empty(), source, ": ", o.record, ": has no class; --class NAME names that of such objects");
  check(is_utf8(name), source, ": ", o.record, ": expected a class name in UTF-8, got ", printable(name));
  return name;
}

// Parts of fewer than three points are left out; the others are brought to pixels.
void sift_parts(std::vector<Polygon>& parts, Scale scale, const auto& leave_out) {
  const bool several = parts.size() > 1;
  std::erase_if(parts, [&](Polygon& xy) {
    for (size_t i = 0; i < xy.size(); ++i) xy[i] *= i % 2 == 0 ? scale.x : scale.y;
    if (xy.size() >= 6) return false;
    leave_out(str(several ? "a part of it: " : "", "expected at least three points, got ", xy.size() / 2));
    return true;
  });
}

// Around the polygons, cut to the image; empty where they lie outside.
std::array<double, 4> box_around(const std::vector<Polygon>& parts, PixelSize size) {
  double x1 = size.width, y1 = size.height, x2 = 0, y2 = 0;
  for (const Polygon& xy : parts)
    for (size_t i = 0; i + 1 < xy.size(); i += 2) {
      x1 = std::min(x1, xy[i]), x2 = std::max(x2, xy[i]);
      y1 = std::min(y1, xy[i + 1]), y2 = std::max(y2, xy[i + 1]);
    }
  x1 = std::max(x1, 0.0), y1 = std::max(y1, 0.0);
  return {x1, y1, std::min<double>(x2, size.width) - x1, std::min<double>(y2, size.height) - y1};
}

// As floats, as training sees it.
bool has_extent(const std::array<double, 4>& b) {
  return static_cast<float>(b[0] + b[2]) > static_cast<float>(b[0]) && static_cast<float>(b[1] + b[3]) > static_cast<float>(b[1]);
}

// False if the object is left out, which `leave_out(text)` is told.
bool settle_object(NamedObject& o, PixelSize size, Scale scale, const auto& leave_out, SettledObject& out) {
  const bool parts = !o.polygons.empty();
  sift_parts(o.polygons, scale, leave_out);
  if (parts && o.polygons.empty() && !o.pixels) return false;
  Rle mask;
  try {
    mask = rasterise(o.polygons, size.height, size.width);
  } catch (const Error& e) {
    return leave_out(e.what());
  }
  if (o.pixels) mask = rle_merge(std::vector<Rle>{std::move(mask), std::move(*o.pixels)});
  out.area = rle_area(mask);
  const std::array<double, 4> around = box_around(o.polygons, size);
  if (out.area == 0)
    return leave_out(o.pixels                                     ? std::string("has no pixel within the image")
                     : !o.polygons.empty() && !has_extent(around) ? str("has no extent within the image of ", size.height, "x", size.width)
                                                                  : "covers no pixel");
  if (!o.pixels && has_extent(around)) {
    out.bbox = around;
  } else {
    const Box b = rle_box(mask);
    out.bbox = {b.x1, b.y1, b.width(), b.height()};
  }
  if (o.pixels)
    out.runs = rle_to_string(mask);
  else
    out.polygons = std::move(o.polygons);
  return true;
}

SettledImage settle_image(NamedImage& image, const std::string& class_name, std::vector<LeftOut>& left_out) {
  const PixelSize size = picture_size(image);
  SettledImage out;
  out.file = (fs::canonical(fs::path(image.file).parent_path().empty() ? "." : fs::path(image.file).parent_path()) /
              fs::path(image.file).filename())
                 .string();
  out.source = image.source, out.subset = image.subset, out.also = image.also;
  out.height = size.height, out.width = size.width;
  const Scale scale = image.shares ? Scale{double(size.width), double(size.height)} : Scale{};
  for (NamedObject& o : image.objects) {
    SettledObject s;
    s.name = class_of(o, image.source, class_name);
    s.crowd = o.crowd, s.box = o.box, s.line = o.line;
    const auto leave_out = [&](const std::string& text) {
      left_out.push_back({str(o.record, " (", printable(s.name), ")"), text});
      return false;
    };
    if (settle_object(o, size, scale, leave_out, s)) out.objects.push_back(std::move(s));
  }
  return out;
}

}  // namespace

std::vector<SettledImage> settle(NamedData data, const std::string& class_name, Faults& faults) {
  check_found(data);
  const size_t n = data.images.size();
  std::vector<SettledImage> out(n);
  std::vector<std::vector<LeftOut>> left_out(n);
  parallel_for(static_cast<int64_t>(n), 4, [&](int64_t i) {
    const auto k = static_cast<size_t>(i);
    out[k] = settle_image(data.images[k], class_name, left_out[k]);
  });
  for (size_t k = 0; k < n; ++k)
    for (const LeftOut& one : left_out[k]) faults.leave_out(data.images[k].source, one.record, one.text);
  std::stable_sort(out.begin(), out.end(), [](const SettledImage& a, const SettledImage& b) { return a.file < b.file; });
  for (size_t k = 1; k < n; ++k)
    check(out[k].file != out[k - 1].file, out[k].file, ": expected one annotation of a picture, got ", out[k - 1].source, " and ",
          out[k].source);
  return out;
}

}  // namespace mr::convert
