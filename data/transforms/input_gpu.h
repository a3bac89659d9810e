// The network's input made on a GPU from the bytes of pictures: one thread a pixel goes back through flips, turns and resize to the picture as it
// was read, with the CPU's rules (pixel_rules.h) and bits. Queued on compute_stream(); the pictures may change at once.
#pragma once

#include <span>

#include "data/transforms/input.h"

namespace mr::gpu {

class Staged;

struct Picture {
  const Image* image;
  PixelChange change;
  const Staged* staged = nullptr;  // its bytes in pinned memory, where they are there already
};

// → y [N,H,W,3] f32 on the device, zeros where a picture does not reach. For training: each changed as it says.
void changed_images(std::span<const Picture> pictures, const Normalisation& normalisation, const Tensor& y);
// For prediction: normalised, then resized in f32 to the size that the change says; it says no more than that.
void resized_images(std::span<const Picture> pictures, const Normalisation& normalisation, const Tensor& y);

}  // namespace mr::gpu
