// The readers, one a format (labelme.cpp, via.cpp, …): from files to NamedData, and the parser of one file's text behind it.
//
// A format more is a reader here, a line in the table of convert.cpp, and a line in recognise.cpp.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/convert/named.h"

namespace mr::convert {

using Reader = NamedData (*)(const ConvertOptions&, Faults&);

NamedData read_labelme(const ConvertOptions& options, Faults& faults);
NamedData read_via(const ConvertOptions& options, Faults& faults);
NamedData read_yolo(const ConvertOptions& options, Faults& faults);
NamedData read_voc(const ConvertOptions& options, Faults& faults);
NamedData read_cvat(const ConvertOptions& options, Faults& faults);
NamedData read_masks(const ConvertOptions& options, Faults& faults);
NamedData read_instance_maps(const ConvertOptions& options, Faults& faults);
NamedData read_cityscapes(const ConvertOptions& options, Faults& faults);

// ---- folders of masks ----

// What `--from` reads the folder, by the names in it: "masks", "instance-maps"; "" where it is no such folder. Errors: it cannot be read.
const char* mask_layout(const std::string& folder);

// ---- labelme ----

// `stated` is the picture's name; nothing is looked for on the disk.
NamedImage parse_labelme(const std::string& text, const std::string& file, Faults& faults);

// ---- VIA ----

struct ViaRegion {
  std::string record;
  std::vector<std::pair<std::string, std::string>> attributes;  // of the region, those that have a value
  std::vector<Polygon> polygons;
  bool box = false, line = false;
};
struct ViaImage {
  std::string name;
  int64_t bytes = -1;  // of the picture's file; −1: not stated
  std::vector<ViaRegion> regions;
};
std::vector<ViaImage> parse_via(const std::string& text, const std::string& file, Faults& faults);

// ---- YOLO ----

struct YoloDescription {  // data.yaml
  std::string path;
  std::vector<std::pair<std::string, std::vector<std::string>>> subsets;  // train, val, test: folders, or lists of pictures
  std::vector<std::string> names;                                         // by class number; "" where there is none
};
YoloDescription parse_yolo_yaml(const std::string& text, const std::string& file);
// The objects of a text file, in shares of the image's size.
std::vector<NamedObject> parse_yolo(const std::string& text, const std::string& file, const std::vector<std::string>& names,
                                    Faults& faults);

// ---- Pascal VOC ----

struct VocObject {
  std::string name;
  double x1 = 0, y1 = 0, x2 = 0, y2 = 0;  // the box, x2 and y2 exclusive
  bool difficult = false;
};
struct VocAnnotation {
  std::string picture;
  int height = 0, width = 0;
  std::vector<VocObject> objects;
};
VocAnnotation parse_voc(const std::string& text, const std::string& file);

// ---- CVAT ----

// `stated` of each image is its name, or "frame_000012" for those of a video.
NamedData parse_cvat(const std::string& text, const std::string& file, Faults& faults);

}  // namespace mr::convert
