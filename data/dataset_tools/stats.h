// A data set in numbers: how many images and objects, of which classes and sizes. What a recipe's sizes and anchors are chosen by.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace mr {

class Dataset;
struct ObjectCount;

struct DatasetStats {
  static constexpr std::array<int, 7> kPercents = {0, 5, 25, 50, 75, 95, 100};
  using Percentiles = std::array<double, 7>;  // at kPercents, the nearest value at or below; all 0 where there is nothing

  struct Class {
    std::string name;
    int64_t category_id = 0;
    int64_t objects = 0, crowds = 0, images = 0;  // images that hold one of its objects
    int64_t published = 0;                        // objects, by those who made the data, rounded; 0: not known
  };

  int64_t images = 0, empty_images = 0;      // empty: without an object that is not a crowd
  int64_t objects = 0, crowds = 0;           // objects: without the crowds; so in what follows
  int64_t small = 0, medium = 0, large = 0;  // stated area below 32², to 96², above
  Percentiles image_width = {}, image_height = {}, image_shorter = {}, image_longer = {};
  Percentiles object_width = {}, object_height = {}, object_side = {};  // of the boxes; side = √(width · height)
  Percentiles object_aspect = {};                                       // height / width
  Percentiles objects_per_image = {};
  std::vector<Class> classes;
  std::vector<std::string> notes;  // of the data set
};

DatasetStats dataset_stats(const Dataset& dataset);

// Why there is no object to learn from; empty where there is one, or it is not known (no counts).
std::string nothing_to_learn(const std::vector<ObjectCount>& counts);

std::string to_text(const DatasetStats& stats);
std::string to_json(const DatasetStats& stats);

}  // namespace mr
