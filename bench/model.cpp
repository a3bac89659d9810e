// Times Mask R-CNN R50-FPN as a whole: inference and a training step (losses, backward, SGD) on one image, frozen norms, stem and
// res2 frozen. bench/compare_torchvision.py runs it beside torchvision on the same weights, image and objects.
//
//   bench_model [--weights FILE] [--input FILE] [--precision f32|bf16] [--repeat N] [--only inference|train] [--device cpu|cuda:N] [--batch N]
//   prints one line of JSON: seconds a batch (best of N after a warm-up; "recorded": a training step as a CUDA graph), peak memory
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>

#include "base/json_text.h"
#include "bench/best_of.h"
#include "models/systems/make.h"
#include "models/weights/load.h"
#include "models/weights/weight_file.h"
#include "ops/optim/sgd.h"
#include "tensor/context.h"
#include "tensor/device.h"
#include "tensor/gpu/built.h"
#include "tensor/gpu/graph.h"
#include "tensor/rng.h"
#include "tensor/simd.h"

using namespace mr;

namespace {

constexpr int H = 800, W = 1216;

// `size` times the image and ten objects of the file, or drawn ones.
HostBatch make_batch(const std::string& input, int64_t size) {
  HostBatch b;
  b.images = Tensor::empty({1, H, W, 3});
  b.sizes = {{H, W}};
  b.image_ids = {0};
  std::vector<float> boxes;
  std::vector<int32_t> labels;
  if (input.empty()) {
    Rng rng(1, "bench image");
    for (float& v : b.images.values<float>()) v = static_cast<float>(rng.normal());
    for (int g = 0; g < 10; ++g) {
      const auto x = static_cast<float>(rng.below(W - 200)), y = static_cast<float>(rng.below(H - 200));
      boxes.insert(boxes.end(), {x, y, x + 30 + static_cast<float>(rng.below(160)), y + 30 + static_cast<float>(rng.below(160))});
      labels.push_back(1 + static_cast<int32_t>(rng.below(8)));
    }
  } else {
    const WeightFile f = open_weights(input);
    const auto read = [&](const char* name) {
      const NamedTensor* t = f.find(name);
      check(t != nullptr, "bench_model: ", input, " has no tensor ", name);
      return read_doubles(*t);
    };
    const std::vector<double> image = read("image");  // [3,H,W], normalised
    for (size_t c = 0, area = image.size() / 3; c < 3; ++c)
      for (size_t p = 0; p < area; ++p) b.images.data<float>()[p * 3 + c] = static_cast<float>(image[c * area + p]);
    for (const double v : read("boxes")) boxes.push_back(static_cast<float>(v));
    for (const double v : read("labels")) labels.push_back(static_cast<int32_t>(v));
  }
  ImageTargets t;
  t.boxes = Tensor::of<float>({static_cast<int64_t>(labels.size()), 4}, boxes);
  t.labels = Tensor::of<int32_t>({static_cast<int64_t>(labels.size())}, labels);
  for (size_t g = 0; g < labels.size(); ++g) {
    const float* q = boxes.data() + 4 * g;
    CroppedMask m{.image_height = H,
                  .image_width = W,
                  .x0 = static_cast<int>(q[0]),
                  .y0 = static_cast<int>(q[1]),
                  .bits = Bitmap(static_cast<int>(q[3] - q[1]), static_cast<int>(q[2] - q[0]))};
    std::ranges::fill(m.bits.pixels, uint8_t{1});
    t.masks.push_back(std::move(m));
  }
  const Tensor image = b.images;
  b.images = Tensor::empty({size, H, W, 3});
  b.sizes.clear();
  b.image_ids.clear();
  for (int64_t n = 0; n < size; ++n) {
    b.images.slice(n, n + 1).copy_(image);
    b.sizes.push_back({H, W});
    b.image_ids.push_back(n);
    b.targets.push_back(t);
  }
  return b;
}

// A model in training: losses, backward, SGD.
struct Training {
  System& model;
  Tensor velocity, rate;
  ArenaPieces pieces;

  explicit Training(System& m) : model(m) {
    const Tensor& w = m.parameters().weights();
    velocity = Tensor::zeros_like(w);
    rate = Tensor::empty({1}, DType::f32, w.device());
    rate.fill_(1e-5);
    std::vector<ArenaPiece> all;
    add_pieces(all, {0, w.numel(), 1, 0});
    pieces = ArenaPieces(all, w.device());
  }
  void step(const DeviceBatch& batch) {
    Parameters& p = model.parameters();
    const OnDevice where(p.device());
    p.zero_gradients();
    backward(total_loss(model.losses(batch)));
    sgd_step(p.weights(), velocity, p.gradients(), pieces, {.momentum = 0.9}, rate);
    p.changed();
  }
};

// On a GPU, a step recorded once and queued again; the batch goes over each time.
double time_recorded(int repeat, Training& training, const HostBatch& batch) {
  if constexpr (gpu::exists) {
    DeviceBatch there(batch, true, training.model.parameters().device());
    training.step(there);
    const gpu::Graph graph([&] { training.step(there); });
    return best_of(repeat, training.model.parameters().device(), 4, [&] {
      there.refill(batch);
      graph.launch();
    });
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  std::string weights, input, only, precision = "f32", where = "cpu";
  int repeat = 4;
  int64_t size = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string key = argv[i], value = argv[i + 1];
    if (key == "--weights")
      weights = value;
    else if (key == "--input")
      input = value;
    else if (key == "--precision")
      precision = value;
    else if (key == "--repeat")
      repeat = std::stoi(value);
    else if (key == "--only")
      only = value;
    else if (key == "--device")
      where = value;
    else if (key == "--batch")
      size = std::stoll(value);
    else
      fail("bench_model: unknown option ", key);
  }
  const Device device = device_of(where);
  // On a processor without AVX-512 there is no fast bf16: the same fallback as a recipe's.
  if (precision == "bf16" && (device.type != DeviceType::cpu || isa() == Isa::v4)) context().precision = DType::bf16;
  ModelConfig config;
  config.classes = 8;
  const std::unique_ptr<System> system = make_system(config, 0);
  System& model = *system;
  if (!weights.empty()) load_weights(model.parameters(), open_weights(weights), {});
  model.parameters().move_to(device);
  const HostBatch batch = make_batch(input, size);
  HostBatch pictures = batch;
  pictures.targets.clear();
  int64_t found = 0;
  double inference = 0, train = 0, recorded = 0;
  if (only != "train") inference = best_of(repeat, device, 4, [&] { found = predict(model, pictures)[0].boxes.size(0); });
  if (only != "inference") {
    Training training(model);
    train = best_of(repeat, device, 4, [&] { training.step(to_device(batch, model)); });
    if (device.type != DeviceType::cpu) recorded = time_recorded(repeat, training, batch);
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double peak = device.type == DeviceType::cpu ? static_cast<double>(usage.ru_maxrss) / (1 << 20)
                                                     : static_cast<double>(allocator_stats(device).reserved_bytes) / (1 << 30);
  JsonWriter j;
  j.object().field("inference", inference).field("train", train).field("recorded", recorded).field("detections", found);
  j.field("peak_gib", peak).field("precision", name(context().precision)).field("isa", name(isa())).end();
  std::printf("%s\n", j.text().c_str());
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "bench_model: %s\n", e.what());
  return 1;
}
