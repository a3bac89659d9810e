#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/explain/draw.h"
#include "app/explain/explain.h"
#include "ops/boxes/anchors.h"
#include "ops/conv/conv2d.h"
#include "ops/conv/deconv2d.h"

namespace mr::app {
namespace {

// RoIAlign's grid on a map, and its first sample with the four cells that it is interpolated from. `cell`: the first of them, row and column.
Svg grid_figure(const RoIView& v, const Tensor& map, const Neighbours& n, std::pair<int, int> cell, const Tensor& samples,
                const Tensor& bins) {
  RoIDrawing d;
  d.values = map;
  d.numbers = true;
  d.part = Cells{0, 0, v.map_w, v.map_h};
  d.notes = {"numbers: the map's values; green: the first sample's four neighbours"};
  Svg left = draw_roi(v, d);
  const Grid g{.cell = d.side / v.map_w, .rows = v.map_h, .columns = v.map_w};  // where draw_roi has the map
  g.frame(left, cell.first, cell.second, 2, 2, {.stroke = colour::good, .width = 2.2}, 1);

  const double x = v.x.bins[0].samples[0], y = v.y.bins[0].samples[0];
  const std::string value = short_number(samples.at(0), 4);
  const Svg middle =
      captioned(draw_neighbours(n, 120, "The first sample"),
                {fmt::format("at column {}, row {} of the map, its cells' middles at ½:", short_number(x, 4), short_number(y, 4)),
                 sum_of(n) + " = " + value});
  const Svg right = captioned(grid_of(bins, 2, 2, 60, "The bins' values", {.decimals = 4}),
                              {"each the mean of its four samples; the first:",
                               fmt::format("({} + {} + {} + {})/4 = {}", value, short_number(samples.at(1), 4),
                                           short_number(samples.at(4), 4), short_number(samples.at(5), 4), short_number(bins.at(0), 4))});
  return beside(std::vector{left, tiled(std::vector{middle, right}, 1)});
}

}  // namespace

Page explain_dog() {
  const RoIRequest request{{0, 0, 665, 665}, 32, 7, 2, true, Reduce::mean};
  constexpr int cells = 25;  // 800 / 32
  Page page;
  page.title = "The dog: an image of 800 × 800 pixels, a box of 665 × 665, stride 32, 7 × 7 bins";
  page.say(
      "The map has 800/32 = 25 cells a side. On it the box is 665/32 = 20.78125 cells long, and a true bin 20.78125/7 = 2.96875 cells, 95 "
      "pixels. What each operator makes "
      "of that, along one axis (the box begins at 0):");
  Table& t = page.table("", {"operator", "from", "to", "length, cells", "right edge moved, px", "bin, cells", "bins"});
  std::vector<RoIView> shown;
  for (const RoIKind kind : {RoIKind::pool_truncated, RoIKind::pool, RoIKind::warp, RoIKind::align, RoIKind::precise}) {
    const RoIView v = view_roi(kind, request, cells, cells);
    std::string bins;
    for (size_t b = 0; b < 3; ++b) bins += fmt::format("[{}, {}) ", number(v.x.bins[b].begin), number(v.x.bins[b].end));
    t.rows.push_back(
        {title_of(kind), v.x.lo, v.x.hi, v.x.hi - v.x.lo, (v.x.hi - v.x.exact_hi) * 32, v.x.bins[0].end - v.x.bins[0].begin, bins + "…"});
    if (kind == RoIKind::pool_truncated || kind == RoIKind::pool || kind == RoIKind::align) shown.push_back(v);
  }
  const RoIView v = view_roi(RoIKind::align, request, cells, cells);
  Table& s = page.table("RoIAlign's samples, in cells from the beginning of the box", {"bin", "first", "second"});
  for (size_t b = 0; b < v.x.bins.size(); ++b)
    s.rows.push_back({static_cast<int64_t>(b), v.x.bins[b].samples[0] - v.x.lo, v.x.bins[b].samples[1] - v.x.lo});
  const RoIView cut = view_roi(RoIKind::pool_truncated, request, cells, cells);
  page.say(
      fmt::format("Many texts tell it so: 20.78 is cut to 20, a bin of 20/7 = 2.86 cells is cut to 2, and 0.86 · 32 = 27.5 pixels are "
                  "lost. That is the row \"{}\": its seven bins "
                  "end with cell {}, so {} of 665 pixels are never looked at. No detector does that. The paper rounds ([·]), which gives "
                  "21; the code of Fast R-CNN rounds both "
                  "corners and includes them, 0 and 21, which makes 22 cells in bins of 22/7 = 3.14 that overlap: nothing of the box is "
                  "lost, and the right edge moves out by {} pixels.",
                  title_of(RoIKind::pool_truncated), number(cut.x.hi - 1), number(665 - cut.x.hi * 32),
                  number((view_roi(RoIKind::pool, request, cells, cells).x.hi - v.x.exact_hi) * 32)));
  page.say(
      "The 27.5 pixels mix up two roundings. The first (20.78 → 20) costs 0.78125 · 32 = 25.0 pixels, once; the second (2.857 → 2) costs "
      "0.857 · 32 = 27.4 pixels a bin, seven times. "
      "Both numbers of the texts for a bin are right, each for its operator: 2.86 is 20/7, after the box was cut; 2.97 is 20.78/7, "
      "RoIAlign's. Its interpolation takes place on "
      "the map, not at a \"virtual pixel\" of the image; and stride 32 is that of a C5 map: VGG16, as Fast and Faster R-CNN cut it, has "
      "stride 16.");
  RoIDrawing drawing;
  drawing.side = 340;
  drawing.part = shown_part(shown);
  std::vector<Svg> figures;
  for (const RoIView& one : shown) figures.push_back(draw_roi(one, drawing));
  page.figure = beside(figures);
  return page;
}

Page explain_roi_pool_8x8() {
  const Tensor map = map_of(8, 8, {0.88, 0.44, 0.14, 0.16, 0.37, 0.77, 0.96, 0.27, 0.19, 0.45, 0.57, 0.16, 0.63, 0.29, 0.71, 0.70,
                                   0.66, 0.26, 0.82, 0.64, 0.54, 0.73, 0.59, 0.26, 0.85, 0.34, 0.76, 0.84, 0.29, 0.75, 0.62, 0.25,
                                   0.32, 0.74, 0.21, 0.39, 0.34, 0.03, 0.33, 0.48, 0.20, 0.14, 0.16, 0.13, 0.73, 0.65, 0.96, 0.32,
                                   0.19, 0.69, 0.09, 0.86, 0.88, 0.07, 0.01, 0.48, 0.83, 0.24, 0.97, 0.04, 0.24, 0.35, 0.50, 0.91});
  struct Row {
    RoIKind kind;
    Box box;
    int samples;
    bool aligned;
    Reduce reduce;
    const char* what;
  };
  const Box drawn{0, 3, 7, 8};
  const Row rows[] = {
      {RoIKind::pool_disjoint, drawn, 2, false, Reduce::max, "disjoint bins: the drawing"},
      {RoIKind::pool, {0, 3, 6, 7}, 2, false, Reduce::max, "RoIPool, the same cells as corners (0,3,6,7)"},
      {RoIKind::pool, drawn, 2, false, Reduce::max, "RoIPool, (0,3,7,8) literally"},
      {RoIKind::align, drawn, 2, false, Reduce::max, "RoIAlign, 4 samples, not aligned, max"},
      {RoIKind::align, drawn, 2, false, Reduce::mean, "RoIAlign, 4 samples, not aligned, mean"},
      {RoIKind::align, drawn, 2, true, Reduce::max, "RoIAlign, 4 samples, aligned, max"},
      {RoIKind::align, drawn, 2, true, Reduce::mean, "RoIAlign, 4 samples, aligned, mean"},
      {RoIKind::align, drawn, 1, true, Reduce::mean, "RoIAlign, 1 sample, aligned"},
      {RoIKind::align, drawn, 0, true, Reduce::mean, "RoIAlign, adaptive, aligned, mean"},
      {RoIKind::precise, drawn, 2, false, Reduce::mean, "Precise RoI pooling"},
      {RoIKind::precise, drawn, 2, true, Reduce::mean, "Precise RoI pooling, aligned"},
      {RoIKind::warp_mnc, drawn, 2, false, Reduce::max, "RoIWarp of MNC, 4 × 4 then 2 × 2 max"},
      {RoIKind::warp_mnc, drawn, 2, false, Reduce::mean, "RoIWarp of MNC, 4 × 4 then 2 × 2 mean"},
  };
  Page page;
  page.title = "An 8 × 8 map, the box x 0 … 7, y 3 … 8, pooled to 2 × 2";
  matrix(page, "The map", map, 8, 8);
  Table& t = page.table("Every operator on it", {"operator", "top left", "top right", "bottom left", "bottom right"});
  std::vector<Svg> figures;
  for (const Row& r : rows) {
    const RoIRequest request{r.box, 1, 2, r.samples, r.aligned, r.reduce};
    const Tensor y = run_roi(r.kind, Var(map), request).value();
    t.rows.push_back({r.what, y.at(0), y.at(1), y.at(2), y.at(3)});
    const bool shown = r.kind == RoIKind::pool_disjoint || (r.kind == RoIKind::pool && r.box == drawn) ||
                       (r.kind == RoIKind::align && r.aligned && r.samples == 2 && r.reduce == Reduce::mean);
    if (!shown) continue;
    RoIDrawing d;
    d.values = map;
    d.numbers = true;
    d.side = 320;
    d.margin = 8;
    d.notes = {"numbers: the map's values",
               fmt::format("a bin's value is the {}: {}, {} / {}, {}", r.reduce == Reduce::max ? "maximum" : "mean of its samples",
                           number(y.at(0)), number(y.at(1)), number(y.at(2)), number(y.at(3)))};
    figures.push_back(draw_roi(view_roi(r.kind, request, 8, 8), d));
  }
  page.say(
      "The drawing's answer is 0.85 0.84 / 0.97 0.96. It takes the box as half-open, 7 × 5 cells, and cuts it into 3 + 4 columns and 2 + 3 "
      "rows that do not overlap. The operator of Fast "
      "R-CNN includes both corners and cuts from ⌊k·n/2⌋ to ⌈(k+1)·n/2⌉, so that two bins of five rows share the middle one: it gives "
      "another answer on the same numbers.");
  page.figure = beside(figures);
  return page;
}

Page explain_roi_align_grid() {
  const RoIRequest request{{20, 12, 92, 76}, 16, 2, 2, true, Reduce::mean};
  Page page;
  page.title = "RoIAlign: 2 × 2 bins, four samples each, four neighbours a sample";
  const RoIView v = view_roi(RoIKind::align, request, 6, 7);
  page.say(
      "The box is divided by the stride and not rounded; it is cut into bins, and those into equal parts with a sample in the middle of "
      "each. A sample's value is interpolated from "
      "the four cells whose middles surround it, and a bin's is the mean of its samples (the maximum in part of Table 2c: both are "
      "RoIAlign).");
  const double y = v.y.bins[0].samples[0], x = v.x.bins[0].samples[0];  // where the drawing's arrows go
  const int row = static_cast<int>(std::floor(y - 0.5)), column = static_cast<int>(std::floor(x - 0.5));
  const double ly = y - 0.5 - row, lx = x - 0.5 - column;
  Table& t = page.table("The first sample's neighbours", {"row", "column", "weight"});
  for (int k = 0; k < 4; ++k)
    t.rows.push_back({int64_t{row + k / 2}, int64_t{column + k % 2}, (k / 2 ? ly : 1 - ly) * (k % 2 ? lx : 1 - lx)});
  const Tensor ramp = Tensor::zeros({1, 6, 7, 1}, DType::f64);
  for (int64_t i = 0; i < 6; ++i)
    for (int64_t j = 0; j < 7; ++j) ramp.data<double>()[i * 7 + j] = static_cast<double>(10 * i + j);
  const Var map(ramp);
  const Tensor bins = run_roi(RoIKind::align, map, request).value();
  RoIRequest apart = request;  // each sample as a bin of its own
  apart.size = request.size * request.samples;
  apart.samples = 1;
  const Tensor samples = run_roi(RoIKind::align, map, apart).value();
  Neighbours n{{}, {}, ly, lx};
  for (int k = 0; k < 4; ++k) {
    n.value[k] = ramp.at((row + k / 2) * 7 + column + k % 2);
    n.weight[k] = std::get<double>(t.rows[static_cast<size_t>(k)][2]);
  }
  matrix(page, "The samples' values on a map that counts 10·row + column", samples, 4, 4);
  matrix(page, "The bins' values", bins, 2, 2);
  page.figure = grid_figure(v, ramp, n, {row, column}, samples, bins);
  Table& s = page.table("7 × 7 bins of the same box: the first row, on the same map", {"reduce", "0", "1", "2", "3", "4", "5", "6"});
  for (const Reduce reduce : {Reduce::mean, Reduce::max}) {
    RoIRequest seven = request;
    seven.size = 7;
    seven.reduce = reduce;
    const Tensor out = run_roi(RoIKind::align, Var(ramp), seven).value();
    std::vector<Cell> cells = {std::string(reduce == Reduce::mean ? "mean" : "max")};
    for (int64_t q = 0; q < 7; ++q) cells.emplace_back(out.at(q));
    s.rows.push_back(std::move(cells));
  }
  return page;
}

Page explain_bilinear() {
  const Tensor map = map_of(2, 2, {1, 3, 5, 11});
  Page page;
  page.title = "Bilinear interpolation at one point";
  page.say(
      "Four cells with the values 1, 3 / 5, 11 and a point a quarter of the way across and half of the way down: index x = 0.25, y = 0.5. "
      "RoIAlign of a box with no size there, one bin, "
      "one sample, reads exactly that point.");
  const double x = 0.25, y = 0.5;
  // aligned, stride 1: index = coordinate − ½
  const RoIRequest request{
      {static_cast<float>(x + 0.5), static_cast<float>(y + 0.5), static_cast<float>(x + 0.5), static_cast<float>(y + 0.5)},
      1,
      1,
      1,
      true,
      Reduce::mean};
  const Var v(map, true);
  const Var out = run_roi(RoIKind::align, v, request);
  backward(out, Tensor::full(out.shape(), 1, DType::f64));
  Table& t = page.table("v = Σ weight · value", {"cell", "value", "weight", "weight · value", "∂v/∂cell"});
  double sum = 0;
  for (int k = 0; k < 4; ++k) {
    const Tap<double> ty = bilinear_tap(y, 2), tx = bilinear_tap(x, 2);
    const double w = (k / 2 ? ty.w_high : ty.w_low) * (k % 2 ? tx.w_high : tx.w_low);
    sum += w * map.at(k);
    t.rows.push_back({fmt::format("({}, {})", k / 2, k % 2), map.at(k), w, w * map.at(k), v.grad().at(k)});
  }
  page.say(
      fmt::format("Together {}; the operator gives {}. Its gradient to a cell is the weight, and to the point's place the slope of the "
                  "surface: along x (1−ly)·(3−1) + ly·(11−5) = {}.",
                  number(sum), number(out.value().at(0)), number((1 - y) * 2 + y * 6)));
  Neighbours n{{}, {}, y, x};
  for (int k = 0; k < 4; ++k) {
    n.value[k] = map.at(k);
    n.weight[k] = std::get<double>(t.rows[static_cast<size_t>(k)][2]);
  }
  page.figure = captioned(draw_neighbours(n, 120, "Four cells, and a point between their middles"),
                          {"the point: index x = 0.25, y = 0.5", fmt::format("v = {} = {}", sum_of(n), number(out.value().at(0)))});
  return page;
}

Page explain_deconv() {
  const Tensor x = map_of(2, 2, {1, 2, 3, 4}), w = Tensor::of<double>({1, 2, 2, 1}, {1, 10, 100, 1000});
  Page page;
  page.title = "Transposed convolution: each input writes a scaled copy of the kernel";
  const Tensor y = deconv2d(Var(x), Var(w), {}, {.stride = 2}).value();
  page.say(
      "x = 1 2 / 3 4, kernel 1 10 / 100 1000, stride 2. Input (i, j) adds x[i, j] · kernel at rows 2i, 2i + 1 and columns 2j, 2j + 1. With "
      "a kernel as wide as the stride no two copies meet: "
      "the mask head's 14 × 14 → 28 × 28 is four 1 × 1 convolutions interleaved.");
  matrix(page, "y = deconv(x)", y, 4, 4);
  const Tensor u = Tensor::zeros({1, 4, 4, 1}, DType::f64);
  for (int64_t i = 0; i < 16; ++i) u.data<double>()[i] = static_cast<double>(i * i % 7);
  const Tensor cu = conv2d(Var(u), Var(w), {}, {.stride = 2}).value();
  page.say(
      fmt::format("It is the adjoint of the convolution with the same kernel: for every u, ⟨conv(u), x⟩ = ⟨u, deconv(x)⟩. For u[k] = k² "
                  "mod 7, k = 0 … 15: {} = {}. So its forward is the convolution's backward to "
                  "its input, and the other way round.",
                  number(dot(cu, x)), number(dot(u, y))));
  Svg svg(460, 226);
  equation(svg, 30, "∗ᵀ", {{"x", x, 2, 2, 1, 1, 1, 1}, {"kernel", w, 2, 2, 0, 0, 2, 2}, {"y, stride 2", y, 4, 4, 2, 2, 2, 2}},
           "x[1,1] adds 4 · kernel to rows 2, 3 and columns 2, 3 of y");
  page.figure = svg;
  return page;
}

Page explain_anchors() {
  Page page;
  page.title = "Anchors";
  page.say(
      "At every cell of a level stand three boxes of the same area, with ratios height/width of ½, 1 and 2: width = size/√r, height = "
      "size·√r. On P4 (stride 16) the size is 128:");
  Table& t = page.table("P4", {"ratio h/w", "width", "height", "torchvision: width", "height"});
  const std::vector<double> ratios = {0.5, 1, 2};
  const Tensor exact = anchors_for_level(1, 1, 16, 16, {128}, {.ratios = ratios, .round = false}),
               rounded = anchors_for_level(1, 1, 16, 16, {128}, {.ratios = ratios, .round = true});
  const auto side = [](const Tensor& a, int64_t i, int64_t k) { return a.at(4 * i + 2 + k) - a.at(4 * i + k); };
  for (int64_t i = 0; i < 3; ++i)
    t.rows.push_back({ratios[static_cast<size_t>(i)], side(exact, i, 0), side(exact, i, 1), side(rounded, i, 0), side(rounded, i, 1)});
  page.say("torchvision rounds half the sides to whole pixels, half to even: 182 × 90 and not 181 × 91.");
  Table& levels = page.table("How many an image has, three a cell", {"image, padded to 32", "P2", "P3", "P4", "P5", "P6", "together"});
  for (const auto& [height, width] : {std::pair{800, 800}, std::pair{800, 1344}}) {
    std::vector<Cell> row = {fmt::format("{} × {}", height, width)};
    int64_t sum = 0;
    for (int stride = 4; stride <= 64; stride *= 2) {
      const Tensor a = anchors_for_level((height + stride - 1) / stride, (width + stride - 1) / stride, stride, stride, {8.0 * stride}, {});
      row.emplace_back(a.size(0));
      sum += a.size(0);
    }
    row.emplace_back(sum);
    levels.rows.push_back(std::move(row));
  }
  page.say(
      "One anchor is a reference box of the RPN, not a RoI: RoIs are the proposals that it makes of them. (\"Three kinds\" of anchors a "
      "level is a count of shapes: the number of anchors is three times the "
      "number of cells. And an anchor is negative below an IoU of 0.3, not at it; from 0.3 to 0.7 it is not used, unless it is an object's "
      "best.)");
  Svg svg(580, 300);
  svg.text(12, 17, "Three anchors of one cell of P4. Dots: the cells, 16 pixels apart", 13, colour::ink, Anchor::start, true);
  const double cx = 200, cy = 160;
  for (int i = -7; i <= 7; ++i)
    for (int j = -10; j <= 10; ++j) svg.circle({cx + 16 * j, cy + 16 * i}, 1, {.fill = colour::soft});
  const std::string strokes[] = {colour::taken, colour::ink, colour::box};
  for (int64_t i = 0; i < 3; ++i) {
    const double w = side(exact, i, 0), h = side(exact, i, 1), line = 130 + 24 * static_cast<double>(i);
    svg.rectangle(cx - w / 2, cy - h / 2, w, h, {.stroke = strokes[i], .width = 2});
    svg.line({384, line - 4}, {404, line - 4}, {.stroke = strokes[i], .width = 2});
    svg.text(412, line, fmt::format("h/w = {}: {:.0f} × {:.0f} px", short_number(ratios[static_cast<size_t>(i)]), w, h), 12, colour::ink);
  }
  page.figure = svg;
  return page;
}

}  // namespace mr::app
