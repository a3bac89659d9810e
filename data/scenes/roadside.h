// What stands along the street and is no object of the eight classes. Positions are in the street's frame.
#pragma once

#include "data/scenes/street.h"

namespace mr::scenes {

struct Surroundings {
  Stage& stage;
  const Street& street;
  const Weather& weather;

  Model model(double x, double z, double turn, uint16_t owner) const { return Model(stage, street.place(x, z), street.yaw + turn, owner); }
};

// side −1 left, 1 right; front: where its facade stands; from z0 to z1 along the street.
void draw_building(const Surroundings& at, double side, double front, double z0, double z1, double height, Dice dice);
Colour wall_colour(Dice& dice);

void draw_tree(const Surroundings& at, double x, double z, Dice dice);
void draw_lamp(const Surroundings& at, double x, double z, Dice dice);
void draw_sign(const Surroundings& at, double x, double z, Dice dice);
void draw_traffic_light(const Surroundings& at, double x, double z, Dice dice);
// Small things, some of which are nearly something else: pillars and bins as tall as people, boxes like vans, hoops like wheels.
void draw_clutter(const Surroundings& at, double x, double z, Dice dice);
void draw_backdrop(const Surroundings& at, Dice dice);

}  // namespace mr::scenes
