#include "app/page/axes.h"

#include "app/page/table.h"

namespace mr::app {

void Axes::draw(Svg& svg, const std::string& title, const std::string& below, const std::vector<double>& ticks,
                const std::vector<double>& side_ticks) const {
  svg.text(x, y - 9, title, 13, colour::ink, Anchor::start, true);
  const Style grid{.stroke = colour::grid, .width = 0.8};
  for (const double t : ticks) {
    svg.line(at(t, low), at(t, high), grid);
    svg.text(at(t, low).x, y + height + 15, short_number(t, decimals), 11, colour::soft, Anchor::middle);
  }
  for (const double t : side_ticks) {
    svg.line(at(from, t), at(to, t), grid);
    svg.text(x - 6, at(from, t).y + 4, short_number(t, decimals), 11, colour::soft, Anchor::end);
  }
  if (low < 0 && high > 0) svg.line(at(from, 0), at(to, 0), {.stroke = colour::soft, .width = 0.8});
  if (from < 0 && to > 0) svg.line(at(0, low), at(0, high), {.stroke = colour::soft, .width = 0.8});
  svg.text(x + width, y + height + 30, below, 11, colour::soft, Anchor::end);
}

void Axes::curve(Svg& svg, const std::function<double(double)>& f, const Style& style, int points) const {
  std::vector<Point> run;
  const auto end_run = [&] {
    if (run.size() > 1) svg.polyline(run, style);
    run.clear();
  };
  for (int i = 0; i < points; ++i) {
    const double u = from + (to - from) * i / (points - 1), v = f(u);
    if (v >= low && v <= high)
      run.push_back(at(u, v));
    else
      end_run();
  }
  end_run();
}

void Axes::legend(Svg& svg, const std::vector<std::pair<std::string, Style>>& entries, double step) const {
  double left = x;
  for (const auto& [name, style] : entries) {
    svg.line({left, y + height + 26}, {left + 18, y + height + 26}, style);
    svg.text(left + 23, y + height + 30, name, 11, colour::ink);
    left += step;
  }
}

}  // namespace mr::app
