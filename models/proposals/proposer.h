// Where the boxes come from that the heads look at.
#pragma once

#include "models/backbones/backbone.h"
#include "models/system.h"

namespace mr {

struct Proposed {
  BoxList boxes;       // of each image, best first
  Losses losses = {};  // of the proposer itself, in training
  Tensor scores = {};  // [N,room] f32 in prediction: by what they are ranked; undefined where they are given
};

class Proposer {
 public:
  virtual ~Proposer() = default;
  virtual std::vector<std::string> names() const = 0;  // of its losses
  virtual int64_t channels() const { return 0; }       // of the map that it makes of each of the backbone's
  virtual GivenBoxes given() const { return {}; }      // that it wants of the data
  virtual Proposed train(const Features& f, const DeviceBatch& batch) const = 0;
  virtual Proposed predict(const Features& f, const DeviceBatch& batch) const = 0;
};

}  // namespace mr
