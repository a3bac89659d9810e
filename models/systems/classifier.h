// A network that names what a whole image shows: how the trunks of detectors are trained, and
// checked.
//
//   ResNet   image → C5 → mean over the map → fc                                       z [N,K]
//   VGG-16   image 224×224 → conv5_3 → 2×2 max pool → fc6 4096 → fc7 4096 → fc8        z [N,K]
//
//   L = Σ_n −log softmax(z_n)[k_n] / N          k_n: the class of image n, which is that of its first object
//
// The classes are those of the objects, without a background. In prediction the five most likely
// classes are found, each with the whole image as its box. Parameters carry torchvision's names
// (resnet50, vgg16): conv1.weight … fc.bias, features.0.weight … classifier.6.bias.
#pragma once

#include <memory>
#include <optional>

#include "models/config.h"
#include "models/system.h"

namespace mr {

// What dropout draws with, in training.
struct DropoutKey {
  uint64_t seed = 0, step = 0;
};

// From images [N,H,W,3] to the logits [N,K] of K classes.
class Trunk {
 public:
  virtual ~Trunk() = default;
  virtual int divisor() const = 0;          // the sides of images are multiples of it
  virtual double norm_epsilon() const = 0;  // of its norms
  virtual double values() const = 0;        // of its first maps, a pixel of the image
  virtual Var operator()(const Var& images, const std::optional<DropoutKey>& training) const = 0;
};

class Classifier : public System {
 public:
  // Its parameters are not packed yet. Errors: a field that no model can be built with.
  Classifier(const ClassifierConfig& config, int64_t classes);

  Parameters& parameters() override { return parameters_; }
  Traits traits() const override;
  // Errors: on the CPU, an image without an object.
  Losses losses(const DeviceBatch& batch) override;
  Found detect(const DeviceBatch& batch) const override;

 private:
  Parameters parameters_;
  std::unique_ptr<Trunk> trunk_;
  int64_t classes_;
};

}  // namespace mr
