#include "app/explain/roi_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/explain/draw.h"
#include "ops/roi/crop_and_resize.h"
#include "ops/roi/precise_roi_pool.h"
#include "ops/roi/roi_align.h"
#include "ops/roi/roi_pool.h"
#include "ops/roi/roi_warp.h"

namespace mr::app {
namespace {

PoolBins bins_of(RoIKind kind) {
  return kind == RoIKind::pool_disjoint    ? PoolBins::disjoint
         : kind == RoIKind::pool_truncated ? PoolBins::truncated
                                           : PoolBins::overlapping;
}

SampleAxis<double> sample_axis(RoIKind kind, double lo, double hi, double scale, int cells, const RoIRequest& r) {
  if (kind == RoIKind::warp) return warp_axis(lo, hi, scale, r.size, r.samples);
  if (kind == RoIKind::warp_mnc) return mnc_axis(lo, hi, scale, r.size);
  if (kind == RoIKind::crop) return crop_axis(lo, hi, scale, r.size, cells);
  return align_axis(lo, hi, scale, r.size, r.samples, r.aligned);
}

void view_taps(const BinTaps<double>& taps, std::vector<BinView>& bins) {
  for (size_t b = 0; b < bins.size(); ++b) {
    const auto bin = taps.bin(static_cast<int>(b));
    for (int k = 0; k < bin.count; ++k) bins[b].taps.emplace_back(bin.cell[k], bin.weight[k]);
  }
}

void view_cells(AxisView& v, RoIKind kind, double lo, double hi, double scale, int cells, const RoIRequest& r) {
  const PoolAxis axis = pool_axis(lo, hi, scale, bins_of(kind));
  for (int b = 0; b < r.size; ++b) {
    const CellRange c = pool_bin<double>(axis, b, r.size, cells);
    BinView bin{static_cast<double>(c.begin), static_cast<double>(std::max(c.begin, c.end)), {}, {}};
    for (int k = c.begin; k < c.end; ++k) bin.taps.emplace_back(k, 1.0);
    v.bins.push_back(std::move(bin));
  }
}

void view_samples(AxisView& v, RoIKind kind, double lo, double hi, double scale, int cells, const RoIRequest& r) {
  const SampleAxis<double> axis = sample_axis(kind, lo, hi, scale, cells, r);
  // crop_and_resize's outermost points sit on the box's edges: a bin reaches a quarter of itself beyond its points.
  const double first = axis.start + 0.5 - (kind == RoIKind::crop ? axis.bin / 4 : 0);
  for (int b = 0; b < r.size; ++b) {
    BinView bin{first + b * axis.bin, first + (b + 1) * axis.bin, {}, {}};
    for (int j = 0; j < std::min(axis.samples, 64); ++j) bin.samples.push_back(axis.position(b, j) + 0.5);
    v.bins.push_back(std::move(bin));
  }
  BinTaps<double> taps;
  taps.build(axis, r.size, cells);
  view_taps(taps, v.bins);
}

void view_integral(AxisView& v, double lo, double hi, double scale, int cells, const RoIRequest& r) {
  const double offset = r.aligned ? 0.5 : 0, start = lo * scale - offset + 0.5, bin = (hi - lo) * scale / r.size;
  for (int b = 0; b < r.size; ++b) v.bins.push_back({start + b * bin, start + (b + 1) * bin, {}, {}});
  BinTaps<double> taps;
  taps.build_integral(integral_axis(lo, hi, scale, offset, r.size), cells);
  view_taps(taps, v.bins);
}

// ---- a drawing ----

Cells part_of(const RoIView& v, int margin) {
  // Some cells around the box, as far as the map has them; all of the box, wherever it is.
  const auto from = [&](double a, double b) {
    const int first = static_cast<int>(std::floor(std::min(a, b)));
    return std::min(first, std::max(0, first - margin));
  };
  const auto to = [&](double a, double b, int n) {
    const int last = static_cast<int>(std::ceil(std::max(a, b)));
    return std::max(last, std::min(n, last + margin));
  };
  const int x0 = from(v.x.exact_lo, v.x.lo), y0 = from(v.y.exact_lo, v.y.lo);
  return {x0, y0, std::max(to(v.x.exact_hi, v.x.hi, v.map_w), x0 + 1), std::max(to(v.y.exact_hi, v.y.hi, v.map_h), y0 + 1)};
}

// How much of [a0, a1) the stretches of `half` on either side of the places cover.
double overlap(double a0, double a1, const std::vector<double>& places, double half) {
  double sum = 0;
  for (const double p : places) sum += std::max(0.0, std::min(a1, p + half) - std::max(a0, p - half));
  return sum;
}

// The places along an axis where something is drawn, in pixels of the drawing.
struct Marks {
  std::vector<double> edges, samples;  // of the bins
  double lo, hi;                       // the bins' outermost edges
  double box_lo, box_hi;
};

class Panel {
 public:
  Panel(const RoIView& v, const RoIDrawing& d)
      : v_(v), d_(d), part_(d.part.value_or(part_of(v, d.margin))), cell_(d.side / std::max(part_.x1 - part_.x0, part_.y1 - part_.y0)) {
    x_ = marks(v.x, [this](double c) { return X(c); });
    y_ = marks(v.y, [this](double c) { return Y(c); });
  }

  Svg draw() const {
    const Box& b = v_.request.box;
    std::vector<std::string> lines = {
        fmt::format("a square is a cell of the map: {} {}", v_.request.stride, v_.request.stride == 1 ? "pixel" : "pixels"),
        fmt::format("the box: {} pixels", corners(b)),
        fmt::format("= ({}, {}, {}, {}) cells", short_number(v_.x.exact_lo, 4), short_number(v_.y.exact_lo, 4),
                    short_number(v_.x.exact_hi, 4), short_number(v_.y.exact_hi, 4))};
    lines.insert(lines.end(), d_.notes.begin(), d_.notes.end());
    double width = std::max((part_.x1 - part_.x0) * cell_, text_width(title_of(v_.kind), 14, true));
    for (const std::string& l : lines) width = std::max(width, text_width(l, 11));
    Svg svg(width + 2 * left, Y(part_.y1) + 30 + 18 * static_cast<double>(lines.size()));
    svg.text(left, 17, title_of(v_.kind), 14, colour::ink, Anchor::start, true);
    picture(svg);
    cells(svg);
    bins(svg);
    if (d_.values.defined() && d_.numbers && cell_ >= 30) numbers(svg);
    legend(svg);
    double y = Y(part_.y1) + 36;
    for (const std::string& l : lines) {
      svg.text(left, y, l, 11, colour::soft);
      y += 18;
    }
    return svg;
  }

 private:
  static constexpr double left = 12, top = 26;

  double X(double x) const { return left + (x - part_.x0) * cell_; }
  double Y(double y) const { return top + (y - part_.y0) * cell_; }

  template <class F> static Marks marks(const AxisView& a, F place) {
    Marks m{{}, {}, place(a.lo), place(a.hi), place(a.exact_lo), place(a.exact_hi)};
    for (const BinView& b : a.bins) {
      m.edges.insert(m.edges.end(), {place(b.begin), place(b.end)});
      for (const double s : b.samples) m.samples.push_back(place(s));
    }
    return m;
  }

  // The part of the map that is drawn.
  Cells drawn() const { return {std::max(part_.x0, 0), std::max(part_.y0, 0), std::min(part_.x1, v_.map_w), std::min(part_.y1, v_.map_h)}; }
  double value(int i, int j) const { return d_.values.at(int64_t{i} * v_.map_w + j); }

  void picture(Svg& svg) const {
    if (!d_.picture) return;
    const int s = v_.request.stride;
    const Cells c = drawn();
    const int height = std::min(part_.y1 * s, d_.picture->height) - c.y0 * s, width = std::min(part_.x1 * s, d_.picture->width) - c.x0 * s;
    if (height <= 0 || width <= 0) return;
    Image cut(height, width);
    for (int i = 0; i < height; ++i) std::copy_n(d_.picture->at(c.y0 * s + i, c.x0 * s), 3 * width, cut.at(i, 0));
    svg.image(X(c.x0), Y(c.y0), width * cell_ / s, height * cell_ / s, cut);
  }

  void cells(Svg& svg) const {
    double most = 0;
    if (d_.values.defined())
      for (int64_t i = 0; i < d_.values.numel(); ++i) most = std::max(most, std::abs(d_.values.at(i)));
    const Cells c = drawn();
    for (int i = c.y0; i < c.y1; ++i)
      for (int j = c.x0; j < c.x1; ++j) {
        Style style{.stroke = colour::grid, .width = 0.8};
        if (d_.values.defined()) {
          const double share = most > 0 ? value(i, j) / most : 0;
          style.fill = d_.signed_values ? diverging(0.6 * share) : shade(0.6 * share);
          style.opacity = d_.picture ? 0.6 : 1;
        }
        svg.rectangle(X(j), Y(i), cell_, cell_, style);
      }
  }

  void bins(Svg& svg) const {
    const double inset = std::min(1.5, cell_ / 12);  // bins that overlap are told apart by drawing each a little smaller
    for (const BinView& row : v_.y.bins)
      for (const BinView& column : v_.x.bins)
        svg.rectangle(X(column.begin) + inset, Y(row.begin) + inset, (column.end - column.begin) * cell_ - 2 * inset,
                      (row.end - row.begin) * cell_ - 2 * inset, {.stroke = colour::bin, .width = 1.2});
    for (const double y : y_.samples)
      for (const double x : x_.samples) svg.circle({x, y}, dot(), {.fill = colour::sample});
    svg.rectangle(x_.box_lo, y_.box_lo, x_.box_hi - x_.box_lo, y_.box_hi - y_.box_lo, {.stroke = colour::box, .width = 2, .dashed = true});
  }
  double dot() const { return std::clamp(cell_ / 9, 1.2, 3.5); }

  // How much of what is drawn a text in [x0, x1) × [y0, y1) would lie on. Samples and edges form grids, so areas are products.
  double hidden(double x0, double x1, double y0, double y1) const {
    const auto inside = [](double a0, double a1, double lo, double hi) { return std::max(0.0, std::min(a1, hi) - std::max(a0, lo)); };
    const double dots = overlap(x0, x1, x_.samples, dot() + 1) * overlap(y0, y1, y_.samples, dot() + 1);
    const double edges =
        overlap(x0, x1, x_.edges, 2.5) * inside(y0, y1, y_.lo, y_.hi) + overlap(y0, y1, y_.edges, 2.5) * inside(x0, x1, x_.lo, x_.hi);
    const double box = overlap(x0, x1, {x_.box_lo, x_.box_hi}, 2) * inside(y0, y1, y_.box_lo, y_.box_hi) +
                       overlap(y0, y1, {y_.box_lo, y_.box_hi}, 2) * inside(x0, x1, x_.box_lo, x_.box_hi);
    return 8 * dots + edges + box;  // a rim makes a line bearable, and not a dot
  }

  // Each in the middle of its cell, or in the place of it where the least is drawn.
  void numbers(Svg& svg) const {
    const double size = std::min(11.0, cell_ / 3.4), height = 0.75 * size;
    const Cells c = drawn();
    for (int i = c.y0; i < c.y1; ++i)
      for (int j = c.x0; j < c.x1; ++j) {
        const std::string text = short_number(value(i, j));
        if (d_.signed_values && text == "0") continue;
        const double width = text_width(text, size), dx = std::max(0.0, (cell_ - width) / 2 - 2), dy = (cell_ - height) / 2 - 2;
        double best_x = 0, best_y = 0, least = -1;
        for (const double v : {0.0, -1.0, 1.0, -0.5, 0.5})
          for (const double h : {0.0, -1.0, 1.0}) {
            const double x = X(j + 0.5) + h * dx, y = Y(i + 0.5) + v * dy;
            const double here = hidden(x - width / 2, x + width / 2, y - height / 2, y + height / 2);
            if (least < 0 || here < least) best_x = x, best_y = y, least = here;
          }
        if (least > 0)
          svg.text_over(best_x, best_y + height / 2, text, size, colour::ink, Anchor::middle);
        else
          svg.text(best_x, best_y + height / 2, text, size, colour::ink, Anchor::middle);
      }
  }

  void legend(Svg& svg) const {
    const double y = Y(part_.y1) + 18;
    svg.line({left, y - 4}, {left + 24, y - 4}, {.stroke = colour::box, .width = 2, .dashed = true});
    svg.text(left + 30, y, "the box", 11, colour::ink);
    svg.rectangle(left + 84, y - 10, 14, 11, {.stroke = colour::bin, .width = 1.2});
    svg.text(left + 103, y, "its bins", 11, colour::ink);
    if (x_.samples.empty()) return;
    svg.circle({left + 162, y - 4}, 3, {.fill = colour::sample});
    svg.text(left + 170, y, "samples", 11, colour::ink);
  }

  const RoIView& v_;
  const RoIDrawing& d_;
  Cells part_;
  double cell_;
  Marks x_, y_;
};

}  // namespace

const std::vector<RoIName>& roi_names() {
  static const std::vector<RoIName> names = {
      {RoIKind::align, "roi_align", "RoIAlign"},
      {RoIKind::pool, "roi_pool", "RoIPool"},
      {RoIKind::pool_disjoint, "roi_pool_disjoint", "RoIPool with disjoint bins"},
      {RoIKind::pool_truncated, "roi_pool_truncated", "RoIPool, everything rounded down"},
      {RoIKind::warp, "roi_warp", "RoIWarp, as Table 2c needs it"},
      {RoIKind::warp_mnc, "roi_warp_mnc", "RoIWarp, as MNC's layer"},
      {RoIKind::crop, "crop_and_resize", "crop_and_resize"},
      {RoIKind::precise, "precise_roi_pool", "Precise RoI pooling"},
  };
  return names;
}

const char* title_of(RoIKind kind) {
  return std::ranges::find_if(roi_names(), [&](const RoIName& n) { return n.kind == kind; })->title;
}

AxisView view_axis(RoIKind kind, double lo, double hi, int cells, const RoIRequest& r) {
  const double scale = 1.0 / r.stride;
  AxisView v;
  v.exact_lo = lo * scale;
  v.exact_hi = hi * scale;
  switch (kind) {
    case RoIKind::pool:
    case RoIKind::pool_disjoint:
    case RoIKind::pool_truncated:
      view_cells(v, kind, lo, hi, scale, cells, r);
      break;
    case RoIKind::precise:
      view_integral(v, lo, hi, scale, cells, r);
      break;
    default:
      view_samples(v, kind, lo, hi, scale, cells, r);
  }
  v.lo = v.bins.front().begin;
  v.hi = v.bins.back().end;
  return v;
}

RoIView view_roi(RoIKind kind, const RoIRequest& r, int map_h, int map_w) {
  return {kind, r, map_h, map_w, view_axis(kind, r.box.x1, r.box.x2, map_w, r), view_axis(kind, r.box.y1, r.box.y2, map_h, r)};
}

Reduce reduce_of(RoIKind kind, const RoIRequest& r) {
  return r.reduce.value_or(kind == RoIKind::crop ? CropAndResizeOptions{}.reduce : Reduce::mean);
}

Var run_roi(RoIKind kind, const Var& map, const RoIRequest& r) {
  const Tensor rois = Tensor::of<double>({1, 5}, {0, r.box.x1, r.box.y1, r.box.x2, r.box.y2});
  const std::vector<Var> maps = {map};
  switch (kind) {
    case RoIKind::align:
      return roi_align(maps, {r.stride}, Var(rois), {},
                       {.size = r.size, .sampling_ratio = r.samples, .aligned = r.aligned, .reduce = reduce_of(kind, r)});
    case RoIKind::warp:
      return roi_warp(maps, {r.stride}, Var(rois), {}, {.size = r.size, .sampling_ratio = r.samples, .reduce = reduce_of(kind, r)});
    case RoIKind::warp_mnc:
      return roi_warp(maps, {r.stride}, Var(rois), {}, {.size = r.size, .reduce = reduce_of(kind, r), .variant = WarpVariant::mnc});
    case RoIKind::crop:
      return crop_and_resize(maps, {r.stride}, Var(rois), {}, {.size = r.size, .reduce = reduce_of(kind, r)});
    case RoIKind::precise:
      return precise_roi_pool(maps, {r.stride}, Var(rois), {}, {.size = r.size, .aligned = r.aligned});
    default:
      return roi_pool(maps, {r.stride}, rois, {}, {.size = r.size, .bins = bins_of(kind)});
  }
}

Cells shown_part(std::span<const RoIView> views, int margin) {
  Cells all = part_of(views[0], margin);
  for (const RoIView& v : views) {
    const Cells c = part_of(v, margin);
    all = {std::min(all.x0, c.x0), std::min(all.y0, c.y0), std::max(all.x1, c.x1), std::max(all.y1, c.y1)};
  }
  return all;
}

Svg draw_roi(const RoIView& view, const RoIDrawing& drawing) { return Panel(view, drawing).draw(); }

}  // namespace mr::app
