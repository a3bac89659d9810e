// Times COCO evaluation from files to figures:  bench_data_coco_eval GT.json DT.json bbox|segm [times]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "base/json_text.h"
#include "data/coco/coco_results.h"

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: %s GT.json DT.json bbox|segm [times]\n", argv[0]);
    return 2;
  }
  try {
    const mr::CocoType type = std::string(argv[3]) == "segm" ? mr::CocoType::segm : mr::CocoType::bbox;
    const int times = argc > 4 ? std::atoi(argv[4]) : 3;
    double best = 0;
    mr::CocoEvalFiles last;
    for (int i = 0; i < times; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      last = mr::coco_eval_files(argv[1], argv[2], type);
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      best = i == 0 || seconds < best ? seconds : best;
    }
    mr::JsonWriter j;
    j.object().field("seconds", best).field("images", last.images).field("objects", last.objects).field("detections", last.detections);
    j.key("figures").written(to_json(last.figures)).end();
    std::printf("%s\n", j.text().c_str());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  return 0;
}
