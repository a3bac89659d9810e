// From an image to feature maps. What is behind a backbone knows it by its levels alone, so that a
// single map (C4, VGG's conv5) and a pyramid serve the same heads.
#pragma once

#include <string>
#include <vector>

#include "autograd/var.h"

namespace mr {

// A map that a backbone gives, known when the network is made.
struct Level {
  std::string name;  // "P2"
  int stride = 1;    // pixels of the input that a cell covers, along each axis
  int64_t channels = 0;
  bool for_rois = true;  // false: only proposals are made on it (P6)
};

struct Features {
  std::vector<Var> maps;     // [N, H/stride, W/stride, C], finest first
  std::vector<int> strides;  // of each map, in pixels of the input
};

class Backbone {
 public:
  virtual ~Backbone() = default;
  virtual const std::vector<Level>& levels() const = 0;  // finest first
  virtual int divisor() const = 0;                       // the sides of images are multiples of it
  // Values of its maps that are in memory at the same time, a pixel of the input, at least.
  virtual double values() const = 0;
  virtual double norm_epsilon() const { return 1e-5; }  // of its norms, where it has any
  virtual Features operator()(const Var& images, bool training) const = 0;
};

}  // namespace mr
