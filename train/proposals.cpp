#include "train/proposals.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "data/loader/loader.h"
#include "models/systems/rcnn.h"
#include "train/detector.h"
#include "train/interrupt.h"
#include "train/proposal_files.h"

namespace mr {

const char* proposals_key(Split split) { return split == Split::train ? "data.proposals" : "data.val_proposals"; }

GivenDataset with_given(const Recipe& recipe, const Traits& traits, Split split, std::shared_ptr<const Dataset> dataset) {
  const std::string key = proposals_key(split), &named = split == Split::train ? recipe.data.proposals : recipe.data.val_proposals;
  const int64_t most = split == Split::train ? traits.given.train : traits.given.test;
  if (most == 0) {
    check(named.empty(), key, ": names ", named,
          ", but the network makes its own proposals: model.proposals.kind = \"given\" looks at these");
    return {std::move(dataset), {}};
  }
  check(!named.empty(), key,
        ": the network looks at proposals that come with the pictures (model.proposals.kind = \"given\"), and none are "
        "named; mrcnn proposals WEIGHTS --out FILE makes them");
  const auto set = std::make_shared<const ProposalSet>(read_proposals(path_of(recipe, named)));
  std::string about = str(key, ": ", set->source(), ": ", counted(set->boxes(), "proposal"), " of ", counted(set->images(), "image"),
                          ", the best ", most, " of each are used; hash ", set->hash());
  return {with_proposals(std::move(dataset), set, key), std::move(about)};
}

Tensor boxes_of(std::span<const ProposedBox> proposals, int64_t most) {
  const auto n = std::min(static_cast<int64_t>(proposals.size()), most);
  const Tensor boxes = Tensor::empty({n, 4}, DType::f32, Device{});
  float* to = boxes.data<float>();
  for (const ProposedBox& p : proposals.first(static_cast<size_t>(n)))
    for (const float v : {p.box.x1, p.box.y1, p.box.x2, p.box.y2}) *to++ = v;
  return boxes;
}

Tensor boxes_of(std::span<const ProposedBox> proposals, int64_t most, PixelSize from, PixelSize to) {
  const Tensor boxes = boxes_of(proposals, most);
  const auto sx = static_cast<float>(to.width) / static_cast<float>(from.width),
             sy = static_cast<float>(to.height) / static_cast<float>(from.height);
  for (int64_t i = 0; i < boxes.numel(); ++i) boxes.data<float>()[i] *= i % 2 == 0 ? sx : sy;
  return boxes;
}

HostBatch predicted_batch(std::span<const Image* const> images, const Preprocess& preprocess, Device device) {
  const ImageBatch input = resize_to_tensor(images, preprocess, device);
  HostBatch batch;
  batch.images = input.images;  // [N,H,W,3]
  batch.sizes = input.sizes;
  return batch;
}

std::vector<std::vector<ProposedBox>> propose(const Detector& d, std::span<const Image* const> images, int64_t most) {
  const auto* network = dynamic_cast<const RCNN*>(d.system.get());
  check(network != nullptr && network->parts().proposer->given().test == 0,
        "proposals: the network makes none of its own: expected one with model.kind = \"rcnn\" and model.proposals.kind = \"rpn\"");
  const HostBatch batch = predicted_batch(images, d.recipe.preprocess, d.system->parameters().device());
  const Proposed found = network->propose(to_device(batch, *d.system));
  const Tensor boxes = found.boxes.boxes.to(Device{}), count = found.boxes.count.to(Device{}), scores = found.scores.to(Device{});
  const int64_t room = boxes.size(1);
  std::vector<std::vector<ProposedBox>> all(images.size());
  for (size_t n = 0; n < images.size(); ++n) {
    const auto sx = static_cast<float>(images[n]->width) / static_cast<float>(batch.sizes[n].width),
               sy = static_cast<float>(images[n]->height) / static_cast<float>(batch.sizes[n].height);
    const int64_t there = std::min<int64_t>(count.data<int32_t>()[n], most);
    for (int64_t i = static_cast<int64_t>(n) * room; i < static_cast<int64_t>(n) * room + there; ++i) {
      const float* b = boxes.data<float>() + 4 * i;
      all[n].push_back({{b[0] * sx, b[1] * sy, b[2] * sx, b[3] * sy}, scores.data<float>()[i]});
    }
  }
  return all;
}

ProposalSet propose(const Detector& d, std::shared_ptr<const Dataset> dataset, int64_t most,
                    const std::function<void(int64_t done, int64_t of)>& progress) {
  ProposalSet set("the proposals");
  LoaderOptions one_by_one;
  one_by_one.batch = 1;
  one_by_one.workers = std::min<int64_t>(d.recipe.data.workers, 1);
  one_by_one.corrupt = d.recipe.data.corrupt_images;
  const int64_t of = dataset->size();
  Loader loader = Loader::single_pass(std::move(dataset), one_by_one);
  while (auto loaded = loader.next()) {
    stop_if_interrupted();
    for (const Sample& s : loaded->samples) {
      const Image* one = &s.image;
      set.add(s.info.image_id, std::move(propose(d, {&one, 1}, most).at(0)), PixelSize{s.image.height, s.image.width});
    }
    if (progress) progress(loaded->number + 1, of);
  }
  return set;
}

}  // namespace mr
