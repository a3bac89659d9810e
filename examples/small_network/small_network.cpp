// A network of one's own, trained in some seconds: it tells drawn discs, squares and triangles apart. Two convolutions and a linear layer, Adam
// with decoupled decay, and a learning rate that warms up and falls along a cosine.
//
//   small_network [STEPS]        prints the loss as it falls, then how many of 300 new drawings it names rightly
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "maskrcnn/models/layers.h"
#include "maskrcnn/ops/elementwise/reshape.h"
#include "maskrcnn/ops/gemm/linear.h"
#include "maskrcnn/ops/loss/cross_entropy.h"
#include "maskrcnn/ops/pool/max_pool.h"
#include "maskrcnn/tensor/rng.h"
#include "maskrcnn/train/optimiser.h"
#include "maskrcnn/train/schedule.h"

namespace {

constexpr int64_t size = 16, classes = 3;

class Network {
 public:
  mr::Parameters parameters;

  explicit Network(uint64_t seed) { parameters.pack(seed); }  // gives the weights their first values
  mr::Var operator()(const mr::Tensor& images) const {        // [N,16,16,1] → logits [N,3]
    const mr::MaxPoolOptions halved{.size = 2, .stride = 2, .padding = 0};
    mr::Var x = max_pool2d(first_(mr::Var(images), true), halved);  // [N,8,8,8]
    x = max_pool2d(second_(x, true), halved);                       // [N,4,4,16]
    return linear(flatten_rows(x), weight_, bias_);
  }

 private:
  mr::Conv first_{parameters, "first", 1, 8, 3, mr::Init::kaiming(), {.padding = 1}};
  mr::Conv second_{parameters, "second", 8, 16, 3, mr::Init::kaiming(), {.padding = 1}};
  mr::Var weight_ = parameters.add("last.weight", {classes, 4 * 4 * 16}, mr::Init::xavier());
  mr::Var bias_ = parameters.add("last.bias", {classes}, mr::Init::zeros(), mr::ParameterKind::bias);
};

struct Drawings {
  mr::Tensor images, labels;
};

// Drawing number n is a function of n alone, so that no two runs differ. A shape of random place and size, in noise.
Drawings draw(int64_t first, int64_t count) {
  const Drawings d{mr::Tensor::empty({count, size, size, 1}), mr::Tensor::empty({count}, mr::DType::i32)};
  float* pixel = d.images.data<float>();
  for (int64_t n = 0; n < count; ++n) {
    mr::Rng rng(1, "drawing", 0, static_cast<uint64_t>(first + n));
    const auto label = static_cast<int32_t>(rng.below(classes));
    const double radius = rng.uniform(3, 6), cx = rng.uniform(radius, size - radius), cy = rng.uniform(radius, size - radius);
    for (int64_t i = 0; i < size * size; ++i) {
      const double x = static_cast<double>(i % size) + 0.5 - cx, y = static_cast<double>(i / size) + 0.5 - cy;
      const bool disc = x * x + y * y < radius * radius, square = std::max(std::abs(x), std::abs(y)) < 0.85 * radius;
      const bool triangle = y < radius && 2 * std::abs(x) < y + radius;
      const bool inside = label == 0 ? disc : label == 1 ? square : triangle;
      *pixel++ = static_cast<float>((inside ? 1 : -1) + 0.5 * rng.normal());
    }
    d.labels.data<int32_t>()[n] = label;
  }
  return d;
}

}  // namespace

int main(int argc, char** argv) try {
  const int64_t steps = argc > 1 ? std::atoll(argv[1]) : 500, batch = 32;
  Network network(1);
  const mr::OptimiserConfig adam{.kind = mr::OptimiserKind::adamw, .lr = 1e-2};
  mr::ScheduleConfig schedule;
  schedule.kind = mr::ScheduleKind::cosine;
  schedule.warmup = steps / 10;
  mr::Optimiser optimiser(adam, network.parameters);
  for (int64_t step = 0; step < steps; ++step) {
    const Drawings d = draw(step * batch, batch);
    const mr::Var loss = softmax_cross_entropy(network(d.images), d.labels, batch);
    network.parameters.zero_gradients();
    backward(loss);
    optimiser.set_rate(learning_rate(schedule, adam.lr, steps, step));
    optimiser.step();
    if (step % 50 == 0) std::printf("step %3ld  rate %.5f  loss %.3f\n", step, optimiser.rate(), loss.value().at(0));
  }
  const mr::NoGrad no_tape;
  const Drawings fresh = draw(steps * batch, 300);
  const mr::Tensor logits = network(fresh.images).value();
  int right = 0;
  for (int64_t n = 0; n < 300; ++n) {
    const float* z = logits.data<float>() + n * classes;
    right += static_cast<int32_t>(std::max_element(z, z + classes) - z) == fresh.labels.data<int32_t>()[n];
  }
  std::printf("%d of 300 new drawings named rightly\n", right);
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "small_network: %s\n", e.what());
  return 1;
}
