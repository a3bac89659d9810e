#include "data/export/cityscapes_writer.h"

#include <map>

#include "base/check.h"
#include "base/files.h"
#include "base/json_text.h"
#include "data/cityscapes/labels.h"
#include "data/export/files.h"
#include "data/export/outline.h"
#include "data/image/image.h"
#include "tensor/parallel.h"

namespace mr {

namespace {

std::string polygons_json(const std::vector<uint16_t>& ids, int height, int width) {
  JsonWriter j;
  const std::string_view indent = "    ", deeper = "        ";
  j.object().line(indent).field("imgHeight", height).line(indent).field("imgWidth", width).line(indent).key("objects").array();
  for (const Region& r : regions(ids, height, width)) {
    const CityscapesLabel& label = cityscapes_label(cityscapes_label_of(r.value));
    const bool group = label.instances && r.value < 1000;
    j.line(deeper).object().field("label", str(label.name, group ? "group" : "")).key("polygon").array();
    for (const auto& [x, y] : r.boundary) j.array().value(x).value(y).end();
    j.end().end();
  }
  return j.line(indent).end().line().end().take() + "\n";
}

std::vector<uint16_t> ids_of_instances(const Dataset& d, int64_t index) {
  const ImageInfo info = d.info(index);
  std::vector<uint16_t> ids(static_cast<size_t>(info.height) * static_cast<size_t>(info.width));
  std::map<int, int> count;
  for (const Instance& i : d.instances(index)) {
    check(i.label >= 1 && i.label <= static_cast<int>(d.class_names().size()), "cityscapes: label of instance ", i.id,
          " must be from 1 to ", d.class_names().size(), ", got ", i.label);
    const std::string& name = d.class_names()[static_cast<size_t>(i.label - 1)];
    const int label = cityscapes_label_id(name);
    check(label >= 0 && cityscapes_label(label).instances, "cityscapes: '", name, "' is no class with instances there");
    check(i.crowd || count[label] < 1000, "cityscapes: image ", info.image_id, " must have at most 1000 instances of '", name, "'");
    const int id = i.crowd ? label : label * 1000 + count[label]++;
    for (int y = 0; y < i.mask.bits.height; ++y)
      for (int x = 0; x < i.mask.bits.width; ++x) {
        const int iy = i.mask.y0 + y, ix = i.mask.x0 + x;
        if (i.mask.bits.at(y, x) && iy >= 0 && ix >= 0 && iy < info.height && ix < info.width)
          ids[static_cast<size_t>(iy) * static_cast<size_t>(info.width) + static_cast<size_t>(ix)] = static_cast<uint16_t>(id);
      }
  }
  return ids;
}

}  // namespace

std::vector<uint16_t> cityscapes_instance_ids(const Dataset& d, int64_t index) {
  std::vector<uint16_t> ids = d.instance_ids(index);
  return ids.empty() ? ids_of_instances(d, index) : ids;
}

void write_cityscapes(const Dataset& d, const std::string& folder, const std::string& split, const std::string& city) {
  check_word(split, "cityscapes: split");
  check_word(city, "cityscapes: city");
  const std::string pictures = str(folder, "/leftImg8bit/", split, "/", city), truth = str(folder, "/gtFine/", split, "/", city);
  check_absent(pictures, another_name);
  check_absent(truth, another_name);
  make_folder(pictures);
  make_folder(truth);
  parallel_for(d.size(), 1, [&](int64_t i) {
    const Sample s = d.sample(i);
    const int h = s.info.height, w = s.info.width;
    const std::vector<uint16_t> ids = cityscapes_instance_ids(d, i);
    const std::string stem = str(city, "_", padded(i, 6), "_000019");
    Bitmap16 instance_ids(h, w);
    Bitmap label_ids(h, w);
    Image colour(h, w);
    for (size_t p = 0; p < ids.size(); ++p) {
      const int id = cityscapes_label_of(ids[p]);
      const CityscapesLabel& label = cityscapes_label(id);
      instance_ids.pixels[p] = ids[p];
      label_ids.pixels[p] = static_cast<uint8_t>(id);
      colour.rgb[3 * p] = label.r, colour.rgb[3 * p + 1] = label.g, colour.rgb[3 * p + 2] = label.b;
    }
    write_png(str(pictures, "/", stem, "_leftImg8bit.png"), s.image);
    write_png(str(truth, "/", stem, "_gtFine_instanceIds.png"), instance_ids);
    write_png(str(truth, "/", stem, "_gtFine_labelIds.png"), label_ids);
    write_png(str(truth, "/", stem, "_gtFine_color.png"), colour);
    write_text_file(str(truth, "/", stem, "_gtFine_polygons.json"), polygons_json(ids, h, w));
  });
}

}  // namespace mr
