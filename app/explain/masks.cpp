// Masks and points in a RoI's own grid: into it for training, back into the image for prediction.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "app/explain/draw.h"
#include "app/explain/explain.h"
#include "ops/boxes/mask_paste.h"
#include "ops/boxes/mask_target.h"
#include "ops/loss/keypoint.h"

namespace mr::app {
namespace {

CroppedMask mask_where(int h, int w, bool (*inside)(int y, int x)) {
  CroppedMask m{h, w, 0, 0, Bitmap(h, w)};
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x) m.bits.at(y, x) = inside(y, x);
  return m;
}

Tensor as_map(const CroppedMask& m) {
  const Tensor t = Tensor::zeros({1, m.image_height, m.image_width, 1}, DType::f64);
  for (int y = 0; y < m.bits.height; ++y)
    for (int x = 0; x < m.bits.width; ++x) t.data<double>()[(y + m.y0) * m.image_width + x + m.x0] = m.bits.at(y, x);
  return t;
}

Tensor as_map(const SoftMask& m, int h, int w) {
  const Tensor t = Tensor::zeros({1, h, w, 1}, DType::f64);
  const float* value = m.values.data();
  for (int y = 0; y < m.height; ++y)
    for (int x = 0; x < m.width; ++x) t.data<double>()[(y + m.y0) * w + x + m.x0] = static_cast<double>(*value++);
  return t;
}

double share_of(const Tensor& a, const Tensor& b) {  // |A ∩ B| / |A ∪ B| of two maps of ones and zeros
  const double both = dot(a, b);
  return both / (dot(a, a) + dot(b, b) - both);
}

// The pixels that are on, each framed.
void frame_pixels(Svg& svg, const Grid& g, const Tensor& on) {
  for (int64_t i = 0; i < g.rows; ++i)
    for (int64_t j = 0; j < g.columns; ++j)
      if (on.at(i * g.columns + j) > 0)
        g.frame(svg, static_cast<double>(i), static_cast<double>(j), 1, 1, {.stroke = colour::good, .width = 2.2}, 2);
}

// ---- keypoints ----

constexpr int m56 = 56;
constexpr int zoom_row = 24, zoom_column = 25, zoom = 7;  // the part of the 56 × 56 map that is drawn

Tensor point(double x, double y, double visible) {
  return Tensor::of<float>({1, 1, 3}, {static_cast<float>(x), static_cast<float>(y), static_cast<float>(visible)});
}

Tensor zoomed(const Tensor& map) {
  const Tensor t = Tensor::zeros({1, zoom, zoom, 1}, DType::f64);
  for (int64_t i = 0; i < zoom * zoom; ++i) t.data<double>()[i] = map.at((zoom_row + i / zoom) * m56 + zoom_column + i % zoom);
  return t;
}

// Logits that fall with the squared distance from the index (x, y).
Tensor hill(double x, double y, double steepness) {
  const Tensor z = Tensor::zeros({1, m56, m56, 1}, DType::f64);
  for (int i = 0; i < m56; ++i)
    for (int j = 0; j < m56; ++j) z.data<double>()[i * m56 + j] = -steepness * ((i - y) * (i - y) + (j - x) * (j - x));
  return z;
}

Tensor peak(int row, int column, double logit) {
  const Tensor z = Tensor::zeros({1, m56, m56, 1}, DType::f64);
  if (row >= 0) z.data<double>()[row * m56 + column] = logit;
  return z;
}

// What one RoI of one object is to learn, [1,m,m].
Tensor target_of(const CroppedMask& object, const Box& roi, int m, MaskRule rule) {
  return mask_targets(mask_table({{&object, 1}}, 1), Tensor::of<float>({1, 5}, {0, roi.x1, roi.y1, roi.x2, roi.y2}),
                      Tensor::of<int32_t>({1}, {0}), m, rule);
}

}  // namespace

Page explain_mask_target() {
  constexpr int m = 4;
  const CroppedMask object = mask_where(13, 13, [](int y, int x) { return x + y >= 9 && x <= 10 && y <= 10; });
  const Box roi{2, 2, 10, 10};
  const Tensor soft = target_of(object, roi, m, MaskRule::torchvision), hard = target_of(object, roi, m, MaskRule::thresholded);

  Page page;
  page.title = "Mask target: the object's mask seen through a RoI, m = 4";
  page.say(
      "The object is the pixels with x + y ≥ 9, up to column and row 10; the RoI is (2, 2, 10, 10), so each of the 4 × 4 bins is 2 × 2 "
      "pixels. The mask is a map of ones and zeros with stride 1, and the target is RoIAlign of it, one sample a pixel.");
  matrix(page, "As torchvision trains: not aligned, fractions kept", soft, m, m);
  matrix(page, "Aligned, then 1 from a half on", hard, m, m);
  page.say(
      "Aligned, the samples sit in the middles of pixels: a bin on the diagonal holds three of its four pixels, 0.75, and becomes 1; one "
      "beside it holds none. Not aligned they sit half a pixel further right and down, between pixels, and the same bins read 0.9375 and "
      "0.3125. That is how torchvision's weights were trained.");
  page.say(
      "m is the side of the mask that the head puts out: 28 with an FPN (a RoI of 14 × 14, doubled by the deconvolution), 14 with C4, 56 "
      "for keypoints. (Some texts say m is RoIAlign's own size, 7 or 14: that is what goes into the head.) Where the object leaves the RoI "
      "it is lost: a mask is never better than its box.");

  const Grid image{.cell = 20, .rows = 13, .columns = 13};
  const Grid left{.x = image.right() + 40, .cell = 56, .rows = m, .columns = m},
      right{.x = left.right() + 30, .cell = 56, .rows = m, .columns = m};
  Svg svg(right.right() + 12, image.bottom() + 14);
  Grid::Ink ink{.decimals = -1};
  for (const uint8_t on : object.bits.pixels) ink.fills.push_back(on ? "#f5c99a" : colour::paper);
  image.draw(svg, as_map(object), "the object, the RoI, its bins", ink);
  for (int p = 0; p < m; ++p)
    for (int q = 0; q < m; ++q)
      image.frame(svg, roi.y1 + roi.height() * p / m, roi.x1 + roi.width() * q / m, roi.height() / m, roi.width() / m,
                  {.stroke = colour::bin, .width = 1.2});
  image.frame(svg, roi.y1, roi.x1, roi.height(), roi.width(), {.stroke = colour::box, .width = 2.2, .dashed = true});
  left.draw(svg, soft, "target, torchvision's", {.decimals = 4});
  right.draw(svg, hard, "target, aligned, ≥ ½", {});
  page.figure = captioned(svg, {"Orange: the object's pixels. Red: the RoI, (2, 2, 10, 10) pixels. Blue: its 4 × 4 bins."});
  return page;
}

Page explain_mask_paste() {
  const float mask[] = {1, 0, 0, 0};
  const Box box{1, 1, 5, 5};
  constexpr int side = 6;
  const auto values = [&](PasteRule rule) { return as_map(paste_values(mask, 2, box, side, side, rule), side, side); };
  const auto on = [&](PasteRule rule) { return as_map(paste_mask(mask, 2, box, side, side, rule)); };

  Page page;
  page.title = "Mask paste: the mask 1 0 / 0 0 in the box (1, 1, 5, 5) of an image of 6 × 6";
  page.say(
      "Pixel (X, Y) reads the mask at u = (X + ½ − x1)/(x2 − x1)·m − ½, v alike, bilinearly; outside the mask is 0. Pixel 0 reads u = "
      "−0.75 and so a quarter of cell 0, pixels 1 and 2 u = −0.25 and 0.25, three quarters of it, pixel 3 u = 0.75, a quarter. The two "
      "axes multiply.");
  matrix(page, "Values", values(PasteRule::accurate), side, side);
  matrix(page, "On, from ½", on(PasteRule::accurate), side, side);
  page.say(
      "Cell 0 of the mask stands for a quarter of the box, 2 × 2 pixels; and 2 × 2 pixels are on. Mask R-CNN's first code did it "
      "otherwise: a border of zeros, the box grown by (m + 2)/m and cut to whole pixels, x2 − x1 + 1 of them:");
  matrix(page, "Values, the first release's way", values(PasteRule::torchvision), side, side);
  matrix(page, "On, above ½", on(PasteRule::torchvision), side, side);

  // A pan: a disc with a handle of 8 pixels. What is left of it after a perfect prediction of m × m?
  const CroppedMask pan = mask_where(80, 140, [](int y, int x) {
    const double dy = y + 0.5 - 40, dx = x + 0.5 - 40;
    return dx * dx + dy * dy < 30 * 30 || (x >= 60 && x < 124 && y >= 36 && y < 44);
  });
  const Box around{10, 10, 124, 70};
  Table& t = page.table("A pan of 60 pixels with a handle of 8, put into m × m and back: IoU with itself", {"m", "mask IoU"});
  for (const int m : {3, 7, 14, 28, 56}) {
    const Tensor target = target_of(pan, around, m, MaskRule::thresholded);
    const CroppedMask back = paste_mask(target.data<float>(), m, around, pan.image_height, pan.image_width, PasteRule::accurate);
    t.rows.push_back({int64_t{m}, share_of(as_map(back), as_map(pan))});
  }
  page.say("So much is lost by the grid alone, whatever the network learns. The mask head doubles its 14 × 14 before it predicts.");

  Svg svg(12 + 2 * 60 + 40 + 2 * (side * 54) + 40 + 12, 26 + side * 54 + 14);
  const Grid small{.cell = 60, .rows = 2, .columns = 2};
  small.draw(svg, Tensor::of<float>({4}, {1, 0, 0, 0}), "mask, m = 2", {});
  double left = small.right() + 40;
  for (const PasteRule rule : {PasteRule::accurate, PasteRule::torchvision}) {
    const Grid g{.x = left, .cell = 54, .rows = side, .columns = side};
    g.draw(svg, values(rule), rule == PasteRule::accurate ? "in the image, box dashed" : "the first release's way", {.decimals = 4});
    frame_pixels(svg, g, on(rule));
    g.frame(svg, box.y1, box.x1, box.height(), box.width(), {.stroke = colour::box, .width = 2, .dashed = true});
    left = g.right() + 40;
  }
  page.figure = captioned(
      svg, {"A square of the image is a pixel. Red: the box, (1, 1, 5, 5). Green: the pixels that are on, from ½ of the mask's 1."});
  return page;
}

Page explain_keypoints() {
  const Box roi{10, 20, 66, 132};
  const Tensor box = tensor_of(std::vector{roi});
  const auto label_of = [&](double x, double y, double visible) {
    return static_cast<int64_t>(keypoint_labels(point(x, y, visible), box, m56).at(0));
  };
  Page page;
  page.title = "Keypoints: the RoI (10, 20, 66, 132), a map of 56 × 56";
  page.say(
      "A cell of the map is 1 × 2 pixels of this RoI. A point's label is its cell, counted row by row: x' = ⌊(x − x1)·56/(x2 − x1)⌋, y' "
      "alike, label = 56·y' + x'; a point on the far edge belongs to the last cell. Points that are not visible or not in the RoI are not "
      "trained.");
  Table& t = page.table("", {"x", "y", "visible", "column x'", "row y'", "label"});
  const std::vector<std::array<double, 3>> points = {{38.2, 75.9, 2}, {66, 132, 1}, {10, 20, 1}, {9.9, 50, 2}, {38.2, 75.9, 0}};
  for (const auto& [x, y, visible] : points) {
    const int64_t label = label_of(x, y, visible);
    t.rows.push_back({x, y, visible, label < 0 ? "–" : std::to_string(label % m56), label < 0 ? "–" : std::to_string(label / m56), label});
  }
  const int64_t label = label_of(38.2, 75.9, 2);
  const Tensor labels = Tensor::of<int32_t>({1, 1}, {static_cast<int32_t>(label)});
  const auto loss_of = [&](const Tensor& z) { return keypoint_loss(Var(z), labels).value().at(0); };
  page.say(
      "The loss is softmax cross entropy over the 3136 cells of the point's own map, with one cell right. Every other cell is equally "
      "wrong, however near:");
  const int row = static_cast<int>(label / m56), column = static_cast<int>(label % m56);
  Table& l = page.table("Loss of the point (38.2, 75.9)", {"logits", "loss"});
  l.rows.push_back({"all 0", loss_of(peak(-1, 0, 0))});
  l.rows.push_back({"10 at its cell", loss_of(peak(row, column, 10))});
  l.rows.push_back({"10 at the next cell", loss_of(peak(row, column + 1, 10))});
  l.rows.push_back({"10 in the corner", loss_of(peak(0, 0, 10))});

  const Var z(hill(column + 1, row - 1, 2), true);  // a prediction, one cell too far right and up
  const Var loss = keypoint_loss(z, labels);
  backward(loss);
  page.say(
      fmt::format("A network has found the point, but one cell too far right and one too high, its logits falling by 2 · distance². The "
                  "loss is {}, and its gradient, softmax − onehot, is {} at the label and {} where the network sees the point: it pulls "
                  "one cell up, and pushes down what was predicted.",
                  number(loss.value().at(0)), number(z.grad().at(label)), number(z.grad().at(label - m56 + 1))));
  page.say(
      "Back into the image the map is resized to ⌈w⌉ × ⌈h⌉ pixels (bicubic), and the largest pixel's middle is the point: half a cell is "
      "all that the grid costs, if the map has the shape of a hill around the true place.");
  Table& d = page.table("Decoded, for the point (38.2, 75.9)", {"logits", "x", "y", "score"});
  const auto decode = [&](const char* what, const Tensor& logits) {
    const Tensor p = keypoint_decode(logits, box);
    d.rows.push_back({what, p.at(0), p.at(1), p.at(2)});
    return Point{p.at(0), p.at(1)};
  };
  decode("10 at its cell, 0 elsewhere", peak(row, column, 10));
  const Point found = decode("a hill around the true place", hill(27.7, 27.45, 0.5));

  const Plane p{.scale = 2.5, .view = {-14, 10, 76, 142}};
  const Grid cells{.x = p.right() + 36, .cell = 46, .rows = zoom, .columns = zoom},
      gradient{.x = cells.right() + 36, .cell = 46, .rows = zoom, .columns = zoom};
  Svg svg(gradient.right() + 12, std::max(p.bottom(), cells.bottom()) + 34);
  p.draw(svg, "the RoI, in pixels");
  p.box(svg, roi, {.stroke = colour::box, .width = 2, .dashed = true});
  const double px = roi.width() / m56, py = roi.height() / m56;
  p.box(svg,
        {static_cast<float>(roi.x1 + zoom_column * px), static_cast<float>(roi.y1 + zoom_row * py),
         static_cast<float>(roi.x1 + (zoom_column + zoom) * px), static_cast<float>(roi.y1 + (zoom_row + zoom) * py)},
        {.stroke = colour::taken, .width = 1.6});
  const double zoom_right = roi.x1 + (zoom_column + zoom) * px, zoom_top = roi.y1 + zoom_row * py;
  svg.line(p.at(zoom_right, zoom_top), cells.at(0, 0), {.stroke = colour::taken, .width = 0.8, .dashed = true});
  svg.line(p.at(zoom_right, zoom_top + zoom * py), cells.at(zoom, 0), {.stroke = colour::taken, .width = 0.8, .dashed = true});
  svg.circle(p.at(38.2, 75.9), 3.5, {.fill = colour::good});
  svg.cross(p.at(9.9, 50), 3.5, {.stroke = colour::soft, .width = 1.6});
  svg.circle(p.at(66, 132), 3.5, {.fill = colour::soft});
  svg.text(p.at(66, 132).x - 6, p.at(66, 132).y - 7, "3135", 11, colour::soft, Anchor::end);
  svg.text(p.at(9.9, 50).x - 7, p.at(9.9, 50).y + 4, "outside", 11, colour::soft, Anchor::end);
  for (const bool far : {false, true}) {
    const double x = far ? roi.x2 : roi.x1, y = far ? roi.y2 : roi.y1;
    svg.text(p.at(x, y).x, p.at(x, y).y + (far ? 16 : -7), fmt::format("({}, {})", x, y), 11, colour::box, Anchor::middle);
  }

  const Tensor numbers = Tensor::zeros({1, zoom, zoom, 1}, DType::f64);
  std::vector<std::string> white(zoom * zoom, colour::paper);
  for (int i = 0; i < zoom; ++i)
    for (int j = 0; j < zoom; ++j)
      numbers.data<double>()[i * zoom + j] =
          static_cast<double>(label_of(roi.x1 + (zoom_column + j + 0.5) * px, roi.y1 + (zoom_row + i + 0.5) * py, 1));
  cells.draw(svg, numbers, "its blue part: the cells' labels", {.decimals = 0, .fills = white});
  const auto place = [&](Point in_image) {
    return cells.at((in_image.y - roi.y1) / py - zoom_row, (in_image.x - roi.x1) / px - zoom_column);
  };
  cells.frame(svg, row - zoom_row, column - zoom_column, 1, 1, {.stroke = colour::good, .width = 2.5});
  svg.circle(place({38.2, 75.9}), 4, {.fill = colour::good});
  svg.cross(place(found), 4, {.stroke = colour::box, .width = 2});
  svg.circle({cells.x + 5, cells.bottom() + 17}, 4, {.fill = colour::good});
  svg.text(cells.x + 14, cells.bottom() + 21, "the point", 11, colour::ink);
  svg.cross({cells.x + 84, cells.bottom() + 17}, 4, {.stroke = colour::box, .width = 2});
  svg.text(cells.x + 94, cells.bottom() + 21, "as a hill around it is decoded", 11, colour::ink);
  gradient.draw(svg, zoomed(z.grad()), "gradient of a prediction beside it", {});
  gradient.frame(svg, row - zoom_row, column - zoom_column, 1, 1, {.stroke = colour::good, .width = 2.5});
  page.figure =
      captioned(svg, {"Right: ∂L/∂logit, where the prediction's hill stands one cell right of and above the point's cell (green)."});
  return page;
}

}  // namespace mr::app
