// What the tests of converters share: pictures to annotate, and the file that came out, looked at mask by mask.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "base/base64.h"
#include "data/coco/coco_file.h"
#include "data/coco/coco_lint.h"
#include "data/convert/convert.h"
#include "data/image/image.h"
#include "tests/catch.h"
#include "tests/data/convert/files.h"

namespace mr::test {

// A grey picture in the folder; returns its path.
inline std::string picture(const Folder& folder, const std::string& name, int height, int width) {
  folder.make_parents(name);
  write_png(folder / name, Image(height, width));
  return folder / name;
}

inline Bitmap drawn(int height, int width, const std::function<bool(int, int)>& inside) {
  Bitmap b(height, width);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) b.at(y, x) = inside(y, x);
  return b;
}

struct Converted {
  ConvertReport report;
  CocoFile file;

  const CocoAnnotation& annotation(size_t k) const { return file.annotations.at(k); }
  Rle mask(size_t k) const {
    const CocoAnnotation& a = annotation(k);
    for (const CocoImage& im : file.images)
      if (im.id == a.image_id) return file.rle(a, im.height, im.width);
    return {};
  }
  std::string name(size_t k) const {
    for (const CocoCategory& c : file.categories)
      if (c.id == annotation(k).category_id) return c.name;
    return "";
  }
  bool same_pixels(size_t k, const Bitmap& expected) const { return mask(k) == rle_encode(expected); }
};

// The file written can be read and holds no error that lint finds, with its pictures where the report says.
inline Converted converted(ConvertOptions options, const Folder& folder) {
  if (options.out.empty()) options.out = folder / "out.json";
  std::filesystem::remove(options.out);
  Converted c;
  c.report = convert_annotations(options);
  const std::string path = c.report.files.at(0).path;
  c.file = read_coco(path);
  const LintReport lint = lint_coco(path, {.images = c.report.image_folder});
  INFO(to_text(lint));
  CHECK(lint.errors() == 0);
  return c;
}
inline Converted converted(const std::string& kind, const std::vector<std::string>& in, const Folder& folder) {
  ConvertOptions options;
  options.kind = kind, options.in = in;
  return converted(options, folder);
}

// Distance of a point to an outline, negative inside.
using Distance = std::function<double(double x, double y)>;

inline Distance to_polygon(const std::vector<double>& xy) {
  return [xy](double x, double y) {
    double nearest = std::numeric_limits<double>::infinity();
    bool inside = false;
    const size_t n = xy.size() / 2;
    for (size_t i = 0, j = n - 1; i < n; j = i++) {
      const double x1 = xy[2 * j], y1 = xy[2 * j + 1], x2 = xy[2 * i], y2 = xy[2 * i + 1];
      const double dx = x2 - x1, dy = y2 - y1, length = dx * dx + dy * dy;
      const double t = length > 0 ? std::clamp(((x - x1) * dx + (y - y1) * dy) / length, 0.0, 1.0) : 0;
      nearest = std::min(nearest, std::hypot(x - x1 - t * dx, y - y1 - t * dy));
      if ((y1 > y) != (y2 > y) && x < x1 + (y - y1) / dy * dx) inside = !inside;
    }
    return inside ? -nearest : nearest;
  };
}
inline Distance to_circle(double cx, double cy, double r) {
  return [=](double x, double y) { return std::hypot(x - cx, y - cy) - r; };
}

// Every pixel whose middle is farther than half a pixel from the outline is on the right side of it, and there are some inside.
inline bool follows(const Rle& mask, const Distance& distance) {
  const Bitmap bits = rle_decode(mask);
  bool any = false;
  for (int y = 0; y < bits.height; ++y)
    for (int x = 0; x < bits.width; ++x) {
      const double d = distance(x + 0.5, y + 0.5);
      if (std::abs(d) > 0.5 && (bits.at(y, x) != 0) != (d < 0)) return false;
      any = any || bits.at(y, x) != 0;
    }
  return any;
}

inline std::string joined(const std::vector<std::string>& lines) {
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  return all;
}

}  // namespace mr::test
