#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/explain/explain.h"
#include "app/usage.h"
#include "tensor/context.h"
#include "tensor/rng.h"

namespace mr::app {
namespace {

constexpr int64_t most_map_cells = 1 << 24, most_box_cells = 1 << 18;

// A map of one channel, f64: the picture's grey averaged over each cell, or numbers drawn from a fixed seed. [1,H,W,1]
Tensor map_of(const RoIQuestion& q) {
  const Tensor map = Tensor::zeros({1, q.map_h, q.map_w, 1}, DType::f64);
  double* v = map.data<double>();
  if (!q.picture) {
    Rng rng(1, "explain");
    for (int64_t i = 0; i < map.numel(); ++i) v[i] = rng.uniform();
    return map;
  }
  const int s = q.request.stride;
  for (int i = 0; i < q.map_h; ++i)
    for (int j = 0; j < q.map_w; ++j) {
      double sum = 0;
      int64_t pixels = 0;
      for (int y = i * s; y < std::min((i + 1) * s, q.picture->height); ++y)
        for (int x = j * s; x < std::min((j + 1) * s, q.picture->width); ++x, ++pixels) {
          const uint8_t* p = q.picture->at(y, x);
          sum += (0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2]) / 255;
        }
      v[i * q.map_w + j] = pixels ? sum / static_cast<double>(pixels) : 0;
    }
  return map;
}

// Errors: more cells in the map, or in the box, than can be looked at.
RoIQuestion sized(RoIQuestion q) {
  const int s = q.request.stride;
  const auto cells = [&](double pixels) { return std::max(1, static_cast<int>(std::ceil(pixels / s))); };
  if (q.picture) {
    q.map_w = cells(q.picture->width);
    q.map_h = cells(q.picture->height);
  }
  if (q.map_w == 0) q.map_w = cells(q.request.box.x2) + 2;
  if (q.map_h == 0) q.map_h = cells(q.request.box.y2) + 2;
  const int box_w = cells(q.request.box.width()), box_h = cells(q.request.box.height());
  check_usage(int64_t{q.map_w} * q.map_h <= most_map_cells, "explain: --stride ", s, ": expected a map of at most ", most_map_cells,
              " cells for this ", q.picture ? "--image" : "--box", ", got ", q.map_w, " x ", q.map_h);
  check_usage(int64_t{box_w} * box_h <= most_box_cells, "explain: --stride ", s, ": expected a --box of at most ", most_box_cells,
              " cells, got ", box_w, " x ", box_h);
  return q;
}

std::string list(const std::vector<double>& values) {
  std::string s;
  for (const double v : values) s += (s.empty() ? "" : ", ") + number(v);
  return s;
}

// "3:0.2500  4:0.7500"; of a long list the first five and the last two.
std::string tap_list(const BinView& b, bool weights) {
  const size_t count = b.taps.size();
  std::string s = count == 0 ? "none" : "";
  for (size_t k = 0; k < count; ++k) {
    const bool left_out = count > 8 && k >= 5 && k + 2 < count;
    if (left_out && k > 5) continue;
    const auto& [cell, weight] = b.taps[k];
    s += s.empty() ? "" : "  ";
    s += left_out ? "…" : weights ? fmt::format("{}:{:.4f}", cell, weight) : std::to_string(cell);
  }
  return s;
}

bool rounds(RoIKind kind) { return kind != RoIKind::align && kind != RoIKind::precise && kind != RoIKind::crop; }

// From where it should be to where it is, in pixels; what is only the arithmetic's is 0.
double moved(double to, double from, int stride) {
  const double d = (to - from) * stride;
  return std::abs(d) < 1e-9 ? 0 : d;
}

void box_table(Page& page, const RoIView& v) {
  Table& t = page.table(
      "The box, from pixels to cells (cell k covers [k, k+1))",
      {"axis", "from, px", "to, px", "÷ stride: from", "to", "length", "bins: from", "to", "length", "left edge moved, px", "right, px"});
  const int s = v.request.stride;
  const auto row = [&](const char* name, double lo, double hi, const AxisView& a) {
    t.rows.push_back({name, lo, hi, a.exact_lo, a.exact_hi, a.exact_hi - a.exact_lo, a.lo, a.hi, a.hi - a.lo, moved(a.lo, a.exact_lo, s),
                      moved(a.hi, a.exact_hi, s)});
  };
  row("x", v.request.box.x1, v.request.box.x2, v.x);
  row("y", v.request.box.y1, v.request.box.y2, v.y);
}

void bins_table(Page& page, const RoIView& v, const char* name, const AxisView& a) {
  const bool samples = !a.bins[0].samples.empty(),
             weights = v.kind != RoIKind::pool && v.kind != RoIKind::pool_disjoint && v.kind != RoIKind::pool_truncated;
  Table& t =
      page.table(fmt::format("Bins along {}", name), {"bin", "a true bin: from", "to", "this one: from", "to", "edges moved, px",
                                                      samples ? "samples at" : "cells", weights ? "cells read : weight" : "cells read"});
  const double exact = (a.exact_hi - a.exact_lo) / v.request.size;
  for (size_t b = 0; b < a.bins.size(); ++b) {
    const BinView& bin = a.bins[b];
    const double from = a.exact_lo + exact * static_cast<double>(b), to = from + exact;
    t.rows.push_back({static_cast<int64_t>(b), from, to, bin.begin, bin.end,
                      number(moved(bin.begin, from, v.request.stride)) + ", " + number(moved(bin.end, to, v.request.stride)),
                      samples ? list(bin.samples) : number(bin.end - bin.begin), tap_list(bin, weights)});
  }
}

void values_table(Page& page, const std::string& title, const Tensor& y, int size) {
  std::vector<std::string> columns = {"row"};
  for (int q = 0; q < size; ++q) columns.push_back(std::to_string(q));
  Table& t = page.table(title, columns);
  for (int p = 0; p < size; ++p) {
    std::vector<Cell> row = {static_cast<int64_t>(p)};
    for (int q = 0; q < size; ++q) row.emplace_back(y.at(int64_t{p} * size + q));
    t.rows.push_back(std::move(row));
  }
}

// How far the worst edge of a bin is from where it would be if nothing were rounded, in cells.
double worst_edge(const AxisView& a) {
  const double exact = (a.exact_hi - a.exact_lo) / static_cast<double>(a.bins.size());
  double worst = 0;
  for (size_t b = 0; b < a.bins.size(); ++b)
    worst = std::max({worst, std::abs(a.bins[b].begin - (a.exact_lo + exact * static_cast<double>(b))),
                      std::abs(a.bins[b].end - (a.exact_lo + exact * static_cast<double>(b + 1)))});
  return worst < 1e-12 ? 0 : worst;
}

// What the operator does to a box, in sentences with their numbers.
std::string verdict(const RoIView& v) {
  const int s = v.request.stride;
  if ((worst_edge(v.x) + worst_edge(v.y)) * s < 1e-6)
    return rounds(v.kind) ? "Rounding changes nothing here: every bin lies where it should, to the pixel."
                          : "Nothing is rounded: every bin lies where it should, to the pixel.";
  const auto axis = [s](const char* along, const char* first, const char* last, const AxisView& a) {
    return fmt::format("Along {} the {} edge moves by {} pixels and the {} one by {}; the worst edge of a bin is {} pixels from its place.",
                       along, first, number(moved(a.lo, a.exact_lo, s)), last, number(moved(a.hi, a.exact_hi, s)),
                       number(worst_edge(a) * s));
  };
  return axis("x", "left", "right", v.x) + " " + axis("y", "upper", "lower", v.y);
}

std::string size_of_map(const RoIQuestion& q) {
  std::string text = fmt::format("The map has {} × {} cells{}", q.map_h, q.map_w, q.picture ? ", the picture's." : ", enough for the box.");
  const Box& b = q.request.box;
  const int s = q.request.stride;
  if (b.x1 < 0 || b.y1 < 0 || b.x2 > static_cast<float>(q.map_w * s) || b.y2 > static_cast<float>(q.map_h * s))
    text += " The box leaves it: beyond the map there is nothing to read.";
  return text;
}

// On the device that is asked for; results on the CPU.
Tensor values_of(RoIKind kind, const RoIQuestion& q, const Tensor& map) {
  const OnDevice where(q.device);
  return run_roi(kind, Var(map.to(q.device)), q.request).value().to(Device{});
}

// ∂(Σ y)/∂map, [1,H,W,1].
Tensor gradient_of(RoIKind kind, const RoIQuestion& q, const Tensor& map) {
  const OnDevice where(q.device);
  const Var x(map.to(q.device), true);
  const Var y = run_roi(kind, x, q.request);
  backward(y, Tensor::full(y.shape(), 1, DType::f64));
  return x.grad().to(Device{});
}

void gradient_table(Page& page, const Tensor& g, int map_w) {
  std::vector<std::pair<double, int64_t>> cells;
  double sum = 0;
  for (int64_t i = 0; i < g.numel(); ++i)
    if (g.at(i) != 0) {
      cells.emplace_back(-std::abs(g.at(i)), i);
      sum += g.at(i);
    }
  std::ranges::sort(cells);
  page.say(fmt::format("With a gradient of 1 at every bin, {} cells of {} receive any; together they receive {}.", cells.size(), g.numel(),
                       number(sum)));
  Table& t = page.table("The cells that receive most", {"row", "column", "gradient"});
  for (size_t k = 0; k < std::min<size_t>(cells.size(), 12); ++k) {
    const int64_t i = cells[k].second;
    t.rows.push_back({i / map_w, i % map_w, g.at(i)});
  }
}

}  // namespace

Page explain_roi(RoIKind kind, const RoIQuestion& question) {
  check_usage(kind != RoIKind::warp || question.request.samples > 0, "explain: roi_warp: --samples must be at least 1, got 0");
  const RoIQuestion q = sized(question);
  const RoIView v = view_roi(kind, q.request, q.map_h, q.map_w);
  const Tensor map = map_of(q);
  Page page;
  page.title = fmt::format("{} of a {} × {} pixel box, stride {}, {} × {} bins", title_of(kind), number(v.request.box.width()),
                           number(v.request.box.height()), v.request.stride, v.request.size, v.request.size);
  page.say(verdict(v));
  page.say(size_of_map(q));
  box_table(page, v);
  bins_table(page, v, "x", v.x);
  bins_table(page, v, "y", v.y);
  const Tensor y = values_of(kind, q, map);
  if (!v.x.bins[0].samples.empty())
    page.say(reduce_of(kind, q.request) == Reduce::max ? "Of a bin's samples the largest counts."
                                                       : "A bin's value is the mean of its samples.");
  values_table(page,
               q.picture ? "Values, from the picture's mean grey in each cell" : "Values, from a map of random numbers (always the same)",
               y, q.request.size);
  RoIDrawing drawing;
  if (q.picture) drawing.picture = &*q.picture;
  if (q.gradient) {
    drawing.values = gradient_of(kind, q, map);
    drawing.signed_values = drawing.numbers = true;
    drawing.notes = {"numbers: the cells' gradients, for 1 at every bin"};
    gradient_table(page, drawing.values, q.map_w);
  }
  page.figure = draw_roi(v, drawing);
  return page;
}

Page compare_rois(const RoIQuestion& question) {
  check_usage(question.request.samples > 0, "explain: --compare: --samples must be at least 1 (roi_warp's), got 0");
  const RoIQuestion q = sized(question);
  const Tensor map = map_of(q);
  Page page;
  page.title = fmt::format("One box, every operator: {} × {} pixels, stride {}, {} × {} bins", number(q.request.box.width()),
                           number(q.request.box.height()), q.request.stride, q.request.size, q.request.size);
  page.say(size_of_map(q));
  Table& t =
      page.table("Along x; cells of the map, pixels of the image", {"operator", "from", "to", "left moved, px", "right moved, px",
                                                                    "worst edge of a bin, px", "cells with gradient", "first bin's value"});
  std::vector<RoIView> views;
  for (const RoIName& name : roi_names()) views.push_back(view_roi(name.kind, q.request, q.map_h, q.map_w));
  RoIDrawing drawing;
  drawing.side = 300;
  drawing.part = shown_part(views);
  if (q.picture) drawing.picture = &*q.picture;
  std::vector<Svg> figures;
  for (const RoIView& v : views) {
    const Tensor g = gradient_of(v.kind, q, map);
    int64_t touched = 0;
    for (int64_t i = 0; i < g.numel(); ++i) touched += g.at(i) != 0;
    const int s = q.request.stride;
    t.rows.push_back({title_of(v.kind), v.x.lo, v.x.hi, moved(v.x.lo, v.x.exact_lo, s), moved(v.x.hi, v.x.exact_hi, s), worst_edge(v.x) * s,
                      touched, values_of(v.kind, q, map).at(0)});
    figures.push_back(draw_roi(v, drawing));
  }
  page.figure = tiled(figures, 3);
  return page;
}

}  // namespace mr::app
