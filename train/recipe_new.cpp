#include "train/recipe_new.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <vector>

#include "base/check.h"
#include "data/coco/coco_dataset.h"
#include "data/transforms/transforms.h"
#include "train/datasets.h"
#include "train/recipe.h"

namespace mr {
namespace {

double percentile(std::vector<double> v, double share) {
  std::sort(v.begin(), v.end());
  return v[static_cast<size_t>(std::llround(share * static_cast<double>(v.size() - 1)))];
}

struct Objects {
  std::vector<double> sizes, ratios;            // √(w·h) in pixels of the file; h / w
  std::vector<double> short_sides, long_sides;  // of the images
  std::vector<double> per_image;
  std::map<std::string, int64_t> per_class;
};

Objects measure(const CocoDataset& data) {
  Objects o;
  for (int64_t i = 0; i < data.size(); ++i) {
    const ImageInfo info = data.info(i);
    o.short_sides.push_back(std::min(info.height, info.width));
    o.long_sides.push_back(std::max(info.height, info.width));
    int64_t here = 0;
    for (const Instance& x : data.instances(i)) {
      if (x.crowd) continue;
      ++here;
      ++o.per_class[data.class_names()[static_cast<size_t>(x.label - 1)]];
      o.sizes.push_back(std::sqrt(static_cast<double>(x.box.width()) * x.box.height()));
      o.ratios.push_back(static_cast<double>(x.box.height()) / x.box.width());
    }
    o.per_image.push_back(static_cast<double>(here));
  }
  return o;
}

// How large the network sees the images, and how much larger or smaller than in the files that is.
struct Sizing {
  bool crops = false;
  int64_t side = 0;  // of crops, or the shorter side of whole images
  double scale = 1;
};

Sizing choose_sizing(const Objects& o) {
  const double object = percentile(o.sizes, 0.5), image = percentile(o.short_sides, 0.5);
  Sizing s;
  if (object < 0.08 * image && image >= 256) {
    s.crops = true;
    s.side = object < 48 ? 256 : 384;
    s.scale = std::clamp(std::round(4 * 30 / object) / 4, 1.0, 2.0);  // an object of 30 pixels spans seven cells of the finest map
    return s;
  }
  // Objects of about 48 pixels are seen well by the finest levels; whole images of more than 800 take long.
  const double wanted = image * std::clamp(48 / object, 0.25, 2.0);
  s.side = std::clamp<int64_t>(std::llround(wanted / 32) * 32, 256, 800);
  s.scale = static_cast<double>(s.side) / image;
  return s;
}

std::string list(const std::vector<double>& values) {
  std::string s;
  for (const double v : values) s += fmt::format("{}{:.4g}{}", s.empty() ? "" : ", ", v, v == std::floor(v) ? ".0" : "");
  return "[" + s + "]";
}

// Five sizes in geometric steps that span the middle nine tenths of the objects.
std::vector<double> anchor_sizes(const Objects& o, double scale) {
  const double low = std::max(percentile(o.sizes, 0.1) * scale, 8.0), high = percentile(o.sizes, 0.95) * scale;
  const double step = std::clamp(std::pow(high / low, 0.25), 1.4, 2.2);
  std::vector<double> sizes;
  for (int i = 0; i < 5; ++i) sizes.push_back(std::round(low * std::pow(step, i)));
  return sizes;
}

std::vector<double> anchor_ratios(const Objects& o) {
  const auto rounded = [](double v) { return std::clamp(std::round(v * 20) / 20, 0.2, 5.0); };
  std::vector<double> r = {rounded(percentile(o.ratios, 0.15)), rounded(percentile(o.ratios, 0.5)), rounded(percentile(o.ratios, 0.85))};
  r.erase(std::unique(r.begin(), r.end()), r.end());
  return r;
}

std::string class_table(const Objects& o) {
  std::vector<std::pair<int64_t, std::string>> rows;
  for (const auto& [name, n] : o.per_class) rows.emplace_back(-n, name);
  std::sort(rows.begin(), rows.end());
  std::string s;
  for (size_t i = 0; i < rows.size() && i < 20; ++i) s += fmt::format("#   {:>8}  {}\n", -rows[i].first, rows[i].second);
  if (rows.size() > 20) s += fmt::format("#   … and {} more classes\n", rows.size() - 20);
  return s;
}

std::string quoted(const std::string& path) { return toml_string(std::filesystem::absolute(path).lexically_normal().string()); }

}  // namespace

std::string new_recipe(const NewRecipeOptions& options) {
  const CocoOptions as_given{.masks = options.masks};
  const CocoDataset data(options.annotations, options.images, as_given);
  const DataConfig defaults;
  std::vector<std::string> notes = data.notes();
  const auto note = [&notes](const std::vector<std::string>& more) { notes.insert(notes.end(), more.begin(), more.end()); };
  note(check_image_files(data, "--images " + options.images, options.images, defaults));
  const std::string& val_images = options.val_images.empty() ? options.images : options.val_images;
  if (!options.val_annotations.empty())
    note(
        check_image_files(CocoDataset(options.val_annotations, val_images, as_given), "images of --val-annotations", val_images, defaults));
  note(check_objects(data, options.annotations));
  const Objects o = measure(data);
  const auto n = static_cast<int64_t>(o.sizes.size());
  const Sizing sizing = choose_sizing(o);
  const bool large = n >= 50000;
  const std::string base = !options.base.empty() ? options.base : large ? "coco_r50_fpn_torchvision" : "nuclei_small";
  const int64_t detections = std::max<int64_t>(100, std::llround(percentile(o.per_image, 0.99) * 1.5 / 50) * 50);
  std::string t = fmt::format("# {}: made by `mrcnn recipe new` from {}\n#\n# {} images, {} objects of {} classes:\n{}\n", options.name,
                              options.annotations, data.size(), n, data.class_names().size(), class_table(o));
  for (const std::string& line : notes) t += fmt::format("# Note: {}\n", line);
  t += fmt::format(
      "name = \"{}\"\n\n# {} objects: {}\nbase = \"{}\"\n\n", options.name, n,
      large ? "enough for the full-size model; start it from pretrained weights (--init)" : "a small model, trained from scratch", base);
  t += fmt::format("[data]\nroot = \"\"\ntrain_annotations = {}\ntrain_images = {}\n", quoted(options.annotations), quoted(options.images));
  if (options.val_annotations.empty()) {
    t += "# No annotations to evaluate on: best.safetensors will be the last weights. Better set some images apart.\nval_annotations = "
         "\"\"\n";
  } else {
    t += fmt::format("val_annotations = {}\nval_images = {}\n", quoted(options.val_annotations), quoted(val_images));
  }
  t += "classes = []                            # all of the annotations, in the order of their category ids\ncategory_ids = []\nlabels = "
       "\"contiguous\"\n\n";

  t += fmt::format("# Images: shorter side {:.0f} … {:.0f} (median {:.0f}), longer side up to {:.0f} pixels.\n",
                   percentile(o.short_sides, 0), percentile(o.short_sides, 1), percentile(o.short_sides, 0.5), percentile(o.long_sides, 1));
  t += fmt::format("# Objects: √(width·height) of 5%, 50%, 95% is below {:.0f}, {:.0f}, {:.0f} pixels.\n", percentile(o.sizes, 0.05),
                   percentile(o.sizes, 0.5), percentile(o.sizes, 0.95));
  if (sizing.crops) {
    t += fmt::format(
        "# They are small against the images: train on crops of {0} pixels, and predict on whole images, enlarged by {1} (the median "
        "object is\n"
        "# then {2:.0f} pixels; the finest map has a cell for every 4).\n"
        "[preprocess]\nmin_side = 0\nenlarge = {1:.2f}\n\n[augment]\ncrop_size = {0}\nscale_min = {3:.2f}\nscale_max = {4:.2f}\n",
        sizing.side, sizing.scale, percentile(o.sizes, 0.5) * sizing.scale, sizing.scale * 2 / 3, sizing.scale * 4 / 3);
  } else {
    t += fmt::format(
        "# Whole images, the shorter side resized to {0}: the median object is then {1:.0f} pixels.\n"
        "[preprocess]\nmin_side = {0}\nmax_side = {2}\n\n[augment]\ncrop_size = 0\nmin_sides = [{3}, {0}, {4}]\nmax_side = {2}\n",
        sizing.side, percentile(o.sizes, 0.5) * sizing.scale, sizing.side * 2, sizing.side * 7 / 8 / 32 * 32,
        sizing.side * 9 / 8 / 32 * 32);
  }
  t += "flip_horizontal = 0.5                   # 0 where left and right differ in meaning\n"
       "rotate90 = false                        # true where there is no up and down (microscopy, aerial images)\ninvert = 0.0\n\n";

  t += fmt::format(
      "[model]\nclasses = 0                             # as many as the annotations have\n[model.box]\ndetections = {}                    "
      "    "
      "# images hold up to {:.0f} objects\n",
      detections, percentile(o.per_image, 1));
  if (!options.masks) t += "[model.mask]\nenabled = false                         # boxes alone\n";
  t += fmt::format(
      "[model.rpn]\n# One size a level, spanning the middle of the objects' sizes as the network sees them (x {:.2f}).\nanchor_sizes = "
      "{}\n",
      sizing.scale, list(anchor_sizes(o, sizing.scale)));
  t += fmt::format("# Height / width of 15%, 50%, 85% of the objects.\nanchor_ratios = {}\n", list(anchor_ratios(o)));
  t += "\n[train]\nbudget = \"1h\"                           # of the whole command; or epochs = …, or iterations = …\n";
  recipe_from_toml(t, options.name);  // whatever was measured, the recipe can be read
  return t;
}

}  // namespace mr
