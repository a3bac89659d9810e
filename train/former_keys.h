// Keys that recipes had before, read as what they are called now: so that recipes, --set and the
// recipes in weights files and checkpoints that were written then go on to mean the same. This is the
// one place that knows them.
//
//   model.mask.enabled = false    model.mask.kind = "none"; the mask's other fields and losses.mask,
//                                 which such a recipe could state without effect, are left out
//   model.mask.enabled = true     model.mask.kind = "fcn"
//   model.fpn.…                   model.backbone.fpn.…
//   model.rpn.…                   model.proposals.…
//   model.rpn.sparse              left out: both of its values gave the same gradients
#pragma once

#include <string>
#include <vector>

#include "train/config.h"

namespace mr {

// `words`: gets a line for each kind of key that was found, with the place of the first and what it is
// called now; may be null.
void take_former_keys(std::vector<Setting>& settings, std::vector<std::string>* words);

}  // namespace mr
