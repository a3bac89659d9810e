#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/options.h"
#include "base/files.h"
#include "base/text.h"
#include "bench/timings/parts.h"
#include "train/recipe.h"
#include "train/recipe_new.h"

namespace mr::app {
namespace {

void add_list(CLI::App& recipe) {
  auto json = std::make_shared<bool>(false);
  CLI::App* c = recipe.add_subcommand("list", "The shipped recipes");
  c->add_flag("--json", *json, "[{\"name\", \"about\"}, ...]");
  c->callback([json] {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    size_t longest = 0;
    for (const ShippedRecipe& r : shipped_recipes()) longest = std::max(longest, std::string_view(r.name).size());
    for (const ShippedRecipe& r : shipped_recipes()) {
      const std::string about = load_recipe(r.name).about;
      list.push_back({{"name", r.name}, {"about", about}});
      if (!*json) std::cout << std::left << std::setw(static_cast<int>(longest) + 2) << r.name << about << "\n";
    }
    if (*json) std::cout << list.dump(1) << "\n";
  });
}

void add_show(CLI::App& recipe) {
  struct Arguments {
    std::string recipe;
    std::vector<std::string> assignments;
    bool model = false, layers = false, json = false;
    int64_t height = 0, width = 0;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* c = recipe.add_subcommand("show", "A recipe with all its fields, each explained: a start for one's own");
  c->add_option("RECIPE", a->recipe, "a shipped name or a TOML file")->required();
  add_set(*c, a->assignments);
  CLI::Option* model = c->add_flag("--model", a->model,
                                   "its network instead, as a table: of each part the map that comes out, parameters, and the "
                                   "multiply-adds of a prediction");
  c->add_option("--height", a->height, "of the picture that --model looks at (default: the drawn scenes', else 800)")->needs(model);
  c->add_option("--width", a->width, "(default: the drawn scenes', else 1216)")->needs(model);
  c->add_flag("--layers", a->layers, "of --model, every layer")->needs(model);
  c->add_flag("--json", a->json, "of --model: [{\"part\", \"outputs\": [[N, H, W, C], ...], \"parameters\", \"multiply_adds\"}, ...]")
      ->needs(model);
  c->callback([a] {
    const Recipe r = load_recipe(a->recipe, a->assignments);
    if (!a->model) {
      std::cout << to_toml(r);
      return;
    }
    const bool drawn = r.data.kind == DataKind::scenes;
    const int64_t height = a->height > 0 ? a->height : drawn ? r.data.scenes.height : 800;
    const int64_t width = a->width > 0 ? a->width : drawn ? r.data.scenes.width : 1216;
    const std::vector<ModelPart> parts = model_parts(r, height, width, a->layers);
    std::cout << (a->json ? to_json(parts) + "\n" : to_text(parts));
  });
}

void add_new(CLI::App& recipe) {
  struct Arguments {
    NewRecipeOptions options;
    double val_share = 0;
    std::string out;
    bool overwrite = false;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* c = recipe.add_subcommand("new", "A recipe for your own data, from random weights or from pretrained ones, explained");
  NewRecipeOptions& o = a->options;
  c->add_option("--annotations", o.annotations, "training annotations, a COCO file")->required();
  c->add_option("--images", o.images, "folder of its images")->required();
  c->add_option("--init", o.init, "weights to start from: a detector or a ResNet, .safetensors, torch's .pth, detectron2's .pkl");
  add_rename(*c, o.rename, "--init");
  c->add_option("--base", o.base,
                "the recipe to start from, shipped or a file (default: the one that fits the weights, or the number of objects)");
  c->add_option("--val-annotations", o.val_annotations, "those to evaluate on");
  c->add_option("--val-images", o.val_images, "folder of their images (default: --images)");
  CLI::Option* share =
      c->add_option("--val-share", a->val_share, "or the share of the images that is set apart for it (default: a tenth of 20 or more)")
          ->check(CLI::Range(0.0, 0.9));
  c->add_flag("!--no-masks", o.masks, "a detector of boxes, for annotations without masks");
  c->add_option("--out", a->out, "the TOML file to write")->required();
  add_overwrite(*c, a->overwrite, "the file --out");
  c->footer(
      "Sizes of pictures and limits follow from the data; anchors, too, unless the weights have an RPN, whose anchors stay. Each choice is "
      "told, "
      "and stands in\nthe file with its reason.\n\n"
      "  mrcnn recipe new --annotations train.json --images images --init maskrcnn_resnet50_fpn.pth --out mine.toml\n"
      "  mrcnn train mine.toml --out runs/mine");
  c->callback([a, share] {
    a->options.name = printable_whole(std::filesystem::path(a->out).stem().string());
    if (share->count() > 0) a->options.val_share = a->val_share;
    check_usage(a->options.val_annotations.empty() || !a->options.val_share,
                "--val-share: --val-annotations names the images to evaluate on");
    check_usage(a->options.rename.empty() || !a->options.init.empty(), "--rename: expected --init FILE too, got none");
    check_writable(a->out, a->overwrite);
    const NewRecipe made = new_recipe(a->options);
    write_text_file(a->out, made.toml);
    std::cout << made.told << "wrote " << a->out << "; look through it, then: mrcnn train " << shell_word(a->out) << " --out runs/"
              << shell_word(a->options.name) << "\n";
  });
}

}  // namespace

void add_recipe(CLI::App& program) {
  CLI::App* c = program.add_subcommand("recipe", "Lists and shows recipes, and makes one for your own data");
  c->require_subcommand(1);
  add_list(*c);
  add_show(*c);
  add_new(*c);
}

}  // namespace mr::app
