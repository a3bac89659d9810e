#include <iostream>

#include "app/commands.h"
#include "app/page/table.h"
#include "data/cityscapes/results.h"

namespace mr::app {

void add_cityscapes_eval(CLI::App& program) {
  struct Arguments {
    std::string truth, results;
    bool json = false;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* c =
      program.add_subcommand("cityscapes-eval", "Cityscapes' figures of a folder of result files, as its own script computes them");
  c->add_option("GTFINE_SPLIT", a->truth, "the split's ground truth, such as cityscapes/gtFine/val")->required();
  c->add_option("RESULTS", a->results, "folder of the result files CITY_123456_123456*.txt, one an image, and of the masks that they name")
      ->required();
  c->add_flag("--json", a->json, "{\"AP\": ..., \"AP50\": ..., \"per_class\": {\"car\": {\"AP\": ..., \"AP50\": ...}, ...}}");
  c->footer(
      "A line of a result file: MASK LABEL SCORE, as in  masks/aachen_000000_000019_0.png 26 0.98; what is not black in the mask is the\n"
      "object. mrcnn predict --format cityscapes writes such folders. Where disparity/ and camera/ lie beside gtFine/ there are figures\n"
      "by distance, too. A class without an object that counts has no figure (null).");
  c->callback([a] {
    const CityscapesEvalFolders e = cityscapes_eval_folders(a->truth, a->results);
    for (const std::string& note : e.notes) std::cerr << "mrcnn: " << note << "\n";
    if (a->json) {
      std::cout << to_json(e.figures) << "\n";
      return;
    }
    std::cout << e.images << " images, " << e.predictions << " predictions";
    if (e.other_class > 0) std::cout << ", and " << e.other_class << " of labels that are not evaluated";
    std::cout << "\n\n" << to_text(table_of(e.figures));
  });
}

}  // namespace mr::app
