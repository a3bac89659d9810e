#include "train/train.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "app/commands.h"
#include "app/device_option.h"
#include "app/options.h"
#include "train/interrupt.h"

namespace mr::app {
namespace {

// The budget of a run that is to end by a time of the day, counted from the start of the program.
std::string budget_until(const std::string& clock) {
  const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  return exact_duration(std::max<int64_t>(std::llround(std::floor(seconds_until(clock, "--until", now) + seconds_since_start())), 1));
}

}  // namespace

void add_train(CLI::App& program) {
  struct Arguments {
    std::string recipe, out, init, device, until;
    std::vector<std::string> assignments, renames;
    bool skip_mismatch = false, match_classes = false, force = false, resume = false;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* c = program.add_subcommand("train", "Trains a detector as a recipe says");
  c->add_option("RECIPE", a->recipe, "a shipped recipe (mrcnn recipe list) or a TOML file")->required();
  c->add_option("--out", a->out,
                "folder for recipe.toml, metrics.jsonl, best.safetensors, last.safetensors, checkpoints/ and TensorBoard's files")
      ->required();
  add_set(*c, a->assignments, "data.root=DIR --set train.budget=30m");
  c->add_option(
      "--until", a->until,
      "time of the day, such as 07:00: as many steps as fit until then, the last evaluation included. It is train.budget by the clock");
  c->add_option("--init", a->init, "weights to start from: .safetensors, torch's .pth, detectron2's .pkl");
  add_rename(*c, a->renames, "--init");
  c->add_flag("--skip-mismatch", a->skip_mismatch, "rows of classes of which --init has another number keep their initial values");
  c->add_flag("--match-classes", a->match_classes, "rows of classes that --init knows by the same name are copied, the others keep theirs");
  c->add_flag("--force", a->force, "load what fits of --init, though it is of another architecture");
  c->add_flag("--resume", a->resume, "go on from the newest checkpoint in --out, to the same bits as an unbroken run");
  add_device(*c, a->device);
  c->footer(
      "best.safetensors are the weights with the highest mask AP on the val split.\n"
      "\n"
      "Ctrl-C, SIGTERM and SIGHUP save and stop (exit status 128 + the signal's number). A second Ctrl-C ends the run at once, without "
      "saving,\n"
      "if a second has passed since the first; a second SIGTERM or SIGHUP changes nothing, and the save is finished. Under nohup SIGHUP "
      "is\n"
      "ignored. An error in mid-training (an image that cannot be decoded, a loss that is not finite) saves what was reached before it.\n"
      "\n"
      "--until plans the run once, and a run that is resumed keeps its plan: the same bits, though it may then end later.\n"
      "\n"
      "--resume goes on, to the bit, whatever ended the run, a crash or SIGKILL too. A run that has no checkpoint yet starts from the "
      "beginning,\n"
      "one that is finished is left as it is; a folder that is not there, or holds other things, is an error. One training at a time may "
      "write\n"
      "to a folder; eval and predict may read its weights meanwhile.");
  c->callback([a] {
    std::vector<std::string> words;
    if (!a->until.empty()) {
      for (const std::string& s : a->assignments)
        check_usage(!s.starts_with("train.budget="), "--until: train.budget is the same by another name; expected one of the two");
      a->assignments.push_back("train.budget=" + budget_until(a->until));
    }
    Recipe recipe = load_recipe(a->recipe, a->assignments, &words);
    if (!a->init.empty()) recipe.train.init = a->init;
    const std::pair<bool, const char*> of_init[] = {{a->skip_mismatch, "--skip-mismatch"},
                                                    {a->match_classes, "--match-classes"},
                                                    {a->force, "--force"},
                                                    {!a->renames.empty(), "--rename"}};
    for (const auto& [given, option] : of_init)
      check_usage(!given || !recipe.train.init.empty(), option, ": expected --init FILE too, got none");
    if (!a->renames.empty()) recipe.train.rename = a->renames;
    recipe.train.skip_mismatch |= a->skip_mismatch;
    recipe.train.match_classes |= a->match_classes;
    recipe.train.force |= a->force;
    Console console(Console::Output::dispensable);
    catch_interrupts();
    if (train(recipe, {.folder = a->out, .resume = a->resume, .device = device_of(a->device), .words = words, .until = a->until},
              console) == Ended::interrupted)
      throw Exit{128 + interrupted()};
  });
}

}  // namespace mr::app
