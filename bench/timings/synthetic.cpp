#include "bench/timings/synthetic.h"

#include <algorithm>

#include "models/weights/load.h"
#include "tensor/rng.h"
#include "tensor/stages.h"

namespace mr {
namespace {

Tensor random_boxes(const BenchModelOptions& o, int64_t n, Rng& rng) {
  const Tensor boxes = Tensor::empty({n, 4});
  const auto height = static_cast<double>(o.height), width = static_cast<double>(o.width);
  for (int64_t i = 0; i < n; ++i) {
    const double w = rng.uniform(8, width / 2), h = rng.uniform(8, height / 2), x = rng.uniform(0, width - w),
                 y = rng.uniform(0, height - h);
    const double corners[] = {x, y, x + w, y + h};
    for (int k = 0; k < 4; ++k) boxes.data<float>()[4 * i + k] = static_cast<float>(corners[k]);
  }
  return boxes;
}

HostBatch synthetic_batch(const BenchModelOptions& o, int64_t classes, int64_t size_divisor, const GivenBoxes& given) {
  const auto padded = [&](int64_t v) { return (v + size_divisor - 1) / size_divisor * size_divisor; };
  Rng rng(1, "bench");
  HostBatch b;
  b.images = Tensor::zeros({o.batch, padded(o.height), padded(o.width), 3});
  for (float& v : b.images.values<float>()) v = static_cast<float>(rng.normal());
  for (int64_t n = 0; n < o.batch; ++n) {
    ImageTargets t;
    t.boxes = Tensor::empty({o.objects, 4});
    t.labels = Tensor::empty({o.objects}, DType::i32);
    for (int64_t i = 0; i < o.objects; ++i) {
      const double longest = static_cast<double>(std::min(o.height, o.width)) / 2;
      const int w = static_cast<int>(rng.uniform(16, longest)), h = static_cast<int>(rng.uniform(16, longest));
      const int x = static_cast<int>(rng.uniform(0, static_cast<double>(o.width - w))),
                y = static_cast<int>(rng.uniform(0, static_cast<double>(o.height - h)));
      float* box = t.boxes.data<float>() + 4 * i;
      box[0] = static_cast<float>(x);
      box[1] = static_cast<float>(y);
      box[2] = static_cast<float>(x + w);
      box[3] = static_cast<float>(y + h);
      t.labels.data<int32_t>()[i] = static_cast<int32_t>(rng.below(static_cast<uint64_t>(classes))) + 1;
      CroppedMask m{static_cast<int>(o.height), static_cast<int>(o.width), x, y, Bitmap(h, w)};
      for (int r = 0; r < h; ++r)
        for (int c = 0; c < w; ++c) {
          const double u = (2 * c + 1.0) / w - 1, v = (2 * r + 1.0) / h - 1;
          m.bits.at(r, c) = u * u + v * v <= 1;
        }
      t.masks.push_back(std::move(m));
    }
    b.targets.push_back(std::move(t));
    b.sizes.push_back({static_cast<int>(o.height), static_cast<int>(o.width)});
    b.image_ids.push_back(n);
    if (given.train > 0) b.proposals.push_back(random_boxes(o, given.train, rng));
  }
  b.most_proposals = given.train;
  return b;
}

}  // namespace

TimedModel::TimedModel(const Recipe& recipe, const BenchModelOptions& options) {
  check(options.repeats >= 1 && options.batch >= 1 && options.height >= 32 && options.width >= 32, "bench: expects sizes of 32 or more");
  ModelConfig config = recipe.model;
  if (config.classes == 0) config.classes = 80;
  system = make_system(config, static_cast<uint64_t>(recipe.seed));
  if (!options.weights.empty()) load_weights(system->parameters(), open_weights(options.weights));
  system->parameters().move_to(options.device);
  const GivenBoxes given = system->traits().given;
  training = synthetic_batch(options, config.classes, recipe.preprocess.size_divisor, given);
  predicting = training;
  predicting.most_proposals = given.test;
  predicting.targets.clear();
  optimiser = std::make_unique<Optimiser>(recipe.optimiser, system->parameters());
  optimiser->set_rate(1e-6);
}

void TimedModel::step() const {
  system->parameters().zero_gradients();
  backward(total_loss(system->losses(to_device(training, *system))));
  const Stage stage("optimiser");
  optimiser->step();
}

}  // namespace mr
