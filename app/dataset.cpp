#include <filesystem>
#include <iostream>

#include "app/commands.h"
#include "app/options.h"
#include "base/files.h"
#include "base/text.h"
#include "data/cityscapes/lint.h"
#include "data/cityscapes/published.h"
#include "data/coco/coco_lint.h"
#include "data/dataset_tools/stats.h"
#include "data/draw/detections.h"
#include "data/export/cityscapes_writer.h"
#include "data/export/coco_writer.h"
#include "data/export/crop_writer.h"
#include "data/folders/lint.h"
#include "data/image/image.h"
#include "data/scenes/scene_dataset.h"
#include "train/datasets.h"

namespace mr::app {
namespace {

constexpr int64_t most_scenes = 1'000'000'000'000;

void add_draw(CLI::App& dataset) {
  struct Arguments {
    std::string out, format = "coco", split = "train", recipe = "scenes_small";
    std::vector<std::string> assignments;
    int64_t images = 0, first = -1;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* c = dataset.add_subcommand("draw", "Writes drawn street scenes as files that other programs read");
  c->add_option("--out", a->out, "folder")->required();
  c->add_option("--images", a->images, "how many")->required()->check(CLI::Range(int64_t{1}, most_scenes));
  c->add_option("--format", a->format, "coco: instances_SPLIT.json and images/; cityscapes: leftImg8bit/SPLIT and gtFine/SPLIT")
      ->check(CLI::IsMember({"coco", "cityscapes"}))
      ->capture_default_str();
  c->add_option("--split", a->split, "its name")->capture_default_str();
  c->add_option("--first", a->first, "number of the first scene (default: the recipe's data.scenes.first); other numbers, other scenes")
      ->check(CLI::Range(int64_t{0}, most_scenes));
  c->add_option("--recipe", a->recipe, "whose data.scenes say how they look")->capture_default_str();
  add_set(*c, a->assignments, "data.scenes.height=512");
  c->footer(
      "The val split that scenes_small is evaluated on:\n"
      "  mrcnn dataset draw --out DIR --split val --first 4000 --images 100");
  c->callback([a] {
    SceneOptions options = load_recipe(a->recipe, a->assignments).data.scenes;
    options.images = a->images;
    if (a->first >= 0) options.first = a->first;
    const SceneDataset scenes(options);
    make_folder(a->out);
    if (a->format == "coco")
      write_coco(scenes, a->out, a->split);
    else
      write_cityscapes(scenes, a->out, a->split);
    std::cout << counted(a->images, "scene") << " written to " << a->out << "\n";
  });
}

// Training samples as the network gets them: after cropping, resizing, flips and colours.
void show(const Recipe& recipe, const std::string& out, int64_t count, bool overwrite) {
  check_writable(out + "/samples.png", overwrite);
  std::shared_ptr<const Dataset> dataset = open_dataset(recipe, Split::train);
  dataset = held(recipe, relabelled(dataset, classes_of(recipe, *dataset)));
  make_folder(out);
  const auto seed = static_cast<uint64_t>(recipe.seed);
  std::vector<Image> pictures;
  for (int64_t i = 0; i < count; ++i) {
    const std::vector<int64_t> order = epoch_order(dataset->size(), seed, static_cast<uint64_t>(i / dataset->size()));
    const int64_t index = order[static_cast<size_t>(i % dataset->size())];
    Sample s = dataset->sample(index);
    augment(s, recipe.augment, seed, static_cast<uint64_t>(i / dataset->size()), static_cast<uint64_t>(index));
    DrawOptions options;
    options.colour_by_instance = dataset->class_names().size() == 1;
    draw_detections(s.image, drawn(s.instances), dataset->class_names(), options);
    write_png(str(out, "/sample_", i, "_image_", s.info.image_id, ".png"), s.image);
    if (pictures.size() < 16) pictures.push_back(std::move(s.image));
  }
  write_png(out + "/samples.png", montage(pictures, 4));
  std::cout << count << " training samples drawn in " << out << " (samples.png shows the first " << pictures.size() << ")\n";
}

void add_show(CLI::App& dataset) {
  struct Arguments {
    std::string recipe, out;
    std::vector<std::string> assignments;
    int64_t images = 16;
    bool overwrite = false;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* c = dataset.add_subcommand("show", "Draws the training samples of a recipe, augmented, with their boxes and masks");
  c->add_option("RECIPE", a->recipe, "a shipped name or a TOML file")->required();
  c->add_option("--out", a->out, "folder for the pictures")->required();
  c->add_option("--images", a->images, "how many")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  add_set(*c, a->assignments, "data.root=DIR");
  add_overwrite(*c, a->overwrite, "the pictures that --out holds");
  c->callback([a] { show(load_recipe(a->recipe, a->assignments), a->out, a->images, a->overwrite); });
}

// The split of that name. Errors: the recipe has none.
Split split_of(const Recipe& recipe, const std::string& name) {
  const Split split = name == "val" ? Split::val : Split::train;
  check(has_split(recipe, split), "--split: the recipe has no val split");
  return split;
}

void add_crops(CLI::App& dataset) {
  struct Arguments {
    std::string recipe, out, split = "train";
    std::vector<std::string> assignments;
    CropOptions options;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* c = dataset.add_subcommand("crops", "Writes each object as a picture of its own, in a folder of its class: for a classifier");
  c->add_option("RECIPE", a->recipe, "whose data: a shipped name or a TOML file")->required();
  c->add_option("--out", a->out, "folder; the classes' folders come into OUT/SPLIT")->required();
  c->add_option("--split", a->split, "of the recipe: train or val")->check(CLI::IsMember({"train", "val"}))->capture_default_str();
  c->add_option("--side", a->options.side, "of the pictures, pixels; 0: as large as it is in the image")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  c->add_option("--margin", a->options.margin, "around the object, a share of its longer side")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  c->add_option("--least-side", a->options.least_side, "objects whose longer side is shorter are left out, pixels")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add_set(*c, a->assignments, "data.root=DIR");
  c->footer(
      "Folders that data.kind = \"folders\" reads:\n"
      "  mrcnn dataset crops scenes_small --out objects\n"
      "  mrcnn dataset crops scenes_small --out objects --split val\n"
      "  mrcnn train trunk_r18 --set data.root=objects --out runs/trunk");
  c->callback([a] {
    const Recipe recipe = load_recipe(a->recipe, a->assignments);
    std::shared_ptr<const Dataset> data = open_dataset(recipe, split_of(recipe, a->split), false);
    data = relabelled(data, classes_of(recipe, *data));
    const std::string folder = str(a->out, "/", a->split);
    const int64_t written = write_crops(*data, folder, a->options);
    check(written > 0, "crops: ", a->recipe, ": no object has a longer side of ", a->options.least_side, " pixels or more (--least-side)");
    std::cout << counted(written, "picture") << " written to " << folder << "\n";
  });
}

// What `lint` and `stats` look at: a file or folder, or the data of a recipe.
struct Source {
  std::string annotations, recipe, split;
  std::vector<std::string> assignments;

  bool cityscapes() const { return is_cityscapes_folder(annotations); }
  Split split_of_recipe() const { return split == "val" ? Split::val : Split::train; }
};

void add_source(CLI::App& c, Source& a, const std::string& splits_of_a_folder) {
  CLI::Option* annotations =
      c.add_option("--annotations", a.annotations, "COCO file; or the folder of Cityscapes, with leftImg8bit and gtFine");
  c.add_option("--recipe", a.recipe, "the data of a recipe instead: a shipped name or a TOML file")->excludes(annotations);
  add_set(c, a.assignments);
  c.add_option("--split", a.split, str("of the recipe: train (default) or val; of Cityscapes' folder: ", splits_of_a_folder))
      ->check(CLI::IsMember({"train", "val", "train_extra"}));
}

void check_source(const Source& a, const char* command) {
  check_usage(!a.annotations.empty() || !a.recipe.empty(), command, ": needs --annotations or --recipe");
  check_usage(a.split.empty() || !a.recipe.empty() || a.cityscapes(), "--split: ", a.annotations, " is one file, without splits");
  check_usage(a.recipe.empty() || a.split != "train_extra", "--split: a recipe has train and val, got train_extra");
}

LintReport lint(const Source& a, const CocoLintOptions& options, const LintSink& sink) {
  if (!a.annotations.empty() && !a.cityscapes()) return lint_coco(a.annotations, options, sink);
  CityscapesOptions cityscapes;
  if (a.recipe.empty()) {
    cityscapes.splits = a.split.empty() ? cityscapes_splits_in(a.annotations) : std::vector<std::string>{a.split};
    return lint_cityscapes(a.annotations, cityscapes, options.decode, sink);
  }
  const Recipe r = load_recipe(a.recipe, a.assignments);
  const Split split = split_of(r, a.split);
  switch (r.data.kind) {
    case DataKind::cityscapes: {
      const CityscapesConfig& c = r.data.cityscapes;
      cityscapes = {split == Split::train ? c.train : c.val, c.coarse, c.instances, 0, true};
      return lint_cityscapes(r.data.root, cityscapes, options.decode, sink);
    }
    case DataKind::coco: {
      CocoLintOptions of_recipe = options;
      if (of_recipe.images.empty()) of_recipe.images = image_folder(r, split);
      return lint_coco(annotation_file(r, split), of_recipe, sink);
    }
    case DataKind::folders:
      return lint_folders(image_folder(r, split), r.data.classes, options.decode, sink);
    case DataKind::scenes:
      break;
  }
  return lint_dataset(*open_dataset(r, split), true, sink);
}

void add_lint(CLI::App& dataset) {
  struct Arguments : Source {
    CocoLintOptions options;
    bool json = false;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* c = dataset.add_subcommand("lint", "Every problem of a data set, by image and annotation");
  add_source(*c, *a, "those of train and val that are there");
  c->add_option("--images", a->options.images, "folder of a COCO file's images, to check that they are there and of the stated size");
  c->add_flag("--decode", a->options.decode, "decode every image, rather than read its header");
  c->add_flag("!--no-masks", a->options.masks, "a file of boxes alone");
  c->add_flag("--json", a->json, "for a machine");
  c->footer("The exit status is 1 where there is an error: what would stop training, or spoil it in silence. Warnings leave it 0.");
  c->callback([a] {
    check_source(*a, "lint");
    LintPrinter printer(a->annotations.empty() ? a->recipe : a->annotations, a->json, [](const std::string& text) {
      std::cout << text;
      if (!std::cout) throw Exit{1};  // what is printed is lost: no more need be found
    });
    const LintReport report = lint(*a, a->options, [&](const LintProblem& p) { printer.problem(p); });
    printer.end(report);
    if (report.exit_status() != 0) throw Exit{report.exit_status()};
  });
}

std::shared_ptr<const Dataset> open_source(const Source& a) {
  constexpr bool masks = false;  // they are not counted, and a file may be without
  if (!a.recipe.empty()) return open_dataset(load_recipe(a.recipe, a.assignments), a.split_of_recipe(), masks);
  if (a.cityscapes()) return open_cityscapes({}, a.annotations, {a.split.empty() ? "train" : a.split});
  return open_coco({}, a.annotations, "", true, {}, masks);
}

void add_stats(CLI::App& dataset) {
  struct Arguments : Source {
    bool json = false;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* c = dataset.add_subcommand("stats", "Counts images and objects by class and size");
  add_source(*c, *a, "train (default), val or train_extra");
  c->add_flag("--json", a->json, "for a machine");
  c->callback([a] {
    check_source(*a, "stats");
    const auto read = open_source(*a);
    DatasetStats stats = dataset_stats(*read);
    if (const auto* cityscapes = dynamic_cast<const CityscapesDataset*>(read.get())) add_published(*cityscapes, stats);
    std::cout << (a->json ? to_json(stats) : to_text(stats)) << "\n";
  });
}

}  // namespace

void add_dataset(CLI::App& program) {
  CLI::App* c = program.add_subcommand("dataset", "Converts, checks, counts, shows and draws data sets");
  c->require_subcommand(1);
  add_dataset_convert(*c);
  add_draw(*c);
  add_crops(*c);
  add_lint(*c);
  add_stats(*c);
  add_show(*c);
}

}  // namespace mr::app
