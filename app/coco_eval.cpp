#include <iostream>

#include "app/commands.h"
#include "base/text.h"
#include "data/coco/coco_results.h"

namespace mr::app {

void add_coco_eval(CLI::App& program) {
  struct Arguments {
    std::string truth, detections, type;
    int max_dets = 100;
    bool json = false;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* c = program.add_subcommand("coco-eval", "COCO's figures of a result file, as cocoapi computes them");
  c->add_option("GT", a->truth, "COCO ground truth")->required();
  c->add_option("DT", a->detections, "COCO results: [{\"image_id\", \"category_id\", \"score\", \"bbox\" or \"segmentation\"}]")
      ->required();
  c->add_option("--type", a->type, "bbox or segm")->required()->check(CLI::IsMember({"bbox", "segm"}));
  c->add_option("--max-dets", a->max_dets, "detections an image that count for AP")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  c->add_flag("--json", a->json, "{\"AP\": ..., \"AP50\": ..., \"per_class\": {...}}");
  c->callback([a] {
    const CocoType type = a->type == "bbox" ? CocoType::bbox : CocoType::segm;
    const CocoEvalFiles e = coco_eval_files(a->truth, a->detections, type, a->max_dets);
    if (!e.different_picture.empty())
      std::cerr << "mrcnn: " << e.different_picture << ": the figures compare different pictures; predict takes the ids of the file with "
                << "--annotations " << shell_word(a->truth) << "\n";
    if (e.other_category > 0)
      std::cerr << "mrcnn: left out " << e.other_category << " detections of categories that " << a->truth << " lacks\n";
    if (e.boxes_as_masks > 0)
      std::cerr << "mrcnn: " << e.boxes_as_masks << " detections of " << a->detections
                << " have no mask: their boxes are taken for it, as cocoapi does\n";
    if (e.faulty > 0)
      std::cerr << "mrcnn: " << a->truth << " has " << e.faulty
                << " objects without extent or mask, which count and cannot be found, as in cocoapi "
                   "(mrcnn dataset lint lists them)\n";
    if (e.id_zero)
      std::cerr << "mrcnn: " << a->truth
                << " has an annotation with id 0, which counts as unmatched in cocoapi, and here: number annotations from 1\n";
    if (e.figures.AP < 0) std::cerr << "mrcnn: " << a->truth << " has no object that counts: figures without one are -1\n";
    std::cout << (a->json ? to_json(e.figures) + "\n" : to_text(e.figures));
  });
}

}  // namespace mr::app
