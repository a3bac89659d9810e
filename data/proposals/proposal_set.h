// Boxes proposed for the pictures of a dataset beforehand: what a Fast R-CNN looks at.
//
//   ProposalSet set = read_proposals("proposals.safetensors");       // train/proposal_files.h
//   dataset = with_proposals(dataset, std::make_shared<…>(set), "data.proposals");
//
// Boxes are in continuous coordinates of the whole picture, pixel i covers [i, i + 1); best first.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace mr {

class ProposalSet {
 public:
  explicit ProposalSet(std::string source) : source_(std::move(source)) {}

  // They are put in order; of equal scores the earlier stays before. size: of the picture, where it
  // is known. Errors: the image has some already; a box or score that is not finite, or no extent.
  void add(int64_t image_id, std::vector<ProposedBox> boxes, std::optional<PixelSize> size = {});

  const std::string& source() const { return source_; }  // the file, for messages
  int64_t images() const { return static_cast<int64_t>(of_image_.size()); }
  int64_t boxes() const { return static_cast<int64_t>(boxes_.size()); }
  bool has(int64_t image_id) const { return of_image_.contains(image_id); }
  std::vector<int64_t> image_ids() const;  // rising
  // None for an image that has none.
  std::span<const ProposedBox> of(int64_t image_id) const;
  std::optional<PixelSize> size_of(int64_t image_id) const;

  // Of ids, boxes and scores, whatever file they came from: 16 hexadecimal digits. Runs on the same
  // proposals tell the same.
  std::string hash() const;

 private:
  struct Entry {
    size_t begin = 0, end = 0;
    std::optional<PixelSize> size;
  };
  std::string source_;
  std::vector<ProposedBox> boxes_;
  std::map<int64_t, Entry> of_image_;
};

// The dataset with these proposals. null: the dataset as it is.
// Errors, under `key`, which named the file: an image without proposals; proposals of a picture of
// another size, or a box that lies outside of its picture by more than a pixel.
std::shared_ptr<const Dataset> with_proposals(std::shared_ptr<const Dataset> dataset, std::shared_ptr<const ProposalSet> proposals,
                                              const std::string& key);

// The share of a dataset's objects (not crowds) that some of the first `most` proposals of their
// image overlaps by an IoU of at least `least`; 0 without objects.
double recall(const Dataset& dataset, const ProposalSet& proposals, double least, int64_t most);

}  // namespace mr
