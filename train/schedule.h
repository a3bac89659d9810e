// The learning rate over a run of N iterations:
//
//   it < W       lr·(a + (1 − a)·it/W)                              linear warm-up from a·lr over W iterations
//   cosine       lr·½(1 + cos(π·(it − W)/(N − W)))                  down to 0 at the end
//   step         lr·γ^(milestones passed)                           milestones are shares of the run: 0.75 of 160k is 120k
//
// A warm-up that was shortened under way goes on in a straight line from the rate that it had come to.
//
// Before the warm-up's end nothing depends on N, so that a run whose length is found by measuring (train.budget) and its rerun
// with the recorded length take the same steps.
//
// lr, N and W are stated for `for_batch` images a step; for another batch of B images scale_to_batch makes of them lr·B/for_batch,
// N·for_batch/B and W·for_batch/B (Goyal et al. 2017).
#pragma once

#include <cstdint>
#include <vector>

#include "base/fields.h"

namespace mr {

enum class ScheduleKind : uint8_t { step, cosine };

struct ScheduleConfig {
  ScheduleKind kind = ScheduleKind::step;
  int64_t warmup = 500;
  double warmup_factor = 0.001;
  std::vector<double> milestones = {0.75};
  double gamma = 0.1;
  int64_t for_batch = 0;
  int64_t shortened_at = 0, shortened_from = 0;
  void visit(Fields& f) {
    f.choice("kind", kind, {"step", "cosine"}, "how the rate falls");
    f.field("warmup", warmup, "iterations of linear warm-up; a tenth of the run at most");
    f.field("warmup_factor", warmup_factor, "where the warm-up starts, relative to the rate");
    f.field("milestones", milestones, "step: where the rate is cut, as shares of the run");
    f.field("gamma", gamma, "step: by which factor");
    f.field("for_batch", for_batch, "images a step that optimiser.lr, train.iterations and warmup are stated for; 0: those of this run");
    f.field("shortened_at", shortened_at,
            "written by a run whose budget turned out too short for its warm-up, which was shortened after this step");
    f.field("shortened_from", shortened_from, "the warm-up before that");
  }
};

// The rate of one iteration of a run of N = `iterations` (0: not known yet; then only rates of the warm-up may be asked for).
double learning_rate(const ScheduleConfig& config, double lr, int64_t iterations, int64_t iteration);

// Restates lr, iterations and config.warmup for `batch` images a step; config.for_batch is 0 afterwards.
void scale_to_batch(ScheduleConfig& config, double& lr, int64_t& iterations, int64_t batch);

}  // namespace mr
