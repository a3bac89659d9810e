// A COCO annotation file and its folder of images, as a Dataset.
//
// Images come by rising id; categories become labels 1 … K by rising id (ids may have gaps). Annotations keep the file's order.
// Masks are decoded when instances(i) asks for them. What the file must be: data/coco/coco_file.h.
//
// For training, boxes and masks are clipped to the image, and objects that it can do without are left out: those that the file's reader
// calls faulty, and those whose mask has no pixel within the image. For evaluation (truth) all stand as the file states them, as cocoapi
// has them.
//
// errors: those of the file, as "FILE: annotation 5 (image 7): bbox: …"; boxes that are not [x, y, width, height] in pixels
//         (data/coco/box_kind.h); an image that cannot be read, or whose size is not the file's (data/image/stated_size.h).
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "data/coco/coco_file.h"
#include "data/dataset.h"

namespace mr {

// One of the two parts into which a file's images are divided, drawn by their ids (data/dataset_tools/share.h).
struct CocoPart {
  double share = 0;  // of the images that are drawn
  uint64_t seed = 0;
  bool drawn = false;  // which part: those that are drawn, or the others
};

struct CocoOptions {
  bool keep_empty = true;                      // images without any object that is not a crowd
  bool masks = true;                           // false: boxes alone, Instance::mask stays empty
  FaultyObjects faulty = FaultyObjects::drop;  // stop: an object that training would do without is an error
  std::optional<CocoPart> part = {};           // nullopt: all images
};

// What training does without.
struct CocoLeftOut {
  int64_t objects = 0, masks = 0;  // masks that lose a part, but not all
  std::vector<std::string> first;  // of three records, as CocoProblem::line
};

class CocoDataset : public Dataset {
 public:
  CocoDataset(const std::string& annotations, const std::string& images, const CocoOptions& options = {});
  // `report` hears of objects without a pixel, which reading the file cannot tell.
  CocoDataset(CocoFile file, const std::string& images, const CocoOptions& options = {}, const CocoReport& report = {});

  int64_t size() const override { return static_cast<int64_t>(order_.size()); }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  std::vector<int64_t> category_ids() const override { return category_ids_; }
  ImageInfo info(int64_t index) const override;
  std::vector<Instance> instances(int64_t index) const override;
  Sample sample(int64_t index) const override;
  std::vector<CocoObject> truth(int64_t index, bool masks) const override;
  std::vector<ObjectCount> object_counts() const override;
  std::vector<std::string> notes() const override;

  int label_of(int64_t category_id) const;   // 0: there is no such category
  int64_t index_of(int64_t image_id) const;  // −1: there is no such image, or it was left out as empty
  const CocoLeftOut& left_out() const { return left_out_; }
  const CocoFile& file() const { return file_; }
  const std::vector<size_t>& annotations(int64_t index) const { return annotations_.at(static_cast<size_t>(index)); }  // places in the file

 private:
  void build(const CocoOptions& options, const CocoReport& report);
  std::unordered_set<int64_t> images_of(const CocoPart& part) const;
  void find_empty_masks(const CocoReport& report);
  void note(const CocoProblem& p);
  const CocoImage& image(int64_t index) const;

  CocoFile file_;
  std::string folder_;
  bool masks_ = true;
  CocoLeftOut left_out_;
  std::string last_noted_;  // record
  std::vector<std::string> class_names_;
  std::vector<int64_t> category_ids_;
  std::unordered_map<int64_t, int> labels_;
  std::unordered_map<int64_t, int64_t> indices_;  // of images
  std::vector<size_t> order_;                     // sample → image of the file
  std::vector<std::vector<size_t>> annotations_;  // sample → annotations of the file
};

}  // namespace mr
