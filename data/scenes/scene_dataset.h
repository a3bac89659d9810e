// Drawn street scenes in the style of Cityscapes: a road in perspective with its houses, trees, signs and light, and on it persons,
// riders, cars, trucks, buses, trains, motorcycles and bicycles that hide one another and are cut by the border, with exact masks.
// Scene i is a pure function of (options but `images`, i): any thread may ask for any scene in any order.
#pragma once

#include "data/dataset.h"
#include "data/scenes/scene.h"

namespace mr {

class SceneDataset : public Dataset {
 public:
  explicit SceneDataset(const SceneOptions& options);

  int64_t size() const override { return options_.images; }
  const std::vector<std::string>& class_names() const override;
  std::vector<int64_t> category_ids() const override;  // Cityscapes' label ids
  ImageInfo info(int64_t index) const override;
  std::vector<Instance> instances(int64_t index) const override;
  Sample sample(int64_t index) const override;

  // What a pixel shows, [H, W], as Cityscapes' instance ids: a label id (road 7, building 11 …), 1000 · label id + n for instance n
  // of its class, and the label id alone for an object that shows too little to be annotated.
  std::vector<uint16_t> instance_ids(int64_t index) const override;

 private:
  Sample draw(int64_t index, bool with_image) const;
  SceneOptions options_;
};

}  // namespace mr
