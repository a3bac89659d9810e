// What a detector is to the rest of the program: its parameters, losses on a batch, predictions on a batch.
// A backbone returns Features; C4, C5, VGG and FPN fit without a special case.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "autograd/var.h"
#include "geometry/mask.h"
#include "models/parameters.h"
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

// The detections of one image, best score first, in pixels of the network's input.
struct Detections {
  Tensor boxes;   // [D,4] f32
  Tensor scores;  // [D] f32
  Tensor labels;  // [D] i32, 1 … K
  Tensor masks;   // [D,M,M] f32, probabilities inside the box; undefined without a mask head
};

// The same of N images, on a GPU: lists of fixed size.
struct DetectionList {
  Tensor boxes;   // [N,D,4] f32
  Tensor scores;  // [N,D] f32
  Tensor labels;  // [N,D] i32, −1 from the count on
  Tensor count;   // [N] i32
  Tensor masks;   // [N,D,M,M] f32; undefined without a mask head
};

std::vector<Detections> on_cpu(const DetectionList& list);  // waits for the device

class System {
 public:
  virtual ~System() = default;
  virtual Parameters& parameters() = 0;
  virtual std::vector<NamedLoss> losses(const Batch& batch) = 0;
  virtual std::vector<Detections> predict(const Batch& batch) = 0;
};

}  // namespace mr
