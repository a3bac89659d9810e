// The objects' half of the transforms: boxes and masks of a picture of size `image`, which itself stays as it is.
#pragma once

#include <vector>

#include "data/dataset.h"
#include "data/pixel_change.h"

namespace mr {

inline PixelSize size_of(const Image& image) { return {image.height, image.width}; }

void flip_horizontal(std::vector<Instance>& objects, PixelSize image);
void flip_vertical(std::vector<Instance>& objects, PixelSize image);
void rotate90(std::vector<Instance>& objects, PixelSize image, int k);  // k of 0 … 3
void resize(std::vector<Instance>& objects, PixelSize image, PixelSize to);
void crop(std::vector<Instance>& objects, const Window& window, PixelSize to, int min_pixels);

// Boxes that go where the pixels go, cut to the result; those of which nothing is left are dropped.
Box changed(const Box& box, const PixelChange& change);
void change(std::vector<ProposedBox>& proposals, const PixelChange& change);

}  // namespace mr
