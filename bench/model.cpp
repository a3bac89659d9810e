// Times Mask R-CNN R50-FPN as a whole: inference and a training step (losses, backward, SGD) on one image, frozen norms, stem and
// res2 frozen. bench/compare_torchvision.py runs it beside torchvision on the same weights, image and objects.
//
//   bench_model [--weights FILE] [--input FILE] [--precision f32|bf16] [--repeat N] [--only inference|train]
//   prints one line of JSON: seconds (best of N after a warm-up), peak memory
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>

#include "models/mask_rcnn.h"
#include "models/weights/load.h"
#include "models/weights/weight_file.h"
#include "ops/elementwise/add.h"
#include "tensor/context.h"
#include "tensor/rng.h"
#include "tensor/simd.h"

using namespace mr;

namespace {

constexpr int H = 800, W = 1216;

double best_of(int repeat, const std::function<void()>& run) {
  double best = 1e30;
  for (int i = 0; i <= repeat; ++i) {  // the first is the warm-up
    const auto start = std::chrono::steady_clock::now();
    run();
    const double s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (i > 0) best = std::min(best, s);
  }
  return best;
}

// The image and ten objects of the file, or drawn ones.
Batch make_batch(const std::string& input) {
  Batch b;
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
  b.targets = {std::move(t)};
  return b;
}

void train_step(MaskRCNN& model, const Batch& batch, const Tensor& momentum) {
  Parameters& p = model.parameters();
  p.zero_gradients();
  Var sum;
  for (const NamedLoss& l : model.losses(batch)) sum = sum ? add(sum, l.value) : l.value;
  backward(sum);
  float *w = p.weights().data<float>(), *g = p.gradients().data<float>(), *v = momentum.data<float>();
  for (int64_t i = 0; i < momentum.numel(); ++i) {
    v[i] = 0.9f * v[i] + g[i];
    w[i] -= 1e-5f * v[i];
  }
  p.changed();
}

}  // namespace

int main(int argc, char** argv) try {
  std::string weights, input, only, precision = "f32";
  int repeat = 4;
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
    else
      fail("bench_model: unknown option ", key);
  }
  // Without AVX-512 there is no fast bf16: the same fallback as a recipe's.
  if (precision == "bf16" && isa() == Isa::v4) context().precision = DType::bf16;
  MaskRCNNConfig config;
  config.classes = 8;
  MaskRCNN model(config, 0);
  if (!weights.empty()) load_weights(model.parameters(), open_weights(weights), {});
  const Batch batch = make_batch(input);
  const Tensor momentum = Tensor::zeros(model.parameters().weights().shape());
  int64_t found = 0;
  double inference = 0, train = 0;
  if (only != "train") inference = best_of(repeat, [&] { found = model.predict(batch)[0].boxes.size(0); });
  if (only != "inference") train = best_of(repeat, [&] { train_step(model, batch, momentum); });
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("{\"inference\": %.4f, \"train\": %.4f, \"detections\": %lld, \"peak_gib\": %.2f, \"precision\": \"%s\", \"isa\": \"%s\"}\n",
              inference, train, static_cast<long long>(found), static_cast<double>(usage.ru_maxrss) / (1 << 20), name(context().precision),
              name(isa()));
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "bench_model: %s\n", e.what());
  return 1;
}
