// A recipe made for the user's own data: classes, image sizes and anchors measured from it, each explained in the file.
#pragma once

#include <string>

namespace mr {

struct NewRecipeOptions {
  std::string annotations, images;          // COCO file and its folder
  std::string val_annotations, val_images;  // empty: no evaluation
  std::string name = "mine";
  std::string base;   // a shipped recipe; empty: chosen by the number of objects
  bool masks = true;  // false: a detector of boxes; the annotations may be without masks
};

// TOML. Errors: annotations, of training or evaluation, that cannot be read; image files of theirs that are missing; no object.
std::string new_recipe(const NewRecipeOptions& options);

}  // namespace mr
