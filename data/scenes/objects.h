// The things of the eight classes, each drawn from a few random proportions into a Model standing at its place.
// Size: half extents of the footprint and the height, needed before drawing, to place things apart.
#pragma once

#include "data/scenes/model.h"

namespace mr::scenes {

enum class Kind : uint8_t { person, rider, car, truck, bus, train, motorcycle, bicycle };  // label − 1; Cityscapes' order

struct Size {
  double half_length = 0.3, half_width = 0.3, height = 1.8;
};

// Any colour that cars, clothes, walls and bins come in: one palette for all, so that colour alone tells nothing.
Colour any_colour(Dice& dice);

Size car_size(Dice& dice);
Size truck_size(Dice& dice);
Size bus_size(Dice& dice);
Size train_size(Dice& dice);

void draw_car(Model& m, Size size, Dice& dice);
void draw_truck(Model& m, Size size, Dice& dice);
void draw_bus(Model& m, Size size, Dice& dice);
void draw_train(Model& m, Size size, Dice& dice);

void draw_person(Model& m, double height, Dice& dice);

// What holds a rider: where seat, handlebar and pedals are.
struct Saddle {
  V3 hip, hands, left_foot, right_foot;
  double lean = 0.2;
  bool helmet = false;
};
Saddle draw_bicycle(Model& m, Dice& dice);  // parts are added, not yet drawn: a rider's limbs go between them
Saddle draw_motorcycle(Model& m, Dice& dice);
void draw_rider(Model& m, const Saddle& saddle, Dice& dice);

}  // namespace mr::scenes
