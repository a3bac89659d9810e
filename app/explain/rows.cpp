// What happens to rows of numbers: a fully connected layer, and the small operators between layers.
#include <fmt/format.h>

#include <cmath>

#include "app/explain/draw.h"
#include "app/explain/explain.h"
#include "ops/elementwise/add.h"
#include "ops/elementwise/cast.h"
#include "ops/elementwise/gather.h"
#include "ops/elementwise/relu.h"
#include "ops/elementwise/sigmoid.h"
#include "ops/gemm/linear.h"

namespace mr::app {
namespace {

Tensor transposed(const Tensor& m) {
  const int64_t rows = m.size(0), columns = m.size(1);
  const Tensor t = Tensor::empty({columns, rows}, DType::f64);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) t.data<double>()[j * rows + i] = m.at(i * columns + j);
  return t;
}

struct Slope {
  double y, gradient;
};
template <class F> Slope at(F f, double v) {
  const Var x(Tensor::full({1}, v, DType::f64), true);
  const Var y = f(x);
  backward(y);
  return {y.value().at(0), x.grad().at(0)};
}
Slope relu_at(double v) {
  return at([](const Var& x) { return relu(x); }, v);
}
Slope sigmoid_at(double v) {
  return at([](const Var& x) { return sigmoid(x); }, v);
}

Svg curve_and_slope(const std::string& title, Axes axes, Slope (*f)(double), const std::vector<double>& side_ticks) {
  axes.x = 44;
  const Style value{.stroke = colour::taken, .width = 2}, slope{.stroke = colour::box, .width = 2};
  Svg svg(axes.x + axes.width + 18, axes.y + axes.height + 44);
  axes.draw(svg, title, "x", {-4, -2, 0, 2, 4}, side_ticks);
  axes.curve(
      svg, [f](double u) { return f(u).y; }, value, 401);
  axes.curve(
      svg, [f](double u) { return f(u).gradient; }, slope, 401);
  axes.legend(svg, {{"y", value}, {"gx, for gy = 1", slope}}, 72);
  return svg;
}

// Rows on their way from one matrix of one column to another.
Svg moved(const std::string& title, const Tensor& from, const Tensor& to, const std::vector<std::pair<int, int>>& ways) {
  const Grid left{.x = 12, .y = 34, .rows = from.size(0), .columns = 1}, right{.x = 160, .y = 34, .rows = to.size(0), .columns = 1};
  Svg svg(right.right() + 40, std::max(left.bottom(), right.bottom()) + 14);
  svg.text(12, 16, title, 13, colour::ink, Anchor::start, true);
  left.draw(svg, from, "", {});
  right.draw(svg, to, "", {});
  for (const auto& [a, b] : ways) svg.arrow(left.at(a + 0.5, 1.1), right.at(b + 0.5, -0.1), {.stroke = colour::soft, .width = 1.5});
  return svg;
}

}  // namespace

Page explain_linear() {
  const Var x(Tensor::of<double>({2, 2}, {1, 2, 3, 4}), true), w(Tensor::of<double>({3, 2}, {1, 0, 0, 1, -1, -1}), true);
  const Var b(Tensor::of<double>({3}, {0, 10, 1}), true);
  const Var out = linear(x, w, b, true);
  const Tensor y = out.value(), gy = Tensor::of<double>({2, 3}, {1, 1, 1, 1, 2, 1});
  backward(out, gy.clone());
  const Tensor g = Tensor::zeros({2, 3}, DType::f64);  // what the ReLU lets through
  for (int64_t i = 0; i < 6; ++i) g.data<double>()[i] = y.at(i) > 0 ? gy.at(i) : 0;

  Page page;
  page.title = "A fully connected layer: y = ReLU(x·wᵀ + b), two rows of two numbers, three outputs";
  page.say("y[m, n] = Σ_k x[m, k] · w[n, k] + b[n], and 0 where that is below 0. Row n of w holds the weights of output n; b = 0, 10, 1.");
  matrix(page, "x", x.value(), 2, 2);
  matrix(page, "w", w.value(), 3, 2);
  matrix(page, "y", y, 2, 3);
  page.say("A loss sends gy = 1 1 1 / 1 2 1 back. The third output was cut off, and passes nothing on; what is left is g.");
  matrix(page, "g", g, 2, 3);
  page.say("x[m, k] had a part in every output of its row, with weight w[n, k]: gx = g·w.");
  matrix(page, "gx, the gradient of x", x.grad(), 2, 2);
  page.say("w[n, k] had a part in output n of every row, with weight x[m, k]: gw = gᵀ·x.");
  matrix(page, "gw, the gradient of w", w.grad(), 3, 2);
  page.say(fmt::format("The bias was added to every row: gb = {}, {}, {}, the sums of g's columns.", number(b.grad().at(0)),
                       number(b.grad().at(1)), number(b.grad().at(2))));
  Table& t = page.table("Mask R-CNN's, for 1000 RoIs", {"layer", "rows M", "inputs K", "outputs N", "million multiply-adds, M·K·N"});
  const auto add_layer = [&](const char* name, int64_t inputs, int64_t outputs) {
    t.rows.push_back({name, int64_t{1000}, inputs, outputs, static_cast<double>(inputs * outputs) / 1000});
  };
  add_layer("fc6, of 7 × 7 × 256 bins", 7 * 7 * 256, 1024);
  add_layer("fc7", 1024, 1024);
  add_layer("scores of 80 classes and the background", 1024, 81);
  add_layer("four deltas for each of them", 1024, 4 * 81);

  Sum forward, to_x, to_w;
  for (int64_t k = 0; k < 2; ++k) forward.add(x.value().at(2 + k), w.value().at(2 + k));
  for (int64_t n = 0; n < 3; ++n) to_x.add(g.at(3 + n), w.value().at(n * 2 + 1));
  for (int64_t m = 0; m < 2; ++m) to_w.add(g.at(m * 3 + 1), x.value().at(m * 2));
  Svg svg(500, 500);
  double top = 30;
  top = equation(
      svg, top, "·",
      {{"x", x.value(), 2, 2, 1, 0, 1, 2}, {"wᵀ", transposed(w.value()), 2, 3, 0, 1, 2, 1}, {"y, after b and ReLU", y, 2, 3, 1, 1, 1, 1}},
      fmt::format("y[1,1] = {} + 10 = {}", forward.text, number(y.at(4))));
  top = equation(svg, top, "·", {{"g", g, 2, 3, 1, 0, 1, 3}, {"w", w.value(), 3, 2, 0, 1, 3, 1}, {"gx", x.grad(), 2, 2, 1, 1, 1, 1}},
                 fmt::format("gx[1,1] = {} = {}", to_x.text, number(x.grad().at(3))));
  equation(svg, top, "·", {{"gᵀ", transposed(g), 3, 2, 1, 0, 1, 2}, {"x", x.value(), 2, 2, 0, 0, 2, 1}, {"gw", w.grad(), 3, 2, 1, 0, 1, 1}},
           fmt::format("gw[1,0] = {} = {}", to_w.text, number(w.grad().at(2))));
  page.figure = svg;
  return page;
}

Page explain_elementwise() {
  Page page;
  page.title = "Between the layers: functions of one number, and rows that move";
  page.say("ReLU and the sigmoid, with what comes back for gy = 1:");
  Table& t = page.table("", {"x", "ReLU", "gx", "sigmoid", "gx"});
  for (const double v : {-4.0, -1.0, 0.0, 0.5, 1.5, 4.0}) {
    const Slope r = relu_at(v), s = sigmoid_at(v);
    t.rows.push_back({v, r.y, r.gradient, s.y, s.gradient});
  }
  page.say(
      "ReLU passes the gradient or stops it; at 0 it stops. The sigmoid's slope is never above a quarter and goes to 0 on both sides, even "
      "where the answer is wrong; so losses take the number before it.");
  page.say("A sum passes the gradient on to both sides, unchanged: a shortcut carries it past any number of layers.");
  const Var a(Tensor::of<double>({2}, {1, 2}), true), b(Tensor::of<double>({2}, {10, 20}), true);
  const Var sum = add(a, b);
  backward(sum, Tensor::of<double>({2}, {0.5, -3}));
  Table& s = page.table("a + b", {"a", "b", "a + b", "gy", "ga", "gb"});
  for (int64_t i = 0; i < 2; ++i)
    s.rows.push_back({a.value().at(i), b.value().at(i), sum.value().at(i), i == 0 ? 0.5 : -3, a.grad().at(i), b.grad().at(i)});
  page.say("A cast to bf16 keeps 8 bits: neighbours above 1 are 1/128 apart, and what lies in the middle goes to the even one.");
  Table& c = page.table("bf16", {"x", "rounded"});
  for (const double v : {1.0, 1 + 1.0 / 256, 1 + 1.0 / 128, 1 + 3.0 / 256})
    c.rows.push_back({v, cast(Var(Tensor::full({1}, v, DType::f32)), DType::bf16).value().at(0)});

  const Var x(Tensor::of<double>({3, 1}, {5, 6, 7}), true);
  const Var y = gather_rows(x, Tensor::of<int32_t>({3}, {2, 0, 2}));
  const Tensor gy = Tensor::of<double>({3, 1}, {1, 2, 3});
  backward(y, gy.clone());
  page.say("gather_rows takes rows 2, 0 and 2 of three. A row that was taken twice gets two gradients, one that was not taken none.");
  matrix(page, "taken", y.value(), 3, 1);
  matrix(page, "gx, for gy = 1, 2, 3", x.grad(), 3, 1);

  const Svg ways = beside(std::vector{moved("x, and its rows 2, 0, 2", x.value(), y.value(), {{2, 0}, {0, 1}, {2, 2}}),
                                      moved("gy, and gx: their sums", gy, x.grad(), {{0, 2}, {1, 0}, {2, 2}})});
  page.figure = tiled(
      std::vector{beside(std::vector{
                      curve_and_slope("ReLU", {.from = -5, .to = 5, .low = 0, .high = 5.1}, relu_at, {0, 1, 2, 3, 4, 5}),
                      curve_and_slope("sigmoid", {.from = -5, .to = 5, .low = 0, .high = 1.05}, sigmoid_at, {0, 0.25, 0.5, 0.75, 1})}),
                  ways},
      1);
  return page;
}

}  // namespace mr::app
