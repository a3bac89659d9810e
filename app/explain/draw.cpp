#include "app/explain/draw.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mr::app {

Tensor map_of(int h, int w, const std::vector<double>& values) { return Tensor::of<double>({1, h, w, 1}, values); }

Tensor tensor_of(std::span<const Box> boxes) {
  const Tensor t = Tensor::empty({static_cast<int64_t>(boxes.size()), 4});
  float* to = t.data<float>();
  for (const Box& b : boxes)
    for (const float v : {b.x1, b.y1, b.x2, b.y2}) *to++ = v;
  return t;
}

double dot(const Tensor& a, const Tensor& b) {
  check(a.numel() == b.numel(), "dot: expected as many numbers on both sides, got ", a.numel(), " and ", b.numel());
  double sum = 0;
  for (int64_t i = 0; i < a.numel(); ++i) sum += a.at(i) * b.at(i);
  return sum;
}

std::string corners(const Box& b) {
  return fmt::format("({}, {}, {}, {})", short_number(b.x1), short_number(b.y1), short_number(b.x2), short_number(b.y2));
}

void Sum::add(double a, double b) {
  const auto bracketed = [](double v) { return v < 0 ? "(" + short_number(v) + ")" : short_number(v); };
  text += (text.empty() ? "" : " + ") + bracketed(a) + "·" + bracketed(b);
}

void matrix(Page& page, const std::string& title, const Tensor& m, int64_t rows, int64_t columns) {
  std::vector<std::string> names = {"row"};
  for (int64_t j = 0; j < columns; ++j) names.push_back(std::to_string(j));
  Table& t = page.table(title, names);
  for (int64_t i = 0; i < rows; ++i) {
    std::vector<Cell> row = {i};
    for (int64_t j = 0; j < columns; ++j) row.emplace_back(m.at(i * columns + j));
    t.rows.push_back(std::move(row));
  }
}

// ---- Grid ----

void Grid::draw(Svg& svg, const Tensor& m, const std::string& title, const Ink& ink) const {
  if (!title.empty()) svg.text(x, y - 9, title, 13, colour::ink, Anchor::start, true);
  double most = ink.most;
  for (int64_t i = 0; ink.most == 0 && i < rows * columns; ++i) most = std::max(most, std::abs(m.at(i)));
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) {
      const double v = m.at(i * columns + j);
      const Point p = at(static_cast<double>(i), static_cast<double>(j));
      const std::string fill =
          ink.fills.empty() ? diverging(most > 0 ? 0.6 * v / most : 0) : ink.fills[static_cast<size_t>(i * columns + j)];
      svg.rectangle(p.x, p.y, cell, cell, {.fill = fill, .stroke = colour::grid, .width = 0.8});
      if (ink.decimals >= 0)
        svg.text(p.x + cell / 2, p.y + cell / 2 + 4, short_number(v, ink.decimals), std::min(12.0, cell / 3), colour::ink, Anchor::middle);
    }
}

void Grid::frame(Svg& svg, double row, double column, double height, double width, const Style& style, double inset) const {
  const Point p = at(row, column);
  svg.rectangle(p.x + inset, p.y + inset, width * cell - 2 * inset, height * cell - 2 * inset, style);
}

Svg grid_of(const Tensor& m, int64_t rows, int64_t columns, double cell, const std::string& title, const Grid::Ink& ink) {
  const Grid g{.cell = cell, .rows = rows, .columns = columns};
  Svg svg(std::max(g.right(), g.x + text_width(title, 13, true)) + 12, g.bottom() + 14);
  g.draw(svg, m, title, ink);
  return svg;
}

Svg captioned(const Svg& figure, const std::vector<std::string>& lines) {
  constexpr double size = 12, step = 18, left = 12;
  double width = figure.width();
  for (const std::string& l : lines) width = std::max(width, text_width(l, size) + 2 * left);
  Svg all(width, figure.height() + step * static_cast<double>(lines.size()) + 10);
  all.place(0, 0, figure);
  double y = figure.height() + 12;
  for (const std::string& l : lines) {
    all.text(left, y, l, size, colour::ink);
    y += step;
  }
  return all;
}

// ---- Neighbours ----

Svg draw_neighbours(const Neighbours& n, double cell, const std::string& title) {
  const Grid g{.cell = cell, .rows = 2, .columns = 2};
  Svg svg(std::max(g.right(), g.x + text_width(title, 13, true)) + 12, g.bottom() + 14);
  g.draw(svg, map_of(2, 2, {n.value[0], n.value[1], n.value[2], n.value[3]}), title, {.decimals = -1});
  const Point place = g.at(0.5 + n.row, 0.5 + n.column);
  for (int k = 0; k < 4; ++k) {
    const bool low = k / 2 == 1, right = k % 2 == 1;
    const Point middle = g.at(low ? 1.5 : 0.5, right ? 1.5 : 0.5);
    svg.circle(middle, 2.5, {.fill = colour::soft});
    const double far = std::hypot(place.x - middle.x, place.y - middle.y),
                 tip = far > 12 ? (far - 6) / far : 0;  // the head ends before the dot
    svg.arrow(middle, {middle.x + tip * (place.x - middle.x), middle.y + tip * (place.y - middle.y)},
              {.stroke = colour::good, .width = 1.4});
    // In the outer corner of the cell, where no arrow goes.
    const double x = right ? g.right() - 8 : g.x + 8, y = low ? g.bottom() - 26 : g.y + 18;
    const Anchor side = right ? Anchor::end : Anchor::start;
    svg.text(x, y, short_number(n.value[k]), 13, colour::ink, side, true);
    svg.text(x, y + 16, "weight " + short_number(n.weight[k], 4), 11, colour::good, side);
  }
  svg.circle(place, 4.5, {.fill = colour::box});
  return svg;
}

std::string sum_of(const Neighbours& n) {
  std::string sum;
  for (int k = 0; k < 4; ++k) sum += fmt::format("{}{}·{}", k ? " + " : "", short_number(n.value[k]), short_number(n.weight[k], 4));
  return sum;
}

double equation(Svg& svg, double top, const char* sign, const Shown (&parts)[3], const std::string& caption) {
  constexpr double cell = 38, gap = 60;
  const auto [low, high] = std::minmax({parts[0].rows, parts[1].rows, parts[2].rows});
  const double bottom = top + cell * static_cast<double>(high), middle = top + cell * static_cast<double>(low + high) / 4;
  double left = 12;
  for (int k = 0; k < 3; ++k) {
    const Shown& s = parts[k];
    const Grid g{.x = left, .y = top, .cell = cell, .rows = s.rows, .columns = s.columns};
    g.draw(svg, s.m, s.title, {});
    g.frame(svg, s.row, s.column, s.height, s.width, {.stroke = colour::box, .width = 2.5});
    if (k < 2) svg.text(g.right() + gap / 2, middle + 5, k == 0 ? sign : "=", 20, colour::ink, Anchor::middle);
    left = g.right() + gap;
  }
  svg.text(12, bottom + 22, caption, 12, colour::ink);
  return bottom + 68;
}

// ---- Plane ----

void Plane::draw(Svg& svg, const std::string& title) const {
  svg.text(x, y - 9, title, 13, colour::ink, Anchor::start, true);
  svg.rectangle(x, y, view.width() * scale, view.height() * scale, {.stroke = colour::grid, .width = 0.8});
}

void Plane::box(Svg& svg, const Box& b, const Style& style) const {
  const Point p = at(b.x1, b.y1);
  svg.rectangle(p.x, p.y, b.width() * scale, b.height() * scale, style);
}

}  // namespace mr::app
