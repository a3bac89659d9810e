// What a system is given: a batch, put together on the host and then brought to the device.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "geometry/mask.h"
#include "geometry/pixel_size.h"
#include "ops/boxes/lists.h"
#include "ops/boxes/mask_target.h"
#include "tensor/rng.h"
#include "tensor/tensor.h"

namespace mr {

// The ground truth of one image, in pixels of the network's input.
struct ImageTargets {
  Tensor boxes;                    // [G,4] f32
  Tensor labels;                   // [G] i32, 1 … K; 0 is background
  std::vector<CroppedMask> masks;  // G of them, or none where masks are not trained
};

struct HostBatch {
  Tensor images;                       // [N,H,W,3] f32, normalised, zero-padded right and below
  std::vector<PixelSize> sizes;        // of each image before padding
  std::vector<ImageTargets> targets;   // empty when predicting
  std::vector<int64_t> image_ids;      // for messages
  std::vector<Tensor> proposals = {};  // of each image [P,4] f32, best first, where they are given; empty: none are
  int64_t most_proposals = 0;          // so many of each are used; 0: all
  uint64_t seed = 0, step = 0;         // key of the random sampling of anchors and RoIs

  // What image n's anchors or RoIs are sampled with; `what`: "rpn sample", "roi sample".
  Rng rng(const char* what, size_t n) const { return Rng(seed, what, step, static_cast<uint64_t>(image_ids[n])); }
  std::vector<Rng> rngs(const char* what) const {
    std::vector<Rng> all;
    for (size_t n = 0; n < image_ids.size(); ++n) all.push_back(rng(what, n));
    return all;
  }
};

// The RoIs that train a second stage.
struct RoISample {
  BoxList boxes;  // proposals and objects
  Tensor match;   // [N,room] i32 (ops/boxes/matcher.h)
  Tensor chosen;  // [N,S] i32, places among them (ops/boxes/sampler.h); −1: none
};

// What the random sampling of a training step chose. Given with a batch, it repeats another run's choice.
struct TrainingSample {
  Tensor anchors;  // [N,S] i32, of all levels (ops/boxes/sampler.h); −1: none
  RoISample rois;
};

// A batch as a system takes it: tensors where the parameters are, lists with one room for all images
// (ops/boxes/lists.h). Whatever changes from step to step is here, in the device's memory, so that a GPU can be
// given a recorded step with another batch.
class DeviceBatch {
 public:
  Tensor images;                // [N,H,W,3] f32
  Tensor sizes;                 // [N,2] i32: height, width of each image before padding
  BoxList proposals;            // [N,P,4] f32, cut to the images, best first; undefined where none are given
  BoxList objects;              // [N,G,4] f32, G a multiple of 16; undefined when predicting, as all below
  Tensor labels;                // [N,G] i32, −1 from the count on
  Tensor anchor_rng, roi_rng;   // [N,6] i32: the streams that anchors and RoIs are sampled with
  MaskTable masks;              // where masks are trained
  uint64_t seed = 0, step = 0;  // key of what is drawn on the way (dropout)

  std::vector<int64_t> image_ids;             // on the host, for messages
  std::optional<TrainingSample> chosen = {};  // none: the system draws a sample of its own

  // Queued on a GPU. Errors: images that are not [N,H,W,3], other numbers of sizes, targets or ids than of images; `with_masks`: an
  // object without a mask.
  DeviceBatch(const HostBatch& batch, bool with_masks, Device device);
  // The same memory with another batch, queued. False, and nothing is done: it has other shapes.
  bool refill(const HostBatch& batch);

 private:
  DeviceBatch(const HostBatch& batch, bool with_masks);  // the lists on the CPU, the images where they are
  std::vector<Tensor*> all();
};

}  // namespace mr
