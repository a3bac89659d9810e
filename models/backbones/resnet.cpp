#include "models/backbones/resnet.h"

#include "ops/pool/max_pool.h"

namespace mr {
namespace {

struct Plan {
  std::vector<int> blocks;  // of each stage
  bool bottleneck;
};

Plan plan(int64_t depth) {
  switch (depth) {
    case 18:
      return {{2, 2, 2, 2}, false};
    case 34:
      return {{3, 4, 6, 3}, false};
    case 50:
      return {{3, 4, 6, 3}, true};
    case 101:
      return {{3, 4, 23, 3}, true};
    case 152:
      return {{3, 8, 36, 3}, true};
    default:
      fail("resnet: depth must be 18, 34, 50, 101 or 152, got ", depth);
  }
}

NormOptions norm_of(const ResNetConfig& c) { return {c.norm, c.norm_epsilon, c.norm_momentum}; }

// What a block makes of its input.
struct BlockShape {
  int64_t in, inner, out;
  int stride, dilation;
  bool bottleneck;
};

Block make_block(Parameters& p, const std::string& name, const BlockShape& s, const ResNetConfig& c) {
  const auto conv = [&](int i, int64_t from, int64_t to, int kernel, int stride, int64_t groups = 1) {
    const std::string n = std::to_string(i);
    const int dilation = kernel > 1 ? s.dilation : 1;
    return ConvNorm(p, name + ".conv" + n, name + ".bn" + n, from, to, kernel, norm_of(c),
                    {.stride = stride, .padding = dilation * (kernel / 2), .dilation = dilation, .groups = static_cast<int>(groups)});
  };
  Block b;
  if (s.bottleneck) {
    b.convs.push_back(conv(1, s.in, s.inner, 1, c.stride_in_1x1 ? s.stride : 1));
    b.convs.push_back(conv(2, s.inner, s.inner, 3, c.stride_in_1x1 ? 1 : s.stride, c.groups));
    b.convs.push_back(conv(3, s.inner, s.out, 1, 1));
  } else {
    b.convs.push_back(conv(1, s.in, s.out, 3, s.stride));
    b.convs.push_back(conv(2, s.out, s.out, 3, 1));
  }
  if (s.stride != 1 || s.in != s.out)
    b.shortcut = ConvNorm(p, name + ".downsample.0", name + ".downsample.1", s.in, s.out, 1, norm_of(c), {.stride = s.stride});
  return b;
}

}  // namespace

Var Block::operator()(const Var& x, bool training) const {
  const Var residual = shortcut.w ? shortcut(x, training, false) : x;  // [N,H',W',Cout]
  Var y = x;
  for (size_t i = 0; i + 1 < convs.size(); ++i) y = convs[i](y, training, true);
  return convs.back()(y, training, true, residual);  // [N,H',W',Cout]
}

ResNetStage::ResNetStage(Parameters& p, const std::string& prefix, const ResNetConfig& c, const Place& place) {
  const Plan shape = plan(c.depth);
  const std::string name = str(prefix, "layer", place.number - 1, ".");
  BlockShape block{place.number == 2 ? c.width : c.outer_width(place.number - 1),
                   c.inner_width(place.number),
                   c.outer_width(place.number),
                   place.stride,
                   place.dilation,
                   shape.bottleneck};
  for (int i = 0; i < shape.blocks[static_cast<size_t>(place.number) - 2]; ++i) {
    blocks_.push_back(make_block(p, str(name, i), block, c));
    block.in = block.out;
    block.stride = 1;
  }
  if (place.number <= c.freeze) p.freeze(name);
}

Var ResNetStage::operator()(Var x, bool training) const {
  for (const Block& block : blocks_) x = block(x, training);
  return x;
}

ResNet::ResNet(Parameters& p, const std::string& prefix, const ResNetConfig& c, const Extent& extent) {
  stem_ = ConvNorm(p, prefix + "conv1", prefix + "bn1", 3, c.width, 7, norm_of(c), {.stride = 2, .padding = 3});
  if (c.freeze >= 1) {
    p.freeze(prefix + "conv1");
    p.freeze(prefix + "bn1");
  }
  int stride = 4;
  for (int number = 2; number <= extent.last; ++number) {
    const bool dilated = extent.dilated && number == extent.last;
    const ResNetStage::Place place{number, number == 2 || dilated ? 1 : 2, dilated ? 2 : 1};
    stages_.emplace_back(p, prefix, c, place);
    stride *= place.stride;
    channels_.push_back(c.outer_width(number));
    strides_.push_back(stride);
  }
}

Features ResNet::operator()(const Var& image, bool training) const {
  Var x = stem_(image, training, true);                       // [N,H/2,W/2,64]
  x = max_pool2d(x, {.size = 3, .stride = 2, .padding = 1});  // [N,H/4,W/4,64]
  Features f{{}, strides_};
  for (const ResNetStage& stage : stages_) {
    x = stage(x, training);
    f.maps.push_back(x);  // C2 … C5
  }
  return f;
}

}  // namespace mr
