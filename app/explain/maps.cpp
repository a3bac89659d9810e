// What happens to feature maps: convolution, pooling, upsampling, normalisation.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/explain/draw.h"
#include "app/explain/explain.h"
#include "ops/conv/conv2d.h"
#include "ops/conv/conv2d_rungs.h"
#include "ops/norm/batch_norm.h"
#include "ops/norm/group_norm.h"
#include "ops/norm/rows.h"
#include "ops/pool/avg_pool.h"
#include "ops/pool/max_pool.h"
#include "ops/resize/nearest.h"

namespace mr::app {
namespace {

const Style marked{.stroke = colour::box, .width = 2.5};

// ---- convolution ----

void convolution_sizes(Page& page) {
  struct Row {
    const char* what;
    int64_t side, in, out, kernel;
    Conv2dOptions options;
  };
  const Row rows[] = {
      {"stem, 7 × 7, stride 2, padding 3", 800, 3, 64, 7, {.stride = 2, .padding = 3}},
      {"C2, 3 × 3, padding 1", 200, 64, 64, 3, {.padding = 1}},
      {"C3, its first 3 × 3, stride 2, padding 1", 200, 128, 128, 3, {.stride = 2, .padding = 1}},
      {"FPN, lateral 1 × 1 of C2", 200, 256, 256, 1, {}},
      {"FPN, 3 × 3 of P2, padding 1", 200, 256, 256, 3, {.padding = 1}},
      {"mask head, one 3 × 3 of one RoI, padding 1", 14, 256, 256, 3, {.padding = 1}},
  };
  Table& t = page.table("Some of Mask R-CNN's, on an image of 800 × 800",
                        {"convolution", "side before", "channels", "side after", "channels", "million multiply-adds"});
  for (const Row& r : rows) {
    const Conv2dCase c = conv2d_case({1, r.side, r.side, r.in}, {r.out, r.kernel, r.kernel, r.in}, r.options, DType::f32);
    t.rows.push_back({r.what, c.H, c.Cin, c.OH, c.Cout, c.flops() / 2e6});
  }
}

// ---- normalisation ----

const std::string tints[] = {"#d6e4f2", "#fae3c8", "#dcefd8", "#ecdcf0"};

// Four rows (two pixels of each of two images) of four channels; `set` says which statistic a value belongs to, −1: none.
Svg norm_panel(const std::string& title, const Tensor& m, int decimals, int (*set)(int row, int channel), double most = 0) {
  const Grid g{.x = 66, .y = 42, .cell = 50, .rows = 4, .columns = 4};
  Svg svg(g.right() + 14, g.bottom() + 12);
  Grid::Ink ink{.decimals = decimals, .most = most};
  for (int i = 0; set && i < 16; ++i) {
    const int k = set(i / 4, i % 4);
    ink.fills.push_back(k < 0 ? colour::paper : tints[k]);
  }
  g.draw(svg, m, "", ink);
  svg.text(g.x, 18, title, 13, colour::ink, Anchor::start, true);
  for (int c = 0; c < 4; ++c) svg.text(g.at(0, c + 0.5).x, g.y - 6, fmt::format("c = {}", c), 10, colour::soft, Anchor::middle);
  for (int n = 0; n < 2; ++n) svg.text(g.x - 8, g.at(2 * n + 1, 0).y + 4, fmt::format("image {}", n), 11, colour::soft, Anchor::end);
  svg.line(g.at(2, 0), g.at(2, 4), {.stroke = colour::soft, .width = 1.2});
  return svg;
}

int by_channel(int /*row*/, int channel) { return channel; }
int by_group(int row, int channel) { return row / 2 * 2 + channel / 2; }
int alone(int /*row*/, int /*channel*/) { return -1; }

// Mean and variance of each set, as the operators gather them.
void statistics_table(Page& page, const Tensor& x) {
  Table& t = page.table("Which values share a statistic", {"operator", "set", "values", "mean μ", "variance σ²"});
  const std::vector<Moments> batch = moments(x, {1, 4, 4}), image = moments(x, {2, 2, 4});
  for (size_t c = 0; c < 4; ++c)
    t.rows.push_back({"batch norm", fmt::format("channel {}, both images", c), static_cast<int64_t>(batch[c].n), batch[c].mean,
                      batch[c].m2 / batch[c].n});
  for (size_t n = 0; n < 2; ++n)
    for (size_t k = 0; k < 2; ++k) {
      Moments m = image[4 * n + 2 * k];
      m.merge(image[4 * n + 2 * k + 1]);
      t.rows.push_back(
          {"group norm", fmt::format("image {}, channels {} and {}", n, 2 * k, 2 * k + 1), static_cast<int64_t>(m.n), m.mean, m.m2 / m.n});
    }
}

}  // namespace

Page explain_conv() {
  const Var x(map_of(4, 4, {1, 2, 0, 1, 0, 1, 3, 2, 2, 0, 1, 1, 1, 3, 2, 0}), true);
  const Var w(Tensor::of<double>({1, 3, 3, 1}, {1, 0, 2, 0, -1, 1, 1, 1, 0}), true), b(Tensor::zeros({1}, DType::f64), true);
  const Var out = conv2d(x, w, b, {});
  const Tensor y = out.value(), gy = map_of(2, 2, {1, 2, 0, -1});
  backward(out, gy);

  Page page;
  page.title = "Convolution: a window of 3 × 3 over a map of 4 × 4, and the two ways back";
  page.say(
      "y[i, j] = Σ x[i + p, j + q] · w[p, q]: the kernel is laid on the map with its corner at (i, j), what lies on one another is "
      "multiplied, and the products are added. Without padding 4 × 4 becomes 2 × 2.");
  matrix(page, "x", x.value(), 4, 4);
  matrix(page, "w", w.value(), 3, 3);
  Sum first, to_x, to_w;
  Table& t = page.table("What y[0, 0] reads", {"p", "q", "x[p, q]", "w[p, q]", "product"});
  const auto X = [&](int64_t i, int64_t j) { return x.value().at(i * 4 + j); };
  const auto W = [&](int64_t p, int64_t q) { return w.value().at(p * 3 + q); };
  for (int64_t p = 0; p < 3; ++p)
    for (int64_t q = 0; q < 3; ++q) {
      first.add(X(p, q), W(p, q));
      t.rows.push_back({p, q, X(p, q), W(p, q), X(p, q) * W(p, q)});
    }
  matrix(page, "y", y, 2, 2);
  page.say(
      "Now let a loss send the gradient gy = 1 2 / 0 −1 back. An input has a part in every output whose window holds it, with the weight "
      "that lay on it there; so gx is the kernel, once for each output, scaled by that output's gradient and laid where it read: the "
      "transposed convolution. Seen from one input the kernel is turned by 180°.");
  matrix(page, "gx, the gradient of x", x.grad(), 4, 4);
  page.say("A weight has a part in every output, with the input that lay under it; so gw is x convolved with gy.");
  matrix(page, "gw, the gradient of w", w.grad(), 3, 3);
  page.say(
      fmt::format("The bias is added to every output: gb = Σ gy = {}. A check for all three: y is linear in x and in w, so that ⟨y, gy⟩, "
                  "⟨x, gx⟩ and ⟨w, gw⟩ are one number: {}, {}, {}.",
                  number(b.grad().at(0)), number(dot(y, gy)), number(dot(x.value(), x.grad())), number(dot(w.value(), w.grad()))));
  convolution_sizes(page);

  for (int64_t i = 0; i < 2; ++i)
    for (int64_t j = 0; j < 2; ++j) {
      to_x.add(gy.at(i * 2 + j), W(1 - i, 2 - j));
      to_w.add(gy.at(i * 2 + j), X(1 + i, 2 + j));
    }
  Svg svg(540, 658);
  double top = 30;
  top = equation(svg, top, "∗", {{"x", x.value(), 4, 4, 0, 0, 3, 3}, {"w", w.value(), 3, 3, 0, 0, 3, 3}, {"y", y, 2, 2, 0, 0, 1, 1}},
                 fmt::format("y[0,0] = {} = {}", first.text, number(y.at(0))));
  top = equation(svg, top, "∗",
                 {{"gy", gy, 2, 2, 0, 0, 2, 2}, {"w", w.value(), 3, 3, 0, 1, 2, 2}, {"gx: w, turned, over gy", x.grad(), 4, 4, 1, 2, 1, 1}},
                 fmt::format("gx[1,2] = Σ gy[i,j] · w[1−i, 2−j] = {} = {}", to_x.text, number(x.grad().at(6))));
  equation(svg, top, "∗", {{"x", x.value(), 4, 4, 1, 2, 2, 2}, {"gy", gy, 2, 2, 0, 0, 2, 2}, {"gw: gy over x", w.grad(), 3, 3, 1, 2, 1, 1}},
           fmt::format("gw[1,2] = Σ gy[i,j] · x[1+i, 2+j] = {} = {}", to_w.text, number(w.grad().at(5))));
  page.figure = svg;
  return page;
}

Page explain_norm() {
  // Two images of two pixels and four channels. The second is the first, 8 brighter.
  const Tensor x = Tensor::of<double>({2, 1, 2, 4}, {1, 3, 0, 4, 5, 7, 2, 6, 9, 11, 8, 12, 13, 15, 10, 14});
  const Var one(Tensor::full({4}, 1, DType::f64)), zero(Tensor::zeros({4}, DType::f64));
  const Var xb(x, true), xg(x, true), xf(x, true);
  const Var batch = batch_norm(xb, one, zero, Tensor::zeros({4}, DType::f64), Tensor::full({4}, 1, DType::f64), 0.1, 0, true);
  const Var group = group_norm(xg, one, zero, 2, 0);
  const Var frozen =
      frozen_batch_norm(xf, one.value(), zero.value(), Tensor::full({4}, 7, DType::f64), Tensor::full({4}, 16, DType::f64), 0);
  const Tensor seed = Tensor::zeros(x.shape(), DType::f64);
  seed.data<double>()[0] = 1;
  for (const Var& y : {batch, group, frozen}) backward(y, seed.clone());

  Page page;
  page.title = "Normalisation: which values share a mean and a variance";
  page.say(
      "y = (x − μ)/√(σ² + ε) · w + b; here w = 1, b = 0, ε = 0. The operators differ in whose mean and variance it is. Batch norm takes a "
      "channel over all pixels of all images; group norm (here two groups) the channels of a group over the pixels of one image; frozen "
      "batch norm takes constants from an earlier training (here μ = 7, σ² = 16).");
  statistics_table(page, x);
  Table& t = page.table("Every value, and the gradient that the first output alone sends back",
                        {"image", "pixel", "channel", "x", "batch norm", "group norm", "frozen", "gx, batch", "gx, group", "gx, frozen"});
  for (int64_t i = 0; i < 16; ++i)
    t.rows.push_back({i / 8, i / 4 % 2, i % 4, x.at(i), batch.value().at(i), group.value().at(i), frozen.value().at(i), xb.grad().at(i),
                      xg.grad().at(i), xf.grad().at(i)});
  page.say(
      "Image 1 is image 0, 8 brighter. Group norm makes the same of both: an image does not see its neighbours. Under batch norm an "
      "image's values depend on which images stand beside it, and detectors train with one or two a batch: hence the frozen statistics, or "
      "group norm.");
  page.say(
      "Backward, the values of a set are tied together too. Its gradient adds up to 0 (adding a constant to the whole set changes nothing) "
      "and so does gradient · x̂ (nor does stretching it). Under frozen batch norm each value gets its own gradient, divided by σ.");
  const double most = xf.grad().at(0);
  page.figure =
      captioned(tiled(std::vector{norm_panel("x", x, 2, alone), norm_panel("batch norm", batch.value(), 2, by_channel),
                                  norm_panel("group norm, 2 groups", group.value(), 2, by_group),
                                  norm_panel("gradient, frozen", xf.grad(), 3, nullptr, most),
                                  norm_panel("gradient, batch norm", xb.grad(), 3, nullptr, most),
                                  norm_panel("gradient, group norm", xg.grad(), 3, nullptr, most)},
                      3),
                {"Above: values of one colour share a mean and a variance. Two pixels of four channels an image.",
                 "Below: ∂y/∂x of the first output, channel 0 of the first pixel of image 0, which frozen statistics give to it alone."});
  return page;
}

Page explain_pool() {
  const Tensor x = map_of(5, 5, {1, 3, 2, 0, 1, 4, 2, 9, 1, 5, 0, 1, 3, 2, 2, 7, 2, 1, 4, 6, 3, 5, 5, 0, 2});
  const Var xm(x, true), xa(x, true);
  const MaxPoolOptions stem{.size = 3, .stride = 2, .padding = 1};
  const Var y = max_pool2d(xm, stem), mean = global_average_pool(xa);
  backward(y, Tensor::full(y.shape(), 1, DType::f64));
  backward(mean, Tensor::full(mean.shape(), 1, DType::f64));
  const Tensor sub = max_pool2d(Var(x), {.size = 1, .stride = 2, .padding = 0}).value();

  Page page;
  page.title = "Pooling: the largest of a window, the mean of a map";
  page.say(
      "Max pooling as in ResNet's stem, 3 × 3, stride 2, padding 1: output (i, j) is the largest of rows 2i − 1 … 2i + 1 and columns 2j − "
      "1 … 2j + 1. Pixels outside the map are not looked at: they are not zeros, which would win over negative numbers.");
  matrix(page, "x", x, 5, 5);
  matrix(page, "y, 3 × 3 windows of stride 2", y.value(), 3, 3);
  matrix(page, "1 × 1 windows of stride 2: every second pixel (FPN's P6, from P5)", sub, 3, 3);
  page.say(
      "The gradient of an output goes to the pixel that was the largest, and to no other. Windows overlap: the 9 won twice, and gets two "
      "outputs' gradients. In the last row two pixels are 5: the first of equals wins.");
  matrix(page, "The gradient of x for a gradient of 1 at every output", xm.grad(), 5, 5);
  page.say(fmt::format(
      "Global average pooling: the map becomes one number a channel, {}, and each of the 25 pixels gets 1/25 = {} of its gradient.",
      number(mean.value().at(0)), number(xa.grad().at(0))));

  Svg svg(12 + 5 * 38 + 40 + 3 * 38 + 40 + 5 * 38 + 40 + 5 * 38 + 12, 26 + 5 * 38 + 30);
  const Grid map{.cell = 38, .rows = 5, .columns = 5}, pooled{.x = map.right() + 40, .cell = 38, .rows = 3, .columns = 3};
  const Grid back{.x = pooled.right() + 40, .cell = 38, .rows = 5, .columns = 5},
      even{.x = back.right() + 40, .cell = 38, .rows = 5, .columns = 5};
  map.draw(svg, x, "x, and nine windows", {});
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      const int row = std::max(2 * i - 1, 0), column = std::max(2 * j - 1, 0);
      const bool middle = i == 1 && j == 1;
      map.frame(svg, row, column, std::min(2 * i + 2, 5) - row, std::min(2 * j + 2, 5) - column,
                {.stroke = middle ? colour::box : colour::bin, .width = middle ? 2.5 : 1.2}, middle ? 2 : 4);
    }
  pooled.draw(svg, y.value(), "y: their maxima", {});
  pooled.frame(svg, 1, 1, 1, 1, marked);
  back.draw(svg, xm.grad(), "gradient of x: the winners", {});
  even.draw(svg, xa.grad(), "gradient of the mean", {});
  page.figure = svg;
  return page;
}

Page explain_upsample() {
  const Var coarse(map_of(2, 2, {1, 2, 3, 4}), true);
  const Var lateral(map_of(4, 4, {0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150}), true);
  const Var y = add_upsampled(lateral, coarse);
  const Tensor gy = map_of(4, 4, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15});
  backward(y, gy.clone());

  Page page;
  page.title = "FPN's top-down sum: a coarse cell is added to the four pixels it covers";
  page.say(
      "y[i, j] = lateral[i, j] + coarse[⌊i·H/H'⌋, ⌊j·W/W'⌋]. With twice the size that is coarse[⌊i/2⌋, ⌊j/2⌋]; the upsampled map is never "
      "written.");
  matrix(page, "y, of lateral = 0, 10 … 150 and coarse = 1 2 / 3 4", y.value(), 4, 4);
  page.say(
      "The sum hands its gradient to both sides. The lateral map gets gy as it is; a coarse cell was copied to its block and so gets the "
      "block's sum.");
  matrix(page, "The gradient of coarse, for gy = 0, 1 … 15", coarse.grad(), 2, 2);
  Table& t = page.table("Other ratios: which cell of n a pixel reads", {"n", "pixels", "0", "1", "2", "3", "4"});
  for (const int n : {2, 3, 4}) {
    std::vector<double> index;
    for (int i = 0; i < n; ++i) index.push_back(i);
    const Tensor read = upsample_nearest(Var(map_of(1, n, index)), 1, 5).value();
    std::vector<Cell> row = {int64_t{n}, int64_t{5}};
    for (int64_t i = 0; i < 5; ++i) row.emplace_back(read.at(i));
    t.rows.push_back(std::move(row));
  }
  Svg svg(12 + 5 * 136 + 4 * 44 + 12, 26 + 136 + 16);
  double left = 12;
  const auto draw = [&](const Tensor& m, int64_t side, const char* title, const char* sign) {
    const Grid g{.x = left, .cell = 136.0 / static_cast<double>(side), .rows = side, .columns = side};
    g.draw(svg, m, title, {});
    if (*sign) svg.text(g.right() + 22, g.y + 74, sign, 18, colour::ink, Anchor::middle);
    left = g.right() + 44;
  };
  draw(coarse.value(), 2, "coarse", "+");
  draw(lateral.value(), 4, "lateral", "=");
  draw(y.value(), 4, "y", "");
  draw(gy, 4, "gradient of y", "→");
  draw(coarse.grad(), 2, "gradient of coarse", "");
  page.figure = svg;
  return page;
}

}  // namespace mr::app
