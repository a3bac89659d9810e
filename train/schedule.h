// The learning rate over a run of N iterations:
//
//   it < W       η·(a + (1 − a)·it/W)                              linear warm-up from a·η over W iterations
//   cosine       η·½(1 + cos(π·(it − W)/(N − W)))                  down to 0 at the end
//   step         η·γ^(milestones passed)                           milestones are shares of the run: 0.75 of 160k is 120k
//
// Before the warm-up's end nothing depends on N, so that a run whose length is found by measuring (train.budget) and its rerun
// with the recorded length take the same steps.
//
// The rate, N and W are stated for `for_batch` images a step; another batch of B images takes η·B/for_batch, N·for_batch/B and
// W·for_batch/B (Goyal et al. 2017).
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/fields.h"

namespace mr {

enum class ScheduleKind : uint8_t { step, cosine };

struct ScheduleConfig {
  ScheduleKind kind = ScheduleKind::step;
  int64_t warmup = 500;
  double warmup_factor = 0.001;
  std::vector<double> milestones = {0.75};
  double gamma = 0.1;
  int64_t for_batch = 0;
  void visit(Fields& f) {
    f.choice("kind", kind, {"step", "cosine"}, "how the rate falls");
    f.field("warmup", warmup, "iterations of linear warm-up");
    f.field("warmup_factor", warmup_factor, "where the warm-up starts, relative to the rate");
    f.field("milestones", milestones, "step: where the rate is cut, as shares of the run");
    f.field("gamma", gamma, "step: by which factor");
    f.field("for_batch", for_batch, "images a step that optimiser.lr, train.iterations and warmup are stated for; 0: those of this run");
  }
};

// The schedule of one run, scaled to its batch.
struct Schedule {
  ScheduleConfig config;
  double lr = 0;           // scaled
  int64_t iterations = 0;  // scaled; 0: not known yet (only rates of the warm-up may be asked for)
  int64_t warmup = 0;      // scaled

  double rate(int64_t iteration) const;
};

// `lr` and `iterations` as the recipe states them, `batch` the images of one step (accumulation included).
Schedule make_schedule(const ScheduleConfig& config, double lr, int64_t iterations, int64_t batch);

}  // namespace mr
