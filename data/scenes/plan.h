// Who is in a scene and where: groups of the wanted kinds, placed apart from one another, in the picture, none hidden altogether.
#pragma once

#include <vector>

#include "data/scenes/objects.h"
#include "data/scenes/scene.h"
#include "data/scenes/street.h"

namespace mr::scenes {

// What is drawn together: somebody on a bicycle is one group of two objects.
enum class Group : uint8_t { person, ridden_bicycle, ridden_motorcycle, bicycle, motorcycle, car, truck, bus, train };

struct Thing {
  Group group{};
  double x = 0, z = 0, heading = 0;  // in the street
  Size size;
  uint64_t part = 0;  // key of its random numbers
  Item footprint;
};

// Which groups to place, the large ones first: they need the room.
std::vector<Group> choose_groups(const SceneOptions& options, Dice& dice);
// Those of them that found a place.
std::vector<Thing> place_things(const SceneOptions& options, int64_t index, const std::vector<Group>& wanted, const Street& street,
                                const Camera& camera);
Dice dice_of(const SceneOptions& options, int64_t index, const Thing& thing);

}  // namespace mr::scenes
