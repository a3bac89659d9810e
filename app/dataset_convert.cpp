#include <iostream>

#include "app/commands.h"
#include "base/check.h"
#include "base/text.h"
#include "data/convert/convert.h"

namespace mr::app {
namespace {

std::string kinds_table() {
  std::string table = "KIND:\n";
  for (const ConvertKind& k : convert_kinds()) table += "  " + (std::string(k.name) + std::string(16, ' ')).substr(0, 16) + k.about + "\n";
  return table +
         "\nClasses get ids from 1 by name. Pictures are looked for in --images, beside the annotations, in images/ and ../images/.\n"
         "Sizes are those of upright pictures (EXIF applied), as annotation tools show them. docs/convert.md tells the layouts.\n"
         "--split sends an image to the same side again when others are added (one at most changes sides).\n\n"
         "  mrcnn dataset convert --from labelme shots --out shots.json --split 0.8\n"
         "  mrcnn recipe new --annotations shots_train.json --val-annotations shots_val.json --images shots --init WEIGHTS --out mine.toml";
}

std::string next_command(const ConvertReport& r) {
  const auto path = [&r](const char* subset) {
    for (const ConvertedFile& f : r.files)
      if (f.subset == subset) return f.path;
    return std::string();
  };
  std::string annotations = path("train");
  if (annotations.empty()) annotations = r.files[0].path;
  std::string command = "next: mrcnn recipe new --annotations " + shell_word(annotations);
  if (const std::string val = path("val"); !val.empty()) command += " --val-annotations " + shell_word(val);
  return str(
      command, " --images ", shell_word(r.image_folder), " --init WEIGHTS --out mine.toml\n",
      "      (WEIGHTS: pretrained ones, as torchvision's maskrcnn_resnet50_fpn; without --init a small model learns from random ones)\n");
}

}  // namespace

void add_dataset_convert(CLI::App& dataset) {
  struct Arguments {
    ConvertOptions options;
    std::string faulty = "drop";
    bool json = false;
  };
  auto a = std::make_shared<Arguments>();
  ConvertOptions& o = a->options;
  CLI::App* c = dataset.add_subcommand("convert", "Makes COCO annotation files of other formats");
  std::vector<std::string> kinds;
  for (const ConvertKind& k : convert_kinds()) kinds.emplace_back(k.name);
  c->add_option("--from", o.kind, "the format: see KIND below")->required()->check(CLI::IsMember(kinds));
  c->add_option("IN", o.in, "files or folders of annotations")->required();
  c->add_option("--out", o.out, "the JSON file to write")->required();
  c->add_option("--split", o.split, "share of the images for NAME_train.json; the rest goes to NAME_val.json")
      ->check(CLI::Range(0.001, 0.999));
  c->add_option("--seed", o.seed, "of the split")->capture_default_str();
  c->add_option("--images", o.images, "folder of the pictures, where they do not lie beside the annotations");
  c->add_option("--class", o.class_name, "of objects that have none");
  c->add_option("--class-attribute", o.class_attribute, "via: the region attribute that is the class, where there are several");
  c->add_option("--class-names", o.class_names, "yolo: file of the classes' names, one a line, or a data.yaml");
  c->add_option("--faulty", a->faulty, "objects without extent: drop leaves them out and counts them, stop ends with the first")
      ->check(CLI::IsMember({"drop", "stop"}))
      ->capture_default_str();
  c->add_flag("--json", a->json, "for a machine");
  c->footer(kinds_table());
  c->callback([a] {
    a->options.faulty_stop = a->faulty == "stop";
    const ConvertReport report = convert_annotations(a->options);
    std::cout << (a->json ? to_json(report) + "\n" : to_text(report) + next_command(report));
  });
}

}  // namespace mr::app
