// A tiny Mask R-CNN against torchvision's figures for the same weights and image (tests/golden/tiny_mask_rcnn.h, made by
// scripts/golden_tiny_mask_rcnn.py).
#include "models/systems/rcnn.h"

#include <cmath>
#include <string>

#include "tensor/rng.h"
#include "tests/catch.h"
#include "tests/golden/tiny_mask_rcnn.h"
#include "tests/models/given_sample.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

// n numbers in [−1, 1), as the script draws them.
std::vector<float> noise(const std::string& name, int64_t n) {
  std::vector<float> v(static_cast<size_t>(n));
  const uint64_t h = hash64(name);
  for (size_t i = 0; i < v.size(); ++i) v[i] = static_cast<float>(static_cast<double>(mix64(h + i) >> 40) * 0x1p-23 - 1);
  return v;
}

MaskRCNNConfig tiny_config() {
  MaskRCNNConfig c;
  c.classes = 5;
  c.backbone.depth = 18;
  c.backbone.width = 8;
  c.backbone.freeze = 0;
  c.fpn.channels = 16;
  c.rpn.anchor_sizes = {8, 16, 32, 64, 128};
  c.rpn.batch = 64;
  c.box.width = 32;
  c.box.batch = 64;
  c.mask.convs = 2;
  c.mask.width = 16;
  return c;
}

bool ends_with(const std::string& s, const std::string& tail) {
  return s.size() >= tail.size() && s.substr(s.size() - tail.size()) == tail;
}
bool has(const std::string& s, const std::string& part) { return s.find(part) != std::string::npos; }

// The value of a parameter in file order, as the script scales it.
std::vector<float> golden_weights(const Parameter& p) {
  const Shape& s = p.var.shape();
  std::vector<float> v = noise(p.name, s.numel());
  const bool norm = has(p.name, ".bn") || has(p.name, "downsample.1");
  float factor = 1, shift = 0;
  if (ends_with(p.name, "running_var"))
    factor = 0.25f, shift = 1;
  else if (ends_with(p.name, "running_mean"))
    factor = 0.1f;
  else if (norm)
    factor = 0.25f, shift = ends_with(p.name, "weight") ? 0.75f : 0;
  else if (ends_with(p.name, "bias"))
    factor = 0.1f;
  else {
    const double fan = has(p.name, "conv5_mask") ? static_cast<double>(s[0]) : static_cast<double>(s.numel() / s[0]);
    factor = static_cast<float>((has(p.name, "cls_score") || has(p.name, "cls_logits") ? 4 : 1.7) / std::sqrt(fan));
  }
  for (float& x : v) x = x * factor + shift;
  return v;
}

// Where element i of our layout lies in the file's.
int64_t file_index(const Parameter& p, int64_t i) {
  const Shape& s = p.var.shape();
  switch (p.layout) {
    case FileLayout::same:
      return i;
    case FileLayout::conv: {  // ours [O,kh,kw,I], the file's [O,I,kh,kw]
      const int64_t in = i % s[3], kw = i / s[3] % s[2], kh = i / s[3] / s[2] % s[1], out = i / s[3] / s[2] / s[1];
      return ((out * s[3] + in) * s[1] + kh) * s[2] + kw;
    }
    case FileLayout::deconv: {  // ours [I,kh,kw,O], the file's [I,O,kh,kw]
      const int64_t out = i % s[3], kw = i / s[3] % s[2], kh = i / s[3] / s[2] % s[1], in = i / s[3] / s[2] / s[1];
      return ((in * s[3] + out) * s[1] + kh) * s[2] + kw;
    }
    case FileLayout::fc_of_map: {  // ours [N, H·W·C], the file's [N, C·H·W]
      const int64_t cells = int64_t{p.map_h} * p.map_w, C = s[1] / cells, k = i % s[1];
      return i / s[1] * s[1] + k % C * cells + k / C;
    }
  }
  return i;
}

void set_golden_weights(Parameters& parameters) {
  for (const Parameter& p : parameters.all()) {
    const std::vector<float> file = golden_weights(p);
    const auto w = p.var.value().values<float>();
    for (size_t i = 0; i < w.size(); ++i) w[i] = file[static_cast<size_t>(file_index(p, static_cast<int64_t>(i)))];
  }
  parameters.changed();
}

// The script's image: noise smoothed by a 5×5 mean (zeros outside count), times 4.
Tensor golden_image() {
  constexpr int H = 128, W = 160;
  const std::vector<float> chw = noise("image", 3 * H * W);
  Tensor x = Tensor::empty({1, H, W, 3});
  for (int c = 0; c < 3; ++c)
    for (int i = 0; i < H; ++i)
      for (int j = 0; j < W; ++j) {
        double sum = 0;
        for (int a = std::max(i - 2, 0); a <= std::min(i + 2, H - 1); ++a)
          for (int b = std::max(j - 2, 0); b <= std::min(j + 2, W - 1); ++b) sum += chw[static_cast<size_t>((c * H + a) * W + b)];
        x.data<float>()[(i * W + j) * 3 + c] = static_cast<float>(sum / 25 * 4);
      }
  return x;
}

Batch golden_batch() {
  Batch b;
  b.images = golden_image();
  b.sizes = {{128, 160}};
  b.image_ids = {1};
  ImageTargets t;
  t.boxes = Tensor::of<float>({3, 4}, {10, 12, 60, 70, 70, 30, 150, 100, 5, 80, 40, 120});
  t.labels = Tensor::of<int32_t>({3}, {2, 5, 1});
  for (int g = 0; g < 3; ++g) {
    const float* q = t.boxes.data<float>() + 4 * g;
    CroppedMask m{.image_height = 128, .image_width = 160, .x0 = 0, .y0 = 0, .bits = Bitmap(128, 160)};
    for (int y = 0; y < 128; ++y)
      for (int x = 0; x < 160; ++x) {
        const float u = (static_cast<float>(x) + 0.5f - (q[0] + q[2]) / 2) / (q[2] - q[0]) * 2;
        const float v = (static_cast<float>(y) + 0.5f - (q[1] + q[3]) / 2) / (q[3] - q[1]) * 2;
        m.bits.at(y, x) = u * u + v * v <= 1;
      }
    t.masks.push_back(m);
  }
  b.targets = {t};
  return b;
}

// The losses of the sample that torchvision trained on.
Losses golden_losses(System& model) {
  DeviceBatch batch(golden_batch(), true, Device{});
  batch.chosen =
      test::training_sample({{golden::anchors_positive, golden::anchors_negative, golden::rois, golden::roi_labels, golden::roi_gt}});
  return model.losses(batch);
}

}  // namespace

TEST_CASE("a tiny Mask R-CNN finds torchvision's detections", "[models][parity]") {
  const std::unique_ptr<RCNN> system = make_mask_rcnn(tiny_config(), 0);
  RCNN& model = *system;
  set_golden_weights(model.parameters());
  Batch b = golden_batch();
  b.targets.clear();
  const Detections d = model.predict(b)[0];
  REQUIRE(d.boxes.size(0) == static_cast<int64_t>(golden::labels.size()));
  double box = 0, score = 0, mask = 0;
  int labels = 0;
  const int64_t area = d.masks.size(1) * d.masks.size(2);
  for (size_t i = 0; i < golden::labels.size(); ++i) {
    for (size_t k = 0; k < 4; ++k)
      box = std::max(box, std::abs(d.boxes.at(static_cast<int64_t>(4 * i + k)) - double{golden::boxes[4 * i + k]}));
    score = std::max(score, std::abs(d.scores.at(static_cast<int64_t>(i)) - double{golden::scores[i]}));
    labels += d.labels.data<int32_t>()[i] != golden::labels[i];
    double mean = 0;
    for (int64_t p = 0; p < area; ++p) mean += d.masks.data<float>()[static_cast<int64_t>(i) * area + p];
    mask = std::max(mask, std::abs(mean / static_cast<double>(area) - golden::mask_means[i]));
  }
  INFO("largest differences: box " << box << " px, score " << score << ", mask mean " << mask);
  CHECK(box < 0.01);
  CHECK(score < 1e-4);
  CHECK(mask < 1e-4);
  CHECK(labels == 0);
}

TEST_CASE("a training step of the tiny Mask R-CNN has torchvision's losses and gradients", "[models][parity]") {
  const std::unique_ptr<RCNN> system = make_mask_rcnn(tiny_config(), 0);
  RCNN& model = *system;
  set_golden_weights(model.parameters());
  model.parameters().zero_gradients();
  const Losses losses = golden_losses(model);
  REQUIRE(losses.size() == golden::losses.size());
  for (size_t i = 0; i < losses.size(); ++i) {
    INFO(losses[i].name);
    CHECK(losses[i].value.value().at(0) == Approx(golden::losses[i]).epsilon(1e-4));
  }
  backward(total_loss(losses));
  for (const auto& [name, norm] : golden::gradient_norms) {
    const Parameter* p = model.parameters().find(name);
    INFO(name);
    REQUIRE(p != nullptr);
    double squares = 0;
    for (const float g : p->var.grad().values<float>()) squares += double{g} * g;
    CHECK(std::sqrt(squares) == Approx(norm).epsilon(1e-3));
  }
}

TEST_CASE("the same seed and step sample the same, and an image without objects has finite losses", "[models]") {
  const std::unique_ptr<RCNN> system = make_mask_rcnn(tiny_config(), 3);
  RCNN& model = *system;
  Batch b = golden_batch();
  b.seed = 5;
  const double once = total_loss(model.losses(b)).value().at(0), again = total_loss(model.losses(b)).value().at(0);
  CHECK(once == again);
  b.targets[0] = {Tensor::empty({0, 4}), Tensor::empty({0}, DType::i32), {}};
  const Losses losses = model.losses(b);
  for (const NamedLoss& l : losses) {
    INFO(l.name);
    CHECK(std::isfinite(l.value.value().at(0)));
  }
  CHECK(losses.back().value.value().at(0) == 0);
  backward(total_loss(losses));
}

TEST_CASE("every RoI operator trains the heads and sends gradient to the backbone, each its own", "[models]") {
  std::vector<std::pair<double, double>> seen;  // loss, norm of the gradients
  for (const RoIOp op : {RoIOp::align, RoIOp::pool, RoIOp::warp, RoIOp::mnc_warp, RoIOp::precise, RoIOp::crop}) {
    MaskRCNNConfig c = tiny_config();
    c.roi.op = op;
    const std::unique_ptr<RCNN> system = make_mask_rcnn(c, 0);
    RCNN& model = *system;
    set_golden_weights(model.parameters());
    model.parameters().zero_gradients();
    const Var loss = total_loss(golden_losses(model));
    backward(loss);
    const Parameter* first = model.parameters().find("backbone.body.conv1.weight");
    double norm = 0;
    for (const float v : first->var.grad().values<float>()) norm += static_cast<double>(v) * v;
    INFO("operator " << static_cast<int>(op));
    CHECK(std::isfinite(loss.value().at(0)));
    CHECK(norm > 0);
    for (const auto& [l, n] : seen) CHECK((l != loss.value().at(0) && n != norm));
    seen.emplace_back(loss.value().at(0), norm);
  }
}

TEST_CASE("impossible models and batches are errors that say why", "[models]") {
  MaskRCNNConfig c = tiny_config();
  c.backbone.depth = 20;
  CHECK_THROWS_WITH(make_mask_rcnn(c, 0), Contains("model.backbone.depth: must be 18, 34, 50, 101 or 152, got 20"));
  c = tiny_config();
  c.rpn.anchor_sizes = {8, 16};
  CHECK_THROWS_WITH(make_mask_rcnn(c, 0), Contains("so 5, got 2"));
  const std::unique_ptr<RCNN> system = make_mask_rcnn(tiny_config(), 0);
  RCNN& model = *system;
  Batch b;
  b.images = Tensor::zeros({1, 100, 128, 3});
  b.sizes = {{100, 128}};
  CHECK_THROWS_WITH(model.predict(b), Contains("multiples of 32"));
}
