// Proposals as they are made by one network and given to another.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/proposals/proposal_set.h"
#include "data/transforms/input.h"
#include "models/system.h"
#include "train/datasets.h"

namespace mr {

struct Detector;

// The key of a recipe that names the file of a split: data.proposals, data.val_proposals.
const char* proposals_key(Split split);

// The dataset with the proposals that the recipe names for it, where a network of these traits wants
// them, and a line about them with their hash; as it is, and no line, where it makes its own.
// Errors: none are named, or named for a network that makes its own; whatever read_proposals and
// with_proposals find.
struct GivenDataset {
  std::shared_ptr<const Dataset> dataset;
  std::string about;
};
GivenDataset with_given(const Recipe& recipe, const Traits& traits, Split split, std::shared_ptr<const Dataset> dataset);

// The best `most` as [P,4] f32; from pixels of a picture of size `from` to those of `to`.
Tensor boxes_of(std::span<const ProposedBox> proposals, int64_t most);
Tensor boxes_of(std::span<const ProposedBox> proposals, int64_t most, PixelSize from, PixelSize to);

// Pictures as prediction sees them: resized, normalised, padded.
HostBatch predicted_batch(std::span<const Image* const> images, const Preprocess& preprocess, Device device);

// What the network proposes for each picture, the best `most`, in pixels of the picture.
// Errors: a network that makes no proposals.
std::vector<std::vector<ProposedBox>> propose(const Detector& detector, std::span<const Image* const> images, int64_t most);
// The same for all of a dataset; `progress` hears of each image.
ProposalSet propose(const Detector& detector, std::shared_ptr<const Dataset> dataset, int64_t most,
                    const std::function<void(int64_t done, int64_t of)>& progress = {});

}  // namespace mr
