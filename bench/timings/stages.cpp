#include "bench/timings/stages.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/json_text.h"
#include "bench/best_of.h"
#include "bench/timings/synthetic.h"
#include "ops/boxes/mask_paste.h"
#include "tensor/parallel.h"
#include "tensor/stages.h"

namespace mr {
namespace {

struct Run {
  double seconds = 0;
  std::vector<StageClock::Time> stages;
};

Run fastest(const BenchModelOptions& options, const std::function<void()>& work) {
  Run best;
  for (int64_t i = -2; i < options.repeats; ++i) {
    StageClock clock;
    const ContextGuard guard;
    context().stages = &clock;
    synchronize(options.device);
    const double begin = wall_seconds();
    work();
    synchronize(options.device);
    const double seconds = wall_seconds() - begin;
    if (i == 0 || (i > 0 && seconds < best.seconds)) best = {seconds, clock.times()};
  }
  return best;
}

// Every mask in the picture, as prediction of a picture gives them.
void paste(const Detections& found, const BenchModelOptions& options, PasteRule rule) {
  if (!found.masks.defined()) return;
  const Stage stage("pasting");
  const auto m = static_cast<int>(found.masks.size(1));
  parallel_for(found.boxes.size(0), 4, [&](int64_t i) {
    const float* b = found.boxes.data<float>() + 4 * i;
    paste_mask(found.masks.data<float>() + i * m * m, m, {b[0], b[1], b[2], b[3]}, static_cast<int>(options.height),
               static_cast<int>(options.width), rule);
  });
}

bool of_masks(const std::string& stage) { return stage == "pasting" || stage.find("mask head") != std::string::npos; }

StageTiming& named(StageTimings& all, const std::string& name) {
  auto at = std::ranges::find(all.stages, name, &StageTiming::name);
  if (at == all.stages.end()) at = all.stages.insert(all.stages.end(), {name});
  return *at;
}

StageTimings together(const Run& prediction, const Run& training) {
  StageTimings all;
  all.prediction = prediction.seconds;
  all.training = training.seconds;
  StageTiming other{"other", prediction.seconds, training.seconds};
  double masks[2] = {};
  for (const StageClock::Time& t : prediction.stages) {
    named(all, t.name).prediction = t.forward;
    other.prediction -= t.forward;
    if (of_masks(t.name)) masks[0] += t.forward;
  }
  for (const StageClock::Time& t : training.stages) {
    StageTiming& s = named(all, t.name);
    s.forward = t.forward;
    s.backward = t.backward;
    other.forward -= t.forward + t.backward;
    if (of_masks(t.name)) masks[1] += t.forward + t.backward;
  }
  all.masks_add_to_prediction = masks[0] / (all.prediction - masks[0]);
  all.masks_add_to_training = masks[1] / (all.training - masks[1]);
  all.stages.push_back(other);
  return all;
}

}  // namespace

StageTimings bench_stages(const Recipe& recipe, const BenchModelOptions& options) {
  const TimedModel model(recipe, options);
  const OnDevice where(options.device);
  const Run prediction = fastest(options, [&] {
    const NoGrad no_tape;
    for (const Detections& found : predict(*model.system, model.predicting)) paste(found, options, recipe.evaluation.paste);
  });
  const Run step = fastest(options, [&] { model.step(); });
  return together(prediction, step);
}

std::string to_json(const StageTimings& timings) {
  JsonWriter j;
  j.object().field("prediction", timings.prediction).field("training", timings.training);
  j.field("masks_add_to_prediction", timings.masks_add_to_prediction).field("masks_add_to_training", timings.masks_add_to_training);
  j.key("stages").object();
  for (const StageTiming& s : timings.stages)
    j.key(s.name).object().field("prediction", s.prediction).field("forward", s.forward).field("backward", s.backward).end();
  return j.end().end().take();
}

std::string to_text(const StageTimings& timings) {
  std::string out = fmt::format("{:<26} {:>12} {:>6} {:>11} {:>11} {:>6}\n", "seconds", "prediction", "%", "forward", "backward", "%");
  for (const StageTiming& s : timings.stages)
    out += fmt::format("{:<26} {:>12.4f} {:>6.1f} {:>11.4f} {:>11.4f} {:>6.1f}\n", s.name, s.prediction,
                       100 * s.prediction / timings.prediction, s.forward, s.backward, 100 * s.training() / timings.training);
  out += fmt::format("{:<26} {:>12.4f} {:>6} {:>11} {:>11.4f}\n", "all", timings.prediction, "", "", timings.training);
  if (timings.masks_add_to_prediction > 0)
    out += fmt::format("the masks add {:.0f} % to prediction and {:.0f} % to a training step (the paper: about 20 %)\n",
                       100 * timings.masks_add_to_prediction, 100 * timings.masks_add_to_training);
  return out;
}

}  // namespace mr
