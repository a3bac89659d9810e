// A Dataset that passes on what another holds: the base of those that change a part of it.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"
#include "data/eval/coco_eval.h"

namespace mr {

class View : public Dataset {
 public:
  explicit View(std::shared_ptr<const Dataset> from) : from_(std::move(from)) {}
  int64_t size() const override { return from_->size(); }
  const std::vector<std::string>& class_names() const override { return from_->class_names(); }
  std::vector<int64_t> category_ids() const override { return from_->category_ids(); }
  ImageInfo info(int64_t i) const override { return from_->info(i); }
  std::vector<Instance> instances(int64_t i) const override { return from_->instances(i); }
  Sample sample(int64_t i) const override { return from_->sample(i); }
  std::vector<CocoObject> truth(int64_t i, bool masks) const override { return from_->truth(i, masks); }
  std::vector<uint16_t> instance_ids(int64_t i) const override { return from_->instance_ids(i); }
  std::vector<ProposedBox> proposals(int64_t i) const override { return from_->proposals(i); }
  std::vector<ObjectCount> object_counts() const override { return from_->object_counts(); }
  std::vector<std::string> notes() const override { return from_->notes(); }

 protected:
  std::shared_ptr<const Dataset> from_;
};

}  // namespace mr
