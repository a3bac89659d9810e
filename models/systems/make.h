// The network that a recipe's `model` describes, whatever its kind.
#pragma once

#include <memory>
#include <optional>

#include "models/config.h"
#include "models/system.h"

namespace mr {

// seed: of the initial weights; none: they are not drawn, and the network is names and shapes.
// Errors: a field that no model can be built with.
std::unique_ptr<System> make_system(const ModelConfig& config, std::optional<uint64_t> seed);

// What such a network needs of the data and gives, where there is none yet. The number of classes,
// which may be 0 here, does not matter.
Traits traits_of(const ModelConfig& config);

}  // namespace mr
