// A recipe: everything that decides what a run does, as one struct, one TOML file, one hash.
//
//   base = "nuclei_small"                # any shipped recipe, or a file beside this one; what follows changes it
//   [optimiser]
//   lr = 0.01
//
// Weights files carry their recipe, so that a weights file alone predicts.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/check.h"
#include "data/transforms/input.h"
#include "data/transforms/transforms.h"
#include "models/config.h"
#include "ops/boxes/mask_paste.h"
#include "train/config.h"
#include "train/data_config.h"
#include "train/optimiser.h"
#include "train/schedule.h"

namespace mr {

enum class Precision : uint8_t { f32, bf16, tf32 };

struct TrainConfig {
  int64_t batch = 2, accumulate = 1;
  int64_t iterations = 0;
  double epochs = 0;
  std::string budget;
  int64_t stop_at = 0;
  int64_t corrected_at = 0, corrected_from = 0;
  bool recorded = false;
  Precision precision = Precision::f32;
  int64_t threads = 0;
  std::string init;
  std::vector<std::string> rename;
  bool skip_mismatch = false, match_classes = false, force = false;
  int64_t log_every = 20;
  void visit(Fields& f) {
    f.field("batch", batch, "images a forward and backward pass");
    f.field("accumulate", accumulate, "passes whose gradients are averaged into one step");
    f.field("iterations", iterations, "steps; of iterations, epochs and budget the one that is set last decides");
    f.field("epochs", epochs, "passes over the training images");
    f.field("budget", budget, "wall-clock time of the run, such as 30m: the first steps are measured, then iterations is fixed, for good");
    f.field("stop_at", stop_at, "written by a run that its budget cut short: a rerun stops there too; 0: runs to the end");
    f.field("corrected_at", corrected_at,
            "written by a run whose budget gave another length after this step, as its pace had changed; 0: none did");
    f.field("corrected_from", corrected_from, "the iterations before that: steps up to it had their learning rate");
    f.field("recorded", recorded, "written by a run: its length and rates are those that it ran with, and taken as they are");
    f.choice("precision", precision, {"f32", "bf16", "tf32"},
             "of activations; bf16 needs a GPU or AVX-512, without them f32 is used; tf32: f32, whose products a GPU may round to 10 bits");
    f.field("threads", threads, "0: one a processor that this process may use (affinity, the share of its container)");
    f.field("init", init, "weights to start from (.safetensors, .pth, .pkl); empty: random");
    f.field("rename", rename, "prefixes of names in init, as \"FROM=TO\"; those of usual wrappers come off without");
    f.field("skip_mismatch", skip_mismatch, "rows of classes of which init has another number keep their initial values");
    f.field("match_classes", match_classes,
            "rows of classes that init knows by the same name are copied, the others keep their initial values");
    f.field("force", force, "load what fits of init, of another architecture too");
    f.field("log_every", log_every, "steps between two lines of progress and metrics");
  }
};

// Of `train`: the length that step `iteration` (from 0) is planned under.
inline int64_t length_at(const TrainConfig& train, int64_t iteration) {
  return iteration < train.corrected_at ? train.corrected_from : train.iterations;
}

// What each term of the loss counts for in the sum that is minimised, by the name that the system
// gives it (Traits::losses). The paper adds them up as they are.
struct LossConfig {
  std::map<std::string, double> weights;
  // The fields are the terms of the model.
  void visit(Fields& f, const std::vector<LossTerm>& terms) {
    for (const LossTerm& t : terms) f.field(t.name, weights.try_emplace(t.name, 1).first->second, str("weight of ", t.about).c_str());
  }
  double weight_of(const std::string& term) const;  // 1 where it is not named
  // Errors: a weight of a term that is none of a system's.
  void check_terms(const std::vector<std::string>& terms) const;
};

enum class MetricKind : uint8_t { coco, cityscapes, accuracy };

// Several looks at each picture (train/looks.h).
struct LooksConfig {
  std::vector<int64_t> min_sides;
  int64_t max_side = 2000;
  bool flip = false;
  bool several() const { return flip || !min_sides.empty(); }
  void visit(Fields& f) {
    f.field("min_sides", min_sides, "lengths of the shorter side at which each picture is looked at; empty: as preprocess says, once");
    f.field("max_side", max_side, "of min_sides: unless the longer side would exceed this");
    f.field("flip", flip, "each of them also with left and right swapped");
  }
};

struct EvaluationConfig {
  MetricKind metric = MetricKind::coco;
  int64_t every = 0;
  double every_minutes = 0;
  std::vector<double> at = {1};
  int64_t images = 0;
  int64_t batch = 0;
  int64_t max_detections = 100;
  PasteRule paste = PasteRule::accurate;
  LooksConfig looks;
  void visit(Fields& f) {
    f.choice("metric", metric, {"coco", "cityscapes", "accuracy"},
             "whose mask AP chooses the best weights; Cityscapes' is for its own data and for drawn scenes, and all of COCO's figures are "
             "beside it. accuracy: how often a classifier is right");
    f.field("every", every, "iterations between two evaluations on the val split; 0: only as `at` says");
    f.field("every_minutes", every_minutes, "the same in time: turned into iterations once the first steps are measured; 0: off");
    f.field("at", at, "shares of the run after which to evaluate; the end is always evaluated");
    f.field("images", images, "how many of the val split, evenly spread; 0: all");
    f.field("batch", batch, "images of one size that the network looks at together; 0: train.batch on a GPU, 1 on the CPU");
    f.field("max_detections", max_detections, "COCO's maxDets: detections an image that count for AP");
    f.choice("paste", paste, {"accurate", "torchvision"},
             "how a mask is laid over the image: bilinear at exact coordinates, or torchvision's rule");
    f.group("looks", looks);
  }
};

struct CheckpointConfig {
  int64_t every = 0;
  double every_minutes = 5;
  int64_t keep = 2;
  void visit(Fields& f) {
    f.field("every", every, "iterations between two checkpoints; 0: off");
    f.field("every_minutes", every_minutes, "the same in minutes; 0: off");
    f.field("keep", keep, "how many stay");
  }
};

struct Recipe {
  std::string name = "unnamed";
  std::string about, notes;
  int64_t seed = 1;
  DataConfig data;
  Preprocess preprocess;
  TransformOptions augment;
  ModelConfig model;
  OptimiserConfig optimiser;
  ScheduleConfig schedule;
  LossConfig losses;
  TrainConfig train;
  EvaluationConfig evaluation;
  CheckpointConfig checkpoint;
  void visit(Fields& f) {
    f.field("name", name, "");
    f.field("about", about, "in one line");
    f.field("notes", notes, "where it comes from, and how it differs from others");
    f.field("seed", seed, "of initial weights, order of images, augmentation and sampling");
    f.group("data", data);
    f.group("preprocess", preprocess);
    f.group("augment", augment);
    f.group("model", model);
    f.group("optimiser", optimiser);
    f.group("schedule", schedule);
    f.group("losses", [this](Fields& g) { losses.visit(g, loss_terms(model)); });
    f.group("train", train);
    f.group("evaluation", evaluation);
    f.group("checkpoint", checkpoint);
  }
};

struct ShippedRecipe {
  std::string name, toml;
};
const std::vector<ShippedRecipe>& shipped_recipes();  // embedded in the program: train/recipes/*.toml

// A shipped name or a TOML file, its bases under it, then the --set assignments over it; validated, and of one length (train/length.h).
// `words`: gets what was decided between settings that contradict one another.
Recipe load_recipe(const std::string& name_or_file, const std::vector<std::string>& assignments = {},
                   std::vector<std::string>* words = nullptr);
// The same from text, as stored in a weights file; `origin` names it in errors.
Recipe recipe_from_toml(const std::string& toml, const std::string& origin, const std::vector<std::string>& assignments = {});
std::string to_toml(const Recipe& recipe, bool with_docs = true);

// Errors: a value that no run can have, named by its key ("optimiser.lr: must be above 0, got nan"). `places`: where each key was set.
void validate(const Recipe& recipe, const Places& places = {});

int64_t images_per_step(const Recipe& recipe);  // batch × accumulate

}  // namespace mr
