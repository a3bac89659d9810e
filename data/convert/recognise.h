// What a file or folder is that was given where a COCO annotation file is expected: told by what it holds, not by its name.
//
// Known are the formats that `mrcnn dataset convert` reads (labelme, VIA, YOLO, Pascal VOC, CVAT, pictures of masks), other formats of
// annotations by their names (COCO results, panoptic and captions, Cityscapes, VIA 3, Label Studio, Labelbox, CreateML, Datumaro, Supervisely, GeoJSON, tables), and
// what is no annotation at all: pictures, archives, weights, arrays.
#pragma once

#include <string>

namespace mr {

struct RecognisedAnnotations {
  std::string what;   // "a labelme file"; empty: nothing that is known, or a COCO annotation file
  std::string kind;   // what `mrcnn dataset convert --from` calls it; empty: it does not read such
  std::string mend;   // where `kind` is empty: what goes on instead; may be empty
  bool coco = false;  // it looks like a COCO annotation file
};

// Never throws: what cannot be read is not known. Reads at most the first 64 MB of a file, and a few files of a folder.
RecognisedAnnotations recognise_annotations(const std::string& path);

// As an error goes on after "PATH: ":  "is a labelme file, not COCO: mrcnn dataset convert --from labelme PATH --out FILE.json makes one of it".
// Empty where nothing is known.
std::string foreign_annotations(const std::string& path);

// The same where a recipe is expected: "is a labelme file, not a recipe: mrcnn dataset convert ... makes a COCO file of it, and mrcnn recipe
// new a recipe of that". A COCO annotation file is told, too.
std::string annotations_for_recipe(const std::string& path);

}  // namespace mr
