#include "models/backbones/fpn.h"

#include "ops/pool/max_pool.h"
#include "ops/resize/nearest.h"

namespace mr {

FPN::FPN(Parameters& p, const std::string& prefix, const std::vector<int64_t>& in, int64_t channels) {
  for (size_t l = 0; l < in.size(); ++l) {
    lateral_.emplace_back(p, str(prefix, "inner_blocks.", l, ".0"), in[l], channels, 1, Init::kaiming_uniform_a1());
  }
  for (size_t l = 0; l < in.size(); ++l) {
    output_.emplace_back(p, str(prefix, "layer_blocks.", l, ".0"), channels, channels, 3, Init::kaiming_uniform_a1(),
                         Conv2dOptions{.padding = 1});
  }
}

Features FPN::operator()(const Features& C) const {
  check(C.maps.size() == lateral_.size(), "fpn: built for ", lateral_.size(), " maps, got ", C.maps.size());
  Features P;
  P.strides = C.strides;
  P.maps.resize(C.maps.size());
  Var M;
  for (size_t l = C.maps.size(); l-- > 0;) {
    const Var side = lateral_[l](C.maps[l]);  // [N, H/2^(l+2), W/2^(l+2), 256]
    M = M ? add_upsampled(side, M) : side;
    P.maps[l] = output_[l](M);  // [N, H/2^(l+2), W/2^(l+2), 256]
  }
  P.maps.push_back(max_pool2d(P.maps.back(), {.size = 1, .stride = 2, .padding = 0}));  // P6
  P.strides.push_back(2 * P.strides.back());
  return P;
}

}  // namespace mr
