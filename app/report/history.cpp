#include <algorithm>
#include <array>
#include <map>

#include "app/page/plot.h"
#include "app/report/sections.h"
#include "base/check.h"
#include "base/text.h"

namespace mr::app {
namespace {

using Curves = std::map<std::string, std::vector<Point>>;  // by the scalar's name

struct Shared {
  const char* title;
  std::vector<std::string> names;
};

// The figures of an evaluation that belong together, and that of each class which is drawn.
struct Figures {
  const char *prefix, *title;
  std::vector<Shared> shared;
  std::string of_class, class_title;
};

const std::vector<Shared> of_coco = {{"average precision", {"AP", "AP50", "AP75"}},
                                     {"average precision by size", {"APs", "APm", "APl"}},
                                     {"average recall", {"AR1", "AR10", "AR100", "ARs", "ARm", "ARl"}}};
const std::array<Figures, 3> figures_of_an_evaluation = {{{"evaluation/segm/", "mask: ", of_coco, "AP", "mask AP"},
                                                          {"evaluation/bbox/", "box: ", of_coco, "AP", "box AP"},
                                                          {"evaluation/", "", {{"accuracy", {"top1", "top5"}}}, "top1", "top-1 accuracy"}}};
constexpr size_t most_classes = 10;  // in one drawing

Plot plot_of(const std::string& title) { return {.title = title, .below = "iteration"}; }

// The curve of that name, which is then taken.
std::vector<Point> take(Curves& curves, const std::string& name) {
  auto found = curves.extract(name);
  return found.empty() ? std::vector<Point>() : std::move(found.mapped());
}

// Drawings side by side, and the curves that tell nothing.
struct Row {
  std::vector<Svg> figures = {};
  std::string constant = {};  // "evaluation/images 60, …"

  void add(Plot plot) {
    std::erase_if(plot.curves, [&](const Curve& c) { return c.points.empty() || is_constant(plot.title, c); });
    if (!plot.curves.empty()) figures.push_back(draw(plot));
  }

 private:
  // The learning rate is drawn in any case: that it is constant is a choice. So is what a run in
  // progress has told once.
  bool is_constant(const std::string& title, const Curve& c) {
    const double first = c.points.front().y;
    const bool once = c.points.size() == 1 && !c.name.starts_with("evaluation");
    if (once || c.name == "lr" || std::ranges::any_of(c.points, [first](const Point& p) { return p.y != first; })) return false;
    append(constant, str(constant.empty() ? "" : "; ", title == c.name ? "" : title + ", ", c.name, " ", rounded(first)));
    return true;
  }
};

// "evaluation/segm/per_class/car/AP50" is the class car's AP50.
struct ClassCurve {
  std::string name, figure;
};
ClassCurve class_of(const std::string& scalar, const std::string& prefix) {
  const size_t end = scalar.rfind('/');
  return {scalar.substr(prefix.size(), end - prefix.size()), scalar.substr(end + 1)};
}

// One figure by class; returns what to say of it. The others of a class would be as many drawings again.
std::string add_classes(Row& row, Curves& curves, const Figures& figures) {
  const std::string prefix = str(figures.prefix, "per_class/");
  Plot plot = plot_of(figures.class_title + " by class");
  std::vector<std::string> of_classes;
  for (const auto& [name, points] : curves)
    if (name.starts_with(prefix)) of_classes.push_back(name);
  size_t left_out = 0;
  for (const std::string& scalar : of_classes) {
    std::vector<Point> points = take(curves, scalar);
    const auto [name, figure] = class_of(scalar, prefix);
    std::erase_if(points, [](const Point& p) { return p.y < 0; });
    if (figure != figures.of_class || points.empty()) continue;
    if (plot.curves.size() < most_classes)
      plot.curves.push_back({name, std::move(points)});
    else
      ++left_out;
  }
  row.add(std::move(plot));
  return left_out == 0 ? "" : str("Of ", left_out, " more classes the ", figures.class_title, " is not drawn; TensorBoard has all. ");
}

std::string add_evaluations(Row& row, Curves& curves) {
  std::string words;
  for (const Figures& figures : figures_of_an_evaluation) {
    for (const Shared& shared : figures.shared) {
      Plot plot = plot_of(str(figures.title, shared.title));
      for (const std::string& name : shared.names) {
        std::vector<Point> points = take(curves, figures.prefix + name);
        std::erase_if(points, [](const Point& p) { return p.y < 0; });  // −1: there is no such object
        plot.curves.push_back({name, std::move(points)});
      }
      row.add(std::move(plot));
    }
    words += add_classes(row, curves, figures);
  }
  return words;
}

Plot memory(Curves& curves) {
  Plot plot = plot_of("memory of tensors, GB");
  for (const char* name : {"in_use_bytes", "peak_in_use_bytes", "reserved_bytes"}) {
    std::vector<Point> points = take(curves, str("memory/", name));
    for (Point& p : points) p.y /= 1e9;
    const std::string_view words = name;
    plot.curves.push_back({std::string(words.substr(0, words.rfind('_'))), std::move(points)});
  }
  return plot;
}

}  // namespace

void add_history(HtmlPage& page, const std::vector<MetricsLine>& lines) {
  page.heading("Training");
  if (lines.empty()) return page.say("The run has not written a line of metrics yet.");
  Curves curves;
  std::vector<std::string> order = {"loss", "lr"};  // then as the lines have them
  for (const MetricsLine& line : lines)
    for (const auto& [name, value] : line.scalars) {
      std::vector<Point>& points = curves[name];
      if (points.empty()) order.push_back(name);
      points.push_back({static_cast<double>(line.iteration), value});
    }
  Row evaluations, row;
  const std::string words = add_evaluations(evaluations, curves);
  Plot memory_plot = memory(curves);
  for (const std::string& name : order) {
    if (!curves.contains(name)) continue;
    Plot plot = plot_of(name);
    plot.curves.push_back({name, take(curves, name)});
    row.add(std::move(plot));
  }
  row.add(std::move(memory_plot));
  page.figures(row.figures);
  page.figures(evaluations.figures);
  page.say(words + "Each point is the mean of the steps since the one before; of more than 400 points neighbours are drawn as their mean.");
  const char* between = row.constant.empty() || evaluations.constant.empty() ? "" : "; ";
  const std::string constant = str(row.constant, between, evaluations.constant);
  if (!constant.empty()) page.say(str("The same throughout, and not drawn: ", constant, "."));
}

}  // namespace mr::app
