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

Block make_block(Parameters& p, const std::string& name, int64_t in, int64_t width, int64_t out, int stride, bool bottleneck,
                 const ResNetConfig& c) {
  const auto conv = [&](int i, int64_t from, int64_t to, int kernel, int s) {
    const std::string n = std::to_string(i);
    return ConvNorm(p, name + ".conv" + n, name + ".bn" + n, from, to, kernel, norm_of(c), {.stride = s, .padding = kernel / 2});
  };
  Block b;
  if (bottleneck) {
    b.convs.push_back(conv(1, in, width, 1, c.stride_in_1x1 ? stride : 1));
    b.convs.push_back(conv(2, width, width, 3, c.stride_in_1x1 ? 1 : stride));
    b.convs.push_back(conv(3, width, out, 1, 1));
  } else {
    b.convs.push_back(conv(1, in, width, 3, stride));
    b.convs.push_back(conv(2, width, out, 3, 1));
  }
  if (stride != 1 || in != out)
    b.shortcut = ConvNorm(p, name + ".downsample.0", name + ".downsample.1", in, out, 1, norm_of(c), {.stride = stride});
  return b;
}

}  // namespace

Var Block::operator()(const Var& x, bool training) const {
  const Var residual = shortcut.w ? shortcut(x, training, false) : x;  // [N,H',W',Cout]
  Var y = x;
  for (size_t i = 0; i + 1 < convs.size(); ++i) y = convs[i](y, training, true);
  return convs.back()(y, training, true, residual);  // [N,H',W',Cout]
}

ResNet::ResNet(Parameters& p, const std::string& prefix, const ResNetConfig& c) {
  const Plan shape = plan(c.depth);
  stem_ = ConvNorm(p, prefix + "conv1", prefix + "bn1", 3, c.width, 7, norm_of(c), {.stride = 2, .padding = 3});
  int64_t in = c.width;
  for (size_t s = 0; s < shape.blocks.size(); ++s) {
    const int64_t width = c.width << s, out = shape.bottleneck ? 4 * width : width;
    std::vector<Block> stage;
    for (int i = 0; i < shape.blocks[s]; ++i) {
      const std::string name = prefix + "layer" + std::to_string(s + 1) + "." + std::to_string(i);
      stage.push_back(make_block(p, name, in, width, out, i == 0 && s > 0 ? 2 : 1, shape.bottleneck, c));
      in = out;
    }
    stages_.push_back(std::move(stage));
    channels_.push_back(out);
  }
  if (c.freeze >= 1) {
    p.freeze(prefix + "conv1");
    p.freeze(prefix + "bn1");
  }
  for (int64_t s = 2; s <= c.freeze; ++s) p.freeze(prefix + "layer" + std::to_string(s - 1) + ".");
}

Features ResNet::operator()(const Var& image, bool training) const {
  Var x = stem_(image, training, true);                       // [N,H/2,W/2,64]
  x = max_pool2d(x, {.size = 3, .stride = 2, .padding = 1});  // [N,H/4,W/4,64]
  Features f;
  for (size_t s = 0; s < stages_.size(); ++s) {
    for (const Block& block : stages_[s]) x = block(x, training);
    f.maps.push_back(x);  // C2 … C5
    f.strides.push_back(4 << s);
  }
  return f;
}

}  // namespace mr
