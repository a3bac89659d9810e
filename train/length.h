// How long a run is, and its warm-up: made of settings that may contradict one another.
//
// Three settings give a length: train.iterations, train.epochs, train.budget. The one set last decides, that is in the text laid over the
// others (a recipe's base, the recipe, each --set); in one text iterations goes before epochs, and epochs before the budget. The others are
// cleared.
//
// schedule.for_batch states lr, iterations and warm-up for another number of images a step, and they are scaled to this run's. Iterations
// and a warm-up that are set after it are steps of this run, and are not.
//
// A recipe.toml that a run wrote (train.recorded) holds what it ran with, and nothing of it is changed; a length that is set over it ends that,
// and with it what it says of that run's budget.
//
// A warm-up above a tenth of the run is shortened to it. Under a budget, whose length is found
// after some steps, it ends after a tenth if these are fewer; else soon after them.
#pragma once

#include <string>
#include <vector>

#include "train/recipe.h"

namespace mr {

using Words = std::vector<std::string>;  // lines for a person

// Of a run: what needs more steps would take years.
constexpr int64_t most_iterations = 100'000'000;

// `settings`: those that `recipe` was made of, in their order.
void decide_length(Recipe& recipe, const std::vector<Setting>& settings, Words& words);

// for_batch applied, epochs of `images` training images turned into iterations, the warm-up bounded where the length is known.
void resolve(Recipe& recipe, int64_t images, Words& words);

// Under a budget: shortens what is left of a warm-up that is longer than a tenth of the run. Once:
// another time changes nothing.
void shorten_warmup(Recipe& recipe, int64_t iteration, Words& words);

// The recipe as it was set: without what a run has found by measuring and written into it (lengths
// under a budget, their corrections).
Recipe without_record(Recipe recipe);

}  // namespace mr
