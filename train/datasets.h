// The datasets of a recipe, and the labels that network, datasets and result files agree on.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "train/recipe.h"

namespace mr {

// Labels 1 … K: names[k − 1] and category ids[k − 1]. Labels without a class (gaps of category ids) have an empty name and id 0.
struct Classes {
  std::vector<std::string> names;
  std::vector<int64_t> ids;

  int64_t size() const { return static_cast<int64_t>(names.size()); }
  int label_of(const std::string& name) const;  // 0: there is none
};

enum class Split : uint8_t { train, val };

// Errors: files that are missing or wrong; a class of the recipe that the annotations lack; data.kind = "cityscapes" (not readable yet).
std::shared_ptr<const Dataset> open_dataset(const Recipe& recipe, Split split);
std::shared_ptr<const Dataset> open_coco(const Recipe& recipe, const std::string& annotations, const std::string& images, bool keep_empty);
bool has_split(const Recipe& recipe, Split split);

// Looks that the image files are there, and opens none. Errors: how many are missing, and the first of them. `key`: where the folder is named.
void check_image_files(const Dataset& dataset, const std::string& key);

// From the recipe's lists, or those of the dataset where they are empty.
Classes classes_of(const Recipe& recipe, const Dataset& dataset);
// From the recipe's lists alone.
Classes classes_of(const Recipe& recipe);
// Errors: an id that stands twice, so that two classes would be one. `where` begins the message.
void check_distinct_ids(const Classes& classes, const std::string& where);

// The dataset seen with other labels, matched by name: an object of a class that is not in `classes` is left out.
// Errors: none of the dataset's classes is known.
std::shared_ptr<const Dataset> relabelled(std::shared_ptr<const Dataset> dataset, const Classes& classes);
// Every n-th sample, so that `count` remain, evenly spread; all where count is 0 or more than there are.
std::shared_ptr<const Dataset> subset(std::shared_ptr<const Dataset> dataset, int64_t count);

}  // namespace mr
