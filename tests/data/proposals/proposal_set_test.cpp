#include "data/proposals/proposal_set.h"

#include <cmath>

#include "data/transforms/objects.h"
#include "data/transforms/transforms.h"
#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

// Pictures of 40×20 pixels, two objects in each.
class Pictures : public Dataset {
 public:
  explicit Pictures(std::vector<int64_t> ids) : ids_(std::move(ids)) {}
  int64_t size() const override { return static_cast<int64_t>(ids_.size()); }
  const std::vector<std::string>& class_names() const override { return names_; }
  std::vector<int64_t> category_ids() const override { return {1}; }
  ImageInfo info(int64_t i) const override { return {ids_[static_cast<size_t>(i)], 20, 40, ""}; }
  std::vector<Instance> instances(int64_t) const override {
    Instance a, b;
    a.label = b.label = 1;
    a.box = {0, 0, 10, 10};
    b.box = {20, 4, 40, 20};
    return {a, b};
  }
  Sample sample(int64_t i) const override { return {info(i), Image(20, 40), instances(i)}; }

 private:
  std::vector<int64_t> ids_;
  std::vector<std::string> names_ = {"thing"};
};

std::shared_ptr<ProposalSet> two_images() {
  auto set = std::make_shared<ProposalSet>("boxes.json");
  set->add(7, {{{1, 0, 10, 10}, 0.25f}, {{20, 4, 40, 12}, 0.75f}, {{2, 2, 4, 4}, 0.25f}}, PixelSize{20, 40});
  set->add(3, {});
  return set;
}

}  // namespace

TEST_CASE("proposals stand best first, and a dataset gives those of its images", "[proposals]") {
  const auto set = two_images();
  CHECK(set->images() == 2);
  CHECK(set->boxes() == 3);
  CHECK(set->image_ids() == std::vector<int64_t>{3, 7});
  REQUIRE(set->of(7).size() == 3);
  CHECK(set->of(7)[0].score == 0.75f);
  CHECK(set->of(7)[1].box == Box{1, 0, 10, 10});  // of equal scores the earlier
  CHECK(set->of(3).empty());
  const auto data = with_proposals(std::make_shared<Pictures>(std::vector<int64_t>{3, 7}), set, "data.proposals");
  CHECK(data->sample(0).proposals.empty());
  CHECK(data->sample(1).proposals.size() == 3);
  CHECK(data->proposals(1) == data->sample(1).proposals);
  const auto plain = std::make_shared<Pictures>(std::vector<int64_t>{7});
  CHECK(with_proposals(plain, nullptr, "data.proposals") == plain);
  CHECK(plain->sample(0).proposals.empty());
}

TEST_CASE("the hash of proposals is of what they are, not of where they stand", "[proposals]") {
  ProposalSet same("elsewhere.safetensors");
  same.add(3, {});
  same.add(7, {{{20, 4, 40, 12}, 0.75f}, {{1, 0, 10, 10}, 0.25f}, {{2, 2, 4, 4}, 0.25f}});
  const std::string hash = two_images()->hash();
  CHECK(hash.size() == 16);
  CHECK(same.hash() == hash);
  ProposalSet other("elsewhere.safetensors");
  other.add(3, {});
  other.add(7, {{{20, 4, 40, 12}, 0.75f}, {{1, 0, 10, 10.001f}, 0.25f}, {{2, 2, 4, 4}, 0.25f}});
  CHECK(other.hash() != hash);
  same.add(9, {});
  CHECK(same.hash() != hash);
}

TEST_CASE("proposals of other pictures are an error that names file and image", "[proposals]") {
  const auto set = two_images();
  const auto with = [&](std::vector<int64_t> ids) {
    return with_proposals(std::make_shared<Pictures>(std::move(ids)), set, "data.proposals");
  };
  CHECK_THROWS_WITH(with({7, 8, 9}), Contains("data.proposals: boxes.json: has no proposals of 2 of the 3 images, the first of them 8"));
  auto larger = std::make_shared<ProposalSet>("a.pkl");
  larger->add(7, {{{0, 0, 10, 10}, 1}, {{0, 0, 41.5f, 20}, 1}});
  CHECK_THROWS_WITH(with_proposals(std::make_shared<Pictures>(std::vector<int64_t>{7}), larger, "data.val_proposals"),
                    Contains("data.val_proposals: a.pkl: image 7: the box [0, 0, 41.5, 20] is not within the picture of 40×20"));
  auto sized = std::make_shared<ProposalSet>("a.safetensors");
  sized->add(7, {}, PixelSize{40, 80});
  CHECK_THROWS_WITH(with_proposals(std::make_shared<Pictures>(std::vector<int64_t>{7}), sized, "data.proposals"),
                    Contains("image 7: the proposals are of a picture of 80×40, and it is 40×20"));
  CHECK_THROWS_WITH(two_images()->add(7, {}), Contains("boxes.json: image 7: has proposals in two places"));
  CHECK_THROWS_WITH(two_images()->add(8, {{{0, 0, 1, 1}, 1}, {{0, 0, NAN, 1}, 1}}),
                    Contains("image 8: proposal 1: expected finite numbers"));
  CHECK_THROWS_WITH(two_images()->add(8, {{{3, 0, 3, 1}, 1}}),
                    Contains("image 8: proposal 0: expected a box with an extent, got [3, 0, 3, 1]"));
}

TEST_CASE("recall: worked example", "[proposals]") {
  // IoU with the objects: 0.9 of the first, 8·20 of 16·20 = 0.5 of the second
  const Pictures data({7});
  CHECK(recall(data, *two_images(), 0.5, 100) == 1);
  CHECK(recall(data, *two_images(), 0.7, 100) == 0.5);
  CHECK(recall(data, *two_images(), 0.5, 1) == 0.5);  // the best alone
  CHECK(recall(Pictures({3}), *two_images(), 0.5, 100) == 0);
  CHECK(recall(Pictures({}), *two_images(), 0.5, 100) == 0);
}

TEST_CASE("a box goes where the pixels go, whatever is done to them", "[proposals]") {
  // A picture that is white inside the box alone: after any change the white pixels fill the changed box.
  const auto boxes_of_pixels = [](const Image& image) {
    Box b{1e6f, 1e6f, 0, 0};
    for (int y = 0; y < image.height; ++y)
      for (int x = 0; x < image.width; ++x)
        if (image.at(y, x)[0] > 127)
          b = {std::min(b.x1, static_cast<float>(x)), std::min(b.y1, static_cast<float>(y)), std::max(b.x2, static_cast<float>(x + 1)),
               std::max(b.y2, static_cast<float>(y + 1))};
    return b;
  };
  Image image(24, 36);
  const Box box{4, 8, 16, 12};
  for (int y = 8; y < 12; ++y)
    for (int x = 4; x < 16; ++x)
      for (int c = 0; c < 3; ++c) image.at(y, x)[c] = 255;
  for (int turns = 0; turns < 4; ++turns)
    for (const bool across : {false, true})
      for (const bool down : {false, true})
        for (const Window& window : {Window{0, 0, 24, 36}, Window{4, 2, 16, 20}, Window{10, 10, 12, 24}}) {
          PixelChange c{.window = window, .height = 2 * window.height, .width = 2 * window.width, .quarter_turns = turns};
          c.flip_horizontal = across;
          c.flip_vertical = down;
          INFO(turns << " turns, flips " << across << down << ", window at " << window.x);
          const Box b = changed(box, c), seen = boxes_of_pixels(changed(image, c));
          for (const auto& [mine, pixels] : {std::pair{b.x1, seen.x1}, {b.y1, seen.y1}, {b.x2, seen.x2}, {b.y2, seen.y2}})
            CHECK(std::abs(mine - pixels) <= 1);  // bilinear edges
        }
}

TEST_CASE("transforms of a sample take its proposals along", "[proposals]") {
  const auto data = with_proposals(std::make_shared<Pictures>(std::vector<int64_t>{7}), two_images(), "data.proposals");
  Sample s = data->sample(0);
  flip_horizontal(s);
  CHECK(s.proposals[1].box == Box{30, 0, 39, 10});
  flip_vertical(s);
  CHECK(s.proposals[1].box == Box{30, 10, 39, 20});
  rotate90(s, 1);
  CHECK(s.proposals[1].box == Box{10, 1, 20, 10});
  resize(s, 80, 40);
  CHECK(s.proposals[1].box == Box{20, 2, 40, 20});
  crop(s, {0, 20, 10, 20}, 10, 20);
  REQUIRE(s.proposals.size() == 2);  // the third lies outside
  CHECK(s.proposals[0].box == Box{0, 2, 20, 10});
  CHECK(s.proposals[1].box == Box{12, 4, 16, 8});
  CHECK(s.proposals[0].score == 0.25f);

  TransformOptions options;
  options.min_sides = {40};
  options.flip_horizontal = 1;
  Sample augmented = data->sample(0);
  augment(augmented, options, 1, 0, 0);
  CHECK(augmented.proposals[1].box == Box{60, 0, 78, 20});
}
