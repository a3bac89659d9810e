#include "train/looks.h"

#include <algorithm>
#include <cmath>

#include "data/transforms/objects.h"
#include "data/transforms/transforms.h"
#include "models/systems/rcnn.h"
#include "ops/boxes/nms.h"
#include "tensor/context.h"
#include "train/proposals.h"

namespace mr {
namespace {

Box scaled(const Box& b, float sx, float sy) { return {b.x1 * sx, b.y1 * sy, b.x2 * sx, b.y2 * sy}; }

Box mirrored(const Box& b, float width) { return {width - b.x2, b.y1, width - b.x1, b.y2}; }

struct Look {
  LookFrame frame;
  HostBatch batch;
};

// One look after the other is made when its turn comes: a batch is as large as a picture.
class Looks {
 public:
  Looks(const Detector& d, const Image& image, std::span<const ProposedBox> given) : d_(d), image_(image), given_(given) {
    PixelChange swap = whole_image(image.height, image.width);
    swap.flip_horizontal = true;
    if (d.recipe.evaluation.looks.flip) mirror_ = changed(image, swap);
  }

  template <class F> void each(F&& f) const {
    const LooksConfig& looks = d_.recipe.evaluation.looks;
    Preprocess p = d_.recipe.preprocess;
    if (!looks.min_sides.empty()) p.max_side = looks.max_side;
    for (const int64_t side : looks.min_sides.empty() ? std::vector<int64_t>{p.min_side} : looks.min_sides) {
      p.min_side = side;
      f(look(p, false));
      if (looks.flip) f(look(p, true));
    }
  }

 private:
  Look look(const Preprocess& p, bool flip) const {
    const Image* one = flip ? &mirror_ : &image_;
    Look l{{size_of(image_), {}, flip}, predicted_batch({&one, 1}, p, d_.system->parameters().device())};
    l.frame.look = l.batch.sizes[0];
    const int64_t most = d_.system->traits().given.test;
    if (most == 0 || given_.empty()) return l;
    std::vector<ProposedBox> boxes(given_.begin(), given_.end());
    for (ProposedBox& b : boxes) b.box = l.frame.into(b.box);
    l.batch.proposals = {boxes_of(boxes, most)};
    l.batch.most_proposals = most;
    return l;
  }

  const Detector& d_;
  const Image& image_;
  std::span<const ProposedBox> given_;
  Image mirror_;
};

// All boxes of all looks, in the picture.
struct Union {
  std::vector<float> boxes, scores;
  std::vector<int32_t> group;  // class − 1
  int64_t groups = 1;

  void add(const Candidates& c, const LookFrame& frame) {
    const Tensor all = c.boxes.to(Device{}), score = c.scores.to(Device{});
    groups = c.groups;
    for (int64_t j = 0; j < score.numel(); ++j) {
      if (std::isinf(score.data<float>()[j])) continue;  // there is none
      const float* b = all.data<float>() + 4 * j;
      const Box box = frame.back({b[0], b[1], b[2], b[3]});
      boxes.insert(boxes.end(), {box.x1, box.y1, box.x2, box.y2});
      scores.push_back(score.data<float>()[j]);
      group.push_back(static_cast<int32_t>(j % groups));
    }
  }

  Detections best(double threshold, int64_t most) const {
    const auto n = static_cast<int64_t>(scores.size());
    const Tensor all = Tensor::of<float>({n, 4}, boxes), score = Tensor::of<float>({n}, scores);
    std::vector<int32_t> places;
    if (n > 0) places = places_of_image(nms(candidates_of(all, score, group, groups), threshold, most));
    const auto kept = static_cast<int64_t>(places.size());
    Detections d{Tensor::empty({kept, 4}), Tensor::empty({kept}), Tensor::empty({kept}, DType::i32), {}};
    for (int64_t i = 0; i < kept; ++i) {
      const int64_t from = places[static_cast<size_t>(i)] / groups;
      std::copy_n(boxes.data() + 4 * from, 4, d.boxes.data<float>() + 4 * i);
      d.scores.data<float>()[i] = scores[static_cast<size_t>(from)];
      d.labels.data<int32_t>()[i] = group[static_cast<size_t>(from)] + 1;
    }
    return d;
  }
};

// The same boxes in a look, as a network takes them.
Found found_in(const Detections& d, const LookFrame& frame, Device device) {
  const int64_t n = d.scores.numel();
  const Tensor boxes = Tensor::empty({1, n, 4});
  for (int64_t i = 0; i < n; ++i) {
    const float* b = d.boxes.data<float>() + 4 * i;
    const Box box = frame.into({b[0], b[1], b[2], b[3]});
    const float corners[] = {box.x1, box.y1, box.x2, box.y2};
    std::ranges::copy(corners, boxes.data<float>() + 4 * i);
  }
  Found f;
  f.boxes = {boxes.to(device), Tensor::of<int32_t>({1}, {static_cast<int32_t>(n)}).to(device)};
  f.scores = d.scores.reshape({1, n}).to(device);
  f.labels = d.labels.reshape({1, n}).to(device);
  return f;
}

// sum += masks [D,M,M], with left and right swapped back.
void add_masks(const Tensor& masks, bool flip, Tensor& sum) {
  if (!sum.defined()) sum = Tensor::zeros(masks.shape(), DType::f32, Device{});
  const int64_t M = masks.size(2);
  const float* from = masks.data<float>();
  float* to = sum.data<float>();
  for (int64_t i = 0; i < masks.numel(); ++i) to[i] += from[flip ? i - i % M + (M - 1 - i % M) : i];
}

}  // namespace

Box LookFrame::into(const Box& b) const {
  const Box seen = flip ? mirrored(b, static_cast<float>(picture.width)) : b;
  return scaled(seen, static_cast<float>(look.width) / static_cast<float>(picture.width),
                static_cast<float>(look.height) / static_cast<float>(picture.height));
}

Box LookFrame::back(const Box& b) const {
  const Box whole = scaled(b, static_cast<float>(picture.width) / static_cast<float>(look.width),
                           static_cast<float>(picture.height) / static_cast<float>(look.height));
  return flip ? mirrored(whole, static_cast<float>(picture.width)) : whole;
}

Detections look_several_times(const Detector& d, const Image& image, std::span<const ProposedBox> given) {
  const auto* network = dynamic_cast<const RCNN*>(d.system.get());
  check(network != nullptr, "evaluation.looks: only a model of kind \"rcnn\" puts the boxes of several looks together");
  const BoxHeadConfig& config = rcnn_of(d.recipe.model, "evaluation.looks").box;
  const Device device = d.system->parameters().device();
  const OnDevice here(Device{});
  const Looks looks(d, image, given);
  Union all;
  looks.each([&](const Look& l) { all.add(network->candidates(to_device(l.batch, *d.system)), l.frame); });
  Detections found = all.best(static_cast<float>(config.nms), config.detections);
  if (!d.system->traits().masks || found.scores.numel() == 0) return found;
  int count = 0;
  looks.each([&](const Look& l) {
    Found in_look = found_in(found, l.frame, device);
    network->describe(to_device(l.batch, *d.system), in_look);
    add_masks(in_look.masks.to(Device{}), l.frame.flip, found.masks);
    ++count;
  });
  for (float& v : found.masks.values<float>()) v /= static_cast<float>(count);
  return found;
}

}  // namespace mr
