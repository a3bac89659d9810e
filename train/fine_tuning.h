// What pretrained weights decide of a new recipe: network, pixels, anchors, norms, frozen stages, learning rate.
#pragma once

#include <string>
#include <vector>

#include "train/recipe_text.h"
#include "train/weights_recipe.h"

namespace mr {

class FineTuning {
 public:
  // Errors: weights of a network that no recipe can build, or that are no ResNet's.
  FineTuning(const std::string& path, RenameTexts renames);

  bool detector() const { return architecture_.detector; }  // with a pyramid, an RPN and heads; else a trunk alone
  std::string name() const;                                 // of the file, without its folders
  std::string base() const;                                 // the shipped recipe that fits best

  // The settings that the weights decide, with their reasons. Paths of `recipe` and its limits are left alone.
  // Errors: tensors that the recipe's model has in another shape.
  std::vector<Choice> decide(Recipe& recipe, const std::vector<std::string>& classes, bool masks) const;

 private:
  int64_t depth() const;  // of the ResNet
  Choice decide_network(Recipe& recipe, bool masks) const;
  Choice decide_norms(Recipe& recipe) const;
  Choice pixels() const;
  Choice decide_rate(Recipe& recipe) const;
  Choice decide_rows(Recipe& recipe, const std::vector<std::string>& classes) const;

  WeightFile file_;
  RenameTexts renames_;
  Architecture architecture_;
};

}  // namespace mr
