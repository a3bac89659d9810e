// Annotations in other formats, made into COCO annotation files.
//
//   kind            what it reads                                                                  becomes
//   labelme         labelme's JSON files, one an image, or folders of them                         polygons; painted masks: runs
//   via             VIA 1 and 2: saved projects, exported annotations (JSON)                       polygons
//   yolo            YOLO segmentation: data.yaml, a folder of text files, text files               polygons
//   voc             Pascal VOC folders: SegmentationObject, SegmentationClass, Annotations         runs
//   cvat            "CVAT for images 1.1" and "for video 1.1" (XML)                                polygons; masks: runs
//   masks           pictures of one object each                                                    runs
//   instance-maps   pictures of object numbers, one an image, 8 or 16 bits                         runs
//   cityscapes      the folder of Cityscapes, with leftImg8bit and gtFine                           runs; groups: crowds
//
// The file of each kind (data/convert/labelme.cpp, …) states its layout and what it makes of each member. Common to all:
//
//   coordinates     continuous, as COCO's: pixel i covers [i, i+1). Polygons stay polygons; circles and ellipses become polygons that keep
//                   within 0.05 pixels of the outline; pixels become runs, and are the same pixels when read back
//   image sizes     from the pictures' headers, upright: EXIF orientation applied, as annotation tools show them. A size that the
//                   annotation states must be that
//   classes         sorted by name, ids from 1
//   images          sorted by name, ids from 1; file names are relative to one folder, which holds all of them: `image_folder`
//   left out        objects that have no extent: fewer than three points, not finite, no pixel within the image, a shape that encloses
//                   nothing (a point). They are counted and the first three told; `faulty_stop` makes the first one an error
//   errors          all else: a file that is not of the kind, a member missing or of a wrong type, broken runs, a class number without
//                   a name, a picture that is missing or of another size, a set without an object. They name file, record and field
//
// A share `split` of the images goes to OUT_train.json, the rest to OUT_val.json: those first in an order drawn from seed and base
// name of each picture, so that one image more moves at most one other image. Without `split`, images of a source that knows
// subsets (YOLO's data.yaml, VOC's ImageSets, CVAT, Cityscapes) go to OUT_<subset>.json; one that is in two subsets goes to both files.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace mr {

struct ConvertOptions {
  std::string kind;
  std::vector<std::string> in;  // files or folders
  std::string out;              // "…/NAME.json"; nothing is written over
  double split = 0;             // share of the images for training, within (0, 1); 0: not split
  uint64_t seed = 0;            // of the split
  bool faulty_stop = false;
  std::string images;           // folder of the pictures; empty: beside the annotations
  std::string class_name;       // of objects that have none
  std::string class_attribute;  // via: the region attribute that holds the class; empty: the only one
  std::string class_names;      // yolo: file of the class names, one a line or a data.yaml; empty: found beside the text files
};

struct ConvertedClass {
  int64_t id = 0;
  std::string name;
  int64_t objects = 0;
};

struct ConvertedFile {
  std::string path, subset;
  int64_t images = 0, objects = 0;
};

struct ConvertReport {
  std::string image_folder;  // data.train_images
  int64_t images = 0, objects = 0, left_out = 0;
  std::vector<ConvertedClass> classes;
  std::vector<std::string> left_out_first;  // three at most: "FILE: RECORD: what is wrong"
  std::vector<std::string> notes;           // what else a person should know
  std::vector<ConvertedFile> files;
};

struct ConvertKind {
  const char *name, *about;
};
std::span<const ConvertKind> convert_kinds();

ConvertReport convert_annotations(const ConvertOptions& options);

std::string to_text(const ConvertReport& report);
std::string to_json(const ConvertReport& report);

}  // namespace mr
