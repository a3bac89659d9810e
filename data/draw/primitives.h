// Drawing on an Image: lines, rectangles, polygons, text. Coordinates are continuous, as those of a Box: pixel i covers [i, i+1).
// Shapes may reach beyond the image; what lies outside is cut off. Edges are anti-aliased except those of text and rectangles,
// which lie on pixels. Numbers that are not finite draw nothing.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "data/dataset.h"

namespace mr {

struct Rgb {
  uint8_t r = 0, g = 0, b = 0;
  bool operator==(const Rgb&) const = default;
};

struct Point {
  double x = 0, y = 0;
};

// image ← (1 − alpha)·image + alpha·colour at one pixel; nothing outside the image.
void blend(Image& image, int y, int x, Rgb colour, double alpha = 1);

void draw_line(Image& image, Point a, Point b, double width, Rgb colour, double alpha = 1);
void fill_polygon(Image& image, std::span<const Point> points, Rgb colour, double alpha = 1);  // even–odd
void fill_rectangle(Image& image, const Box& box, Rgb colour, double alpha = 1);
void draw_rectangle(Image& image, const Box& box, int thickness, Rgb colour, double alpha = 1);  // the frame, inside the box

// The text's cell is text_width × text_height pixels, its left upper corner (x, y); scale ≥ 1 repeats pixels.
void draw_text(Image& image, int y, int x, std::string_view text, Rgb colour, int scale = 1);
int text_width(std::string_view text, int scale = 1);
int text_height(int scale = 1);

// Blends over the mask's pixels, or over those of them with a neighbour (of eight) outside: its contour, `thickness` pixels wide.
void fill_mask(Image& image, const CroppedMask& mask, Rgb colour, double alpha);
void draw_contour(Image& image, const CroppedMask& mask, int thickness, Rgb colour, double alpha = 1);

// Pictures in a grid, row by row, each centred in its cell, with `gap` pixels between and around. The cell is as large as the largest.
Image montage(std::span<const Image> images, int columns, int gap = 4, Rgb background = {24, 24, 24});

}  // namespace mr
