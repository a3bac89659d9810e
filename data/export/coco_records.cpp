#include "data/export/coco_records.h"

#include <array>

namespace mr {

void begin_coco(JsonWriter& j, const std::string& description, const std::vector<int64_t>& ids, const std::vector<std::string>& names) {
  j.object().key("info").object().field("description", description).end().line().key("licenses").array().end();
  j.line().key("categories").array();
  for (size_t k = 0; k < ids.size(); ++k) j.object().field("id", ids[k]).field("name", names[k]).field("supercategory", "").end();
  j.end().line().key("images").array();
}

void write_coco_image(JsonWriter& j, int64_t id, int height, int width, const std::string& file) {
  j.line().object().field("id", id).field("height", height).field("width", width).field("file_name", file).end();
}

void begin_coco_annotations(JsonWriter& j) { j.end().line().key("annotations").array(); }

std::string end_coco(JsonWriter& j) { return j.end().end().take() + "\n"; }

void begin_coco_annotation(JsonWriter& j, int64_t id, int64_t image_id, int64_t category_id, bool crowd) {
  j.line().object().field("id", id).field("image_id", image_id).field("category_id", category_id).field("iscrowd", crowd ? 1 : 0);
}

void write_coco_runs(JsonWriter& j, int height, int width, const std::string& compressed) {
  j.key("segmentation").object().key("size").list(std::array{height, width}).field("counts", compressed).end();
}

}  // namespace mr
