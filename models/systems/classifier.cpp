#include "models/systems/classifier.h"

#include <algorithm>

#include "models/backbones/resnet.h"
#include "models/backbones/vgg.h"
#include "models/layers.h"
#include "ops/boxes/candidates.h"
#include "ops/boxes/topk.h"
#include "ops/elementwise/dropout.h"
#include "ops/elementwise/reshape.h"
#include "ops/loss/cross_entropy.h"
#include "ops/pool/avg_pool.h"
#include "ops/pool/max_pool.h"
#include "tensor/context.h"
#include "tensor/process_group.h"

namespace mr {
namespace {

class ResNetTrunk final : public Trunk {
 public:
  ResNetTrunk(Parameters& p, const ResNetConfig& config, int64_t classes)
      : config_(config), resnet_(p, "", config), fc_(p, "fc", resnet_.channels().back(), classes, Init::normal(0.01)) {}

  int divisor() const override { return 1; }
  double norm_epsilon() const override { return config_.norm_epsilon; }
  double values() const override { return static_cast<double>(config_.width) / 4; }  // the stem's map, at half the image's sides
  Var operator()(const Var& images, const std::optional<DropoutKey>& training) const override {
    return fc_(global_average_pool(resnet_(images, training.has_value()).maps.back()));  // [N,H/32,W/32,2048] → [N,K]
  }

 private:
  ResNetConfig config_;
  ResNet resnet_;
  Linear fc_;
};

class VGG16Trunk final : public Trunk {
 public:
  VGG16Trunk(Parameters& p, const VGGConfig& config, int64_t classes)
      : width_(static_cast<double>(config.width)), vgg_(p, "features.", config) {
    const int64_t channels = vgg_.levels().back().channels, width = 64 * config.width;
    fc6_ = Linear::of_map(p, "classifier.0", side, channels, width, Init::normal(0.01));
    fc7_ = Linear(p, "classifier.3", width, width, Init::normal(0.01));
    fc8_ = Linear(p, "classifier.6", width, classes, Init::normal(0.01));
  }

  int divisor() const override { return 32 * side; }
  double norm_epsilon() const override { return 0; }     // it has none
  double values() const override { return 2 * width_; }  // two convolutions at the image's own size
  Var operator()(const Var& images, const std::optional<DropoutKey>& training) const override {
    check(images.size(1) == 32 * side && images.size(2) == 32 * side, "vgg16: its fully connected layers are for images of 224x224, got ",
          images.shape());
    Var x = max_pool2d(vgg_(images, training.has_value()).maps.back(), {.size = 2, .stride = 2, .padding = 0});  // [N,7,7,512]
    x = fc6_(flatten_rows(x), true);                                                                             // [N,4096]
    const auto member = static_cast<uint64_t>(process_group().rank());  // whose images are others: they drop other elements
    if (training) x = dropout(x, 0.5, Rng(training->seed, "dropout fc6", training->step, member));
    x = fc7_(x, true);  // [N,4096]
    if (training) x = dropout(x, 0.5, Rng(training->seed, "dropout fc7", training->step, member));
    return fc8_(x);  // [N,K]
  }

 private:
  static constexpr int side = 7;  // of the map behind the fifth pool
  double width_;
  VGG16 vgg_;
  Linear fc6_, fc7_, fc8_;
};

struct MakeTrunk {
  Parameters& p;
  int64_t classes;
  std::unique_ptr<Trunk> operator()(const ResNetConfig& c) const { return std::make_unique<ResNetTrunk>(p, c, classes); }
  std::unique_ptr<Trunk> operator()(const VGGConfig& c) const { return std::make_unique<VGG16Trunk>(p, c, classes); }
};

}  // namespace

Classifier::Classifier(const ClassifierConfig& config, int64_t classes) : classes_(classes) {
  check(classes >= 1, "classifier: expected one class or more, got ", classes);
  validate(config);
  trunk_ = std::visit(MakeTrunk{parameters_, classes}, config.trunk);
}

Traits Classifier::traits() const {
  Traits t;
  t.classifies = true;
  t.divisor = trunk_->divisor();
  t.norm_epsilon = trunk_->norm_epsilon();
  t.values = trunk_->values();
  t.losses = names_of(ClassifierConfig::losses());
  return t;
}

Losses Classifier::losses(const DeviceBatch& batch) {
  check(batch.labels.defined(), "classifier: a batch to train on needs targets, got none");
  const OnDevice where(parameters_.device());
  const int64_t N = batch.images.size(0);
  const Tensor first = Tensor::zeros({N, 1}, DType::i32, parameters_.device());
  const Tensor labels = take(batch.labels, first).reshape({N});
  for (int64_t n = 0; n < N && !labels.on_gpu(); ++n)
    check(labels.data<int32_t>()[n] > 0, "classifier: image ", n + 1,
          " of the batch has no object, whose class would be its own (data.drop_empty = true leaves such images out)");
  const Var logits = (*trunk_)(Var(batch.images.to(context().precision)), DropoutKey{batch.seed, batch.step});  // [N,K]
  return {{"class", softmax_cross_entropy(logits, labels, over_labels(labels, 1, classes_ + 1), 1)}};
}

Found Classifier::detect(const DeviceBatch& batch) const {
  constexpr int64_t most = 5;
  const NoGrad guard;
  const OnDevice where(parameters_.device());
  const Tensor logits = (*trunk_)(Var(batch.images.to(context().precision)), std::nullopt).value();
  const Tensor probabilities = softmax(logits.to(DType::f32));  // [N,K]
  const Chosen best = top_k(probabilities, most);
  const int64_t N = logits.size(0), D = best.index.size(1);
  const auto H = static_cast<float>(batch.images.size(1)), W = static_cast<float>(batch.images.size(2));
  std::vector<float> boxes;
  for (int64_t i = 0; i < N * D; ++i) boxes.insert(boxes.end(), {0, 0, W, H});
  return {.boxes = {Tensor::of<float>({N, D, 4}, boxes), best.count},
          .scores = take(probabilities, best.index),
          .labels = detected_labels(best.index, classes_),
          .masks = {}};
}

}  // namespace mr
