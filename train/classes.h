// The classes that network, datasets and result files agree on, and how those of two lists belong together.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mr {

class Dataset;
struct Recipe;

// Labels 1 … K: names[k − 1] and category ids[k − 1]. Labels without a class (gaps of category ids) have an empty name and id 0.
struct Classes {
  std::vector<std::string> names;
  std::vector<int64_t> ids;

  int64_t size() const { return static_cast<int64_t>(names.size()); }
  int label_of(const std::string& name) const;  // the first of that name; 0: there is none
  bool operator==(const Classes&) const = default;
};

Classes classes_of(const Dataset& dataset);
// From the recipe's lists, or those of the dataset where they are empty.
// Errors: a class of the recipe that the annotations lack, or whose name is that of several of their categories.
Classes classes_of(const Recipe& recipe, const Dataset& dataset);
// From the recipe's lists alone.
Classes classes_of(const Recipe& recipe);
// Errors: an id that stands twice, so that two classes would be one. `where` begins the message.
void check_distinct_ids(const Classes& classes, const std::string& where);

// For each label of `model` the label in `data` that means the same, or 0: that with the same id and name; else that with the same name,
// where the name stands once in either list.
// Errors: a name that stands several times, so that it cannot be told which is meant; the message names the ids, and the setting that
// tells. `where` begins it.
std::vector<int> match_classes(const Classes& model, const Classes& data, const std::string& where);

// Under which ids results are written for annotations with the classes `data`: those of the match. A class that the annotations lack keeps
// its own; if that means another class there, for which cocoapi would take its detections, its label is in `left_out`.
struct ResultIds {
  std::vector<int64_t> ids;  // of labels 1 … K
  std::vector<int> left_out;
};
ResultIds result_ids(const Classes& model, const Classes& data, const std::string& where);

// What a person should know of that match: classes without a counterpart on either side, and ids that mean two things. Empty: nothing.
std::string describe_mismatch(const Classes& model, const Classes& data, const std::vector<int>& match);

}  // namespace mr
