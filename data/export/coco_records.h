// Pieces of a COCO annotation file, shared by those that write one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json_text.h"

namespace mr {

// Opens the file's object: info, licenses, categories; then the list of images, left open.
void begin_coco(JsonWriter& json, const std::string& description, const std::vector<int64_t>& ids, const std::vector<std::string>& names);
void write_coco_image(JsonWriter& json, int64_t id, int height, int width, const std::string& file);
void begin_coco_annotations(JsonWriter& json);  // closes the images, opens the list of annotations
std::string end_coco(JsonWriter& json);         // the whole text

// The members id, image_id, category_id, iscrowd of an annotation, whose object is left open.
void begin_coco_annotation(JsonWriter& json, int64_t id, int64_t image_id, int64_t category_id, bool crowd);
void write_coco_runs(JsonWriter& json, int height, int width, const std::string& compressed);  // its segmentation

}  // namespace mr
