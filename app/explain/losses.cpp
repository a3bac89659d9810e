// The losses: as curves, each point of them a call of the operator; and whose mask a RoI trains.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "app/explain/draw.h"
#include "app/explain/explain.h"
#include "ops/elementwise/sigmoid.h"
#include "ops/loss/cross_entropy.h"
#include "ops/loss/sigmoid_bce.h"
#include "ops/loss/smooth_l1.h"

namespace mr::app {
namespace {

struct LossAt {
  double value, gradient;
};

Tensor one(double v) { return Tensor::full({1}, v, DType::f64); }

LossAt with_gradient(const Var& x, const Var& loss) {
  backward(loss);
  return {loss.value().at(0), x.grad().at(0)};
}

LossAt bce(double z, double t) {
  const Var x(one(z), true);
  return with_gradient(x, sigmoid_bce(x, one(t), {}, 1));
}

LossAt huber(double d, double beta) {
  const Var x(one(d), true);
  return with_gradient(x, smooth_l1(x, one(0), beta, 1));
}

using Curve = std::pair<std::string, Style>;

// One picture of losses and, beside it, one of their gradients.
template <class F> Svg curves(Axes axes, const std::string& title, const std::string& below, const std::vector<double>& ticks,
                              const std::vector<double>& side_ticks, const std::vector<std::pair<double, Curve>>& entries, F value) {
  axes.x = 44;
  Svg svg(axes.x + axes.width + 18, axes.y + axes.height + 44);
  axes.draw(svg, title, below, ticks, side_ticks);
  std::vector<Curve> names;
  for (const auto& [parameter, curve] : entries) {
    axes.curve(
        svg, [&, p = parameter](double u) { return value(u, p); }, curve.second, 401);
    names.push_back(curve);
  }
  axes.legend(svg, names, 72);
  return svg;
}

double largest(const Tensor& t) {
  double most = 0;
  for (int64_t i = 0; i < t.numel(); ++i) most = std::max(most, std::abs(t.at(i)));
  return most;
}

// The gradients of each class's mask of 2 × 2, [1,2,2,K]; `most` has the strongest colour.
std::vector<Svg> gradient_masks(const Tensor& g, const std::vector<std::string>& classes, const std::string& how, double most) {
  const auto K = static_cast<int64_t>(classes.size());
  std::vector<Svg> figures;
  for (int64_t k = 0; k < K; ++k) {
    const Tensor own = Tensor::zeros({4}, DType::f64);
    for (int64_t p = 0; p < 4; ++p) own.data<double>()[p] = g.at(p * K + k);
    figures.push_back(grid_of(own, 2, 2, 92, how + classes[static_cast<size_t>(k)], {.decimals = 4, .most = most}));
  }
  return figures;
}

}  // namespace

Page explain_mask_loss() {
  // One RoI of a person, masks of 2 × 2, logits of three classes; and once more with the background's, 0, in front.
  const std::vector<std::string> classes = {"cat", "dog", "person"}, all = {"background", "cat", "dog", "person"};
  const Tensor z = Tensor::of<double>({1, 2, 2, 3}, {2, -1, 1.5, 0.5, 3, -2, -1, 0, 2.5, 1, 1, -0.5});  // [R,m,m,K]
  const Tensor z4 = Tensor::zeros({1, 2, 2, 4}, DType::f64);
  for (int64_t i = 0; i < 12; ++i) z4.data<double>()[i / 3 * 4 + 1 + i % 3] = z.at(i);
  const Tensor target = Tensor::of<double>({1, 2, 2}, {1, 0, 1, 0});
  const Var own(z, true), together(z4, true);
  const Var loss = mask_loss(own, Tensor::of<int32_t>({1}, {2}), target);
  const Var other = softmax_mask_loss(together, Tensor::of<int32_t>({1}, {3}), target);
  backward(loss);
  backward(other);

  Page page;
  page.title = "The mask loss: cat, dog, person, and a RoI that is a person";
  page.say(
      "Each class has its own mask, and the RoI's own class, the ground truth's in training, selects one: L = mean over the pixels of "
      "BCE(z[person], target). The cat's and the dog's logits are not in the loss, whatever they are. (Texts that take the predicted class "
      "there describe prediction: only then does the predicted class choose the channel.)");
  const auto pixel = [](int64_t p) { return fmt::format("({}, {})", p / 2, p % 2); };
  Table& t = page.table("Sigmoid, one class (Mask R-CNN)", {"pixel", "class", "logit", "target", "sigmoid", "loss", "∂L/∂logit"});
  for (int64_t i = 0; i < 12; ++i) {
    const double v = z.at(i), aim = target.at(i / 3);
    const bool person = i % 3 == 2;
    t.rows.push_back({pixel(i / 3), classes[static_cast<size_t>(i % 3)], v, person ? number(aim) : "–", sigmoid(Var(one(v))).value().at(0),
                      person ? number(bce(v, aim).value) : "–", own.grad().at(i)});
  }
  page.say(fmt::format("L = {}.", number(loss.value().at(0))));
  Table& s = page.table("Softmax over the classes and the background, pixel by pixel (what it replaces: 5.5 points of AP less, Table 2b)",
                        {"pixel", "class", "logit", "softmax", "∂L/∂logit"});
  const Tensor probability = softmax(z4);
  for (int64_t i = 0; i < 16; ++i)
    s.rows.push_back({pixel(i / 4), all[static_cast<size_t>(i % 4)], z4.at(i), probability.at(i), together.grad().at(i)});
  page.say(fmt::format(
      "L = {}: person is right where the target is 1, the background elsewhere. Every class's logit gets a gradient from every pixel: "
      "classes compete. Under the sigmoid the class is the box head's affair, and the mask's only what belongs to the object.",
      number(other.value().at(0))));
  const double most = std::max(largest(own.grad()), largest(together.grad()));
  std::vector<Svg> one_class = {grid_of(target, 2, 2, 92, "target: person", {.fills = std::vector<std::string>(4, colour::paper)})};
  std::ranges::copy(gradient_masks(own.grad(), classes, "sigmoid: ", most), std::back_inserter(one_class));
  page.figure = captioned(tiled(std::vector{beside(one_class), beside(gradient_masks(together.grad(), all, "softmax: ", most))}, 1),
                          {"Numbers beside the target: ∂L/∂logit of each pixel of a class's mask.",
                           "Gradient descent lowers the logit where they are above 0 (blue), and raises it where they are below (red)."});
  return page;
}

Page explain_losses() {
  Page page;
  page.title = "The losses, and what pulls";
  page.say(
      "Sigmoid cross entropy, of objectness and masks: BCE(z, t) = max(z, 0) − z·t + log(1 + e^−|z|), and its gradient σ(z) − t: what was "
      "predicted, minus what is. It never exceeds 1, however wrong the logit.");
  Table& b = page.table("", {"logit z", "σ(z)", "t = 1: loss", "gradient", "t = 0: loss", "gradient"});
  for (const double z : {-100.0, -2.0, 0.0, 1.5, 2.0, 100.0}) {
    const LossAt in = bce(z, 1), out = bce(z, 0);
    b.rows.push_back({z, sigmoid(Var(one(z))).value().at(0), in.value, in.gradient, out.value, out.gradient});
  }
  page.say(
      "A mask's target may be a fraction, along the outline. Then the loss is smallest where σ(z) is that fraction, and not 0 there. (Some "
      "texts write the mask loss as the sigmoid of the class's mask. The sigmoid is the prediction; the loss is the cross entropy of it.)");

  page.say("Smooth L1 of a box delta that is d off:");
  Table& s = page.table("", {"d", "β = 1: loss", "gradient", "β = 1/9: loss", "gradient", "β = 0: loss", "gradient"});
  for (const double d : {-2.0, -0.5, 0.0, 0.05, 0.5, 2.0}) {
    std::vector<Cell> row = {d};
    for (const double beta : {1.0, 1.0 / 9, 0.0}) {
      const LossAt at = huber(d, beta);
      row.emplace_back(at.value);
      row.emplace_back(at.gradient);
    }
    s.rows.push_back(std::move(row));
  }
  page.say("β says from where on an error pulls with full strength: |d| = 1, 1/9, or at once.");

  const std::vector<std::string> classes = {"cat", "dog", "person"};
  const Tensor logits = Tensor::of<double>({1, 3}, {2, -1, 1.5});
  const Var z(logits, true);
  const Var loss = softmax_cross_entropy(z, Tensor::of<int32_t>({1}, {2}), 1);
  backward(loss);
  const Tensor p = softmax(logits);
  page.say("Softmax cross entropy, of the class: three logits, the class is person.");
  Table& c = page.table("", {"class", "logit", "softmax", "gradient"});
  for (int64_t k = 0; k < 3; ++k) c.rows.push_back({classes[static_cast<size_t>(k)], logits.at(k), p.at(k), z.grad().at(k)});
  page.say(
      fmt::format("L = −log of person's = {}. The gradient adds up to 0: what the right class is to gain, the others lose, each in "
                  "proportion to its probability.",
                  number(loss.value().at(0))));

  const Style blue{.stroke = colour::taken, .width = 2}, red{.stroke = colour::box, .width = 2}, green{.stroke = colour::good, .width = 2};
  const std::vector<std::pair<double, Curve>> targets = {{1, {"t = 1", blue}}, {0, {"t = 0", red}}, {0.3125, {"t = 0.3125", green}}},
                                              betas = {{1, {"β = 1", blue}}, {1.0 / 9, {"β = 1/9", red}}, {0, {"β = 0", green}}};
  const std::vector<double> around = {-4, -2, 0, 2, 4}, near = {-2, -1, 0, 1, 2};
  page.figure = tiled(
      std::vector{
          curves({.from = -5, .to = 5, .low = 0, .high = 5.1}, "sigmoid cross entropy", "logit z", around, {0, 1, 2, 3, 4, 5}, targets,
                 [](double u, double t) { return bce(u, t).value; }),
          curves({.from = -5, .to = 5, .low = -1.1, .high = 1.1}, "its gradient, σ(z) − t", "logit z", around, {-1, -0.5, 0, 0.5, 1},
                 targets, [](double u, double t) { return bce(u, t).gradient; }),
          curves({.from = -2, .to = 2, .low = 0, .high = 2.1}, "smooth L1", "error d", near, {0, 0.5, 1, 1.5, 2}, betas,
                 [](double u, double beta) { return huber(u, beta).value; }),
          curves({.from = -2, .to = 2, .low = -1.1, .high = 1.1}, "its gradient", "error d", near, {-1, -0.5, 0, 0.5, 1}, betas,
                 [](double u, double beta) { return huber(u, beta).gradient; }),
      },
      2);
  return page;
}

}  // namespace mr::app
