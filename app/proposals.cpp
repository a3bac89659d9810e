#include <fmt/format.h>

#include <iostream>

#include "app/commands.h"
#include "app/device_option.h"
#include "app/options.h"
#include "base/json_text.h"
#include "base/text.h"
#include "train/detector.h"
#include "train/interrupt.h"
#include "train/pretrained.h"
#include "train/progress.h"
#include "train/proposal_files.h"
#include "train/proposals.h"

namespace mr::app {
namespace {

struct Arguments {
  std::string from, out, split = "train", annotations, images, device;
  std::vector<std::string> assignments;
  int64_t most = 2000;
  bool overwrite = false, json = false;
};

void say(const std::string& note) {
  if (!note.empty()) std::cerr << "mrcnn: " << note << "\n";
}

bool is_weights(const std::string& word) {
  return word.ends_with(".safetensors") || word.ends_with(".pth") || word.ends_with(".pt") || word.ends_with(".pkl");
}

// Weights bring their recipe; a recipe its initial weights.
Detector detector_of(const Arguments& a) {
  if (is_weights(a.from)) {
    Detector d = load_detector(a.from, {.assignments = a.assignments});
    say(d.notes);
    return d;
  }
  const Recipe recipe = load_recipe(a.from, a.assignments);
  check(!recipe.train.init.empty(), "proposals: ", a.from,
        " is a recipe without weights: name weights that were trained, or --set train.init=FILE");
  Detector d = make_detector(recipe, classes_of(recipe, *open_dataset(recipe, Split::train, false)));
  say(init_weights(d));
  return d;
}

std::shared_ptr<const Dataset> dataset_of(const Arguments& a, const Recipe& recipe) {
  if (!a.annotations.empty()) return open_coco(recipe, a.annotations, a.images, true, {}, false);
  const Split split = a.split == "val" ? Split::val : Split::train;
  check(has_split(recipe, split), "proposals: the recipe has no val split; give --annotations and --images");
  return open_dataset(recipe, split, false);
}

void run(const Arguments& a) {
  check_usage(a.annotations.empty() == a.images.empty(), "proposals: --annotations and --images belong together");
  check_writable(a.out, a.overwrite);
  Detector detector = detector_of(a);
  const Device device = device_of(a.device);
  detector.system->parameters().move_to(device);
  use_context_of(detector.recipe, device);
  const std::shared_ptr<const Dataset> dataset = dataset_of(a, detector.recipe);
  check(dataset->size() > 0, "proposals: there are no pictures");
  Console console;
  std::function<void(int64_t, int64_t)> progress;
  if (!a.json && console.terminal()) progress = [&](int64_t done, int64_t of) { console.progress(str(done, " of ", of, " images")); };
  const ProposalSet set = propose(detector, dataset, a.most, progress);
  if (progress) console.progress("");
  write_proposals(a.out, set, {{"from", a.from}, {"recipe", detector.recipe.name}});
  const double half = recall(*dataset, set, 0.5, a.most), strict = recall(*dataset, set, 0.7, a.most);
  if (a.json) {
    JsonWriter j;
    j.object().field("file", a.out).field("images", set.images()).field("proposals", set.boxes()).field("hash", set.hash());
    std::cout << j.field("recall_50", half).field("recall_70", strict).end().take() << "\n";
    return;
  }
  std::cout << a.out << ": " << counted(set.boxes(), "proposal") << " of " << counted(set.images(), "image") << "; hash " << set.hash()
            << "\n"
            << fmt::format("{:.1f} % of the objects are overlapped by one with an IoU of 0.5 or more, {:.1f} % with 0.7\n", 100 * half,
                           100 * strict);
}

}  // namespace

void add_proposals(CLI::App& program) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = program.add_subcommand("proposals", "Writes what a network's RPN proposes: fixed boxes for a Fast R-CNN (data.proposals)");
  c->add_option("WEIGHTS|RECIPE", a->from, ".safetensors from mrcnn train; or a recipe whose train.init names weights")->required();
  c->add_option("--out", a->out, "the file, safetensors")->required();
  c->add_option("--split", a->split, "of the recipe's data: train or val")->check(CLI::IsMember({"train", "val"}))->capture_default_str();
  c->add_option("--annotations", a->annotations, "COCO ground truth, whose images are taken instead");
  c->add_option("--images", a->images, "folder of its images");
  c->add_option("--most", a->most, "the best of each image; the network itself gives model.proposals.post_nms_test at most")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  add_set(*c, a->assignments, "model.proposals.post_nms_test=2000");
  add_device(*c, a->device);
  add_overwrite(*c, a->overwrite, "the file that is there");
  c->add_flag("--json", a->json, "{\"file\", \"images\", \"proposals\", \"hash\", \"recall_50\", \"recall_70\"}");
  c->footer(
      "Stage by stage, as the paper's tables:\n"
      "  mrcnn train scenes_small --out rpn\n"
      "  mrcnn proposals rpn/best.safetensors --out train.safetensors\n"
      "  mrcnn proposals rpn/best.safetensors --split val --out val.safetensors\n"
      "  mrcnn train scenes_fast_rcnn --set data.proposals=train.safetensors --set data.val_proposals=val.safetensors --out run");
  c->callback([a] {
    catch_interrupts();
    run(*a);
  });
}

}  // namespace mr::app
