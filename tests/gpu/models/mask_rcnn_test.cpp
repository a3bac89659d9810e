// A whole training step and a whole prediction on the device, against the CPU.
#include "models/systems/rcnn.h"

#include <cmath>

#include "ops/optim/sgd.h"
#include "tensor/context.h"
#include "tensor/gpu/graph.h"
#include "tests/gpu/device.h"
#include "tests/models/parts.h"

namespace mr::gpu {
using namespace mr::test;
namespace {

constexpr int height = 64, width = 96;

ModelConfig tiny_config() {
  ModelConfig c;
  c.classes = 3;
  resnet(c).depth = 18;
  resnet(c).width = 8;
  resnet(c).freeze = 0;
  fpn(c).channels = 8;
  rpn(c).anchor_sizes = {8, 16, 32, 64, 128};
  rpn(c).batch = 32;
  rpn(c).pre_nms_train = rpn(c).pre_nms_test = 50;
  rpn(c).post_nms_train = rpn(c).post_nms_test = 20;
  fc(c).width = 16;
  rcnn(c).box.batch = 16;
  rcnn(c).box.detections = 5;
  mask(c).convs = 1;
  mask(c).width = 8;
  return c;
}

// Two images, the second smaller and without an object.
HostBatch tiny_batch() {
  const OnDevice where(Device{});
  HostBatch b;
  b.images = Tensor::empty({2, height, width, 3});
  Rng rng(7, "image");
  for (float& v : b.images.values<float>()) v = static_cast<float>(rng.uniform(-1, 1));
  b.sizes = {{height, width}, {height - 20, width - 9}};
  b.image_ids = {1, 8};
  ImageTargets t;
  t.boxes = Tensor::of<float>({2, 4}, {5, 8, 40, 50, 30, 10, 60, 33});
  t.labels = Tensor::of<int32_t>({2}, {2, 3});
  for (int g = 0; g < 2; ++g) {
    CroppedMask m{.image_height = height, .image_width = width, .x0 = 0, .y0 = 0, .bits = Bitmap(height, width)};
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) m.bits.at(y, x) = (x + 2 * y) % 7 < 4;
    t.masks.push_back(m);
  }
  b.targets = {t, {Tensor::empty({0, 4}), Tensor::empty({0}, DType::i32), {}}};
  b.proposals = {Tensor::of<float>({4, 4}, {0, 0, 20, 20, 6, 9, 42, 47, 28, 12, 63, 30, 50, 20, 96, 64}),  // for a network that wants them
                 Tensor::of<float>({2, 4}, {90, 0, 96, 10, 3, 3, 30, 30})};
  b.most_proposals = 5;
  return b;
}

// Whole models are not where bank conflicts are counted: that takes about as long as all else.
struct Uncounted {
  Uncounted() { count(false); }
  ~Uncounted() { count(true); }
  Uncounted(const Uncounted&) = delete;
  Uncounted& operator=(const Uncounted&) = delete;
  static void count(bool on) {
    if constexpr (built == Built::emulated) count_accesses(on);
  }
};

struct Step {
  std::vector<double> losses;
  Tensor gradients;
};

Step training_step(Device device, const ModelConfig& config = tiny_config()) {
  const std::unique_ptr<RCNN> system = make_rcnn(config, 3);
  RCNN& model = *system;
  model.parameters().move_to(device);
  model.parameters().zero_gradients();
  const Losses losses = model.losses(to_device(tiny_batch(), model));
  Step s;
  const OnDevice where(device);
  backward(total_loss(losses));
  for (const NamedLoss& l : losses) s.losses.push_back(l.value.value().at(0));
  s.gradients = model.parameters().gradients().to(Device{});
  return s;
}

// ‖a − b‖
double distance(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.numel(); ++i) {
    const double d = double{a.data<float>()[i]} - b.data<float>()[i];
    sum += d * d;
  }
  return std::sqrt(sum);
}

void compare_steps(const ModelConfig& config) {
  const Step want = training_step(Device{}, config), got = training_step(gpu_device(), config);
  REQUIRE(got.losses.size() == want.losses.size());
  for (size_t i = 0; i < want.losses.size(); ++i) {
    INFO("loss " << i);
    CHECK(got.losses[i] == Approx(want.losses[i]).epsilon(1e-5));
  }
  const std::unique_ptr<RCNN> system = make_rcnn(config, 3);
  RCNN& names = *system;
  for (const Parameter& p : names.parameters().all()) {
    if (!p.trainable) continue;
    INFO(p.name);
    double difference = 0, norm = 0;
    const int64_t begin = names.parameters().offset(p), end = begin + p.var.value().numel();
    for (int64_t i = begin; i < end; ++i) {
      const double w = want.gradients.data<float>()[i], g = got.gradients.data<float>()[i];
      difference += (g - w) * (g - w);
      norm += w * w;
    }
    CHECK(std::sqrt(difference) <= 1e-3 * std::sqrt(norm));
  }
}

}  // namespace

TEST_CASE("a training step on the device has the losses and gradients of the CPU", "[gpu][model]") {
  if (!has_device()) return;
  const Uncounted fast;
  compare_steps(tiny_config());
}

TEST_CASE("a training step on the device: live norms, masks of no class, thresholded targets", "[gpu][model]") {
  if (!has_device()) return;
  const Uncounted fast;
  ModelConfig c = tiny_config();
  resnet(c).norm = NormKind::batch;
  mask(c).class_agnostic = true;
  mask(c).soft_targets = false;
  rcnn(c).box.positive_fraction = 0.5;
  compare_steps(c);
}

TEST_CASE("a training step on the device without a pyramid: res5 on each RoI, in groups, and the dilated map", "[gpu][model]") {
  if (!has_device()) return;
  const Uncounted fast;
  ModelConfig c = tiny_config();
  ResNetConfig trunk;
  trunk.width = 8;
  trunk.groups = 4;
  trunk.group_width = 2;
  trunk.freeze = 0;
  rcnn(c).backbone = ResNetMapConfig{trunk, ResNetOutput::c4};
  rcnn(c).box.layers = Res5Config{.bins = 4, .stride = 2};
  MaskRes5Config of_res5;
  of_res5.width = 8;
  rcnn(c).mask = of_res5;
  compare_steps(c);
  c = tiny_config();
  trunk.depth = 18;
  trunk.groups = 1;
  trunk.group_width = 0;
  rcnn(c).backbone = ResNetMapConfig{trunk, ResNetOutput::dc5};
  compare_steps(c);
}

TEST_CASE("a training step on the device with each kind of mask head, with masks that compete, and on given proposals", "[gpu][model]") {
  if (!has_device()) return;
  const Uncounted guard;
  ModelConfig c = tiny_config();
  MaskFCNConfig fcn;
  fcn.size = 4, fcn.convs = 1, fcn.width = 8, fcn.deconvs = 2, fcn.loss = MaskLoss::softmax;
  rcnn(c).mask = fcn;
  compare_steps(c);
  MaskMLPConfig mlp;
  mlp.size = 4, mlp.side = 6, mlp.width = 8;
  rcnn(c).mask = mlp;
  rcnn(c).proposals = GivenConfig{};
  compare_steps(c);
  MaskUNetConfig unet;
  unet.size = 8, unet.widths = {4, 6, 8}, unet.nested = true;
  rcnn(c).mask = unet;
  compare_steps(c);
}

TEST_CASE("a training step on the device in mixed precision", "[gpu][model]") {
  if (!has_device()) return;
  const Uncounted fast;
  const Step exact = training_step(Device{});
  const ContextGuard guard;
  context().precision = DType::bf16;
  const Step want = training_step(Device{}), got = training_step(gpu_device());
  for (size_t i = 0; i < want.losses.size(); ++i) {
    INFO("loss " << i);
    CHECK(got.losses[i] == Approx(exact.losses[i]).epsilon(0.02));
  }
  // The CPU rounds at other places, so the two differ by about as much as each does from f32; a rounding may also change which boxes are sampled.
  CHECK(got.gradients.dtype() == DType::f32);
  const double rounding = distance(want.gradients, exact.gradients);
  CHECK(rounding > 0);
  CHECK(distance(got.gradients, exact.gradients) < 3 * rounding);
}

// A model in training, as train/ has it.
struct Trained {
  std::unique_ptr<RCNN> system = make_rcnn(tiny_config(), 3);
  RCNN& model = *system;
  Tensor velocity, rate, weights;  // weights: of the five terms
  ArenaPieces pieces;

  Trained() {
    model.parameters().move_to(gpu_device());
    velocity = Tensor::zeros_like(model.parameters().weights());
    rate = Tensor::empty({1}, DType::f32, gpu_device());
    weights = Tensor::empty({5}, DType::f32, gpu_device());
    std::vector<ArenaPiece> all;
    add_pieces(all, {0, velocity.numel(), 1, 1e-4F});
    pieces = ArenaPieces(all, gpu_device());
  }
  // What another step changes besides its images.
  void set_step(uint64_t step) const {
    const auto n = static_cast<float>(step);
    rate.copy_(Tensor::of<float>({1}, {0.01F / (n + 1)}));
    weights.copy_(Tensor::of<float>({5}, {1, 1 + n, 0.5F * n, 2, 1}));
  }
  // ‖gradient‖
  Tensor step(const DeviceBatch& batch) {
    const OnDevice where(gpu_device());
    model.parameters().zero_gradients();
    backward(total_loss(model.losses(batch), weights));
    const Tensor norm = sgd_step(model.parameters().weights(), velocity, model.parameters().gradients(), pieces, {.clip_norm = 10}, rate);
    model.parameters().changed();
    return norm;
  }
};

HostBatch numbered_batch(uint64_t step) {
  HostBatch b = tiny_batch();
  b.step = step;
  b.images.scale_(1 - 0.1 * static_cast<double>(step));
  return b;
}

TEST_CASE("the program queues training steps without waiting, and a step once recorded is any step", "[gpu][model]") {
  if (!has_device()) return;
  const Uncounted fast;
  const ContextGuard guard;
  context().precision = DType::bf16;  // with copies of the weights, which each step makes anew
  Trained queued, recorded;
  std::vector<Tensor> norms;
  const int64_t before = host_waits();
  for (uint64_t step = 0; step < 3; ++step) {
    queued.set_step(step);
    norms.push_back(queued.step(DeviceBatch(numbered_batch(step), true, gpu_device())));
  }
  CHECK(host_waits() == before);
  CHECK(norms[0].at(0) > 0);
  CHECK(norms[1].at(0) != norms[0].at(0));

  DeviceBatch batch(numbered_batch(0), true, gpu_device());
  recorded.set_step(0);
  recorded.step(batch);
  Tensor norm;
  const Graph graph([&] { norm = recorded.step(batch); });
  for (uint64_t step = 1; step < 3; ++step) {
    recorded.set_step(step);
    REQUIRE(batch.refill(numbered_batch(step)));
    graph.launch();
    CHECK(norm.at(0) == norms[step].at(0));
  }
  const Tensor want = queued.model.parameters().weights().to(Device{}), got = recorded.model.parameters().weights().to(Device{});
  CHECK(std::memcmp(got.raw(), want.raw(), want.bytes()) == 0);
}

TEST_CASE("a prediction waits once, for its results, and once recorded is any prediction", "[gpu][model]") {
  if (!has_device()) return;
  const Uncounted fast;
  const std::unique_ptr<RCNN> system = make_rcnn(tiny_config(), 3);
  RCNN& model = *system;
  model.parameters().move_to(gpu_device());
  const auto pictures = [](uint64_t step) {
    HostBatch b = numbered_batch(step);
    b.targets.clear();
    b.images = b.images.to(gpu_device());  // as the loader gives them
    return b;
  };
  const HostBatch first = pictures(0), second = pictures(1);
  const int64_t before = host_waits();
  const Detections want = predict(model, second).at(0);
  CHECK(host_waits() == before + 1);
  REQUIRE(want.boxes.size(0) > 0);

  DeviceBatch batch(first, false, gpu_device());
  Found found;
  const Graph graph([&] { found = model.detect(batch); });
  const int64_t recorded = host_waits();
  REQUIRE(batch.refill(second));
  graph.launch();
  CHECK(host_waits() == recorded);
  const Detections got = read(found).at(0);
  REQUIRE(got.boxes.shape() == want.boxes.shape());
  CHECK(std::memcmp(got.boxes.raw(), want.boxes.raw(), want.boxes.bytes()) == 0);
  CHECK(std::memcmp(got.masks.raw(), want.masks.raw(), want.masks.bytes()) == 0);
  CHECK(first.images.at(5) == numbered_batch(0).images.at(5));  // refilling leaves the caller's alone
}

TEST_CASE("two training steps on the device have the same bits under different orders", "[gpu][model]") {
  if (!is_emulated("it runs under two seeds of the emulated device")) return;
  const Uncounted fast;
  set_seed(0);
  const Step once = training_step(gpu_device());
  set_seed(5);
  const Step again = training_step(gpu_device());
  set_seed(1);
  CHECK(once.losses == again.losses);
  CHECK(std::memcmp(once.gradients.raw(), again.gradients.raw(), once.gradients.bytes()) == 0);
}

TEST_CASE("a prediction on the device finds what the CPU finds", "[gpu][model]") {
  if (!has_device()) return;
  const Uncounted fast;
  const auto detections = [](Device device) {
    const std::unique_ptr<RCNN> system = make_rcnn(tiny_config(), 3);
    RCNN& model = *system;
    model.parameters().move_to(device);
    HostBatch b = tiny_batch();
    b.targets.clear();
    return predict(model, b);
  };
  const std::vector<Detections> all_want = detections(Device{}), all_got = detections(gpu_device());
  REQUIRE(all_got.size() == 2);
  for (size_t n = 0; n < 2; ++n) {
    const Detections &want = all_want[n], &got = all_got[n];
    INFO("image " << n);
    REQUIRE(want.boxes.size(0) > 0);
    REQUIRE(got.boxes.shape() == want.boxes.shape());
    for (int64_t i = 0; i < want.boxes.size(0); ++i) {
      INFO("detection " << i);
      CHECK(got.labels.at(i) == want.labels.at(i));
      CHECK(got.scores.at(i) == Approx(want.scores.at(i)).margin(1e-5));
      for (int64_t k = 0; k < 4; ++k) CHECK(got.boxes.at(4 * i + k) == Approx(want.boxes.at(4 * i + k)).margin(1e-3));
    }
    double worst = 0;
    for (int64_t i = 0; i < want.masks.numel(); ++i) worst = std::max(worst, std::abs(got.masks.at(i) - want.masks.at(i)));
    CHECK(worst < 1e-4);
  }
}

}  // namespace mr::gpu
