// Everything a run needs to go on as if it had never stopped: weights, the optimiser's state, and how far it is. Nothing else is state, because
// all randomness is keyed by (seed, epoch, sample) and the sampler's position follows from the iteration.
//
// DIR/iteration_00001200.checkpoint, little-endian:
//   "mrcnnCK\n"  u32 version  u32 sections  u64 hash of the configuration
//   each section:  16 bytes of name  u64 bytes  …  u32 CRC-32 of all these
//   "recipe" the configuration as TOML · "state" TrainState · "weights" every parameter by name · then the optimiser's state by name:
//   "momentum" the arena of SGD; "mean", "square", "powers" of Adam (train/optimiser.h)
//   "end mark"
//
// Written whole or not at all (AtomicFile); the newest `keep` stay. Loading takes the newest file that can be read and is whole in every
// section, and says loudly which ones it passed over and why.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "train/optimiser.h"

namespace mr {

struct TrainState {
  int64_t iteration = 0;       // steps taken
  int64_t images = 0;          // seen
  double seconds = 0;          // of training, all runs together
  double best = 0;             // the score of best.safetensors
  int64_t best_iteration = 0;  // 0: none yet
  int64_t evaluated = 0;       // the iteration after which the last evaluation was done
};

struct Checkpoint {
  std::string recipe;  // TOML
  uint64_t config_hash = 0;
  TrainState state;
};

// Errors: the folder cannot be written (older checkpoints stay as they are).
void save_checkpoint(const std::string& folder, const Checkpoint& checkpoint, const Parameters& parameters, const OptimiserState& optimiser,
                     int64_t keep);

bool is_checkpoint_name(std::string_view file_name);

// Fills parameters and the optimiser's state from the newest valid checkpoint and returns the rest;
// nullopt where the folder holds none. `warn` hears of each file that is passed over, `found` of
// the one that is taken, before anything is filled. Errors: the folder cannot be listed; files are
// there but none is valid; one is valid but of another model or another kind of optimiser.
std::optional<Checkpoint> load_checkpoint(const std::string& folder, const Parameters& parameters, const OptimiserState& optimiser,
                                          const std::function<void(const std::string&)>& warn,
                                          const std::function<void(const Checkpoint&)>& found = {});

}  // namespace mr
