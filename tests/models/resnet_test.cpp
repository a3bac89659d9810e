// The trunks: their maps, their parameters, and torchvision's figures of narrow ones (tests/golden/classifiers.h, made by
// scripts/golden_classifiers.py).
#include "models/backbones/resnet.h"

#include <cmath>

#include "models/backbones/resnet_map.h"
#include "ops/elementwise/mean.h"
#include "ops/elementwise/multiply.h"
#include "tests/catch.h"
#include "tests/golden/classifiers.h"
#include "tests/models/golden_weights.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

ResNetConfig narrow(int64_t groups, int64_t group_width) {
  ResNetConfig c;
  c.width = 8;
  c.groups = groups;
  c.group_width = group_width;
  c.freeze = 0;
  return c;
}

// Numbers in [−1, 1) that lie as a map of the script's does, [C,H,W], as ours does.
Tensor noise_map(const std::string& name, const Shape& map) {
  const int64_t H = map[1], W = map[2], C = map[3];
  const std::vector<float> theirs = test::noise(name, H * W * C);
  Tensor t = Tensor::empty(map);
  for (int64_t c = 0; c < C; ++c)
    for (int64_t p = 0; p < H * W; ++p) t.data<float>()[p * C + c] = theirs[static_cast<size_t>(c * H * W + p)];
  return t;
}

struct GoldenTrunk {
  std::vector<double> squares, sums;  // of C2 … C5
  std::vector<std::pair<std::string, double>> gradient_norms;
};

void check_trunk(const ResNetConfig& config, const ResNet::Extent& extent, const GoldenTrunk& want) {
  Parameters parameters;
  const ResNet trunk(parameters, "", config, extent);
  parameters.pack(0);
  test::set_golden_weights(parameters);
  parameters.zero_gradients();
  const Features f = trunk(Var(test::golden_image(96, 128)), false);
  REQUIRE(f.maps.size() == want.sums.size());
  for (size_t k = 0; k < f.maps.size(); ++k) {
    const Tensor v = noise_map(str("C", k + 2), f.maps[k].shape()), map = f.maps[k].value();
    double squares = 0, sum = 0;
    for (int64_t i = 0; i < map.numel(); ++i) {
      squares += map.at(i) * map.at(i);
      sum += map.at(i) * v.at(i);
    }
    INFO("C" << k + 2);
    CHECK(squares / static_cast<double>(map.numel()) == Approx(want.squares[k]).epsilon(1e-4));
    CHECK(std::abs(sum - want.sums[k]) < 1e-4 * std::sqrt(squares));
  }
  backward(mean(multiply(f.maps.back(), Var(noise_map("C5", f.maps.back().shape())))));
  test::check_gradient_norms(parameters, want.gradient_norms);
}

// With a classifier's last layer of 1000 classes, but without statistics, as programs count.
int64_t classifier_size(const ResNetConfig& config) {
  Parameters parameters;
  const ResNet trunk(parameters, "", config);
  int64_t n = 1000 * (trunk.channels().back() + 1);
  for (const Parameter& p : parameters.all())
    if (!p.name.ends_with("running_mean") && !p.name.ends_with("running_var")) n += p.var.shape().numel();
  return n;
}

}  // namespace

TEST_CASE("a narrow ResNeXt has torchvision's maps and gradients", "[models][resnet][parity]") {
  using namespace golden::classifiers;
  check_trunk(narrow(4, 2), {}, {resnext_squares, resnext_sums, resnext_gradient_norms});
}

TEST_CASE("a narrow ResNet with a dilated res5 has torchvision's maps and gradients", "[models][resnet][parity]") {
  using namespace golden::classifiers;
  check_trunk(narrow(1, 0), {.last = 5, .dilated = true}, {dilated_squares, dilated_sums, dilated_gradient_norms});
}

TEST_CASE("ResNets and ResNeXts have as many parameters as published", "[models][resnet]") {
  struct Published {
    int64_t depth, groups, group_width, parameters;
  };
  for (const Published& p : {Published{18, 1, 0, 11'689'512}, Published{34, 1, 0, 21'797'672}, Published{50, 1, 0, 25'557'032},
                             Published{101, 1, 0, 44'549'160}, Published{152, 1, 0, 60'192'808}, Published{50, 32, 4, 25'028'904},
                             Published{101, 64, 4, 83'455'272}, Published{101, 32, 8, 88'791'336}, Published{152, 32, 8, 122'372'392}}) {
    ResNetConfig c;
    c.depth = p.depth;
    c.groups = p.groups;
    c.group_width = p.group_width;
    INFO("depth " << p.depth << ", " << p.groups << " groups of " << p.group_width);
    CHECK(classifier_size(c) == p.parameters);
  }
}

TEST_CASE("a group's 3x3 holds the weights of its own channels", "[models][resnet]") {
  Parameters parameters;
  ResNetConfig c;
  c.groups = 64;
  c.group_width = 4;
  const ResNet trunk(parameters, "", c);
  CHECK(parameters.find("layer1.0.conv2.weight")->var.shape() == Shape{256, 3, 3, 4});
  CHECK(parameters.find("layer4.0.conv2.weight")->var.shape() == Shape{2048, 3, 3, 32});
  CHECK(parameters.find("layer4.0.conv3.weight")->var.shape() == Shape{2048, 1, 1, 2048});
}

TEST_CASE("C2 to C5 halve the map, and a dilated res5 keeps it", "[models][resnet]") {
  Parameters plain, dilated, short_one;
  const ResNet a(plain, "", narrow(1, 0)), b(dilated, "", narrow(1, 0), {.last = 5, .dilated = true}),
      c(short_one, "", narrow(1, 0), {.last = 4});
  CHECK(a.strides() == std::vector<int>{4, 8, 16, 32});
  CHECK(b.strides() == std::vector<int>{4, 8, 16, 16});
  CHECK(c.strides() == std::vector<int>{4, 8, 16});
  CHECK(a.channels() == std::vector<int64_t>{32, 64, 128, 256});
  CHECK(short_one.find("layer4.0.conv1.weight") == nullptr);
  for (Parameters* p : {&plain, &dilated, &short_one}) p->pack(4);
  const Var image(test::golden_image(64, 96));
  const Features fa = a(image, false), fb = b(image, false), fc = c(image, false);
  CHECK(fa.maps[3].shape() == Shape{1, 2, 3, 256});
  CHECK(fb.maps[3].shape() == Shape{1, 4, 6, 256});
  // The same weights, drawn by name, up to where they part.
  for (const Features* f : {&fb, &fc})
    for (int64_t i = 0; i < fa.maps[2].value().numel(); ++i) REQUIRE(f->maps[2].value().at(i) == fa.maps[2].value().at(i));
}

TEST_CASE("a ResNet's single map is the trunk's last one", "[models][resnet]") {
  const struct {
    ResNetOutput output;
    int stride;
    int64_t channels;
    const char* name;
  } kinds[] = {{ResNetOutput::c4, 16, 128, "C4"}, {ResNetOutput::c5, 32, 256, "C5"}, {ResNetOutput::dc5, 16, 256, "C5"}};
  for (const auto& k : kinds) {
    Parameters p;
    const ResNetMap backbone(p, {narrow(1, 0), k.output});
    p.pack(1);
    REQUIRE(backbone.levels().size() == 1);
    CHECK(backbone.levels()[0].name == k.name);
    CHECK(backbone.levels()[0].stride == k.stride);
    CHECK(backbone.levels()[0].channels == k.channels);
    CHECK(backbone.divisor() == k.stride);
    const Features f = backbone(Var(test::golden_image(64, 96)), false);
    REQUIRE(f.maps.size() == 1);
    CHECK(f.maps[0].shape() == Shape{1, 64 / k.stride, 96 / k.stride, k.channels});
    CHECK(f.strides == std::vector<int>{k.stride});
  }
}

TEST_CASE("groups that do not divide, or have no convolution to divide, are named", "[models][resnet]") {
  ModelConfig c;
  const auto with = [&c](int64_t depth, int64_t groups, int64_t group_width, NormKind norm = NormKind::frozen) {
    ResNetConfig& r = resnet_of(c, "test");
    r.depth = depth;
    r.groups = groups;
    r.group_width = group_width;
    r.norm = norm;
    validate(c);
  };
  CHECK_THROWS_WITH(with(50, 0, 4), Contains("model.backbone.groups: must be 1 or more, got 0"));
  CHECK_THROWS_WITH(with(50, 3, 0), Contains("model.backbone.groups: must divide width 64 where group_width is 0, got 3"));
  CHECK_THROWS_WITH(with(50, 32, -1), Contains("model.backbone.group_width: must be 0 or more, got -1"));
  CHECK_THROWS_WITH(with(34, 32, 4), Contains("model.backbone.groups: depth 34 has no bottlenecks") && Contains("got 32 and 4"));
  CHECK_THROWS_WITH(with(50, 3, 4, NormKind::group), Contains("model.backbone.group_width: group norm needs a multiple of 32 channels"));
  with(101, 64, 4, NormKind::group);
  with(50, 1, 128);  // a wide ResNet
}
