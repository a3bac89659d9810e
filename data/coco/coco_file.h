// A COCO annotation file as it stands: images, categories, annotations; segmentations kept compact until a mask is asked for.
//
//   {"images": [{"id", "width", "height", "file_name"}], "categories": [{"id", "name"}],
//    "annotations": [{"id", "image_id", "category_id", "bbox": [x, y, w, h], "area", "iscrowd", "segmentation"}]}
//
//   segmentation    polygons or runs: data/coco/segmentation.h
//   iscrowd         0 if missing or null; other members are ignored
//   bbox            if missing, null or []: the bounds of the segmentation
//   area            if missing or null: the pixels of the mask; of the box, where there is no mask or masks are not asked for
//   whole numbers   may be written as 7.0
//
// Faults, reported by record and field, are of two kinds. A trainer can do without some objects, and without some parts of a mask
// (CocoProblem::Effect); evaluation counts them all the same, as cocoapi does:
//   a box whose width or height is not above 0, as floats, or that lies outside its image; no segmentation, or one without a polygon;
//   a part of fewer than three points.
// Whatever else is not as above stops the reading, for it says that the file is not what it seems:
//   ids not integers of 64 bits, or twice; images and categories that annotations name but the file lacks;
//   widths and heights below 1, or more than 179 M pixels; file names empty, absolute or with "..";
//   boxes not of four finite numbers; area negative or not finite; iscrowd not 0 or 1;
//   polygons with an odd number of coordinates, or points not finite or beyond ±1e6; runs as geometry/rle.h has it;
//   a size that is not the image's; a file in which no annotation has a segmentation, where masks are asked for.
// Where a section is missing or no list, what the others name of it is not told of as well.
// Not JSON, truncated, nested deeper than 64, a key twice: an Error at once, by line and column. A file of another kind is called
// by its name (data/convert/recognise.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "geometry/rle.h"

namespace mr {

struct CocoProblem {
  enum class Effect : uint8_t {
    stops,   // the file cannot be worked with
    object,  // this object can be left out
    part,    // this part of its mask can be left out
  };
  Effect effect = Effect::stops;
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
  int height = 0, width = 0;  // 0: not stated
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
  bool faulty = false;  // a trainer leaves it out (Effect::object)
  Mask mask = Mask::none;
  uint64_t first = 0, count = 0;  // of its polygons, or of its characters
  int height = 0, width = 0;      // of its runs
};

// What becomes of objects, and parts of masks, that a trainer can do without.
enum class FaultyObjects : uint8_t { drop, stop };

struct CocoReadOptions {
  bool masks = true;                           // false: segmentations are skipped unread, and may be missing
  bool pictures = true;                        // false: as cocoapi, which opens none: any file_name will do, and any name of a category;
                                               // sizes may be missing, but for images in which masks are made
  FaultyObjects faulty = FaultyObjects::drop;  // stop: what could be left out is an error, too
  CocoReport left_out = {};                    // hears of what can be left out
};

class CocoFile {
 public:
  std::string path;
  std::vector<CocoImage> images;
  std::vector<CocoCategory> categories;
  std::vector<CocoAnnotation> annotations;  // in the file's order; those that are faulty, too

  // The mask of an annotation, in its image's size, as cocoapi makes it. Empty if it has none.
  Rle rle(const CocoAnnotation& a, int height, int width) const;
  // Its polygons of three points or more, as in the file.
  std::vector<std::vector<double>> polygons(const CocoAnnotation& a) const;

 private:
  friend class CocoParser;
  size_t first_coordinate(const CocoAnnotation& a) const;
  std::vector<double> coordinates_;
  std::vector<size_t> polygon_ends_;  // polygon k: coordinates from the end of k−1 to its own
  std::string runs_;                  // compressed
};

// Without `report` the first problem that stops the reading is thrown, as "PATH: problem", with the number of the others and what may be
// the cause. With it nothing is thrown but what keeps the file from being read at all: it is told of every problem, and records that
// stop the reading are left out.
CocoFile read_coco(const std::string& path, const CocoReadOptions& options = {}, CocoReport report = {});
CocoFile parse_coco(const std::string& text, const std::string& name, const CocoReadOptions& options = {}, CocoReport report = {});

}  // namespace mr
