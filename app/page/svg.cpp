#include "app/page/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/page/markup.h"
#include "data/image/image.h"

namespace mr::app {
namespace {

// −0.00 and 0.00 are one number.
std::string n(double v) {
  std::string s = fmt::format("{:.2f}", v);
  return s == "-0.00" ? "0.00" : s;
}

std::string paint(const Style& s) {
  std::string out = fmt::format(" fill=\"{}\"", s.fill);
  if (s.stroke != "none") out += fmt::format(" stroke=\"{}\" stroke-width=\"{}\"", s.stroke, n(s.width));
  if (s.dashed) out += " stroke-dasharray=\"5 4\"";
  if (s.opacity != 1) out += fmt::format(" opacity=\"{}\"", n(s.opacity));
  return out;
}

std::string mixed(const int (&a)[3], const int (&b)[3], double share) {
  int c[3];
  for (int k = 0; k < 3; ++k) c[k] = static_cast<int>(std::lround(a[k] + (b[k] - a[k]) * share));
  return fmt::format("#{:02x}{:02x}{:02x}", c[0], c[1], c[2]);
}

constexpr int white[] = {255, 255, 255}, blue[] = {60, 120, 190}, red[] = {205, 80, 70};

}  // namespace

std::string shade(double share) { return mixed(white, blue, std::clamp(std::isfinite(share) ? share : 0, 0.0, 1.0)); }
std::string diverging(double share) {
  const double s = std::clamp(std::isfinite(share) ? share : 0, -1.0, 1.0);
  return s < 0 ? mixed(white, red, -s) : mixed(white, blue, s);
}

void Svg::rectangle(double x, double y, double w, double h, const Style& style) {
  body_ += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{}/>\n", n(x), n(y), n(std::max(w, 0.0)), n(std::max(h, 0.0)),
                       paint(style));
}

void Svg::line(Point a, Point b, const Style& style) {
  body_ += fmt::format("<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"{}/>\n", n(a.x), n(a.y), n(b.x), n(b.y), paint(style));
}

void Svg::polyline(std::span<const Point> points, const Style& style) {
  std::string corners;
  for (const Point& p : points) corners += fmt::format("{}{},{}", corners.empty() ? "" : " ", n(p.x), n(p.y));
  body_ += fmt::format("<polyline points=\"{}\"{}/>\n", corners, paint(style));
}

void Svg::arrow(Point a, Point b, const Style& style) {
  const double length = std::hypot(b.x - a.x, b.y - a.y), head = std::min(7.0, length / 2);
  if (length == 0) return;
  line(a, b, style);
  const double ux = (b.x - a.x) / length, uy = (b.y - a.y) / length;
  const Point left{b.x - head * ux - head / 2 * uy, b.y - head * uy + head / 2 * ux},
      right{b.x - head * ux + head / 2 * uy, b.y - head * uy - head / 2 * ux};
  body_ += fmt::format("<path d=\"M{} {}L{} {}L{} {}Z\" fill=\"{}\"/>\n", n(b.x), n(b.y), n(left.x), n(left.y), n(right.x), n(right.y),
                       style.stroke);
}

void Svg::circle(Point centre, double radius, const Style& style) {
  body_ += fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"{}\"{}/>\n", n(centre.x), n(centre.y), n(radius), paint(style));
}

void Svg::cross(Point centre, double radius, const Style& style) {
  line({centre.x - radius, centre.y - radius}, {centre.x + radius, centre.y + radius}, style);
  line({centre.x - radius, centre.y + radius}, {centre.x + radius, centre.y - radius}, style);
}

void Svg::add_text(double x, double y, std::string_view s, double size, const std::string& colour, Anchor anchor, std::string_view more) {
  constexpr const char* anchors[] = {"start", "middle", "end"};
  body_ += fmt::format("<text x=\"{}\" y=\"{}\" font-size=\"{}\" fill=\"{}\" text-anchor=\"{}\"{}>{}</text>\n", n(x), n(y), n(size), colour,
                       anchors[static_cast<int>(anchor)], more, escaped(s));
}

void Svg::text(double x, double y, std::string_view s, double size, const std::string& colour, Anchor anchor, bool bold) {
  add_text(x, y, s, size, colour, anchor, bold ? " font-weight=\"bold\"" : "");
}

void Svg::text_over(double x, double y, std::string_view s, double size, const std::string& colour, Anchor anchor) {
  add_text(x, y, s, size, colour, anchor, R"( stroke="#ffffff" stroke-width="3" stroke-linejoin="round" paint-order="stroke")");
}

void Svg::image(double x, double y, double w, double h, const Image& pixels) {
  body_ += fmt::format(
      "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" "
      "href=\"{}\"/>\n",
      n(x), n(y), n(w), n(h), data_uri("image/png", encode_png(pixels)));
}

void Svg::place(double x, double y, const Svg& other) {
  body_ += fmt::format("<g transform=\"translate({} {})\">\n{}</g>\n", n(x), n(y), other.body_);
}

std::string Svg::str() const {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
      "font-family=\"Helvetica,Arial,sans-serif\">\n<rect width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n{2}</svg>\n",
      n(width_), n(height_), body_);
}

double text_width(std::string_view s, double size, bool bold) {
  double ems = 0;
  for (const char c : s) {
    if ((static_cast<unsigned char>(c) & 0xC0) == 0x80) continue;  // characters, not bytes
    const bool narrow = std::string_view(" .,:;'|!iIjlrtf()[]/-").find(c) != std::string_view::npos,
               wide = std::string_view("mwMW@%").find(c) != std::string_view::npos;
    ems += narrow ? 0.4 : wide ? 0.98 : 0.64;
  }
  return ems * size * (bold ? 1.1 : 1);
}

Svg beside(std::span<const Svg> figures) {
  double width = 0, height = 0;
  for (const Svg& f : figures) {
    width += f.width();
    height = std::max(height, f.height());
  }
  Svg all(width, height);
  double x = 0;
  for (const Svg& f : figures) {
    all.place(x, 0, f);
    x += f.width();
  }
  return all;
}

Svg tiled(std::span<const Svg> figures, size_t columns) {
  std::vector<Svg> rows;
  double width = 0, height = 0;
  for (size_t i = 0; i < figures.size(); i += columns) {
    rows.push_back(beside(figures.subspan(i, std::min(columns, figures.size() - i))));
    width = std::max(width, rows.back().width());
    height += rows.back().height();
  }
  Svg all(width, height);
  double y = 0;
  for (const Svg& r : rows) {
    all.place(0, y, r);
    y += r.height();
  }
  return all;
}

}  // namespace mr::app
