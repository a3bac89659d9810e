// A picture as SVG text. The same calls give the same bytes: every coordinate is written with two decimals.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/draw/primitives.h"

namespace mr::app {

struct Style {
  std::string fill = "none", stroke = "none";  // colours: #rrggbb
  double width = 1, opacity = 1;
  bool dashed = false;
};

enum class Anchor : uint8_t { start, middle, end };

class Svg {
 public:
  Svg(double width, double height) : width_(width), height_(height) {}

  void rectangle(double x, double y, double w, double h, const Style& style);
  void line(Point a, Point b, const Style& style);
  void polyline(std::span<const Point> points, const Style& style);
  void arrow(Point a, Point b, const Style& style);  // its head at b
  void circle(Point centre, double radius, const Style& style);
  void cross(Point centre, double radius, const Style& style);
  void text(double x, double y, std::string_view s, double size, const std::string& colour, Anchor anchor = Anchor::start,
            bool bold = false);
  // Text that lines may pass under: it has a white rim.
  void text_over(double x, double y, std::string_view s, double size, const std::string& colour, Anchor anchor = Anchor::start);
  void image(double x, double y, double w, double h, const Image& pixels);  // stretched, its pixels not blurred
  void place(double x, double y, const Svg& other);                         // another picture as a part of this one

  double width() const { return width_; }
  double height() const { return height_; }
  std::string str() const;  // a whole file

 private:
  void add_text(double x, double y, std::string_view s, double size, const std::string& colour, Anchor anchor, std::string_view more);

  double width_, height_;
  std::string body_;
};

// How wide text is, at most: fonts differ, and this is for a wide one.
double text_width(std::string_view s, double size, bool bold = false);

// The palette of all figures; light, so that it prints.
namespace colour {
inline const std::string ink = "#1f2933", soft = "#7b8794", grid = "#d9e2ec", paper = "#ffffff", box = "#d64545", taken = "#2f6fab",
                         bin = "#2f6fab", sample = "#1f2933", lost = "#f0b429", good = "#3f9142";
}
Svg beside(std::span<const Svg> figures);                 // in a row
Svg tiled(std::span<const Svg> figures, size_t columns);  // in rows of so many

// From white (0) to a strong blue (1), and from red (−1) over white to blue (1).
std::string shade(double share);
std::string diverging(double share);

}  // namespace mr::app
