#include <algorithm>

#include "data/scenes/vehicle_parts.h"

namespace mr::scenes {

namespace {

struct Bus {
  Model& m;
  Dice& dice;
  Size s;
  double L = s.half_length, W = s.half_width, H = s.height, floor = 0.3;
  int decks = H > 3.6 ? 2 : 1;
  Paint body{any_colour(dice), 0.05, 0.12, 6}, trim{any_colour(dice), 0.05, 0.1, 6}, black{near_black, 0.1, 0.1}, window = glass(dice);

  void draw() {
    const double front = L - dice.in(2.2, 2.7), rear = -L + dice.in(2.6, 3.2);
    const Wheels wheels{W - 0.03, 0.47, 0.3, {rear, front}, {0.5f, 0.5f, 0.5f}};
    if (!front_is_nearer(m)) mirrors();
    wheels.tyres(m);
    long_box(m, W - 0.2, floor, 1.2, -L + 0.4, L - 0.4, black);
    std::vector<V2> profile{{-L, floor + 0.1}};
    for (const double z : wheels.axles) add_arch(profile, z, wheels.radius * 1.12, floor, wheels.radius);
    for (const V2 p : {V2{L, floor}, V2{L, 1.2}, V2{L - 0.08, H - 0.25}, V2{L - 0.3, H}, V2{-L + 0.2, H}, V2{-L, H - 0.2}})
      profile.push_back(p);
    m.prism(profile, W, body, body);
    for (const double side : {-1.0, 1.0})
      if (near_side(m, side)) draw_side(side * (W + 0.005));
    front_end();
    rear_end();
    wheels.faces(m, dice);
    if (front_is_nearer(m)) mirrors();
    m.draw_in_order();
  }

 private:
  void draw_side(double x) {
    const bool band = dice.chance(0.6);
    const double pitch = dice.in(1.2, 1.7);
    if (dice.chance(0.6)) patch_x(m, x, -L, L - 0.02, floor + 0.25, floor + dice.in(0.45, 0.75), trim);
    for (int deck = 0; deck < decks; ++deck) {
      const double y0 = deck == 0 ? 1.15 : 2.6, y1 = deck == 1 ? H - 0.4 : decks == 2 ? 2.1 : H - 0.55;
      if (band) patch_x(m, x, -L + 0.15, L - 0.1, y0, y1, window);
      for (double z = -L + 0.3; z + pitch - 0.12 < L - 0.2; z += pitch) {
        if (band) {
          patch_x(m, x, z - 0.06, z, y0, y1, {0.7f * body.colour});
        } else {
          patch_x(m, x, z, z + pitch - 0.14, y0, y1, window);
        }
      }
    }
    if (x < 0) return;
    for (const double z : {L - 1.5, dice.in(-1.2, 0.4)}) {  // doors on the kerb's side
      patch_x(m, x + 0.002, z, z + 1.25, floor + 0.08, 2.35, {0.6f * trim.colour});
      patch_x(m, x + 0.004, z + 0.08, z + 0.6, floor + 0.2, 2.25, window);
      patch_x(m, x + 0.004, z + 0.66, z + 1.18, floor + 0.2, 2.25, window);
    }
  }

  void front_end() {
    const auto pane = [&](double x, double y0, double y1, const Paint& p) {  // the front leans back above y = 1.2
      const auto z = [&](double y) { return L + 0.01 - 0.08 * std::max(0.0, y - 1.2) / (H - 1.45); };
      m.shell({{-x, y0, z(y0)}, {x, y0, z(y0)}, {x, y1, z(y1)}, {-x, y1, z(y1)}}, {0, 1, 0}, p);
    };
    pane(W - 0.12, 1.05, H - 0.62, window);
    pane(W * 0.7, H - 0.55, H - 0.28, dice.chance(0.6) ? Paint{{0.85f, 0.6f, 0.15f}, 0.4, 0.1, 20} : black);
    patch_z(m, L + 0.012, -W * 0.95, W * 0.95, floor, floor + 0.2, black);
    patch_z(m, L + 0.014, -0.26, 0.26, 0.42, 0.53, {number_plate});
    both_lamps(m, L + 0.012, W * 0.62, W * 0.92, 0.58, 0.8, {head_lamp});
  }

  void rear_end() {
    patch_z(m, -L - 0.005, -W + 0.2, W - 0.2, 1.4, H - 0.6, window);
    patch_z(m, -L - 0.005, -W * 0.6, W * 0.6, 0.6, 1.1, black);
    patch_z(m, -L - 0.01, -0.26, 0.26, 0.42, 0.53, {number_plate});
    both_lamps(m, -L - 0.012, W * 0.62, W * 0.92, 0.7, 1.2, {tail_lamp});
  }

  void mirrors() {
    for (const double x : {-1.0, 1.0}) {
      m.tube({x * (W - 0.1), H - 0.35, L - 0.05}, {x * (W + 0.18), H - 0.6, L + 0.25}, 0.035, 0.035, black);
      m.hull({{{x * (W + 0.18), H - 0.6, L + 0.25}, 0.09}, {{x * (W + 0.18), H - 1.05, L + 0.25}, 0.09}}, black);
    }
  }
};

}  // namespace

Size bus_size(Dice& dice) { return {dice.in(4.6, 6.4), dice.in(1.2, 1.3), dice.chance(0.15) ? dice.in(3.9, 4.3) : dice.in(2.9, 3.3)}; }

void draw_bus(Model& m, Size size, Dice& dice) { Bus{m, dice, size}.draw(); }

}  // namespace mr::scenes
