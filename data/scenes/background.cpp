#include "data/scenes/roadside.h"

namespace mr::scenes {

// What closes the view: hills of trees and far blocks, in the haze.
void draw_backdrop(const Surroundings& at, Dice dice) {
  for (int layer = 0; layer < 2; ++layer) {
    const double z = layer == 0 ? 190 : 120;
    for (double x = -z * 0.75; x < z * 0.75; x += dice.in(8, 22)) {
      const bool wood = dice.chance(0.5);
      Model m(at.stage, {x, 0, z}, 0, wood ? stuff::vegetation : stuff::building);
      const double w = dice.in(6, 15), h = (layer == 0 ? 1.2 : 1) * dice.in(6, wood ? 13 : 24);
      if (wood) {
        std::vector<V2> shape;
        const V2 c = at.stage.camera.project({x, 0, z});
        const double px = at.stage.camera.f / z;
        for (int k = 0; k <= 16; ++k) {
          const double a = pi * k / 16;
          shape.push_back({c.x - w * px * cosine(a), c.y - h * px * sine(a) * dice.in(0.8, 1.05)});
        }
        m.outline(shape, {0, h / 2, 0}, {{0.25f, 0.34f, 0.17f}, 0.4, 0.2, 1});
      } else {
        const Colour c = wall_colour(dice);
        m.box({-w / 2, 0, 0}, {w / 2, h, 10}, {c, 0.1, 0.05, 1});
        for (double y = 3; y + 1.5 < h; y += 3)
          m.face({{-w * 0.42, y, -0.1}, {w * 0.42, y, -0.1}, {w * 0.42, y + 1.3, -0.1}, {-w * 0.42, y + 1.3, -0.1}},
                 {0.72f * c, 0.6, 0, 8});
      }
      m.draw_in_order();
    }
  }
}

namespace {

// Lines one side of the street, then the other.
struct Background {
  Surroundings at;
  double clutter;
  uint64_t seed, index;
  std::vector<Item>& items;
  Dice dice{seed, "scene/background", index};
  size_t objects = items.size();  // the first of them
  uint64_t part = 0;

  void line(double side) {
    const bool park = dice.chance(0.15);  // trees in place of houses
    houses(side, park);
    if (dice.chance(park ? 1.0 : 0.55)) trees(side, park);
    lamps(side);
    signs(side);
    small_things(side);
  }

 private:
  double front(double side) const { return side > 0 ? at.street.right_front : at.street.left_front; }
  double edge(double side) const { return side > 0 ? at.street.right : at.street.left; }
  bool on_crossing(double z0, double z1) const {
    const double reach = at.street.cross_half + 3;
    return at.street.cross_half > 0 && z1 > at.street.cross - reach && z0 < at.street.cross + reach;
  }
  Dice own_dice() { return Dice(seed, "scene/thing", index, ++part); }

  template <class Draw> void add(double x, double z, double half_width, double half_length, double height, Draw draw) {
    Item item;
    place_footprint(item, at.street.place(x, z), at.street.yaw, half_width, half_length);
    for (size_t k = 0; k < objects; ++k)
      if (overlap(item, items[k])) return;
    cast_shadow(at.stage, at.street.place(x, z), at.street.yaw, half_width, half_length, height);
    item.draw = [draw, at = at, d = own_dice()] { draw(at, d); };
    items.push_back(std::move(item));
  }

  void houses(double side, bool park) {
    for (double z = dice.in(-16, -8); z < 110;) {
      const double length = dice.in(8, 20), end = z + length, height = dice.chance(0.2) ? dice.in(15, 28) : dice.in(6, 15);
      const double facade = front(side) + (dice.chance(0.3) ? side * dice.in(0, 2) : 0);
      const bool crossing = on_crossing(z, end);
      if (!crossing && end > 0.5 && !(park && z > 4) && dice.chance(0.92))
        add(facade + side * 6, (z + end) / 2, 6, length / 2, height,
            [=](const Surroundings& s, const Dice& d) { draw_building(s, side, facade, z, end, height, d); });
      z = end + (crossing ? 0.5 : dice.chance(0.25) ? dice.in(1, 6) : 0);
    }
  }

  void trees(double side, bool park) {
    const double spacing = dice.in(7, 14);
    for (double z = dice.in(5, 14); z < 70; z += spacing * dice.in(0.8, 1.3)) {
      const double off = dice.in(0.7, 1.2), x = edge(side) + side * (off + (park ? dice.in(0, 5) : 0));
      if (!on_crossing(z - 1, z + 1)) add(x, z, 0.2, 0.2, 4, [=](const Surroundings& s, const Dice& d) { draw_tree(s, x, z, d); });
    }
  }

  void lamps(double side) {
    const double x = edge(side) + side * 0.5;
    for (double z = dice.in(4, 18); z < 80; z += dice.in(16, 28))
      if (!on_crossing(z - 1, z + 1)) add(x, z, 0.1, 0.1, 6, [=](const Surroundings& s, const Dice& d) { draw_lamp(s, x, z, d); });
  }

  void signs(double side) {
    const double x = edge(side) + side * 0.4;
    for (int i = dice.below(3); i > 0; --i) {
      const double z = dice.in(5, 40);
      if (!on_crossing(z, z)) add(x, z, 0.1, 0.1, 2.5, [=](const Surroundings& s, const Dice& d) { draw_sign(s, x, z, d); });
    }
    if (at.street.cross_half == 0 || !dice.chance(0.7)) return;
    const double z = at.street.cross - at.street.cross_half - 2.7;
    add(x, z, 0.2, 0.2, 3.5, [=](const Surroundings& s, const Dice& d) { draw_traffic_light(s, x, z, d); });
  }

  void small_things(double side) {
    for (int i = static_cast<int>(clutter * dice.in(0, 5)); i > 0; --i) {
      const double across = dice.in(0.2, 0.9), x = edge(side) + (front(side) - edge(side)) * across, z = dice.in(4, 34);
      if (!on_crossing(z - 1, z + 1)) add(x, z, 0.5, 0.5, 1.2, [=](const Surroundings& s, const Dice& d) { draw_clutter(s, x, z, d); });
    }
  }
};

}  // namespace

void add_background(Stage& stage, const Street& street, const Weather& weather, double clutter, uint64_t seed, uint64_t index,
                    std::vector<Item>& items) {
  const Surroundings at{stage, street, weather};
  draw_backdrop(at, Dice(seed, "scene/backdrop", index));
  Background b{at, clutter, seed, index, items};
  for (const double side : {-1.0, 1.0}) b.line(side);
}

}  // namespace mr::scenes
