#include <iostream>

#include "app/commands.h"
#include "app/options.h"
#include "models/weights/load.h"
#include "models/weights/show.h"
#include "train/pretrained.h"

namespace mr::app {
namespace {

void add_fit(CLI::App& weights) {
  struct Arguments {
    std::string file, recipe;
    std::vector<std::string> assignments, renames;
    bool all = false, json = false;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* c = weights.add_subcommand("fit", "What a recipe's model would take from a weights file, and what it would not");
  c->add_option("FILE", a->file, ".safetensors, .pth, .pkl")->required();
  c->add_option("RECIPE", a->recipe, "a shipped recipe (mrcnn recipe list) or a TOML file")->required();
  add_set(*c, a->assignments);
  add_rename(*c, a->renames, "FILE");
  c->add_flag("--all", a->all, "a line for every tensor");
  c->add_flag("--json", a->json,
              "every tensor, as {\"naming\", \"loaded\": [...], \"missing\", \"unused\", \"mismatched\", ..., \"refusal\"}");
  c->footer(
      "It is tried as train would: with the classes of the recipe's annotations (where these are not there, of the recipe, or else as many "
      "as "
      "the file has),\nand with what the recipe says of rows of classes: --set train.skip_mismatch=true, train.match_classes=true, "
      "train.force=true.\nThe exit status is 1 where train would refuse the file.");
  c->callback([a] {
    Recipe recipe = load_recipe(a->recipe, a->assignments);
    if (!a->renames.empty()) recipe.train.rename = a->renames;
    const TriedWeights tried = try_weights(a->file, recipe);
    if (a->json) {
      std::cout << report_json(tried.report, tried.refusal);
    } else {
      if (!tried.words.empty()) std::cout << tried.words << "\n";
      if (a->all) std::cout << every_tensor(tried.report) << "\n";
      std::cout << summary(tried.report) << "\n";
      if (!tried.refusal.empty()) std::cout << "WARNING: train would refuse it: " << tried.refusal << "\n";
      if (!tried.unlike.empty()) std::cout << tried.unlike << "\n";
    }
    if (!tried.refusal.empty()) throw Exit{1};
  });
}

}  // namespace

void add_weights(CLI::App& program) {
  struct Arguments {
    std::string file, to;
    bool json = false, overwrite = false;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* c = program.add_subcommand("weights", "Looks into weights files, and converts them");
  c->require_subcommand(1);

  CLI::App* show = c->add_subcommand("show", "Metadata, names, shapes, types and statistics of the tensors");
  show->add_option("FILE", a->file, ".safetensors, .pth, .pkl")->required();
  show->add_flag("--json", a->json, "{\"path\", \"metadata\", \"tensors\": [...], \"parameters\": N}");
  show->callback([a] {
    const WeightFile file = open_weights(a->file);
    std::cout << (a->json ? show_json(file) : show_text(file)) << "\n";
  });
  add_fit(*c);

  CLI::App* convert = c->add_subcommand("convert", "Writes any readable weights file as .safetensors, names and values unchanged");
  convert->add_option("IN", a->file, ".safetensors, .pth, .pkl")->required();
  convert->add_option("OUT", a->to, ".safetensors")->required();
  add_overwrite(*convert, a->overwrite, "the file OUT");
  convert->callback([a] {
    check_writable(a->to, a->overwrite);
    convert_weights(a->file, a->to);
  });
}

}  // namespace mr::app
