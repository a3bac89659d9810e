// What a detector is to the rest of the program: its parameters, losses on a batch, what it finds in a batch.
// A backbone returns Features; C4, C5, VGG and FPN fit without a special case.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "autograd/var.h"
#include "geometry/mask.h"
#include "models/parameters.h"
#include "ops/boxes/lists.h"
#include "ops/boxes/mask_target.h"
#include "tensor/rng.h"

namespace mr {

struct Features {
  std::vector<Var> maps;     // [N, H/stride, W/stride, C], finest first
  std::vector<int> strides;  // of each map, in pixels of the input
};

// The ground truth of one image, in pixels of the network's input.
struct ImageTargets {
  Tensor boxes;                    // [G,4] f32
  Tensor labels;                   // [G] i32, 1 … K; 0 is background
  std::vector<CroppedMask> masks;  // G of them, or none where masks are not trained
};

struct ImageSize {
  int height = 0, width = 0;
};

struct Batch {
  Tensor images;                      // [N,H,W,3] f32, normalised, zero-padded right and below
  std::vector<ImageSize> sizes;       // of each image before padding
  std::vector<ImageTargets> targets;  // empty when predicting
  std::vector<int64_t> image_ids;     // for messages
  uint64_t seed = 0, step = 0;        // key of the random sampling of anchors and RoIs

  // What image n's anchors or RoIs are sampled with; `what`: "rpn sample", "roi sample".
  Rng rng(const char* what, size_t n) const { return Rng(seed, what, step, static_cast<uint64_t>(image_ids[n])); }
  std::vector<Rng> rngs(const char* what) const {
    std::vector<Rng> all;
    for (size_t n = 0; n < image_ids.size(); ++n) all.push_back(rng(what, n));
    return all;
  }
};

struct NamedLoss {
  std::string name;  // "rpn_objectness", "rpn_box", "class", "box", "mask"
  Var value;         // one number, f32
};

// Σ weightᵢ · lossᵢ (ops/loss/weighted_sum.h): what is minimised. weights: [n] f32 where the model is; none: all 1.
Var total_loss(const std::vector<NamedLoss>& losses, const Tensor& weights = {});

// A batch as the network takes it: tensors where the parameters are, lists with one room for all images (ops/boxes/lists.h). Whatever changes
// from step to step is here, in the device's memory, so that a GPU can be given a recorded step with another batch.
class DeviceBatch {
 public:
  Tensor images;               // [N,H,W,3] f32
  Tensor sizes;                // [N,2] i32: height, width of each image before padding
  BoxList objects;             // [N,G,4] f32, G a multiple of 16; undefined when predicting, as all below
  Tensor labels;               // [N,G] i32, −1 from the count on
  Tensor anchor_rng, roi_rng;  // [N,6] i32: the streams that anchors and RoIs are sampled with
  MaskTable masks;             // where masks are trained

  // Queued on a GPU. Errors: images that are not [N,H,W,3], other numbers of sizes, targets or ids than of images; `with_masks`: an
  // object without a mask.
  DeviceBatch(const Batch& batch, bool with_masks, Device device);
  // The same memory with another batch, queued. False, and nothing is done: it has other shapes.
  bool refill(const Batch& batch);

 private:
  DeviceBatch(const Batch& batch, bool with_masks);  // the lists on the CPU, the images where they are
  std::vector<Tensor*> all();
};

// What a system found in a batch, best score first, in pixels of the network's input.
struct Found {
  BoxList boxes;  // [N,D,4] f32
  Tensor scores;  // [N,D] f32
  Tensor labels;  // [N,D] i32, 1 … K; −1 from the count on
  Tensor masks;   // [R,M,M] f32, probabilities inside the box, of the rows of boxes (to_rows); undefined without a mask head
};

// The same of one image, on the CPU.
struct Detections {
  Tensor boxes;   // [D,4] f32
  Tensor scores;  // [D] f32
  Tensor labels;  // [D] i32, 1 … K
  Tensor masks;   // [D,M,M] f32; undefined without a mask head
};

std::vector<Detections> read(const Found& found);  // waits for the device, once

class System {
 public:
  virtual ~System() = default;
  virtual Parameters& parameters() = 0;
  virtual bool trains_masks() const = 0;
  virtual std::vector<NamedLoss> losses(const DeviceBatch& batch) = 0;
  virtual Found detect(const DeviceBatch& batch) const = 0;

  // The same of a batch that is not on the device yet.
  std::vector<NamedLoss> losses(const Batch& batch);
  std::vector<Detections> predict(const Batch& batch);
};

}  // namespace mr
