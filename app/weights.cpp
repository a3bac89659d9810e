#include <iostream>

#include "app/commands.h"
#include "models/weights/show.h"

namespace mr::app {

void add_weights(CLI::App& program) {
  struct Arguments {
    std::string file, to;
    bool json = false;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* c = program.add_subcommand("weights", "Looks into weights files, and converts them");
  c->require_subcommand(1);

  CLI::App* show = c->add_subcommand("show", "Metadata, names, shapes, types and statistics of the tensors");
  show->add_option("FILE", a->file, ".safetensors or .pth")->required();
  show->add_flag("--json", a->json, "{\"path\", \"metadata\", \"tensors\": [...], \"parameters\": N}");
  show->callback([a] {
    const WeightFile file = open_weights(a->file);
    std::cout << (a->json ? show_json(file) : show_text(file)) << "\n";
  });

  CLI::App* convert = c->add_subcommand("convert", "Writes any readable weights file as .safetensors, names and values unchanged");
  convert->add_option("IN", a->file, ".safetensors or .pth")->required();
  convert->add_option("OUT", a->to, ".safetensors")->required();
  convert->callback([a] { convert_weights(a->file, a->to); });
}

}  // namespace mr::app
