#include <algorithm>

#include "data/scenes/vehicle_parts.h"

namespace mr::scenes {

namespace {

// A tram or light train: sections joined by bellows, skirts over the wheels, sloping ends, a pantograph.
struct Train {
  Model& m;
  Dice& dice;
  Size s;
  double L = s.half_length, W = s.half_width, H = s.height;
  Paint body{any_colour(dice), 0.05, 0.1, 5}, trim{any_colour(dice), 0.05, 0.08, 5}, window = glass(dice);
  Paint black{near_black, 0.1, 0.1}, grey{{0.33f, 0.33f, 0.34f}, 0.1, 0.1};
  int sections = std::max(2, static_cast<int>(2 * L / dice.in(5.5, 8)));
  double length = 2 * L / sections, slope = dice.in(0.5, 1.3), skirt = dice.in(0.18, 0.4), pitch = dice.in(1.0, 1.6);
  bool two_tone = dice.chance(0.6);

  // From either end towards the section beside the camera.
  void draw() {
    const int nearest = std::clamp(static_cast<int>((m.camera().z + L) / length), 0, sections - 1);
    for (int k = 0; k < nearest; ++k) {
      section(k);
      bellows(k + 1);
    }
    for (int k = sections - 1; k > nearest; --k) {
      section(k);
      bellows(k);
    }
    section(nearest);
    pantograph(-L + length * 1.2);
    m.draw_in_order();
  }

 private:
  void section(int k) {
    const bool head = k + 1 == sections, tail = k == 0;
    const double z0 = -L + k * length + (tail ? 0 : 0.22), z1 = -L + (k + 1) * length - (head ? 0 : 0.22);
    long_box(m, W - 0.35, 0.05, skirt + 0.1, z0 + 0.8, z1 - 0.8, black);  // bogies
    std::vector<V2> p{{z0 + (tail ? 0.15 : 0.0), skirt}, {z1 - (head ? 0.15 : 0.0), skirt}};
    if (head) p.insert(p.end(), {{z1, 0.75}, {z1 - 0.1, 1.2}, {z1 - slope, H - 0.15}, {z1 - slope - 0.3, H}});
    if (!head) p.insert(p.end(), {{z1, H - 0.1}, {z1 - 0.1, H}});
    if (tail) p.insert(p.end(), {{z0 + slope + 0.3, H}, {z0 + slope, H - 0.15}, {z0 + 0.1, 1.2}, {z0, 0.75}});
    if (!tail) p.insert(p.end(), {{z0 + 0.1, H}, {z0, H - 0.1}});
    m.prism(p, W, body, body);
    for (const double side : {-1.0, 1.0})
      if (near_side(m, side)) draw_side(side * (W + 0.005), z0 + (tail ? slope * 0.5 + 0.1 : 0.0), z1 - (head ? slope * 0.5 + 0.1 : 0.0));
    if (head) draw_end(1);
    if (tail) draw_end(-1);
    long_box(m, W * 0.6, H, H + 0.22, z0 + length * 0.3, z1 - length * 0.35, grey);
  }

  void draw_side(double x, double z0, double z1) {
    if (two_tone) patch_x(m, x, z0, z1, skirt + 0.1, 1.0, trim);
    for (double z = z0 + 0.25; z + pitch < z1 - 0.1; z += pitch) patch_x(m, x, z, z + pitch - 0.12, 1.25, H - 0.75, window);
    const double door = (z0 + z1) / 2 - 0.65;
    patch_x(m, x * 1.001, door, door + 1.3, skirt + 0.05, H - 0.65, {0.8f * trim.colour, 0.05, 0.05});
    patch_x(m, x * 1.002, door + 0.1, door + 0.6, skirt + 0.5, H - 0.8, window);
    patch_x(m, x * 1.002, door + 0.7, door + 1.2, skirt + 0.5, H - 0.8, window);
  }

  void draw_end(double end) {
    const double z = end * L;
    const auto pane = [&](double low, double high, double y0, double y1, const Paint& p) {  // on the slope; half widths low and high
      const auto at = [&](double x, double y) { return V3{x, y, z - end * (0.1 + (slope - 0.1) * (y - 1.2) / (H - 1.35) - 0.015)}; };
      m.shell({at(-low, y0), at(low, y0), at(high, y1), at(-high, y1)}, {0, 1, 0}, p);
    };
    pane(W - 0.15, W - 0.25, 1.3, H - 0.65, window);
    pane(W * 0.6, W * 0.6, H - 0.55, H - 0.28, {{0.8f, 0.55f, 0.15f}, 0.4, 0.1, 20});
    both_lamps(m, z * 1.0005, 0.85 * W - 0.17, 0.85 * W + 0.17, 0.78, 0.95, {end > 0 ? head_lamp : tail_lamp});
    m.hull({{{-0.15, 0.5, z}, 0.1}, {{0.15, 0.5, z}, 0.1}, {{0, 0.5, z + end * 0.3}, 0.08}}, black);
  }

  void bellows(int k) {
    const double z = -L + k * length;
    long_box(m, W - 0.12, skirt + 0.1, H - 0.15, z - 0.22, z + 0.22, {{0.15f, 0.15f, 0.16f}, 0.3, 0.1, 15});
  }

  void pantograph(double z) {
    const Paint rod{{0.25f, 0.25f, 0.26f}, 0.05, 0.1};
    m.tube({0, H + 0.2, z - 0.7}, {0, H + 0.75, z + 0.5}, 0.04, 0.04, rod);
    m.tube({0, H + 0.75, z + 0.5}, {0, H + 1.3, z - 0.4}, 0.035, 0.035, rod);
    m.tube({-0.8, H + 1.3, z - 0.4}, {0.8, H + 1.3, z - 0.4}, 0.04, 0.04, rod);
  }
};

}  // namespace

Size train_size(Dice& dice) { return {dice.in(7, 14), dice.in(1.18, 1.32), dice.in(3.3, 3.7)}; }

void draw_train(Model& m, Size size, Dice& dice) { Train{m, dice, size}.draw(); }

}  // namespace mr::scenes
