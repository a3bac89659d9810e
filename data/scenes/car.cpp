#include "data/scenes/vehicle_parts.h"

namespace mr::scenes {

namespace {

enum class Shape : uint8_t { saloon, hatchback, estate, van };

struct Car {
  Model& m;
  Dice& dice;
  Size s;
  double L = s.half_length, W = s.half_width, H = s.height;
  Shape shape = H > 1.75 ? Shape::van : static_cast<Shape>(dice.below(3));
  Paint body{any_colour(dice), 0.05, dice.in(0.1, 0.25), 10}, window = glass(dice), black{near_black, 0.1, 0.1};
  double belt = H * dice.in(0.58, 0.64), sill = 0.22, nose = belt * dice.in(0.74, 0.86);
  // Where the cabin begins and ends, at the belt and at the roof; it narrows from wb to wr.
  double cowl = shape == Shape::van ? L * 0.62 : L * dice.in(0.36, 0.46);
  double deck = shape == Shape::saloon ? -L + dice.in(0.45, 0.7) : -L + 0.08;
  double roof_front = cowl - dice.in(0.55, 0.8);
  double roof_rear = deck + (shape == Shape::saloon ? 0.7 : shape == Shape::hatchback ? dice.in(0.35, 0.6) : 0.2);
  double boot = shape == Shape::saloon ? belt * dice.in(0.94, 1.0) : belt;
  double wb = W - 0.03, wr = W - dice.in(0.18, 0.26);
  Wheels wheels{};

  void draw() {
    const double radius = dice.in(0.3, 0.36), front = L - dice.in(0.72, 0.88), rear = -L + dice.in(0.68, 0.9);
    wheels = {W - 0.02, radius, 0.2, {rear, front}, dice.chance(0.7) ? Colour{0.6f, 0.61f, 0.63f} : Colour{0.2f, 0.2f, 0.22f}};
    wheels.tyres(m);
    lower_body();
    cabin();
    for (const double side : {-1.0, 1.0}) side_windows(side);
    ends();
    wheels.faces(m, dice);
    for (const double x : {-1.0, 1.0})  // mirrors
      m.hull({{{x * (W + 0.05), belt + 0.08, cowl - 0.3}, 0.07}, {{x * (W + 0.15), belt + 0.09, cowl - 0.32}, 0.07}}, body);
    if (dice.chance(0.12)) load_on_roof();
    m.draw_in_order();
  }

 private:
  void lower_body() {
    long_box(m, W - 0.12, sill - 0.04, belt - 0.1, -L + 0.25, L - 0.25, black);
    std::vector<V2> profile{{-L + 0.06, sill + 0.03}};
    for (const double z : wheels.axles) add_arch(profile, z, wheels.radius * 1.14, sill, wheels.radius);
    for (const V2 p : {V2{L - 0.05, sill}, V2{L, sill + 0.16}, V2{L - 0.02, nose * 0.85}, V2{L - 0.14, nose}, V2{cowl, belt},
                       V2{deck, boot}, V2{-L + 0.04, boot - 0.06}, V2{-L, sill + 0.2}})
      profile.push_back(p);
    m.prism(profile, W, body, body);
  }
  V3 inside() const { return {0, (belt + H) / 2, (cowl + deck) / 2}; }

  void cabin() {
    m.shell({{-wb, belt, cowl}, {wb, belt, cowl}, {wr, H, roof_front}, {-wr, H, roof_front}}, inside(), body);
    m.shell({{-wb, boot, deck}, {wb, boot, deck}, {wr, H, roof_rear}, {-wr, H, roof_rear}}, inside(), body);
    m.shell({{-wr, H, roof_front}, {wr, H, roof_front}, {wr, H, roof_rear}, {-wr, H, roof_rear}}, inside(), body);
    for (const double x : {-1.0, 1.0})
      m.shell({{x * wb, belt, cowl}, {x * wb, boot, deck}, {x * wr, H, roof_rear}, {x * wr, H, roof_front}}, inside(), body);
    const auto pane = [&](double low, double high, double inset) {  // windscreen, rear window
      const auto at = [&](double x, double v) { return V3{x * (wb + (wr - wb) * v), belt + (H - belt) * v, low + (high - low) * v}; };
      m.shell({at(-1 + inset, 0.08), at(1 - inset, 0.08), at(1 - inset, 0.9), at(-1 + inset, 0.9)}, inside(), window);
    };
    pane(cowl, roof_front, 0.1);
    pane(deck, roof_rear, 0.14);
  }

  void side_windows(double side) {
    const auto at = [&](double u, double v) {  // u from rear to front, v from belt to roof
      const double low = deck + (cowl - deck) * u, high = roof_rear + (roof_front - roof_rear) * u;
      return V3{side * (wb + (wr - wb) * v), belt + (H - belt) * v, low + (high - low) * v};
    };
    const double split = dice.in(0.46, 0.52);
    const bool closed = shape == Shape::van && dice.chance(0.5);
    if (!closed) m.shell({at(0.08, 0.14), at(split - 0.02, 0.14), at(split - 0.02, 0.86), at(0.08, 0.86)}, inside(), window);
    m.shell({at(split + 0.02, 0.14), at(0.94, 0.14), at(0.94, 0.86), at(split + 0.02, 0.86)}, inside(), window);
    if (!near_side(m, side)) return;
    const double door = deck + (cowl - deck) * split;
    patch_x(m, side * (W + 0.003), door - 0.012, door + 0.012, sill + 0.1, belt, black);
    patch_x(m, side * (W + 0.003), door - 0.25, door - 0.1, belt - 0.14, belt - 0.1, black);
  }

  void ends() {
    patch_z(m, L + 0.005, -W * 0.5, W * 0.5, nose * 0.62, nose * 0.85, black);
    patch_z(m, L + 0.005, -W * 0.85, W * 0.85, sill + 0.02, sill + 0.14, black);
    patch_z(m, L + 0.01, -0.26, 0.26, sill + 0.16, sill + 0.27, {number_plate});
    both_lamps(m, L + 0.006, W * 0.58, W * 0.95, nose * 0.7, nose * 0.9, {head_lamp, 0.05, 0.1});
    patch_z(m, -L - 0.005, -W * 0.9, W * 0.9, sill, sill + 0.14, black);
    patch_z(m, -L - 0.01, -0.26, 0.26, belt * 0.62, belt * 0.62 + 0.11, {number_plate});
    const Colour tail = dice.chance(0.3) ? Colour{0.95f, 0.15f, 0.1f} : tail_lamp;  // braking
    both_lamps(m, -L - 0.006, W * 0.66, W * 0.95, belt * 0.68, belt * 0.92, {tail, 0.05, 0.1});
  }

  void load_on_roof() {
    if (dice.chance(0.5)) {  // a taxi's sign, or a box
      long_box(m, 0.25, H, H + 0.14, roof_front - 0.6, roof_front - 0.4, {{0.9f, 0.8f, 0.3f}});
    } else {
      long_box(m, wr * 0.8, H + 0.05, H + 0.3, roof_rear + 0.2, roof_front - 0.3, black);
    }
  }
};

}  // namespace

Size car_size(Dice& dice) { return {dice.in(1.8, 2.4), dice.in(0.84, 0.94), dice.chance(0.3) ? dice.in(1.62, 1.95) : dice.in(1.38, 1.55)}; }

void draw_car(Model& m, Size size, Dice& dice) { Car{m, dice, size}.draw(); }

}  // namespace mr::scenes
