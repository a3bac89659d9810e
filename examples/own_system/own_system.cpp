// A System of one's own through train(): a network of one stage that finds cars in drawn street scenes. It
// is a ResNet with a pyramid, and a region proposal network on it, whose proposals are what it finds.
//
//   own_system DIR [SETTING]...      trains into DIR, which then holds what `mrcnn train` leaves in one;
//                                    a setting is one of the recipe, such as train.iterations=100
#include <cstdio>

#include "maskrcnn/models/backbones/resnet_fpn.h"
#include "maskrcnn/models/proposals/rpn.h"
#include "maskrcnn/tensor/context.h"
#include "maskrcnn/train/train.h"

namespace {

class CarFinder : public mr::System {
 public:
  CarFinder(const mr::ResNetFPNConfig& backbone, const mr::RPNConfig& rpn)
      : backbone_(parameters_, backbone), rpn_(parameters_, "rpn.head.", backbone_.levels(), rpn) {}

  mr::Parameters& parameters() override { return parameters_; }

  // What it needs of the data, and what it gives: boxes, and losses by these names.
  mr::Traits traits() const override {
    mr::Traits t;
    t.divisor = backbone_.divisor();
    t.losses = rpn_.names();
    return t;
  }

  mr::Losses losses(const mr::DeviceBatch& batch) override {
    const mr::OnDevice where(parameters_.device());
    return rpn_.train(features(batch, true), batch).losses;
  }

  mr::Found detect(const mr::DeviceBatch& batch) const override {
    const mr::NoGrad no_tape;
    const mr::OnDevice where(parameters_.device());
    mr::Found found;
    found.boxes = rpn_.predict(features(batch, false), batch).boxes;  // best first
    const int64_t N = found.boxes.boxes.size(0), D = found.boxes.boxes.size(1);
    found.labels = mr::Tensor::empty({N, D}, mr::DType::i32);
    found.labels.fill_(1);
    std::vector<float> by_rank;  // proposals come without their scores
    for (int64_t i = 0; i < N * D; ++i) by_rank.push_back(1 / static_cast<float>(1 + i % D));
    found.scores = mr::Tensor::of<float>({N, D}, by_rank);
    return found;
  }

 private:
  mr::Features features(const mr::DeviceBatch& batch, bool training) const {
    return backbone_(mr::Var(batch.images.to(mr::context().precision)), training);
  }

  mr::Parameters parameters_;
  mr::ResNetFPN backbone_;
  mr::RPN rpn_;
};

std::unique_ptr<mr::System> make(const mr::ModelConfig& model, std::optional<uint64_t> seed) {
  auto system = std::make_unique<CarFinder>(resnet_fpn_of(model, "own_system"), rpn_of(model, "own_system"));
  if (seed) system->parameters().pack(*seed);
  return system;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) return std::fputs("usage: own_system DIR [SETTING]...\n", stderr), 2;
  std::vector<std::string> settings = {"train.iterations=400", "data.val_scenes=20", "data.classes=[\"car\"]",
                                       "model.proposals.post_nms_test=100"};
  settings.insert(settings.end(), argv + 2, argv + argc);
  const mr::Recipe recipe = mr::load_recipe("scenes_small", settings);
  mr::Console console;
  train(recipe, {.folder = argv[1], .make_system = make}, console);
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "own_system: %s\n", e.what());
  return 1;
}
