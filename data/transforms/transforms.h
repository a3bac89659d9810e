// Changes of a sample: image, boxes and masks together.
//
// Pixel i covers [i, i+1), so a flip maps x to W − x and a resize by s maps x to s·x. Images are resized bilinearly, half-pixel, without
// antialiasing (src = (dst + ½)·in/out − ½, clamped to the border); masks by their nearest pixel, src = ⌊(dst + ½)·in/out⌋. Only the part
// of a mask inside its crop is touched.
//
// Boxes follow the geometry of flips, turns and resizes as they stand in the annotation. A crop recomputes them from what is left
// of the mask: [xmin, ymin, xmax + 1, ymax + 1]. Instances without a mask get their box cut at the border.
// `area` is scaled by a resize; after a crop it is the number of mask pixels (or the area of the cut box).
// Proposals go where the pixels go, cut at the border.
// `info` stays that of the file: the current size is the image's.
#pragma once

#include <cstdint>
#include <vector>

#include "base/fields.h"
#include "data/dataset.h"
#include "data/pixel_change.h"
#include "tensor/rng.h"

namespace mr {

void flip_horizontal(Sample& s);
void flip_vertical(Sample& s);
void rotate90(Sample& s, int k);  // k quarter turns counter-clockwise, as numpy's rot90; any k
void resize(Sample& s, int height, int width);
// The window resized to height × width. Instances left with fewer than min_pixels mask pixels are dropped.
void crop(Sample& s, const Window& window, int height, int width, int min_pixels = 1);

void change_colours(Image& image, const ColourChange& change);
void invert(Image& image);  // 255 − x

Image changed(Image image, const PixelChange& change);

// New images; the others change theirs.
Image resized(const Image& image, int height, int width);
Image cropped(const Image& image, const Window& window, int height, int width);
CroppedMask cropped(const CroppedMask& mask, const Window& window, int height, int width);

// Of a mask's non-zero pixels, in the image; empty (all 0) where there are none.
Box extent(const CroppedMask& mask);
int64_t count_pixels(const CroppedMask& mask);

// The size that torchvision's rule gives: both sides times min(min_side / short, max_side / long) in f64, rounded down.
PixelSize resized_extent(int height, int width, int64_t min_side, int64_t max_side);

// Random changes of training samples, in this order: crop or resize, quarter turn, flips, colours, inversion.
// Every number comes from Rng(seed, "augment", epoch, sample), and all are drawn whatever is switched on: switching one change on or off
// leaves the others' draws alone.
struct TransformOptions {
  double flip_horizontal = 0.5;
  double flip_vertical = 0;
  bool rotate90 = false;
  double invert = 0;
  int64_t crop_size = 0;
  double scale_min = 1, scale_max = 1;
  int64_t crop_min_pixels = 8;
  std::vector<int64_t> min_sides = {800};
  int64_t max_side = 1333;
  double brightness = 0, contrast = 0, saturation = 0, hue = 0;

  void visit(Fields& f) {
    f.field("flip_horizontal", flip_horizontal, "probability of swapping left and right");
    f.field("flip_vertical", flip_vertical, "probability of swapping top and bottom");
    f.field("rotate90", rotate90, "turn by a random multiple of 90 degrees");
    f.field("invert", invert, "probability of inverting the colours");
    f.field("crop_size", crop_size, "side S of square random crops; 0: whole images, resized by min_sides and max_side");
    f.field("scale_min", scale_min, "a crop takes a square of side S/s (no longer than the image) and resizes it to S: smallest s");
    f.field("scale_max", scale_max, "largest s");
    f.field("crop_min_pixels", crop_min_pixels, "instances with fewer mask pixels in a crop are dropped");
    f.field("min_sides", min_sides, "the shorter side becomes one of these, drawn evenly; empty: native size");
    f.field("max_side", max_side, "unless the longer side would exceed this");
    f.field("brightness", brightness, "factor from [1 - v, 1 + v]");
    f.field("contrast", contrast, "factor from [1 - v, 1 + v]");
    f.field("saturation", saturation, "factor from [1 - v, 1 + v]");
    f.field("hue", hue, "turn from [-v, v] of the colour circle, at most 0.5");
  }
  void validate() const;  // errors: a probability outside [0, 1], a range upside down, a side below 1, …
};

// What is drawn for one sample. `rng` continues behind it: positions of crops.
struct TransformDraw {
  bool flip_horizontal = false, flip_vertical = false, invert = false;
  int quarter_turns = 0;
  double scale = 1;
  int64_t min_side = 0;  // 0: native size
  ColourChange colours;
  Rng rng{0};
};
TransformDraw draw(const TransformOptions& options, uint64_t seed, uint64_t epoch, uint64_t sample);

// The longest sides that any draw gives an image of height × width.
PixelSize largest_augmented(const TransformOptions& options, int height, int width);

// A crop that would leave no instance is drawn again, up to ten times in all, where the sample has any.
void augment(Sample& s, const TransformOptions& options, uint64_t seed, uint64_t epoch, uint64_t sample);
// The same of boxes and masks alone. Returns what the image is to go through.
PixelChange augment_objects(Sample& s, const TransformOptions& options, uint64_t seed, uint64_t epoch, uint64_t sample);

}  // namespace mr
