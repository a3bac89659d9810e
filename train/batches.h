// From loaded samples to what a System takes.
#pragma once

#include "data/loader/loader.h"
#include "models/system.h"
#include "train/recipe.h"

namespace mr {

// Images normalised, padded and stacked, on `device`; crowds left out of the targets. Sampling is keyed by (seed, number of the batch).
Batch training_batch(const LoadedBatch& loaded, const Preprocess& preprocess, uint64_t seed, Device device = {});

// Batches of the recipe's training data from number `first` on, one a call. `skipped` hears of images that could not be decoded. For a GPU the
// loader changes boxes and masks, and the device the pixels.
std::function<Batch()> training_batches(const Recipe& recipe, std::shared_ptr<const Dataset> dataset, int64_t first,
                                        std::function<void(const std::string&)> skipped, Device device = {});

// The batch that takes most memory: as large as the recipe can make the largest images of the data, and with so many objects an image that
// the second stage gets all the positive RoIs that it may sample. Black, and of class 1: for rehearsing a step, not for learning.
Batch fullest_batch(const Recipe& recipe, const Dataset& dataset);

}  // namespace mr
