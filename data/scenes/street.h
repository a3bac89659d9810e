// The street that the objects stand on: where road, tracks and pavements run, and everything in the picture that is not an object.
// Street frame: origin on the ground under the camera, z along the street, x to the right; turned by `yaw` against the camera.
#pragma once

#include <vector>

#include "data/scenes/model.h"
#include "data/scenes/order.h"

namespace mr::scenes {

// Cityscapes' label ids of what has no instances.
namespace stuff {
inline constexpr uint16_t ground = 6, static_thing = 4, road = 7, sidewalk = 8, rail_track = 10, building = 11, wall = 12, fence = 13,
                          pole = 17, traffic_light = 19, traffic_sign = 20, vegetation = 21, terrain = 22, sky = 23;
}

struct Lane {
  double x = 0;
  bool towards = false;  // the traffic comes towards the camera
  bool tracks = false;
};

struct Street {
  double yaw = 0;
  double left = -5, right = 5;              // edges of the road
  double left_front = -9, right_front = 9;  // where the buildings begin
  double cross = 0, cross_half = 0;         // a crossing street's middle and half width; cross_half = 0: none
  bool cross_tracks = false;
  std::vector<Lane> lanes;

  V3 place(double x, double z) const { return {x * cosine(yaw) + z * sine(yaw), 0, -x * sine(yaw) + z * cosine(yaw)}; }
};

struct Weather {
  double cloud = 0.5;  // 0 clear … 1 overcast
  double evening = 0;  // 0 noon … 1 low sun
  double haze = 0.003;
};

Street plan_street(Dice& dice, bool wants_tracks);
Weather plan_weather(Dice& dice);
Light plan_light(const Weather& weather, Dice& dice);

void draw_sky(Stage& stage, const Weather& weather, Dice& dice);
void draw_ground(Stage& stage, const Street& street, Dice& dice);
void cast_shadow(Stage& stage, V3 place, double heading, double half_width, double half_length, double height);

// Buildings, trees, poles, signs, bins … each as an Item drawn when its turn comes, none where an item stands already. `clutter` scales
// how many small things stand about.
void add_background(Stage& stage, const Street& street, const Weather& weather, double clutter, uint64_t seed, uint64_t index,
                    std::vector<Item>& items);

}  // namespace mr::scenes
