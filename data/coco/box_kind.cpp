#include "data/coco/box_kind.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/check.h"

namespace mr {
namespace {

struct Corners {
  double x0, y0, x1, y1;
};

bool near(const Corners& a, const Corners& b) {
  const double slack = 2 + 0.05 * std::max(b.x1 - b.x0, b.y1 - b.y0);
  return std::abs(a.x0 - b.x0) <= slack && std::abs(a.y0 - b.y0) <= slack && std::abs(a.x1 - b.x1) <= slack &&
         std::abs(a.y1 - b.y1) <= slack;
}

// Around the polygons of an annotation that has some.
Corners around(const CocoFile& file, const CocoAnnotation& a) {
  Corners c{1e9, 1e9, -1e9, -1e9};
  for (const std::vector<double>& xy : file.polygons(a))
    for (size_t i = 0; i + 1 < xy.size(); i += 2) {
      c.x0 = std::min(c.x0, xy[i]), c.x1 = std::max(c.x1, xy[i]);
      c.y0 = std::min(c.y0, xy[i + 1]), c.y1 = std::max(c.y1, xy[i + 1]);
    }
  return c;
}

struct Counts {
  int64_t boxes = 0, small = 0, fractions = 0, fit_as_corners = 0, far_out = 0;
  int64_t with_polygons = 0, near_as_stated = 0, near_as_corners = 0;
  int64_t polygons = 0, small_polygons = 0;  // up to the first that is not small
};

// Whether all of it lies within 0 … 1 of an image that is larger by far.
bool small(const Corners& c, const CocoImage& im) {
  return std::min(im.width, im.height) >= 32 && c.x0 >= 0 && c.y0 >= 0 && c.x1 <= 1.001 && c.y1 <= 1.001;
}

Counts count(const CocoFile& file) {
  std::unordered_map<int64_t, const CocoImage*> images;
  for (const CocoImage& im : file.images) images[im.id] = &im;
  Counts n;
  for (const CocoAnnotation& a : file.annotations) {
    const CocoImage& im = *images.at(a.image_id);
    const double W = im.width, H = im.height;
    ++n.boxes;
    n.small += small({a.x, a.y, a.x + a.w, a.y + a.h}, im);
    n.fractions += a.w != std::floor(a.w) || a.h != std::floor(a.h);
    n.fit_as_corners += a.w > a.x && a.h > a.y && a.w <= W + 1 && a.h <= H + 1;
    n.far_out += a.x + a.w > 1.05 * W + 2 || a.y + a.h > 1.05 * H + 2;
    const bool corners = n.fit_as_corners == n.boxes, shares = n.small_polygons == n.polygons;
    if (!(corners || shares) || a.mask != CocoAnnotation::Mask::polygons || a.count == 0) continue;
    const Corners mask = around(file, a);
    n.polygons += shares, n.small_polygons += shares && small(mask, im);
    if (!corners) continue;
    ++n.with_polygons;
    n.near_as_stated += near({a.x, a.y, a.x + a.w, a.y + a.h}, mask);
    n.near_as_corners += near({a.x, a.y, a.w, a.h}, mask);
  }
  return n;
}

}  // namespace

std::string box_kind_fault(const CocoFile& file) {
  const Counts n = count(file);
  if (n.boxes == 0) return {};
  if (n.small == n.boxes && n.fractions > 0)
    return "annotations: bbox: every box lies within 0 ... 1: these are shares of the image; COCO's are pixels: multiply x and width by "
           "the image's width, y and height by its height";
  if (n.polygons > 0 && n.small_polygons == n.polygons && n.small < n.boxes)
    return "annotations: segmentation: every polygon lies within 0 ... 1: these are shares of the image; COCO's are pixels: multiply each "
           "x "
           "by the image's width, each y by its height";
  const bool polygons_say_so = 2 * n.near_as_corners > n.with_polygons && n.near_as_stated < n.near_as_corners;
  const bool extents_say_so = n.with_polygons == 0 && n.boxes >= 10 && 10 * n.far_out >= 3 * n.boxes;
  if (n.fit_as_corners == n.boxes && (polygons_say_so || extents_say_so))
    return str("annotations: bbox: read as [x, y, width, height], ", n.far_out, " of ", n.boxes,
               " boxes reach out of their images; all fit as corners [x0, y0, x1, y1]: write width = x1 - x0 and height = y1 - y0");
  return {};
}

}  // namespace mr
