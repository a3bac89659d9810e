// From loaded samples to what a System takes: the one place where batches for training are put
// together and brought to the device.
#pragma once

#include "data/loader/loader.h"
#include "models/system.h"
#include "train/recipe.h"

namespace mr {

// What a System needs of the batches that train it.
struct BatchNeeds {
  bool masks = true;  // Traits::masks
  int64_t rois = 0;   // Traits::rois, for the fullest batch
  int64_t given = 0;  // Traits::given, in training
  Device device = {};
};
BatchNeeds needs_of(System& system);

// Images normalised, padded and stacked; crowds left out of the targets. Sampling is keyed by
// (seed, number of the batch).
DeviceBatch training_batch(const BatchOf<InputSample>& loaded, const Preprocess& preprocess, uint64_t seed, const BatchNeeds& needs);

// Batches of the recipe's training data from number `first` on, one a call: of each the part that
// this member of the process_group() takes. `skipped` hears of images that could not be decoded.
// For a GPU the loader changes boxes and masks, and the device the pixels.
std::function<DeviceBatch()> training_batches(const Recipe& recipe, std::shared_ptr<const Dataset> dataset, int64_t first,
                                              std::function<void(const std::string&)> skipped, const BatchNeeds& needs);

// The batch that takes most memory: as large as the recipe can make the largest images of the data,
// and with so many objects an image that the second stage gets all the positive RoIs that it may
// sample. Black, and of class 1: for rehearsing a step, not for learning.
DeviceBatch fullest_batch(const Recipe& recipe, const Dataset& dataset, const BatchNeeds& needs);

}  // namespace mr
