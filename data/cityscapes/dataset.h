// Cityscapes' folders, as a Dataset: images of one or several splits by name, their instances of
// the eight classes.
//
//   labels 1 … 8     person, rider, car, truck, bus, train, motorcycle, bicycle; category ids are
//                    Cityscapes' label ids
//   instances        ids 1000 · label + n; a group (its label's id alone) is a crowd, one a class
//                    and image
//   object ids       100000 · image id + instance id;  image ids 1, 2, … in the order of the splits
//                    and of the names in them
//   caravans and trailers, which are not evaluated, are background
//
// The masks are disjoint, and exact: what a pixel shows is one thing. For evaluation by COCO's
// figures (truth) all objects stand, also those below `min_pixels`.
//
// errors: of the folders (data/cityscapes/folders.h); an image without ground truth, or the other
// way round, as where a city is half unpacked: how many, and the first; of the maps
// (data/cityscapes/instance_map.h); an image of another size than its map (ImageError).
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "data/cityscapes/folders.h"
#include "data/dataset.h"

namespace mr {

struct CityscapesOptions {
  std::vector<std::string> splits = {"train"};
  bool coarse = false;  // gtCoarse instead of gtFine
  CityscapesSource source = CityscapesSource::instance_ids;
  int64_t min_pixels = 0;  // training does without smaller objects
  bool keep_empty = true;  // images without any object that is not a crowd; to leave them out, all maps are read
};

class CityscapesDataset : public Dataset {
 public:
  CityscapesDataset(const std::string& root, const CityscapesOptions& options);
  // Of splits that were looked up; what has no other half is left out.
  CityscapesDataset(std::vector<CityscapesSplit> splits, const CityscapesOptions& options);
  ~CityscapesDataset() override;

  int64_t size() const override { return static_cast<int64_t>(frames_.size()); }
  const std::vector<std::string>& class_names() const override;
  std::vector<int64_t> category_ids() const override;
  ImageInfo info(int64_t index) const override;  // reads the map's header, once
  std::vector<Instance> instances(int64_t index) const override;
  Sample sample(int64_t index) const override;
  std::vector<CocoObject> truth(int64_t index, bool masks) const override;
  std::vector<uint16_t> instance_ids(int64_t index) const override;
  std::vector<std::string> notes() const override;  // splits that are not whole

  const CityscapesFrame& frame(int64_t index) const { return frames_.at(static_cast<size_t>(index)); }
  const std::vector<std::string>& splits() const { return options_.splits; }
  bool coarse() const { return options_.coarse; }

 private:
  std::vector<Instance> objects(int64_t index, int64_t min_pixels) const;

  CityscapesOptions options_;
  std::vector<CityscapesFrame> frames_;
  std::vector<int64_t> split_sizes_;
  std::unique_ptr<std::atomic<uint64_t>[]> sizes_;  // height · 2^32 + width of the maps; 0: not looked at yet
};

}  // namespace mr
