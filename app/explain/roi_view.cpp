#include "app/explain/roi_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/explain/page.h"
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

Svg draw_roi(const RoIView& v, const RoIDrawing& d) {
  // Some cells around the box, as far as the map has them; all of the box, wherever it is.
  const auto from = [&](double a, double b) {
    const int first = static_cast<int>(std::floor(std::min(a, b)));
    return std::min(first, std::max(0, first - d.margin));
  };
  const auto to = [&](double a, double b, int n) {
    const int last = static_cast<int>(std::ceil(std::max(a, b)));
    return std::max(last, std::min(n, last + d.margin));
  };
  const int x0 = from(v.x.exact_lo, v.x.lo), x1 = std::max(to(v.x.exact_hi, v.x.hi, v.map_w), x0 + 1);
  const int y0 = from(v.y.exact_lo, v.y.lo), y1 = std::max(to(v.y.exact_hi, v.y.hi, v.map_h), y0 + 1);
  const int left_cell = std::max(x0, 0), top_cell = std::max(y0, 0), end_x = std::min(x1, v.map_w), end_y = std::min(y1, v.map_h);
  const double cell = d.side / std::max(x1 - x0, y1 - y0), top = 26, bottom = 46, left = 12;
  const auto X = [&](double x) { return left + (x - x0) * cell; };
  const auto Y = [&](double y) { return top + (y - y0) * cell; };
  Svg svg(std::max((x1 - x0) * cell, 330.0) + 2 * left, (y1 - y0) * cell + top + bottom);
  svg.text(left, 17, title_of(v.kind), 14, colour::ink, Anchor::start, true);

  if (d.picture) {
    const int s = v.request.stride;
    const int height = std::min(y1 * s, d.picture->height) - top_cell * s, width = std::min(x1 * s, d.picture->width) - left_cell * s;
    if (height > 0 && width > 0) {
      Image part(height, width);
      for (int i = 0; i < height; ++i) std::copy_n(d.picture->at(top_cell * s + i, left_cell * s), 3 * width, part.at(i, 0));
      svg.image(X(left_cell), Y(top_cell), width * cell / s, height * cell / s, part);
    }
  }
  double most = 0;
  if (d.values.defined())
    for (int64_t i = 0; i < d.values.numel(); ++i) most = std::max(most, std::abs(d.values.at(i)));
  for (int i = top_cell; i < end_y; ++i)
    for (int j = left_cell; j < end_x; ++j) {
      Style style{.stroke = colour::grid, .width = 0.8};
      if (d.values.defined()) {
        const double value = d.values.at(int64_t{i} * v.map_w + j), share = most > 0 ? value / most : 0;
        style.fill = d.signed_values ? diverging(0.6 * share) : shade(0.6 * share);
        style.opacity = d.picture ? 0.6 : 1;
      }
      svg.rectangle(X(j), Y(i), cell, cell, style);
      if (d.values.defined() && d.numbers && cell >= 30)
        if (const std::string text = short_number(d.values.at(int64_t{i} * v.map_w + j)); text != "0")
          svg.text(X(j + 0.5), Y(i + 0.5) - 5, text, std::min(11.0, cell / 3.2), colour::ink, Anchor::middle);
    }
  // Bins that overlap are told apart by drawing each a little smaller.
  const double inset = std::min(1.5, cell / 12);
  for (const BinView& row : v.y.bins)
    for (const BinView& column : v.x.bins)
      svg.rectangle(X(column.begin) + inset, Y(row.begin) + inset, (column.end - column.begin) * cell - 2 * inset,
                    (row.end - row.begin) * cell - 2 * inset, {.stroke = colour::bin, .width = 1.2});
  const double dot = std::clamp(cell / 9, 1.2, 3.5);
  for (const BinView& row : v.y.bins)
    for (const BinView& column : v.x.bins)
      for (const double y : row.samples)
        for (const double x : column.samples) svg.circle({X(x), Y(y)}, dot, {.fill = colour::sample});
  svg.rectangle(X(v.x.exact_lo), Y(v.y.exact_lo), (v.x.exact_hi - v.x.exact_lo) * cell, (v.y.exact_hi - v.y.exact_lo) * cell,
                {.stroke = colour::box, .width = 2, .dashed = true});

  const double y = Y(y1) + 18;
  svg.line({left, y - 4}, {left + 24, y - 4}, {.stroke = colour::box, .width = 2, .dashed = true});
  svg.text(left + 30, y, "the box", 11, colour::ink);
  svg.rectangle(left + 84, y - 10, 14, 11, {.stroke = colour::bin, .width = 1.2});
  svg.text(left + 103, y, "its bins", 11, colour::ink);
  if (!v.x.bins[0].samples.empty()) {
    svg.circle({left + 162, y - 4}, 3, {.fill = colour::sample});
    svg.text(left + 170, y, "samples", 11, colour::ink);
  }
  svg.text(left, y + 18,
           "a square is a cell of the map: " + std::to_string(v.request.stride) + (v.request.stride == 1 ? " pixel" : " pixels"), 11,
           colour::soft);
  return svg;
}

}  // namespace mr::app
