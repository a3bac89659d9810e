#include "data/cache/held.h"
#include "data/proposals/proposal_set.h"
#include "data/scenes/scene_dataset.h"
#include "tests/catch.h"

using namespace mr;

TEST_CASE("pictures that are held smaller have their proposals smaller, too", "[cache][proposals]") {
  SceneOptions options;
  options.images = 1;
  options.height = 64;
  options.width = 97;
  const auto scenes = std::make_shared<SceneDataset>(options);
  const auto set = std::make_shared<ProposalSet>("boxes");
  set->add(scenes->info(0).image_id, {{{1, 0, 10, 10}, 0.5f}, {{60, 30, 97, 64}, 0.75f}});
  const auto given = with_proposals(scenes, set, "data.proposals");
  const HeldPictures whole(given, 1, nullptr), half(given, 2, nullptr);
  CHECK(whole.sample(0).proposals == given->proposals(0));
  REQUIRE(half.sample(0).proposals.size() == 2);
  CHECK(half.sample(0).proposals[0].box == Box{30, 15, 48.5f, 32});
  CHECK(half.sample(0).proposals[1].box == Box{0.5f, 0, 5, 5});
  CHECK(half.proposals(0) == half.sample(0).proposals);
}
