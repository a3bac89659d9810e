// A small Cityscapes folder of drawn scenes.
#pragma once

#include <filesystem>
#include <string>

#include "data/export/cityscapes_writer.h"
#include "data/scenes/scene_dataset.h"
#include "tests/folder.h"

namespace mr::test {

inline SceneDataset drawn_scenes(int64_t images, int64_t first = 7) {
  SceneOptions o;
  o.images = images, o.first = first, o.height = 80, o.width = 144, o.min_pixels = 20;
  return SceneDataset(o);
}

// A split of drawn scenes in each of two cities, "aachen" and "bochum".
struct DrawnCity {
  Folder folder;
  std::string root = folder / "cityscapes";

  explicit DrawnCity(int64_t images = 2, const std::string& split = "train") { add(split, images); }
  void add(const std::string& split, int64_t images) const {
    write_cityscapes(drawn_scenes(images), root, split, "aachen");
    write_cityscapes(drawn_scenes(images, 7 + images), root, split, "bochum");
  }
  std::string image(const std::string& name, const std::string& split = "train") const {
    return root + "/leftImg8bit/" + split + "/" + name.substr(0, 6) + "/" + name + "_leftImg8bit.png";
  }
  std::string truth(const std::string& name, const std::string& ending = "_gtFine_instanceIds.png",
                    const std::string& split = "train") const {
    return root + "/gtFine/" + split + "/" + name.substr(0, 6) + "/" + name + ending;
  }
};

}  // namespace mr::test
