// Two networks one after the other: what one proposes the other is trained on.
#include <algorithm>

#include "models/systems/rcnn.h"
#include "tensor/context.h"
#include "tests/catch.h"
#include "tests/folder.h"
#include "train/batches.h"
#include "train/evaluate.h"
#include "train/proposal_files.h"
#include "train/proposals.h"
#include "train/train.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

std::vector<std::string> few_scenes(std::vector<std::string> more) {
  std::vector<std::string> all = {"model.backbone.width=32", "model.backbone.fpn.channels=16",
                                  "model.box.width=16",      "model.mask.width=16",
                                  "data.scenes.height=64",   "data.scenes.width=96",
                                  "data.scenes.images=4",    "data.val_scenes=2",
                                  "data.workers=0",          "train.batch=2",
                                  "train.budget=",           "train.iterations=2",
                                  "train.precision=f32"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

Detector first_stage() {
  const Recipe recipe = load_recipe("scenes_small", few_scenes({"model.proposals.post_nms_test=20"}));
  return make_detector(recipe, classes_of(recipe, *open_dataset(recipe, Split::train)));
}

std::string complaint(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("proposals are what the network's heads would see, in pixels of the picture, and written they are the same", "[proposals]") {
  const Folder folder;
  const Detector d = first_stage();
  const auto data = open_dataset(d.recipe, Split::train);
  const ProposalSet set = propose(d, data, 2000);
  CHECK(set.images() == 4);
  for (int64_t i = 0; i < data->size(); ++i) {
    const ImageInfo info = data->info(i);
    const std::span<const ProposedBox> boxes = set.of(info.image_id);
    CHECK(!boxes.empty());
    CHECK(boxes.size() <= 20);
    CHECK(std::ranges::is_sorted(boxes, std::ranges::greater{}, &ProposedBox::score));
    for (const ProposedBox& p : boxes) CHECK((p.box.x1 >= 0 && p.box.y1 >= 0 && p.box.x2 <= 96 && p.box.y2 <= 64));
    const Sample s = data->sample(i);
    const Image* one = &s.image;
    HostBatch batch = predicted_batch({&one, 1}, d.recipe.preprocess, Device{});
    const auto& network = dynamic_cast<const RCNN&>(*d.system);
    const Proposed seen = network.propose(to_device(batch, *d.system));
    REQUIRE(seen.boxes.count.data<int32_t>()[0] == static_cast<int32_t>(boxes.size()));
    CHECK(seen.boxes.boxes.data<float>()[2] == boxes[0].box.x2);  // scenes are looked at in their own size
  }
  write_proposals(folder / "p.safetensors", set);
  CHECK(read_proposals(folder / "p.safetensors").hash() == set.hash());
  CHECK(propose(d, data, 3).boxes() == 12);
}

TEST_CASE("a Fast R-CNN is trained on given proposals, evaluated on them, and tells their hash", "[proposals]") {
  const ContextGuard guard;
  const Folder folder;
  const Detector d = first_stage();
  const ProposalSet train_set = propose(d, open_dataset(d.recipe, Split::train), 2000),
                    val_set = propose(d, open_dataset(d.recipe, Split::val), 2000);
  write_proposals(folder / "train.safetensors", train_set);
  write_proposals(folder / "val.safetensors", val_set);
  const std::vector<std::string> files = {str("data.root=", folder / "."), "evaluation.images=0"};
  const Recipe recipe = load_recipe("scenes_fast_rcnn", few_scenes(files));
  std::string lines;
  Console console([&lines](const std::string& line) { lines += line + "\n"; });
  CHECK(train(recipe, {.folder = folder / "run"}, console) == Ended::finished);
  CHECK_THAT(lines, Contains(str("the best 300 of each are used; hash ", train_set.hash())));
  CHECK_THAT(lines, Contains(str("hash ", val_set.hash())));

  Detector second = load_detector(folder / "run/last.safetensors");
  CHECK(second.system->traits().given.train == 300);
  const std::vector<std::string> losses = {"class", "box", "mask"};
  CHECK(second.system->traits().losses == losses);
  CHECK(second.system->parameters().find("rpn.head.cls_logits.weight") == nullptr);
  const GivenDataset val = with_given(recipe, second.system->traits(), Split::val, open_dataset(recipe, Split::val));
  Evaluator evaluator(val.dataset, second);
  CHECK(evaluator.run(second).images == 2);
  const Image picture = val.dataset->sample(0).image;
  CHECK_THAT(complaint([&] { detect(second, picture); }), Contains("looks at boxes that come with the pictures (data.proposals"));
}

TEST_CASE("a batch brings the best proposals of each image, cut to it, and the heads look at no others", "[proposals]") {
  const Recipe recipe = load_recipe("scenes_fast_rcnn", few_scenes({"model.proposals.most_train=3", "model.proposals.most_test=2"}));
  const Detector d = make_detector(recipe, classes_of(recipe, *open_dataset(recipe, Split::train)));
  HostBatch b;
  b.images = Tensor::zeros({2, 64, 96, 3});
  b.sizes = {{64, 96}, {50, 40}};
  b.proposals = {Tensor::of<float>({3, 4}, {0, 0, 10, 10, 5, 5, 200, 20, 30, 30, 60, 60}),
                 Tensor::of<float>({2, 4}, {41, 0, 60, 10, 1, 2, 3, 4})};
  b.most_proposals = 2;
  const DeviceBatch batch(b, false, Device{});
  CHECK(batch.proposals.boxes.shape() == Shape{2, 2, 4});
  CHECK(batch.proposals.count.data<int32_t>()[0] == 2);
  CHECK(batch.proposals.count.data<int32_t>()[1] == 1);  // the first lies outside of its image
  CHECK(batch.proposals.boxes.data<float>()[6] == 96);   // cut
  CHECK(batch.proposals.boxes.data<float>()[8] == 1);
  const auto& network = dynamic_cast<const RCNN&>(*d.system);
  const Proposed seen = network.propose(batch);
  CHECK(seen.boxes.boxes.data<float>() == batch.proposals.boxes.data<float>());
  CHECK(needs_of(*d.system).given == 3);

  b.proposals.pop_back();
  CHECK_THAT(complaint([&] { DeviceBatch(b, false, Device{}); }), Contains("batch: 2 images, but proposals of 1"));
  b.proposals = {Tensor::zeros({3, 5}), Tensor::zeros({0, 4})};
  CHECK_THAT(complaint([&] { DeviceBatch(b, false, Device{}); }), Contains("batch: proposals must be [P,4] f32, got [3, 5] f32"));
}

TEST_CASE("the fullest batch of a Fast R-CNN has all the proposals that it may use", "[proposals]") {
  const Recipe recipe = load_recipe("scenes_fast_rcnn", few_scenes({"model.proposals.most_train=50"}));
  const auto data = open_dataset(recipe, Split::train);
  const Detector d = make_detector(recipe, classes_of(recipe, *data));
  const DeviceBatch batch = fullest_batch(recipe, *data, needs_of(*d.system));
  CHECK(batch.proposals.boxes.shape() == Shape{2, 50, 4});
  CHECK(batch.proposals.count.data<int32_t>()[1] == 50);
  CHECK(total_loss(d.system->losses(batch)).value().at(0) > 0);
}

TEST_CASE("proposals that are missing, or that nobody looks at, are errors that name the setting", "[proposals]") {
  const Recipe given = load_recipe("scenes_fast_rcnn", few_scenes({"data.proposals="}));
  const auto data = open_dataset(given, Split::train);
  CHECK_THAT(complaint([&] { with_given(given, traits_of(given.model), Split::train, data); }),
             Contains("data.proposals: the network looks at proposals that come with the pictures") && Contains("mrcnn proposals"));
  const Recipe own = load_recipe("scenes_small", few_scenes({"data.val_proposals=a.json"}));
  CHECK_THAT(complaint([&] { with_given(own, traits_of(own.model), Split::val, data); }),
             Contains("data.val_proposals: names a.json, but the network makes its own proposals"));
  CHECK(with_given(own, traits_of(own.model), Split::train, data).dataset == data);
  const Detector second = make_detector(given, classes_of(given, *data));
  CHECK_THAT(complaint([&] { propose(second, data, 10); }), Contains("proposals: the network makes none of its own"));
  CHECK_THAT(complaint([&] { load_recipe("scenes_fast_rcnn", {"model.proposals.most_train=0"}); }),
             Contains("model.proposals.most_train: must be 1 or more, got 0"));
}
