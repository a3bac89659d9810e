// From loaded samples to what a System takes.
#pragma once

#include "data/loader/loader.h"
#include "models/system.h"
#include "train/recipe.h"

namespace mr {

// Images normalised, padded and stacked; crowds left out of the targets. Sampling is keyed by (seed, number of the batch).
Batch training_batch(const LoadedBatch& loaded, const Preprocess& preprocess, uint64_t seed);

// Batches of the recipe's training data from number `first` on, one a call. `skipped` hears of images that could not be decoded.
std::function<Batch()> training_batches(const Recipe& recipe, std::shared_ptr<const Dataset> dataset, int64_t first,
                                        std::function<void(const std::string&)> skipped);

}  // namespace mr
