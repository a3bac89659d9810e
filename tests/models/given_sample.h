// The anchors and RoIs that another program sampled, as a model takes them.
#pragma once

#include <algorithm>
#include <vector>

#include "models/batch.h"
#include "ops/boxes/matcher.h"

namespace mr::test {

struct GivenSample {                        // of one image
  std::vector<int32_t> positive, negative;  // anchors of all levels
  std::vector<float> rois;                  // x1, y1, x2, y2 of each
  std::vector<int32_t> labels, objects;     // of each; object: any where the label is 0
};

inline TrainingSample training_sample(const std::vector<GivenSample>& images) {
  const auto N = static_cast<int64_t>(images.size());
  int64_t anchors = 0, rois = 0;
  for (const GivenSample& g : images) {
    anchors = std::max(anchors, static_cast<int64_t>(g.positive.size() + g.negative.size()));
    rois = std::max(rois, static_cast<int64_t>(g.labels.size()));
  }
  const auto list = [&](int64_t room, int32_t fill) {
    Tensor t = Tensor::empty({N, room}, DType::i32);
    t.fill_(fill);
    return t;
  };
  TrainingSample s{list(anchors, -1), {{Tensor::zeros({N, rois, 4}), list(1, 0).reshape({N})}, list(rois, Match::between), list(rois, -1)}};
  for (int64_t n = 0; n < N; ++n) {
    const GivenSample& g = images[static_cast<size_t>(n)];
    std::ranges::copy(g.negative, std::ranges::copy(g.positive, s.anchors.data<int32_t>() + n * anchors).out);
    std::ranges::copy(g.rois, s.rois.boxes.boxes.data<float>() + 4 * n * rois);
    s.rois.boxes.count.data<int32_t>()[n] = static_cast<int32_t>(g.labels.size());
    for (size_t r = 0; r < g.labels.size(); ++r) {
      const int64_t at = n * rois + static_cast<int64_t>(r);
      s.rois.match.data<int32_t>()[at] = g.labels[r] > 0 ? g.objects[r] : Match::background;
    }
    int32_t* place = s.rois.chosen.data<int32_t>() + n * rois;  // objects first, as a sampler gives them
    for (const bool objects : {true, false})
      for (size_t r = 0; r < g.labels.size(); ++r)
        if ((g.labels[r] > 0) == objects) *place++ = static_cast<int32_t>(r);
  }
  return s;
}

}  // namespace mr::test
