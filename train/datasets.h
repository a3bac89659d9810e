// The datasets of a recipe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/cache/held.h"
#include "data/coco/coco_dataset.h"
#include "data/dataset.h"
#include "train/classes.h"
#include "train/recipe.h"

namespace mr {

enum class Split : uint8_t { train, val };

// Errors: files that are missing or wrong; a class of the recipe that the annotations lack.
// Masks are read where the recipe's model needs them (Traits), or as `masks` says.
std::shared_ptr<const Dataset> open_dataset(const Recipe& recipe, Split split, std::optional<bool> masks = {});
std::shared_ptr<const Dataset> open_coco(const Recipe& recipe, const std::string& annotations, const std::string& images, bool keep_empty,
                                         const std::optional<CocoPart>& part = {}, std::optional<bool> masks = {});
bool has_split(const Recipe& recipe, Split split);

// `path` of the recipe's data, below data.root unless it is absolute.
std::string path_of(const Recipe& recipe, const std::string& path);

// Cityscapes' folder `root`, read as data.cityscapes of the recipe says.
std::shared_ptr<const Dataset> open_cityscapes(const Recipe& recipe, const std::string& root, const std::vector<std::string>& splits,
                                               bool keep_empty = true);

// The COCO file of a split.
std::string annotation_file(const Recipe& recipe, Split split);

// The key of a recipe that says where its objects to learn from are stated, for messages.
const char* object_key(const Recipe& recipe);
// The key of a recipe that names the images of a split, for messages, and their folder.
const char* image_key(const Recipe& recipe, Split split);
std::string image_folder(const Recipe& recipe, Split split);
std::string training_annotations(const Recipe& recipe);  // the file; empty where the data is no such file

// Looks at the image files: that they are there, and at as many headers as data.check_seconds allows (data/coco/image_check.h). Returns
// what to tell the user. Errors: files that are missing: how many, the first of them, and what may be the cause; files that cannot be used,
// unless data.corrupt_images skips them. `key`: where `folder` was named.
std::vector<std::string> check_image_files(const Dataset& dataset, const std::string& key, const std::string& folder,
                                           const DataConfig& data);

// Returns what to tell the user: classes without an example. Errors: no object to learn from. `key`: where the annotations were named.
std::vector<std::string> check_objects(const Dataset& dataset, const std::string& key);

// The dataset seen with other labels (match_classes): an object of a class that is not in `classes` is left out.
// Errors: none of the dataset's classes is known; a name that stands several times.
std::shared_ptr<const Dataset> relabelled(std::shared_ptr<const Dataset> dataset, const Classes& classes);
// Training pictures as data.reduce says. `cache`: of open_cache, or null.
std::shared_ptr<const HeldPictures> held(const Recipe& recipe, std::shared_ptr<const Dataset> dataset,
                                         std::shared_ptr<PictureCache> cache = nullptr);
// data.cache; null: none is wanted.
std::shared_ptr<PictureCache> open_cache(const Recipe& recipe);

// Every n-th sample, so that `count` remain, evenly spread; all where count is 0 or more than there are.
std::shared_ptr<const Dataset> subset(std::shared_ptr<const Dataset> dataset, int64_t count);

}  // namespace mr
