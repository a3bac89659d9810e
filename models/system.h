// What a network is to the rest of the program: its parameters, what it needs and gives, the losses of a
// batch, and what it finds in a batch. It runs where its parameters are (Parameters::move_to); on a GPU
// losses() and detect() queue their work and return.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "autograd/var.h"
#include "models/batch.h"
#include "models/parameters.h"

namespace mr {

struct NamedLoss {
  std::string name;  // one of Traits::losses
  Var value;         // one number, f32
};
using Losses = std::vector<NamedLoss>;

// Σ weightᵢ · lossᵢ (ops/loss/weighted_sum.h): what is minimised. weights: [n] f32 where the model is; none: all 1.
Var total_loss(const Losses& losses, const Tensor& weights = {});

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

// Boxes that come with each image, so many at most; 0: the system makes its own.
struct GivenBoxes {
  int64_t train = 0, test = 0;
};

// What a system needs of the data, and what it gives.
struct Traits {
  bool masks = false;               // trains and predicts a mask for each object
  bool classifies = false;          // names the class of the whole image, and finds no objects in it
  GivenBoxes given = {};            // that it wants of the data
  int divisor = 1;                  // the sides of its input are multiples of it
  int64_t rois = 0;                 // RoIs of objects that an image can bring into the second stage, at most
  double norm_epsilon = 1e-5;       // of its norms, for weights that lack a variance (weights/load.h)
  double values = 0;                // of maps that are in memory at once, a pixel of the input, at least
  std::vector<std::string> losses;  // their names, in order
};

class System {
 public:
  virtual ~System() = default;
  virtual Parameters& parameters() = 0;
  virtual Traits traits() const = 0;
  virtual Losses losses(const DeviceBatch& batch) = 0;
  virtual Found detect(const DeviceBatch& batch) const = 0;
};

// The batch where the system is, with masks where it trains them and the batch has targets.
DeviceBatch to_device(const HostBatch& batch, System& system);
// read(system.detect(…)) of it.
std::vector<Detections> predict(System& system, const HostBatch& batch);

}  // namespace mr
