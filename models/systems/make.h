// The network that a recipe's `model` describes, whatever its kind.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "models/config.h"
#include "models/system.h"

namespace mr {

// seed: of the initial weights; none: they are not drawn, and the network is names and shapes.
// Errors: a field that no model can be built with.
std::unique_ptr<System> make_system(const ModelConfig& config, std::optional<uint64_t> seed);

// The same of a program with a system of its own, which hands it to train() and load_detector(). It may
// read of the model what it likes, and nothing.
using SystemMaker = std::function<std::unique_ptr<System>(const ModelConfig& config, std::optional<uint64_t> seed)>;

// What such a network needs of the data and gives, where there is none yet. The number of classes,
// which may be 0 here, does not matter.
Traits traits_of(const ModelConfig& config, const SystemMaker& make = make_system);

}  // namespace mr
