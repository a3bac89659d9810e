#include "data/dataset_tools/stats.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/check.h"
#include "base/json_text.h"
#include "base/text.h"
#include "data/dataset.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

DatasetStats::Percentiles percentiles(std::vector<double> values) {
  DatasetStats::Percentiles out = {};
  if (values.empty()) return out;
  std::sort(values.begin(), values.end());
  for (size_t k = 0; k < out.size(); ++k) out[k] = values[(values.size() - 1) * static_cast<size_t>(DatasetStats::kPercents[k]) / 100];
  return out;
}

struct Row {
  const char *key, *text;
  DatasetStats::Percentiles DatasetStats::*value;
};
constexpr Row kRows[] = {
    {"image_width", "image width", &DatasetStats::image_width},
    {"image_height", "image height", &DatasetStats::image_height},
    {"image_shorter", "image, shorter side", &DatasetStats::image_shorter},
    {"image_longer", "image, longer side", &DatasetStats::image_longer},
    {"object_width", "object width", &DatasetStats::object_width},
    {"object_height", "object height", &DatasetStats::object_height},
    {"object_side", "object side", &DatasetStats::object_side},
    {"object_aspect", "object height/width", &DatasetStats::object_aspect},
    {"objects_per_image", "objects an image", &DatasetStats::objects_per_image},
};

struct Values {  // gathered, one entry an image or an object
  std::vector<double> width, height, shorter, longer, count;
  std::vector<double> object_width, object_height, side, aspect;
};

void add_image(const ImageInfo& info, const std::vector<Instance>& objects, DatasetStats& s, Values& v) {
  v.width.push_back(info.width), v.height.push_back(info.height);
  v.shorter.push_back(std::min(info.width, info.height)), v.longer.push_back(std::max(info.width, info.height));
  std::vector<bool> here(s.classes.size());
  int64_t count = 0;
  for (const Instance& o : objects) {
    check(o.label >= 1 && static_cast<size_t>(o.label) <= s.classes.size(), "dataset_stats: annotation ", o.id, " (image ", info.image_id,
          "): label must be in 1 ... ", s.classes.size(), ", got ", o.label);
    const size_t k = static_cast<size_t>(o.label) - 1;
    if (o.crowd) {
      ++s.crowds, ++s.classes[k].crowds;
      continue;
    }
    ++count, ++s.classes[k].objects;
    if (!here[k]) here[k] = true, ++s.classes[k].images;
    ++(o.area < 32 * 32 ? s.small : o.area <= 96 * 96 ? s.medium : s.large);
    const double w = o.box.width(), h = o.box.height();
    v.object_width.push_back(w), v.object_height.push_back(h);
    v.side.push_back(std::sqrt(std::max(w * h, 0.0))), v.aspect.push_back(w > 0 ? h / w : 0);
  }
  s.objects += count;
  s.empty_images += count == 0;
  v.count.push_back(static_cast<double>(count));
}

}  // namespace

DatasetStats dataset_stats(const Dataset& dataset) {
  DatasetStats s;
  s.images = dataset.size();
  s.notes = dataset.notes();
  const std::vector<int64_t> ids = dataset.category_ids();
  for (size_t k = 0; k < ids.size(); ++k) s.classes.push_back({dataset.class_names()[k], ids[k]});

  std::vector<std::vector<Instance>> objects(static_cast<size_t>(s.images));
  parallel_for(s.images, 8, [&](int64_t i) {
    std::vector<Instance>& here = objects[static_cast<size_t>(i)];
    here = dataset.instances(i);
    for (Instance& o : here) o.mask = {};  // not needed, and large
  });
  Values v;
  for (int64_t i = 0; i < s.images; ++i) add_image(dataset.info(i), objects[static_cast<size_t>(i)], s, v);

  s.image_width = percentiles(v.width), s.image_height = percentiles(v.height);
  s.image_shorter = percentiles(v.shorter), s.image_longer = percentiles(v.longer);
  s.object_width = percentiles(v.object_width), s.object_height = percentiles(v.object_height);
  s.object_side = percentiles(v.side), s.object_aspect = percentiles(v.aspect);
  s.objects_per_image = percentiles(v.count);
  return s;
}

std::string nothing_to_learn(const std::vector<ObjectCount>& counts) {
  int64_t objects = 0, crowds = 0;
  for (const ObjectCount& c : counts) objects += c.objects, crowds += c.crowds;
  if (objects > 0 || counts.empty()) return {};
  if (crowds > 0) return str("all of its ", crowds, " annotations are crowds (iscrowd = 1), which training passes over");
  return "there is no annotation of these classes that training can use";
}

std::string to_text(const DatasetStats& s) {
  std::string out =
      str(counted(s.images, "image"), ", ", s.empty_images, " of them without objects\n", counted(s.objects, "object"), " and ", s.crowds,
          " crowds; ", s.small, " small (below 32x32), ", s.medium, " medium, ", s.large, " large (above 96x96)\n\n");
  char line[200];
  const auto add = [&](const char* format, auto... values) {
    std::snprintf(line, sizeof line, format, values...);
    out += line;
  };
  add("%-20s", "");
  for (const int percent : DatasetStats::kPercents) add(" %8d%%", percent);
  out += '\n';
  for (const Row& row : kRows) {
    add("%-20s", row.text);
    for (const double value : s.*row.value) add(" %9.6g", value);
    out += '\n';
  }
  const bool published = std::ranges::any_of(s.classes, [](const DatasetStats::Class& c) { return c.published > 0; });
  add("\n%-24s %9s %9s %9s%s\n", "class", "objects", "images", "crowds", published ? " published" : "");
  for (const DatasetStats::Class& c : s.classes) {
    add("%-24.100s %9lld %9lld %9lld", c.name.c_str(), static_cast<long long>(c.objects), static_cast<long long>(c.images),
        static_cast<long long>(c.crowds));
    if (published) add(" %8.1fk", static_cast<double>(c.published) / 1000);
    out += '\n';
  }
  for (const std::string& note : s.notes) out += str("\n", note, "\n");
  return out;
}

std::string to_json(const DatasetStats& s) {
  JsonWriter j;
  j.object().field("images", s.images).field("empty_images", s.empty_images).field("objects", s.objects).field("crowds", s.crowds);
  j.field("small", s.small).field("medium", s.medium).field("large", s.large).key("percents").list(DatasetStats::kPercents);
  for (const Row& row : kRows) j.key(row.key).list(s.*row.value);
  j.key("classes").array();
  for (const DatasetStats::Class& c : s.classes) {
    j.object().field("name", c.name).field("category_id", c.category_id).field("objects", c.objects);
    j.field("images", c.images).field("crowds", c.crowds);
    if (c.published > 0) j.field("published", c.published);
    j.end();
  }
  return j.end().key("notes").list(s.notes).end().take();
}

}  // namespace mr
