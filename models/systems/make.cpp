#include "models/systems/make.h"

#include <algorithm>

#include "models/systems/classifier.h"
#include "models/systems/rcnn.h"

namespace mr {
namespace {

// ---- one function a system ----

std::unique_ptr<System> make(const RCNNConfig& c, int64_t classes, std::optional<uint64_t> seed) { return make_rcnn(c, classes, seed); }

std::unique_ptr<System> make(const ClassifierConfig& c, int64_t classes, std::optional<uint64_t> seed) {
  auto system = std::make_unique<Classifier>(c, classes);
  if (seed) system->parameters().pack(*seed);
  return system;
}

}  // namespace

std::unique_ptr<System> make_system(const ModelConfig& config, std::optional<uint64_t> seed) {
  validate(config);
  return std::visit([&](const auto& c) { return make(c, config.classes, seed); }, config.system);
}

Traits traits_of(const ModelConfig& config, const SystemMaker& make) {
  ModelConfig c = config;
  c.classes = std::max<int64_t>(c.classes, 1);
  return make(c, std::nullopt)->traits();
}

}  // namespace mr
