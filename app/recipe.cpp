#include <filesystem>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/options.h"
#include "base/files.h"
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
    for (const ShippedRecipe& r : shipped_recipes()) {
      const std::string about = load_recipe(r.name).about;
      list.push_back({{"name", r.name}, {"about", about}});
      if (!*json) std::cout << std::left << std::setw(28) << r.name << about << "\n";
    }
    if (*json) std::cout << list.dump(1) << "\n";
  });
}

void add_show(CLI::App& recipe) {
  struct Arguments {
    std::string recipe;
    std::vector<std::string> assignments;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* c = recipe.add_subcommand("show", "A recipe with all its fields, each explained: a start for one's own");
  c->add_option("RECIPE", a->recipe, "a shipped name or a TOML file")->required();
  add_set(*c, a->assignments);
  c->callback([a] { std::cout << to_toml(load_recipe(a->recipe, a->assignments)); });
}

void add_new(CLI::App& recipe) {
  struct Arguments {
    NewRecipeOptions options;
    std::string out;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* c = recipe.add_subcommand("new", "A recipe for your own data: classes, image sizes and anchors measured from it, explained");
  c->add_option("--annotations", a->options.annotations, "training annotations, a COCO file")->required();
  c->add_option("--images", a->options.images, "folder of its images")->required();
  c->add_option("--val-annotations", a->options.val_annotations, "those to evaluate on");
  c->add_option("--val-images", a->options.val_images, "folder of their images (default: --images)");
  c->add_flag("!--no-masks", a->options.masks, "a detector of boxes, for annotations without masks");
  c->add_option("--base", a->options.base, "the shipped recipe to start from (default: by the number of objects)");
  c->add_option("--out", a->out, "the TOML file to write")->required();
  c->callback([a] {
    a->options.name = std::filesystem::path(a->out).stem().string();
    check(!std::filesystem::exists(a->out), a->out, ": exists already");
    const std::string toml = new_recipe(a->options);
    write_text_file(a->out, toml);
    std::cout << "wrote " << a->out << "; look through it, then: mrcnn train " << a->out << " --out run\n";
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
