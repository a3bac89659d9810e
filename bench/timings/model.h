// Times a recipe's model on one synthetic image: prediction, and a training step (losses, backward, the recipe's optimiser).
#pragma once

#include <string>
#include <vector>

#include "train/recipe.h"

namespace mr {

struct BenchModelOptions {
  int64_t batch = 1, height = 800, width = 1216, objects = 10, repeats = 4;
  std::string weights;  // instead of random ones
  Device device = {};
  int loaded = 0;      // processes that compute beside every second repeat (bench/timings/neighbours.h)
  std::string filter;  // only timings whose name, or its part behind the dot, begins with it
};

struct ModelTiming {
  std::string name;                 // "f32.inference", "f32.train", "bf16.inference", "bf16.train"
  double best = 0, median = 0;      // seconds
  int64_t detections = 0;           // of inference
  uint64_t peak_bytes = 0;          // held by tensors at most, since the program started
  uint64_t system_allocations = 0;  // in the timed repeats: 0 in steady state
  double loaded = 0;                // median seconds beside the busy processes; 0: there were none
  double kept = 0;                  // of what may be expected beside them: median / loaded / share_left
};

// bf16 is left out on a processor that lacks AVX-512.
std::vector<ModelTiming> bench_model(const Recipe& recipe, const BenchModelOptions& options);

std::string to_json(const std::vector<ModelTiming>& timings);  // {"f32.inference": {"seconds": …, …}, …}
std::string to_text(const std::vector<ModelTiming>& timings);

}  // namespace mr
