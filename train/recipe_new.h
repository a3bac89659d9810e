// A recipe for the user's own data, from random weights or from pretrained ones.
//
//   from the data         classes, image sizes, limits of what is found; anchors, where the weights have no RPN; images to evaluate on
//   from the weights      the network, its norms, pixels, anchors and RoIAlign as they were trained; which stages stay as they are; the
//                         learning rate of a fine-tuning (train/weights_recipe.h tells what a file is for)
//   from the base         the rest
//
// Every choice stands in the file under the numbers that it follows from. Paths are relative to data.root.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace mr {

struct NewRecipeOptions {
  std::string annotations, images;          // COCO file and its folder
  std::string val_annotations, val_images;  // to evaluate on; val_images empty: `images`
  std::optional<double> val_share;  // without val_annotations: share of the images that is set apart; nullopt: a tenth of 20 or more
  std::string name = "mine";
  std::string base;                 // a shipped recipe or a TOML file; empty: the one that fits the weights, or by the number of objects
  std::string init;                 // weights to start from; empty: random
  std::vector<std::string> rename;  // of their names, "FROM=TO"
  bool masks = true;                // false: a detector of boxes; the annotations may be without masks
};

struct NewRecipe {
  std::string toml;
  std::string told;  // what was decided, for the console
};

// Errors: annotations, of training or evaluation, that cannot be read; image files of theirs that are missing; no object; weights of a
// network that no recipe can build, or that are no ResNet's.
NewRecipe new_recipe(const NewRecipeOptions& options);

}  // namespace mr
