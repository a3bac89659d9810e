// From pictures to the network's input: normalise, resize, pad, stack.
//
//   y[n,h,w,c] = (x/255 − mean[c]) / std[c]       (with `unit` off: (x − mean[c]) / std[c])
//
// The mean is subtracted before resizing and padding, so that the padding (right and below, zeros) is a mean-coloured border.
// For prediction the resize is that of torchvision's GeneralizedRCNNTransform: on the normalised f32 values, bilinear, half-pixel,
// no antialiasing, scale = in/out of the rounded size, in f32 and in its order of operations (equal to 1e-6).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/fields.h"
#include "data/dataset.h"
#include "data/transforms/pixel_rules.h"
#include "data/transforms/transforms.h"
#include "tensor/tensor.h"

namespace mr {
namespace gpu {
class Staged;
}

// Stored with the weights: what they were trained on.
struct Preprocess {
  std::vector<double> mean = {0.485, 0.456, 0.406}, std = {0.229, 0.224, 0.225};
  bool unit = true;
  bool bgr = false;
  int64_t min_side = 800, max_side = 1333;
  double enlarge = 1;
  int64_t size_divisor = 32;

  void visit(Fields& f) {
    f.field("mean", mean, "subtracted from each channel, in the order that the network sees");
    f.field("std", std, "divided by after that");
    f.field("unit", unit, "pixels as 0 ... 1; off: 0 ... 255");
    f.field("bgr", bgr, "blue first (detectron2's and Caffe's weights)");
    f.field("min_side", min_side, "prediction: length of the shorter side; 0: native size times enlarge");
    f.field("enlarge", enlarge, "prediction with min_side = 0: factor of both sides, for objects that are small where they come from");
    f.field("max_side", max_side, "prediction: unless the longer side would exceed this");
    f.field("size_divisor", size_divisor, "height and width are padded with zeros to a multiple of this");
  }
  void validate() const;
  Normalisation normalisation() const;
};

struct ImageBatch {
  Tensor images;                 // [N,H,W,3] f32
  std::vector<PixelSize> sizes;  // of each image before padding
};

// A sample on its way to the network. For a GPU the thread that loads it changes its objects, and the device its pixels.
struct InputSample : Sample {
  std::optional<PixelChange> pending = {};         // what the image is still to go through, as the objects have
  std::shared_ptr<const gpu::Staged> staged = {};  // image.rgb, from where a GPU can fetch it
};

// At their own sizes (training: the augmentation has set them). On a GPU, changes that a sample has pending are made there, as the pixels come over;
// on the CPU they are an error.
ImageBatch images_to_tensor(std::span<const Image* const> images, const Preprocess& p);
ImageBatch images_to_tensor(std::span<const InputSample> samples, const Preprocess& p, Device device = {});

// For a GPU: image.rgb is copied into pinned memory, by the thread that loads the sample, so that the one that trains has only to queue the upload.
void stage_image(InputSample& s, Device device);

// The size at which prediction looks at a picture of height × width.
PixelSize predicted_size(int height, int width, const Preprocess& p);
// The most pixels along each side that may become one before the network would see less of the picture.
int spare_reduction(int height, int width, const Preprocess& p);

// Resized by min_side, max_side and enlarge (prediction). A box of the result divided by (size / image size) is a box of the picture.
ImageBatch resize_to_tensor(std::span<const Image* const> images, const Preprocess& p, Device device = {});

// The same step by step, on arrays: [H,W,C] f32, any values.
Tensor normalised(const Image& image, const Preprocess& p);      // [H,W,3]
Tensor resize_bilinear(const Tensor& x, int height, int width);  // [H,W,C] → [height,width,C]
ImageBatch pad_and_stack(std::span<const Tensor> images, int64_t size_divisor);

}  // namespace mr
