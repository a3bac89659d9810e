// What a recipe's model is made of: for each part the map that comes out of it, its parameters, and the
// multiply-adds of its convolutions and linear layers for one image (tensor/work.h).
//
//   part                           output               parameters   multiply-adds
//   backbone.body.layer1           200×304×256             212,992           13 G
//   backbone.fpn.layer_blocks      200×304×256 … 25×38  …
//   roi_heads.mask_head            14×14×256 × 100 …       2,360,320          46 G
//
// A part is the name of its parameters up to the first number in it: the blocks of a stage and the
// convolutions of a head together. The constants of frozen norms and the statistics of others are no
// parameters here, nor are they in torchvision.
#pragma once

#include <string>
#include <vector>

#include "tensor/shape.h"
#include "train/recipe.h"

namespace mr {

struct ModelPart {
  std::string name;
  std::vector<Shape> out;     // as they came; none of a norm, which its convolution takes in
  int64_t parameters = 0;     // trained or frozen
  int64_t multiply_adds = 0;  // of one prediction
};

// In the order in which the model was put together; all that it has to do at most for an image of noise of
// this size, since objects of any score are found in it. Of every layer alone, or of parts.
std::vector<ModelPart> model_parts(const Recipe& recipe, int64_t height, int64_t width, bool every_layer);

std::string to_json(const std::vector<ModelPart>& parts);
std::string to_text(const std::vector<ModelPart>& parts);

}  // namespace mr
