// What a RoI operator makes of one box, as numbers that can be printed and drawn. Nothing is computed here that the operator computes: the
// views ask ops/roi/roi_grid.h, and values and gradients come from the operators themselves.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "app/page/svg.h"
#include "autograd/var.h"
#include "geometry/box.h"
#include "ops/roi/roi_grid.h"

namespace mr::app {

enum class RoIKind : uint8_t { align, pool, pool_disjoint, pool_truncated, warp, warp_mnc, crop, precise };
struct RoIName {
  RoIKind kind;
  const char* name;  // on the command line
  const char* title;
};
const std::vector<RoIName>& roi_names();
const char* title_of(RoIKind kind);

struct RoIRequest {
  Box box;  // pixels
  int stride = 16, size = 7, samples = 2;
  bool aligned = true;
  std::optional<Reduce> reduce = {};  // none: the operator's own
};

// Coordinates of the map: cell k covers [k, k+1), and its value sits in the middle, at k + ½. Index t is drawn at t + ½.
struct BinView {
  double begin = 0, end = 0;
  std::vector<double> samples;               // none: the bin takes whole cells, or integrates
  std::vector<std::pair<int, double>> taps;  // the cells it reads, with weights (of a maximum: 1)
};
struct AxisView {
  double exact_lo = 0, exact_hi = 0;  // the box divided by the stride
  double lo = 0, hi = 0;              // what the bins cover
  std::vector<BinView> bins;
};
AxisView view_axis(RoIKind kind, double lo, double hi, int cells, const RoIRequest& request);

struct RoIView {
  RoIKind kind = RoIKind::align;
  RoIRequest request;
  int map_h = 0, map_w = 0;
  AxisView x, y;
};
RoIView view_roi(RoIKind kind, const RoIRequest& request, int map_h, int map_w);

Reduce reduce_of(RoIKind kind, const RoIRequest& request);

// The operator itself, on a map [1,H,W,C] f64 → [1,P,P,C].
Var run_roi(RoIKind kind, const Var& map, const RoIRequest& request);

// Cells of the map, and beside it: columns x0 … x1 − 1, rows y0 … y1 − 1.
struct Cells {
  int x0 = 0, y0 = 0, x1 = 0, y1 = 0;
};
// The part of the map that shows each of the views whole, with `margin` cells around where the map has them.
Cells shown_part(std::span<const RoIView> views, int margin = 2);

// What lies under the bins: cells shaded by `values` [1,H,W,1] (undefined: white), or the picture that the map stands for.
struct RoIDrawing {
  Tensor values;
  bool numbers = false;  // the values written into the cells
  bool signed_values = false;
  const Image* picture = nullptr;
  double side = 520;                    // of the drawing, pixels
  int margin = 2;                       // cells around the box
  std::optional<Cells> part = {};       // what is shown; drawings of one part have one scale. None: the view, with the margin
  std::vector<std::string> notes = {};  // lines under the drawing: what its numbers are, what comes out
};
Svg draw_roi(const RoIView& view, const RoIDrawing& drawing);

}  // namespace mr::app
