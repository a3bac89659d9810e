#include "models/heads/mask_mlp.h"

#include "ops/elementwise/gather.h"
#include "ops/elementwise/reshape.h"
#include "ops/elementwise/transpose.h"

namespace mr {

MaskMLPHead::MaskMLPHead(Parameters& p, const std::string& prefix, const RoIFeatures& features, int64_t classes, const MaskMLPConfig& c)
    : MaskHead(features, c.size), output_(c, classes), side_(c.side) {
  hidden_.push_back(Linear::of_map(p, prefix + "mask_head.fc1", c.size, features.channels(), c.width, Init::xavier()));
  for (int64_t i = 2; i <= c.layers; ++i) hidden_.emplace_back(p, str(prefix, "mask_head.fc", i), c.width, c.width, Init::xavier());
  logits_ = Linear(p, prefix + "mask_predictor.logits", c.width, output_.channels() * side_ * side_, Init::normal(0.001));
}

std::vector<MaskLogits> MaskMLPHead::run(const Var& x, bool) const {
  const int64_t R = x.size(0), M = side_, channels = output_.channels();
  Var y = flatten_rows(x);                           // [R,7·7·C]
  for (const Linear& fc : hidden_) y = fc(y, true);  // [R,1024]
  const Var z = logits_(y);                          // [R,channels·28·28]
  const auto of = [=](const Tensor& channel) {
    return reshape(gather_rows(reshape(z, {R * channels, M * M}), label_rows(channel, channels)), {R, M, M});
  };
  const auto all = [=] { return reshape(transpose_each(reshape(z, {R, channels, M * M})), {R, M, M, channels}); };
  return {{M, of, all}};
}

}  // namespace mr
