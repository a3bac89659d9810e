// What Cityscapes' authors say of their data, to compare a folder with.
#pragma once

#include <cstdint>
#include <string>

namespace mr {

class CityscapesDataset;
struct DatasetStats;

// Images of a split that is whole; 0: it is no split of Cityscapes.
int64_t cityscapes_published_images(const std::string& split);

// Instances of a label in the fine annotations of all training images, rounded to hundreds, as the
// Mask R-CNN paper counts them; 0: none of the eight classes.
int64_t cityscapes_published_instances(int label);

// Where the statistics are of the fine training split: each class's published instances go beside
// them.
void add_published(const CityscapesDataset& dataset, DatasetStats& stats);

}  // namespace mr
