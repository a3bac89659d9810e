// Data and weights as a user of recipe new brings them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json_text.h"
#include "models/weights/safetensors.h"
#include "tests/folder.h"
#include "tests/train/weights_files.h"
#include "train/recipe.h"
#include "train/recipe_new.h"

namespace mr::test {

struct BoxOf {
  int category = 1;
  int width = 40, height = 40;
};

// Grey pictures and their annotations: image i has the objects of boxes[i % boxes.size()].
inline NewRecipeOptions pictures(const Folder& folder, int images, const std::vector<std::vector<BoxOf>>& boxes,
                                 const std::string& sub = "data", int width = 160, int height = 120) {
  std::filesystem::create_directories(folder / (sub + "/images"));
  JsonWriter j;
  j.object().key("images").array();
  for (int i = 0; i < images; ++i) {
    const std::string name = "p" + std::to_string(i) + ".pgm";
    folder.write(sub + "/images/" + name, "P5\n" + std::to_string(width) + " " + std::to_string(height) + "\n255\n" +
                                              std::string(static_cast<size_t>(width) * static_cast<size_t>(height), 'x'));
    j.object().field("id", 10 + i).field("width", width).field("height", height).field("file_name", name).end();
  }
  j.end().key("categories").array();
  for (int c = 1; c <= 2; ++c) j.object().field("id", c).field("name", c == 1 ? "cat" : "dog").end();
  j.end().key("annotations").array();
  int id = 0;
  for (int i = 0; i < images; ++i)
    for (const BoxOf& b : boxes[static_cast<size_t>(i) % boxes.size()]) {
      const std::vector<int> corners = {8, 8, 8 + b.width, 8, 8 + b.width, 8 + b.height, 8, 8 + b.height};
      j.object().field("id", ++id).field("image_id", 10 + i).field("category_id", b.category).field("area", b.width * b.height);
      j.key("bbox").list(std::vector<int>{8, 8, b.width, b.height}).key("segmentation").array().list(corners).end().end();
    }
  j.end().end();
  NewRecipeOptions o;
  o.annotations = folder.write(sub + "/train.json", j.take());
  o.images = folder / (sub + "/images");
  return o;
}

inline const std::vector<std::vector<BoxOf>> two_classes = {{{1, 40, 40}}, {{2, 44, 40}, {1, 40, 42}}};

// Lines that were wrapped, as one.
inline std::string flat(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n' || c == '#';
    if (!blank || !out.ends_with(' ')) out += blank ? ' ' : c;
  }
  return out;
}

inline Recipe made(const NewRecipeOptions& o, const std::vector<std::string>& assignments = {}) {
  return recipe_from_toml(new_recipe(o).toml, "mine.toml", assignments);
}

inline std::string detector_file(const Folder& folder, int64_t depth, int64_t classes, bool masks = true) {
  ModelConfig c = narrow(depth, classes);
  set_masks(rcnn(c), masks);
  save_weights(make_rcnn(c, 5)->parameters(), folder / "detector.safetensors", {});
  return folder / "detector.safetensors";
}

inline std::string classifier_file(const Folder& folder, int64_t depth, int64_t labels) {
  write_safetensors(folder / "resnet.safetensors", {}, as_classifier(in_memory(narrow(depth, 1)), labels).tensors);
  return folder / "resnet.safetensors";
}

}  // namespace mr::test
