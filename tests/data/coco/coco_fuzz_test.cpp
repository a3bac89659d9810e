// Damaged annotation and result files.
#include "data/coco/box_kind.h"
#include "data/coco/coco_dataset.h"
#include "data/coco/coco_results.h"
#include "tensor/context.h"
#include "tests/fuzz.h"

using namespace mr;
using namespace mr::test;

namespace {

const std::string kFile =
    R"({"images": [{"id": 7, "width": 6, "height": 4, "file_name": "a.png"}, {"id": 9, "width": 6.0, "height": 4, "file_name": "b/c.png"}],
 "categories": [{"id": 90, "name": "cat"}, {"id": 3, "name": "cat"}], "annotations": [
 {"id": 5, "image_id": 7, "category_id": 3, "bbox": [1, 1, 2, 2], "area": 4, "iscrowd": 0, "segmentation": [[1, 1, 3, 1, 3, 3, 1, 3], [1, 1, 2, 2]]},
 {"id": 6, "image_id": 9, "category_id": 90, "bbox": [-1, 1, 20, 0], "area": 4.5, "iscrowd": 1, "segmentation": {"size": [4, 6], "counts": "02f0"}},
 {"id": 8, "image_id": 9, "category_id": 90, "bbox": [0, 0, 6, 4], "area": 4, "segmentation": {"counts": [0, 4, 20], "size": [4, 6]}},
 {"id": 0, "image_id": 9, "category_id": 3, "bbox": [0, 0, 1, 1], "area": 1, "segmentation": null}]})";
const std::string kResults[] = {
    R"([{"image_id": 7, "category_id": 3, "bbox": [1.5, 2, 3.25, 4], "score": 0.1, "segmentation": [[1, 1, 3, 1, 3, 3]], "more": [null, {}]},
        {"image_id": 9, "category_id": 90, "bbox": [1, 2, 3, 4], "score": 1e-3}])",
    R"([{"image_id": 7, "category_id": 3, "segmentation": {"size": [4, 6], "counts": "02f0"}, "score": 0.1},
        {"image_id": 9, "category_id": 3, "segmentation": [[1, 1, 3, 1, 3, 3], [2]], "bbox": [0, 0, 1, 1], "score": 0.25}])"};

// Half of the time bytes are changed, half of the time pieces of JSON.
std::string spoilt(std::string text, Rng& rng) {
  if (rng.below(2) == 0) return damaged(std::move(text), rng, text.size());
  const std::string pieces[] = {"\"",     "[",       "]",    "{",           "}",         ",",    ":",  "1e999", "-",
                                "NaN",    "\\u0000", "\xff", "99999999999", "\"id\": 5", "null", "[[", "[]",    "-0",
                                "1e-320", "0.5",     "%41",  "\\",          "://",       "../",  "7.0"};
  for (uint64_t k = 1 + rng.below(3); k > 0; --k) text.replace(rng.below(text.size()), rng.below(6), pieces[rng.below(std::size(pieces))]);
  return text;
}

}  // namespace

TEST_CASE("coco fuzz: damaged annotation files", "[coco_fuzz]") {
  ContextGuard guard;
  context().threads = 1;  // files as small as these are not worth waking another
  int64_t seen = 0, told = 0;
  fuzz(fuzz_rounds(20000), "coco annotations", [&](Rng& rng) {
    const std::string text = spoilt(kFile, rng);
    parse_coco(text, "f.json", {}, [&told](const CocoProblem& p) { told += !p.line().empty(); });
    CocoFile file = parse_coco(text, "f.json");
    seen += box_kind_fault(file).empty();
    const CocoDataset d(std::move(file), "/nowhere");
    for (int64_t i = 0; i < d.size(); ++i) seen += static_cast<int64_t>(d.instances(i).size() + d.truth(i, true).size());
    seen += static_cast<int64_t>(d.notes().size());
  });
  CHECK(seen > 100);
  CHECK(told > 100);
}

TEST_CASE("coco fuzz: damaged result files", "[coco_fuzz]") {
  int64_t seen = 0;
  const CocoImageSizes sizes = {{7, {4, 6}}, {9, {4, 6}}};
  fuzz(fuzz_rounds(20000), "coco results", [&](Rng& rng) {
    const CocoType type = rng.below(2) == 0 ? CocoType::bbox : CocoType::segm;
    const std::string text = spoilt(kResults[rng.below(std::size(kResults))], rng);
    seen += static_cast<int64_t>(parse_coco_results(text, "r.json", {3, 90}, type, sizes).detections.size());
  });
  CHECK(seen > 100);
}
