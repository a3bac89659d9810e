#include "models/heads/unet.h"

#include "ops/elementwise/concat.h"
#include "ops/pool/max_pool.h"

namespace mr {

UNet::Block UNet::make_block(Parameters& p, const std::string& name, int64_t in, int64_t width) {
  const Conv2dOptions same{.padding = 1};
  return {Conv(p, name + ".conv1", in, width, 3, Init::kaiming(), same), Conv(p, name + ".conv2", width, width, 3, Init::kaiming(), same),
          Deconv()};
}

UNet::UNet(Parameters& p, const std::string& prefix, int64_t in, const std::vector<int64_t>& widths, bool nested)
    : blocks_(widths.size()), nested_(nested) {
  const size_t levels = widths.size();
  const auto name = [&prefix](size_t i, size_t j) { return str(prefix, "x", i, "_", j); };
  for (size_t i = 0; i < levels; ++i) blocks_[i].push_back(make_block(p, name(i, 0), i == 0 ? in : widths[i - 1], widths[i]));
  // Column j, from the coarsest map that it has; a U-Net has the way up alone, j = 1 on every level.
  for (size_t j = 1; j < (nested ? levels : 2); ++j)
    for (size_t i = levels - 1; i-- > 0;) {
      if (nested && i + j >= levels) continue;
      const int64_t beside = nested ? static_cast<int64_t>(j) : 1;
      Deconv up(p, name(i, j) + ".up", widths[i + 1], widths[i]);
      blocks_[i].push_back(make_block(p, name(i, j), (beside + 1) * widths[i], widths[i]));
      blocks_[i].back().up = std::move(up);
    }
}

std::vector<Var> UNet::operator()(const Var& x) const {
  const size_t levels = blocks_.size();
  std::vector<std::vector<Var>> maps(levels);  // X(i,0), X(i,1), …
  for (size_t i = 0; i < levels; ++i)
    maps[i].push_back(blocks_[i][0](i == 0 ? x : max_pool2d(maps[i - 1][0], {.size = 2, .stride = 2, .padding = 0})));
  for (size_t j = 1; j < (nested_ ? levels : 2); ++j)
    for (size_t i = levels - 1; i-- > 0;) {
      if (nested_ && i + j >= levels) continue;
      const Block& block = blocks_[i][j];
      std::vector<Var> beside = maps[i];
      beside.push_back(block.up(nested_ ? maps[i + 1][j - 1] : maps[i + 1].back()));
      maps[i].push_back(block(concat_channels(beside)));
    }
  return {maps[0].begin() + 1, maps[0].end()};
}

}  // namespace mr
