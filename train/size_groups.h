// Images of one dataset on their way into batches for prediction: those whose input is padded to
// one size go together.
//
// An image's input ends in zeros up to a multiple of preprocess.size_divisor. In a batch of images
// of other sizes it would be padded further, and the layers' biases and norms would make something
// of these zeros that convolutions bring back over the image's border: its figures would change a
// little with its neighbours. Among images of one padded size they do not: each is found what it is
// found alone, up to the rounding of a product that sums in another order.
//
//   SizeGroups groups(4, preprocess);
//   for (…) if (const auto batch = groups.add(index, image); !batch.empty()) …
//   for (auto batch = groups.rest(); !batch.empty(); batch = groups.rest()) …
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "data/dataset.h"
#include "data/transforms/input.h"

namespace mr {

struct IndexedImage {
  int64_t index = 0;  // in the dataset
  Image image;
  std::vector<ProposedBox> proposals = {};
};

class SizeGroups {
 public:
  // Errors: a batch below 1.
  SizeGroups(int64_t batch, Preprocess preprocess);

  // A batch that the image makes full, or none. At most four batches of images wait: then those of
  // the size that most have go on, though fewer than a batch. So where all sizes differ, nothing is
  // gained.
  std::vector<IndexedImage> add(int64_t index, Image image, std::vector<ProposedBox> proposals = {});
  // What still waits, a batch a call; none at the end.
  std::vector<IndexedImage> rest();

 private:
  using Waiting = std::map<std::pair<int64_t, int64_t>, std::vector<IndexedImage>>;  // by padded height and width
  std::vector<IndexedImage> take(Waiting::iterator of);

  size_t batch_;
  Preprocess preprocess_;
  Waiting waiting_;
  size_t held_ = 0;
};

}  // namespace mr
