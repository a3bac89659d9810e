// What explanations draw again and again: maps of numbers and boxes in an image; and such a map as a table.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "app/explain/page.h"
#include "app/page/axes.h"
#include "geometry/box.h"
#include "tensor/tensor.h"

namespace mr::app {

Tensor map_of(int h, int w, const std::vector<double>& values);  // [1,h,w,1] f64, row by row
Tensor tensor_of(std::span<const Box> boxes);                    // [N,4] f32
double dot(const Tensor& a, const Tensor& b);                    // Σ a[i]·b[i]
std::string corners(const Box& b);                               // (20, 20, 100, 90)

// "1·2 + 0·(-1) + …"
struct Sum {
  std::string text = {};
  void add(double a, double b);
};

// The first rows·columns elements of m, row by row.
void matrix(Page& page, const std::string& title, const Tensor& m, int64_t rows, int64_t columns);

// Squares of a map; rows and columns may be fractions: (0.5, 0.5) is the middle of the first cell.
struct Grid {
  double x = 12, y = 26, cell = 40;  // the upper left corner; the side of a square
  int64_t rows = 0, columns = 0;

  Point at(double row, double column) const { return {x + column * cell, y + row * cell}; }
  double right() const { return x + static_cast<double>(columns) * cell; }
  double bottom() const { return y + static_cast<double>(rows) * cell; }

  struct Ink {
    int decimals = 2;                     // of the numbers; −1: no numbers
    std::vector<std::string> fills = {};  // one a cell; none: by the share of the largest magnitude, red below 0 and blue above
    double most = 0;                      // that magnitude, where maps are to be compared; 0: the map's own
  };
  void draw(Svg& svg, const Tensor& m, const std::string& title, const Ink& ink) const;
  void frame(Svg& svg, double row, double column, double height, double width, const Style& style, double inset = 0) const;
};
Svg grid_of(const Tensor& m, int64_t rows, int64_t columns, double cell, const std::string& title, const Grid::Ink& ink = {});

// A figure with lines of text under it.
Svg captioned(const Svg& figure, const std::vector<std::string>& lines);

// Bilinear interpolation: four cells, and a place between their middles.
struct Neighbours {
  double value[4], weight[4];  // of cells (0, 0), (0, 1), (1, 0), (1, 1)
  double row, column;          // of the place, from the middle of the first cell on: 0 … 1
};
Svg draw_neighbours(const Neighbours& n, double cell, const std::string& title);  // with an arrow from each cell to the place
std::string sum_of(const Neighbours& n);                                          // "1·0.375 + 3·0.125 + …"

// A matrix in an equation, with the part marked that the caption speaks of.
struct Shown {
  const char* title;
  Tensor m;
  int64_t rows, columns;
  double row, column, height, width;  // of the mark
};

// a ∘ b = c in a row, and under it the sum for one number of c. Returns where the next row may begin.
double equation(Svg& svg, double top, const char* sign, const Shown (&parts)[3], const std::string& caption);

// A part of an image, `scale` times as large.
struct Plane {
  double x = 12, y = 26, scale = 1;
  Box view = {};

  Point at(double px, double py) const { return {x + (px - view.x1) * scale, y + (py - view.y1) * scale}; }
  double right() const { return at(view.x2, view.y2).x; }
  double bottom() const { return at(view.x2, view.y2).y; }
  void draw(Svg& svg, const std::string& title) const;
  void box(Svg& svg, const Box& b, const Style& style) const;
};

}  // namespace mr::app
