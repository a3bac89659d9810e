// The training loop. It knows nothing of datasets or networks: batches, evaluation and weights files are functions it is given.
//
//   step        zero gradients · `accumulate` batches: losses, check, backward · check · optimiser
//   between     evaluation where due, best weights kept · progress and metrics · checkpoint where due · signals
//
// Before the first step one is rehearsed, forward and backward, on the fullest batch, and leaves no trace: what memory the run will ever need is
// taken then, so that a run too large for the machine ends at once and not hours later, and no later step asks the system for any.
//
// On a GPU the program queues steps and does not wait for them: losses are read, and checked, when a line of progress is due, and before an
// evaluation and a checkpoint. A step whose loss or gradient is not finite changes no weight there either.
//
// In a process group (tensor/process_group.h) every member runs the loop on its part of each batch, with equal weights; gradients
// are added up once a step, and so are the losses that are told. The member of rank 0 evaluates and writes all files, and its
// clock decides what depends on time; a signal that came to one member stops all of them, after the same step. The others are
// given a Console that shows nothing, and a resumed run is read by all from the same folder.
//
// A run that stops anywhere and is resumed takes the same steps, to the bit, as one that never stopped. So does one that an error ends (an
// image that cannot be read, a loss that is not finite): what was reached before the failing step is saved, if its weights are finite.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "models/system.h"
#include "tensor/process_group.h"
#include "train/budget.h"
#include "train/checkpoint.h"
#include "train/interrupt.h"
#include "train/pace.h"
#include "train/progress.h"
#include "train/recipe.h"

namespace mr {

struct EvaluationOutcome {
  double score = 0;     // the best weights are those with the highest
  std::string summary;  // one line for a person
  std::string json;     // for metrics.jsonl
};

struct LoopJob {
  System* system = nullptr;
  std::string folder;           // DIR, which exists
  int64_t training_images = 0;  // only for the plan that is told; 0: unknown

  // The batches from number `first` on, one a call.
  std::function<std::function<DeviceBatch()>(int64_t first)> batches;
  // The batch that takes most memory (see Loop). Empty: no rehearsal.
  std::function<DeviceBatch()> fullest;
  // Throws Interrupted when a signal came. Empty: no evaluation.
  std::function<EvaluationOutcome()> evaluate;
  // Seconds that an evaluation will take, found by doing a small part of it. For budgets.
  std::function<double()> estimate_evaluation;
  std::function<void(const std::string& path)> save_weights;
  std::function<double()> clock = seconds_since_start;             // another in tests
  std::function<bool()> stop = [] { return interrupted() != 0; };  // the same
};

enum class Ended : uint8_t { finished, interrupted };

class Loop {
 public:
  // `recipe` is resolved (train/length.h). The loop writes iterations, their correction (under a budget),
  // evaluation intervals and stop_at into it, and it into DIR/recipe.toml.
  Loop(Recipe& recipe, LoopJob job, Console& console);

  // Fills weights and the optimiser's state from the newest valid checkpoint, if there is one, and
  // tells what is left to do, settings that are not the run's, and the time that it takes against
  // what is left of the budget. Errors: a finished run whose settings are not these; another budget
  // than the one that the run's length was planned under.
  bool resume();
  // Errors: a loss, gradient or weight that is not finite, whatever batches and evaluation find wrong (each tells what was saved); a file
  // that cannot be written. A run that was resumed at its end changes no file.
  Ended run();

  const TrainState& state() const { return state_; }

 private:
  // A step that was queued, and what it found, not read yet.
  struct Queued {
    int64_t iteration = 0;
    std::vector<int64_t> images = {};
    std::vector<std::pair<std::string, Tensor>> losses = {};
    Tensor norm = {};  // of its gradients
  };
  void rehearse();
  void or_save(const std::function<void()>& part);
  void step();
  void accumulate_gradients(Queued& step);
  void read_losses(Queued& step);
  double weight_of(const std::string& term) const;  // in what a pass adds to the gradient
  Tensor weights_of(const Losses& losses);
  void settle();
  void warn(const std::string& text) const { console_.say("WARNING: " + text); }
  void check_gradient(double norm, const Queued& step) const;
  void check_weights() const;
  double used() const { return earlier_seconds_ + job_.clock(); }  // of a budget
  double seconds_a_step() const;                                   // before it was resumed
  std::string changes_since(const Recipe& before) const;
  void check_budget(const Recipe& before) const;
  void tell_rest() const;
  void tell_plan(double step_seconds) const;
  void fix_length();
  void correct_length();
  int64_t evaluations_to_come() const;
  int64_t evaluation_every() const;
  std::optional<double> estimate_evaluation() const;
  int64_t fitting_iterations(double pace) const;
  bool finished() const;
  bool stopping() const { return any_of(group_, job_.stop()); }
  bool writes() const { return group_.rank() == 0; }
  bool evaluation_due() const;
  std::optional<EvaluationOutcome> try_evaluation() const;
  void evaluate();
  bool checkpoint_due() const;
  void save();
  void write_files();
  void log();
  void write_recipe() const;
  void keep_statistics();
  void restore_statistics() const;

  ProcessGroup& group_ = process_group();
  Recipe& recipe_;
  LoopJob job_;
  Console& console_;
  Optimiser optimiser_;
  TrainState state_;
  std::function<DeviceBatch()> next_;
  std::optional<MetricsFile> metrics_;  // where this member writes
  Pace pace_;
  std::optional<BudgetPlan> budget_;         // while this run's length comes from a budget
  std::optional<SettledPace> settled_pace_;  // since it was fixed
  bool settles_ = false;                     // the pace has settled with the last step
  double run_started_ = 0, earlier_seconds_ = 0, last_save_ = 0;
  Tensor loss_weights_;   // [n] f32, where the network is
  StepMetrics interval_;  // sums since the last log line
  int64_t interval_steps_ = 0;
  const bool ahead_;  // steps are queued ahead of the device
  std::vector<Queued> queued_;
  double settled_ = 0;                                 // when they were last read
  std::vector<std::pair<Tensor, Tensor>> statistics_;  // what is not trained, as live norms are by a forward pass: value, and as it was
  int64_t saved_ = -1;                                 // the iteration of the newest checkpoint; −1: there is none
};

}  // namespace mr
