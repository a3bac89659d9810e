// The kinds of mask heads: how many parameters they have, what they give, and that each learns.
#include <cmath>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "models/heads/mask_fcn.h"
#include "models/heads/mask_mlp.h"
#include "models/heads/mask_unet.h"
#include "ops/boxes/mask_target.h"
#include "tests/catch.h"
#include "tests/models/f64_parameters.h"
#include "tests/models/parts.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

const std::vector<Level> one_level = {{"P2", 4, 256}};

// With 79 classes and the background there are 80 channels, which the published counts are of.
template <class HeadType, class Config> int64_t parameters_of(const Config& config, int64_t in = 256, int64_t channels = 80) {
  Parameters p;
  const HeadType head(p, "", RoIFeatures({{"P2", 4, in}}, RoIConfig{}), channels - 1, config);
  return count(p);
}

MaskUNetConfig unet(int64_t size, std::vector<int64_t> widths, bool nested) {
  MaskUNetConfig c;
  c.size = size;
  c.widths = std::move(widths);
  c.nested = nested;
  return c;
}

// Two RoIs with an object each, of the classes 1 and 3, on a map of 16×16 cells of 4 pixels.
struct Bench {
  static constexpr int64_t channels = 8, classes = 3;
  Features features;
  TrainingRoIs rois;
  std::optional<DeviceBatch> batch;

  Bench() {
    Tensor map = Tensor::empty({1, 16, 16, channels});
    Rng rng(1, "map");
    for (float& v : map.values<float>()) v = static_cast<float>(rng.normal());
    features = {{Var(map)}, {4}};
    HostBatch b;
    b.images = Tensor::zeros({1, 64, 64, 3});
    b.sizes = {{64, 64}};
    b.image_ids = {1};
    ImageTargets t;
    t.boxes = Tensor::of<float>({2, 4}, {8, 8, 40, 40, 20, 12, 60, 44});
    t.labels = Tensor::of<int32_t>({2}, {1, 3});
    for (int g = 0; g < 2; ++g) {  // the box's left half, and its right
      const float* box = t.boxes.data<float>() + 4 * g;
      CroppedMask m{.image_height = 64, .image_width = 64, .x0 = 0, .y0 = 0, .bits = Bitmap(64, 64)};
      for (int y = 0; y < 64; ++y)
        for (int x = 0; x < 64; ++x) {
          const auto fx = static_cast<float>(x), fy = static_cast<float>(y), middle = (box[0] + box[2]) / 2;
          const bool inside = fx >= box[0] && fx < box[2] && fy >= box[1] && fy < box[3];
          m.bits.at(y, x) = inside && (fx < middle) == (g == 0);
        }
      t.masks.push_back(std::move(m));
    }
    b.targets = {t};
    batch.emplace(b, true, Device{});
    rois.objects.rois = Tensor::of<float>({2, 5}, {0, 8, 8, 40, 40, 0, 20, 12, 60, 44});
    rois.objects.labels = Tensor::of<int32_t>({2}, {1, 3});
    rois.objects.object = Tensor::of<int32_t>({2}, {0, 1});
    rois.objects.deltas = Tensor::zeros({2, 4});
    rois.all = rois.objects;
  }

  Found found() const {
    Found f;
    f.boxes = {Tensor::of<float>({1, 2, 4}, {8, 8, 40, 40, 20, 12, 60, 44}), Tensor::of<int32_t>({1}, {2})};
    f.scores = Tensor::of<float>({1, 2}, {0.9f, 0.8f});
    f.labels = Tensor::of<int32_t>({1, 2}, {1, 3});
    return f;
  }
};

struct Kind {
  std::string name;
  int64_t side;
  std::function<std::unique_ptr<Head>(Parameters&, const MaskOutputConfig&)> make;
};

template <class HeadType, class Config> Kind kind(const std::string& name, int64_t side, const Config& config) {
  return {name, side, [config](Parameters& p, const MaskOutputConfig& output) -> std::unique_ptr<Head> {
            Config c = config;
            static_cast<MaskOutputConfig&>(c) = output;
            return std::make_unique<HeadType>(p, "", RoIFeatures({{"P2", 4, Bench::channels}}, RoIConfig{}), Bench::classes, c);
          }};
}

std::vector<Kind> kinds() {
  MaskFCNConfig fcn;
  fcn.size = 4, fcn.convs = 1, fcn.width = 8;
  MaskFCNConfig larger = fcn;
  larger.deconvs = 2;
  MaskMLPConfig mlp;
  mlp.size = 4, mlp.side = 8, mlp.width = 32;
  MaskMLPConfig deeper = mlp;
  deeper.layers = 3;
  MaskUNetConfig last = unet(8, {8, 12, 16}, true);
  last.supervise_all = false;
  return {kind<MaskFCNHead>("FCN", 8, fcn),
          kind<MaskFCNHead>("FCN with a second deconvolution", 16, larger),
          kind<MaskMLPHead>("MLP of two layers", 8, mlp),
          kind<MaskMLPHead>("MLP of three layers", 8, deeper),
          kind<MaskUNetHead>("U-Net", 8, unet(8, {8, 12, 16}, false)),
          kind<MaskUNetHead>("U-Net++", 8, unet(8, {8, 12, 16}, true)),
          kind<MaskUNetHead>("U-Net++ with one output", 8, last)};
}

MaskOutputConfig sigmoid_output() { return {}; }
MaskOutputConfig agnostic_output() {
  MaskOutputConfig c;
  c.class_agnostic = true;
  return c;
}
MaskOutputConfig softmax_output() {
  MaskOutputConfig c;
  c.loss = MaskLoss::softmax;
  return c;
}

// Adam (Kingma & Ba 2015) at a rate of 0.01: the heads are too unlike for one rate of plain descent.
struct Adam {
  Parameters& p;
  std::vector<double> mean, square;
  int steps = 0;
  explicit Adam(Parameters& of) : p(of), mean(static_cast<size_t>(of.weights().numel())), square(mean.size()) {}
  void step() {
    ++steps;
    float* w = p.weights().data<float>();
    const float* g = p.gradients().data<float>();
    for (size_t i = 0; i < mean.size(); ++i) {
      mean[i] = 0.9 * mean[i] + 0.1 * g[i];
      square[i] = 0.999 * square[i] + 0.001 * g[i] * g[i];
      const double m = mean[i] / (1 - std::pow(0.9, steps)), v = square[i] / (1 - std::pow(0.999, steps));
      w[i] -= static_cast<float>(0.01 * m / (std::sqrt(v) + 1e-8));
    }
    p.changed();
  }
};

double loss_of(const Head& head, const Bench& bench, bool train = false) {
  const Losses losses = head.losses(bench.features, bench.rois, *bench.batch);
  REQUIRE(losses.size() == 1);
  CHECK(losses[0].name == "mask");
  if (train) backward(losses[0].value);
  return losses[0].value.value().at(0);
}

}  // namespace

TEST_CASE("mask heads have the published numbers of parameters", "[models][masks]") {
  CHECK(parameters_of<MaskFCNHead>(MaskFCNConfig{}) == 2'643'280);
  CHECK(parameters_of<MaskUNetHead>(unet(28, {64, 128, 256}, false)) == 2'013'712);
  CHECK(parameters_of<MaskUNetHead>(unet(28, {64, 128, 256}, true)) == 2'199'328);
  CHECK(parameters_of<MaskUNetHead>(unet(56, {64, 128, 256, 256}, false)) == 5'226'256);
  CHECK(parameters_of<MaskUNetHead>(unet(56, {64, 128, 256, 256}, true)) == 6'355'632);
  CHECK(parameters_of<MaskUNetHead>(unet(28, {16, 32, 64}, false), 64, 3) == 125'859);
  CHECK(parameters_of<MaskUNetHead>(unet(28, {16, 32, 64}, true), 64, 3) == 137'222);
}

TEST_CASE("MLP masks and a second deconvolution have the parameters that their layers say", "[models][masks]") {
  MaskMLPConfig mlp;
  const int64_t first = (7 * 7 * 256 + 1) * 1024, hidden = (1024 + 1) * 1024, last = (1024 + 1) * 80 * 28 * 28;
  CHECK(parameters_of<MaskMLPHead>(mlp) == first + hidden + last);
  mlp.layers = 3;
  CHECK(parameters_of<MaskMLPHead>(mlp) == first + 2 * hidden + last);
  mlp.class_agnostic = true;
  CHECK(parameters_of<MaskMLPHead>(mlp) == first + 2 * hidden + 1025 * 28 * 28);
  MaskFCNConfig fcn;
  fcn.deconvs = 2;
  CHECK(parameters_of<MaskFCNHead>(fcn) == 2'643'280 + 256 * 4 * 256 + 256);
  MaskUNetConfig one = unet(28, {64, 128, 256}, true);
  one.supervise_all = false;
  CHECK(parameters_of<MaskUNetHead>(one) == 2'199'328 - 65 * 80);
}

TEST_CASE("a mask head begins at a loss of ln 2, of competing classes ln (K+1), and gives masks of a half, or 1/(K+1)", "[models][masks]") {
  const Bench bench;
  for (const Kind& k : kinds())
    for (const MaskOutputConfig& output : {sigmoid_output(), agnostic_output(), softmax_output()}) {
      INFO(k.name << ", loss " << static_cast<int>(output.loss));
      Parameters p;
      const std::unique_ptr<Head> head = k.make(p, output);
      CHECK(head->masks());
      p.pack(3);
      const double options = output.loss == MaskLoss::softmax ? Bench::classes + 1 : 2;
      CHECK(loss_of(*head, bench) == Approx(std::log(options)).epsilon(0.1));
      const NoGrad guard;
      Found found = bench.found();
      head->predict(bench.features, bench.batch->sizes, found);
      REQUIRE(found.masks.shape() == Shape{2, k.side, k.side});
      for (const float v : found.masks.values<float>()) CHECK(v == Approx(1 / options).epsilon(0.1));
    }
}

TEST_CASE("every mask head learns two masks, by either loss, and shows them", "[models][masks]") {
  const Bench bench;
  for (const Kind& k : kinds())
    for (const MaskOutputConfig& output : {sigmoid_output(), softmax_output()}) {
      INFO(k.name << ", loss " << static_cast<int>(output.loss));
      Parameters p;
      const std::unique_ptr<Head> head = k.make(p, output);
      p.pack(3);
      double loss = 0;
      for (Adam adam(p); adam.steps < 300; adam.step()) {
        p.zero_gradients();
        loss = loss_of(*head, bench, true);
      }
      CHECK(loss < 0.2);
      const NoGrad guard;
      Found found = bench.found();
      head->predict(bench.features, bench.batch->sizes, found);
      const Tensor target = mask_targets(bench.batch->masks, bench.rois.objects.rois, bench.rois.objects.object, static_cast<int>(k.side),
                                         MaskRule::thresholded);
      int64_t same = 0;
      for (int64_t i = 0; i < target.numel(); ++i) same += (found.masks.at(i) >= 0.5) == (target.at(i) >= 0.5);
      CHECK(static_cast<double>(same) >= 0.95 * static_cast<double>(target.numel()));
    }
}

TEST_CASE("a sigmoid's masks leave the other classes' weights alone, a softmax's do not", "[models][masks]") {
  const Bench bench;
  for (const Kind& k : kinds())
    for (const MaskOutputConfig& output : {sigmoid_output(), softmax_output()}) {
      INFO(k.name);
      Parameters p;
      const std::unique_ptr<Head> head = k.make(p, output);
      p.pack(3);
      p.zero_gradients();
      loss_of(*head, bench, true);
      for (const Parameter& one : p.all()) {
        if (!one.name.starts_with("mask_predictor.") || !one.name.ends_with(".weight") || one.var.size(0) % (Bench::classes + 1) != 0 ||
            one.name.find("conv") != std::string::npos)
          continue;
        INFO(one.name);
        const int64_t of_class = one.var.shape().numel() / (Bench::classes + 1);
        for (int64_t c = 0; c <= Bench::classes; ++c) {
          double norm = 0;
          for (int64_t i = 0; i < of_class; ++i) norm += std::abs(one.var.grad().at(c * of_class + i));
          CHECK((norm > 0) == (output.loss == MaskLoss::softmax || c == 1 || c == 3));
        }
      }
    }
}

TEST_CASE("of a mask head all channels and one channel a RoI are the same logits", "[models][masks]") {
  const Tensor channel = Tensor::of<int32_t>({2}, {3, 0});
  const auto check_same = [&](const MaskLogits& z) {
    const Tensor one = z.of(channel).value(), all = z.all().value();
    REQUIRE(one.shape() == Shape{2, z.side, z.side});
    REQUIRE(all.shape() == Shape{2, z.side, z.side, 4});
    for (int64_t i = 0; i < one.numel(); ++i) {
      const int64_t k = channel.data<int32_t>()[i / (z.side * z.side)];
      CHECK(one.at(i) == Approx(all.at(4 * i + k)).epsilon(1e-5).margin(1e-6));
    }
  };
  struct MLP : MaskMLPHead {
    using MaskMLPHead::MaskMLPHead;
    using MaskMLPHead::run;
  };
  struct Nested : MaskUNetHead {
    using MaskUNetHead::MaskUNetHead;
    using MaskUNetHead::run;
  };
  const Var x(random_tensor({2, 4, 4, 8}, "x").to(DType::f32));
  Parameters p, q;
  const RoIFeatures features({{"P2", 4, 8}}, RoIConfig{});
  MaskMLPConfig mlp;
  mlp.size = 4, mlp.side = 6, mlp.width = 16;
  const MLP head(p, "", features, 3, mlp);
  p.pack(1);
  check_same(head.run(x, true).at(0));
  MaskUNetConfig c = unet(4, {4, 6, 8}, true);
  const Nested net(q, "", features, 3, c);
  q.pack(1);
  CHECK(net.run(x, true).size() == 2);
  CHECK(net.run(x, false).size() == 2);
  for (const MaskLogits& z : net.run(x, true)) check_same(z);
  c.at_test = UNetTest::last;
  Parameters r;
  const Nested last(r, "", features, 3, c);
  r.pack(1);
  CHECK(last.run(x, true).size() == 2);
  CHECK(last.run(x, false).size() == 1);
}

TEST_CASE("the rule at test is the recipe's", "[models][masks]") {
  const Bench bench;
  std::set<float> seen;
  for (const SoftmaxRule rule : {SoftmaxRule::probability, SoftmaxRule::largest, SoftmaxRule::foreground}) {
    MaskOutputConfig output = softmax_output();
    output.softmax_rule = rule;
    Parameters p;
    const std::unique_ptr<Head> head = kinds()[0].make(p, output);
    p.pack(3);
    const NoGrad guard;
    Found found = bench.found();
    head->predict(bench.features, bench.batch->sizes, found);
    const float first = found.masks.data<float>()[0];
    if (rule == SoftmaxRule::foreground) CHECK(first == Approx(0.5).epsilon(0.05));
    if (rule == SoftmaxRule::largest) CHECK((first == 0 || first == 1));
    seen.insert(first);
  }
  CHECK(seen.size() == 3);
}

TEST_CASE("mask heads that cannot be are errors that name the field", "[models][masks]") {
  const auto complaint = [](const auto& mask) {
    ModelConfig c;
    rcnn(c).mask = mask;
    try {
      validate(c);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  MaskFCNConfig fcn;
  CHECK(complaint(fcn).empty());
  fcn.deconvs = 5;
  CHECK_THAT(complaint(fcn), Contains("model.mask.deconvs: must be from 1 to 4, got 5"));
  fcn.deconvs = 4;
  fcn.size = 100;
  CHECK_THAT(complaint(fcn), Contains("model.mask.size: gives masks of 1600 bins a side: expected 1 to 1024"));
  fcn = {};
  fcn.loss = MaskLoss::softmax;
  CHECK(complaint(fcn).empty());
  fcn.class_agnostic = true;
  CHECK_THAT(complaint(fcn), Contains("model.mask.class_agnostic: one mask for all classes has no classes that compete"));
  MaskMLPConfig mlp;
  CHECK(complaint(mlp).empty());
  mlp.layers = 0;
  CHECK_THAT(complaint(mlp), Contains("model.mask.layers: must be 1 or more, got 0"));
  mlp.layers = 2;
  mlp.side = 0;
  CHECK_THAT(complaint(mlp), Contains("model.mask.side"));
  CHECK(complaint(unet(28, {64, 128, 256}, true)).empty());
  CHECK_THAT(complaint(unet(28, {64}, true)), Contains("model.mask.widths: expected 2 to 8 levels, got 1"));
  CHECK_THAT(complaint(unet(28, {64, 0}, true)), Contains("model.mask.widths: must be 1 or more, got 0"));
  CHECK_THAT(complaint(unet(28, {64, 64, 64, 64}, true)), Contains("model.mask.size: is halved 3 times: expected a multiple of 8, got 28"));
}
