#include <iostream>

#include "app/commands.h"
#include "app/evaluated.h"
#include "app/page/table.h"
#include "base/text.h"
#include "train/interrupt.h"

namespace mr::app {
namespace {

struct Arguments : EvaluationArguments {
  bool json = false;
};

void eval(const Arguments& a) {
  const Evaluation e = evaluate(a, "eval", a.json).evaluation;
  if (a.json) {
    std::cout << to_json(e) << "\n";
    return;
  }
  std::cout << counted(e.images, "image");
  if (!e.skipped.empty()) std::cout << "; " << e.skipped.size() << " could not be read, and do not count";
  std::cout << "\n";
  for (const Table& table : e.judgement->tables) std::cout << "\n" << to_text(table);
}

}  // namespace

void add_eval(CLI::App& program) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c =
      program.add_subcommand("eval", "Figures of trained weights, by class: COCO's, and what is confused; a classifier's accuracy");
  c->add_option("WEIGHTS", a->weights, ".safetensors from mrcnn train; or torch's .pth, detectron2's .pkl with --recipe")->required();
  add_evaluation_options(*c, *a);
  c->add_option("--type", a->type, "bbox, segm or all")->check(CLI::IsMember({"bbox", "segm", "all"}))->capture_default_str();
  c->add_flag("--json", a->json,
              "{\"bbox\": {\"AP\": ..., \"per_class\": {...}}, \"segm\": {...}, \"images\": N, \"skipped\": N, \"confusions\": {...}}");
  c->callback([a] {
    catch_interrupts();
    eval(*a);
  });
}

}  // namespace mr::app
