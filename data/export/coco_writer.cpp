#include "data/export/coco_writer.h"

#include <array>
#include <set>
#include <vector>

#include "base/check.h"
#include "base/files.h"
#include "data/export/coco_records.h"
#include "data/export/files.h"
#include "data/image/image.h"
#include "geometry/rle.h"
#include "tensor/parallel.h"

namespace mr {

namespace {

std::string image_name(const std::string& split, const ImageInfo& info) { return str(split, "_", padded(info.image_id, 6), ".png"); }

void write_annotation(JsonWriter& j, const Instance& i, const ImageInfo& info, int64_t category) {
  begin_coco_annotation(j, i.id, info.image_id, category, i.crowd);
  j.field("area", i.area).key("bbox").list(std::array{i.box.x1, i.box.y1, i.box.width(), i.box.height()});
  if (i.mask.bits.height > 0) {
    CroppedMask mask = i.mask;
    mask.image_height = info.height, mask.image_width = info.width;
    write_coco_runs(j, info.height, info.width, rle_to_string(rle_encode(mask)));
  }
  j.end();
}

// Distinct ids above 0 are kept, else all are numbered.
void settle_ids(std::vector<std::vector<Instance>>& all) {
  std::set<int64_t> seen;
  bool good = true;
  for (const auto& image : all)
    for (const Instance& i : image) good = good && i.id > 0 && seen.insert(i.id).second;
  int64_t next = 1;
  if (!good)
    for (auto& image : all)
      for (Instance& i : image) i.id = next++;
}

std::string join_json(const Dataset& d, const std::string& split, std::vector<std::vector<Instance>>& instances) {
  settle_ids(instances);
  const std::vector<int64_t> categories = d.category_ids();
  JsonWriter j;
  begin_coco(j, split, categories, d.class_names());
  for (int64_t i = 0; i < d.size(); ++i) {
    const ImageInfo info = d.info(i);
    write_coco_image(j, info.image_id, info.height, info.width, image_name(split, info));
  }
  begin_coco_annotations(j);
  for (int64_t i = 0; i < d.size(); ++i) {
    const ImageInfo info = d.info(i);
    for (const Instance& k : instances[static_cast<size_t>(i)]) {
      check(k.label >= 1 && k.label <= static_cast<int>(categories.size()), "coco: label of annotation ", k.id, " must be from 1 to ",
            categories.size(), ", got ", k.label);
      write_annotation(j, k, info, categories[static_cast<size_t>(k.label - 1)]);
    }
  }
  return end_coco(j);
}

}  // namespace

std::string coco_json(const Dataset& d, const std::string& split) {
  check_word(split, "coco: split");
  std::vector<std::vector<Instance>> instances(static_cast<size_t>(d.size()));
  parallel_for(d.size(), 1, [&](int64_t i) { instances[static_cast<size_t>(i)] = d.instances(i); });
  return join_json(d, split, instances);
}

void write_coco(const Dataset& d, const std::string& folder, const std::string& split) {
  check_word(split, "coco: split");
  const std::string annotations = str(folder, "/instances_", split, ".json");
  check_absent(annotations, another_name);
  make_folder(folder + "/images");
  std::vector<std::vector<Instance>> instances(static_cast<size_t>(d.size()));
  parallel_for(d.size(), 1, [&](int64_t i) {
    Sample s = d.sample(i);
    write_png(str(folder, "/images/", image_name(split, s.info)), s.image);
    instances[static_cast<size_t>(i)] = std::move(s.instances);
  });
  write_text_file(annotations, join_json(d, split, instances));
}

}  // namespace mr
