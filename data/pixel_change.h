// What is to be done to the pixels of a picture, as plain data: for the CPU (changed, data/transforms/transforms.h) or a GPU
// (data/transforms/input_gpu.h).
#pragma once

#include "tensor/hd.h"

namespace mr {

// The part [x, x + width) × [y, y + height) of an image.
struct Window {
  int y = 0, x = 0, height = 0, width = 0;
};

// One affine map of the colours, rounded and clamped once:
//   x ← βx;  x ← γx + (1 − γ)·m, m the mean grey;  x ← σx + (1 − σ)·grey(x);  the chroma plane turned by `hue` of a full circle (in YUV, so that
// grey stays grey).  grey = 0.299 R + 0.587 G + 0.114 B.
struct ColourChange {
  double brightness = 1, contrast = 1, saturation = 1, hue = 0;
  bool none() const { return brightness == 1 && contrast == 1 && saturation == 1 && hue == 0; }
};

// In this order: the window is resized, turned by quarters counter-clockwise, flipped; then the colours.
struct PixelChange {
  Window window = {};
  int height = 0, width = 0;  // after the resize
  int quarter_turns = 0;      // 0 … 3
  bool flip_horizontal = false, flip_vertical = false;
  ColourChange colours = {};
  bool invert = false;

  MR_HD int final_height() const { return quarter_turns % 2 == 0 ? height : width; }
  MR_HD int final_width() const { return quarter_turns % 2 == 0 ? width : height; }

  // A pixel of the result → the pixel before flips and turns.
  MR_HD void undo(int& y, int& x) const {
    const bool down = flip_vertical != (quarter_turns == 1 || quarter_turns == 2);  // a turn is a transposition and flips
    const bool across = flip_horizontal != (quarter_turns == 2 || quarter_turns == 3);
    if (down) y = final_height() - 1 - y;
    if (across) x = final_width() - 1 - x;
    if (quarter_turns % 2 == 0) return;
    const int t = y;
    y = x;
    x = t;
  }
};

inline PixelChange whole_image(int height, int width) { return {.window = {0, 0, height, width}, .height = height, .width = width}; }

}  // namespace mr
