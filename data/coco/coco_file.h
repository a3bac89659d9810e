// A COCO annotation file as it stands: images, categories, annotations; segmentations kept compact until a mask is asked for.
//
//   {"images": [{"id", "width", "height", "file_name"}], "categories": [{"id", "name"}],
//    "annotations": [{"id", "image_id", "category_id", "bbox": [x, y, w, h], "area", "iscrowd", "segmentation"}]}
//
//   segmentation    [[x0, y0, x1, y1, …], …]                      polygons: one object in parts
//                   {"size": [h, w], "counts": [n, …]}            uncompressed RLE (usually crowds)
//                   {"size": [h, w], "counts": "…"}               compressed RLE
//   iscrowd         0 if missing; other members are ignored
//
// What is not so is a problem, reported by record and field:
//   ids not integers of 64 bits, or twice; images and categories that annotations name but the file lacks;
//   widths and heights below 1, or more than 179 M pixels; file names empty, absolute or with "..";
//   boxes not of four finite numbers, or without area; area negative or not finite; iscrowd not 0 or 1;
//   polygons with an odd number of coordinates, fewer than three points, or points not finite or beyond ±1e6;
//   runs as geometry/rle.h has it; a size that is not the image's.
// Not JSON, truncated, nested deeper than 64, a key twice: an Error at once, by line and column.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geometry/rle.h"

namespace mr {

struct CocoProblem {
  std::string section;                  // "images", "categories", "annotations", "" for the file as a whole
  int64_t index = 0;                    // place in the section
  std::optional<int64_t> id, image_id;  // where they are known; image_id of an annotation
  std::string field, text;

  std::string record() const;  // "annotation 5 (image 7)"
  std::string line() const;    // "annotation 5 (image 7): bbox: width must be above 0, got -3"
};
using CocoReport = std::function<void(const CocoProblem&)>;

struct CocoImage {
  int64_t id = 0;
  int height = 0, width = 0;
  std::string file;
};

struct CocoCategory {
  int64_t id = 0;
  std::string name;
};

struct CocoAnnotation {
  enum class Mask : uint8_t { none, polygons, rle };
  int64_t id = 0, image_id = 0, category_id = 0;
  double x = 0, y = 0, w = 0, h = 0;  // bbox
  double area = 0;
  bool crowd = false;
  Mask mask = Mask::none;
  uint64_t first = 0, count = 0;  // of its polygons, or of its characters
  int height = 0, width = 0;      // of its runs
};

struct CocoReadOptions {
  bool masks = true;        // false: segmentations are skipped unread, and may be missing
  bool flat_boxes = false;  // boxes without area are accepted, as cocoapi's evaluation does
};

class CocoFile {
 public:
  std::string path;
  std::vector<CocoImage> images;
  std::vector<CocoCategory> categories;
  std::vector<CocoAnnotation> annotations;  // in the file's order

  // The mask of an annotation, in its image's size. Empty if it has none.
  Rle rle(const CocoAnnotation& a, int height, int width) const;
  // Its polygons, as in the file.
  std::vector<std::vector<double>> polygons(const CocoAnnotation& a) const;

 private:
  friend class CocoParser;
  std::vector<double> coordinates_;
  std::vector<uint64_t> polygon_ends_;  // polygon k: coordinates from the end of k−1 to its own
  std::string runs_;                    // compressed
};

// `report` is told of each problem, and the record is left out if it returns; by default it throws "PATH: problem".
CocoFile read_coco(const std::string& path, const CocoReadOptions& options = {}, CocoReport report = {});
CocoFile parse_coco(const std::string& text, const std::string& name, const CocoReadOptions& options = {}, CocoReport report = {});

}  // namespace mr
