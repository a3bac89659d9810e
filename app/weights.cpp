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
  c->add_flag("--json", a->json, "every tensor, as {\"naming\", \"loaded\": [...], \"missing\", \"unused\", \"mismatched\", ...}");
  c->footer(
      "Names and shapes alone are compared. Where the recipe leaves the number of classes to the data, it is taken to be the file's.\n"
      "The exit status is 1 where nothing of the file fits.");
  c->callback([a] {
    const Recipe recipe = load_recipe(a->recipe, a->assignments);
    const WeightFile file = open_weights(a->file);
    const LoadReport report = fit_weights(file, recipe, a->renames);
    if (a->json) {
      std::cout << report_json(report);
      if (report.loaded.empty()) throw Exit{1};
      return;
    }
    if (a->all) std::cout << every_tensor(report) << "\n";
    std::cout << summary(report) << "\n";
    if (const std::string fault = architecture_fault(file, report, recipe, a->renames); !fault.empty())
      std::cout << "WARNING: train would refuse it: " << fault << "\n";
    if (const std::string unlike = unlike_settings(file, report.naming, recipe); !unlike.empty()) std::cout << unlike << "\n";
    if (report.loaded.empty()) throw Exit{1};
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
