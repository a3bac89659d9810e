#include <algorithm>

#include "data/scenes/objects.h"
#include "data/scenes/roadside.h"

namespace mr::scenes {

Colour wall_colour(Dice& dice) {
  if (dice.chance(0.35)) return any_colour(dice);
  static constexpr Colour walls[] = {{0.74f, 0.68f, 0.58f}, {0.66f, 0.58f, 0.48f}, {0.8f, 0.77f, 0.7f},  {0.55f, 0.36f, 0.28f},
                                     {0.62f, 0.6f, 0.57f},  {0.7f, 0.62f, 0.44f},  {0.48f, 0.44f, 0.42f}};
  const double light = dice.in(0.85, 1.1);
  return light * dice.one_of(walls);
}

namespace {

// A house: its facade along the street, windows floor by floor, a shop below, the end wall towards the camera.
struct Building {
  const Surroundings& at;
  Model m;
  Dice& dice;
  double side, x0, z0, z1, height;  // x0: of the facade
  double x1 = x0 + side * dice.in(9, 14);
  V3 inside{(x0 + x1) / 2, height / 2, (z0 + z1) / 2};
  Colour wall = wall_colour(dice);
  Paint plaster{wall, dice.in(0.06, 0.16), 0.08, dice.in(2, 7)};
  double shop = dice.chance(0.45) ? dice.in(3.2, 4.2) : 1.0, storey = dice.in(2.7, 3.5), bay = dice.in(1.5, 2.8);
  double window_width = bay * dice.in(0.4, 0.62), window_height = storey * dice.in(0.45, 0.62), dark = dice.in(0.12, 0.3);
  Paint pane{mix(Colour{static_cast<float>(dark), static_cast<float>(dark * 1.05), static_cast<float>(dark * 1.12)}, at.stage.light.haze,
                 dice.in(0, 0.25)),
             0.3, 0.15, 2};
  Paint lit{{1.0f, 0.82f, 0.5f}, 0.15, 0.05}, frame{dice.chance(0.5) ? 1.15 * wall : Colour{0.8f, 0.8f, 0.78f}, 0.03, 0.02};
  bool frames = dice.chance(0.6), balconies = dice.chance(0.2), evening = at.weather.evening > 0.55;
  double nearest = std::max(z0, 1.0), px_per_m = at.stage.camera.f / std::max(nearest, 4.0);

  void draw() {
    walls();
    for (double y = shop + storey * 0.25; y + window_height < height - 0.4; y += storey) {
      window_row(true, y);
      if (z0 > 2) window_row(false, y);
    }
    if (shop > 2) shops();
    for (int i = dice.below(3); i > 0; --i) something_on_the_wall();
    m.draw_in_order();
  }

 private:
  // A rectangle on the facade, `out` metres in front of it; or on the end wall, from x = a to b.
  void on_facade(double a, double b, double low, double high, double out, const Paint& p) {
    const double x = x0 - side * out;
    m.shell({{x, low, a}, {x, low, b}, {x, high, b}, {x, high, a}}, inside, p);
  }
  void on_end(double a, double b, double low, double high, double out, const Paint& p) {
    m.shell({{a, low, z0 - out}, {b, low, z0 - out}, {b, high, z0 - out}, {a, high, z0 - out}}, inside, p);
  }

  void walls() {
    on_end(x0, x1, 0, height, 0, plaster);
    m.shell({{x0, 0, z1}, {x1, 0, z1}, {x1, height, z1}, {x0, height, z1}}, inside, plaster);
    on_facade(z0, z1, 0, height, 0, plaster);
    if (dice.chance(0.6)) {  // a pitched roof
      const double top = height + dice.in(1.2, 3.2), ridge = (x0 + x1) / 2, eaves = x0 - side * 0.3;
      const Paint tiles{dice.chance(0.6) ? Colour{0.45f, 0.24f, 0.18f} : Colour{0.28f, 0.28f, 0.3f}, 0.15, 0.1, 8};
      m.shell({{eaves, height - 0.1, z0}, {eaves, height - 0.1, z1}, {ridge, top, z1}, {ridge, top, z0}}, inside, tiles);
      m.shell({{x0, height, z0}, {x1, height, z0}, {ridge, top, z0}}, inside, plaster);
    } else {  // a cornice
      const double out = x0 - side * 0.2;
      m.box({std::min(out, x0), height - 0.35, z0}, {std::max(out, x0), height, z1}, {0.85f * wall});
    }
  }

  void window_row(bool facade, double y) {
    const double a = facade ? z0 + 0.5 : std::min(x0, x1) + 0.8, b = facade ? z1 - 0.5 : std::max(x0, x1) - 0.8, top = y + window_height;
    const auto put = [&](double from, double to, double low, double high, double out, const Paint& p) {
      facade ? on_facade(from, to, low, high, out, p) : on_end(from, to, low, high, out, p);
    };
    const double px_per_bay = bay * (facade ? at.stage.camera.f * std::abs(x0) / (nearest * nearest + 20) : px_per_m);
    if (px_per_bay < 1.6) {  // too small to tell apart: one band
      put(a, b, y, top, 0.01, {mix(pane.colour, wall, 0.4)});
      return;
    }
    const int n = static_cast<int>((b - a) / bay);
    for (int i = 0; i < n; ++i) {
      const double p = a + (i + 0.5) * (b - a) / n - window_width / 2, q = p + window_width;
      if (facade && q < 0.3) continue;  // behind the camera
      if (frames) put(p - 0.1, q + 0.1, y - 0.12, top + 0.1, 0.012, frame);
      put(p, q, y, top, 0.02, evening && dice.chance(0.35) ? lit : pane);
      if (frames && px_per_m > 12) put((p + q) / 2 - 0.03, (p + q) / 2 + 0.03, y, top, 0.025, frame);
      const double out = x0 - side * 0.7;
      if (balconies && facade && i % 2 == 0)
        m.box({std::min(x0, out), y - 0.5, p - 0.3}, {std::max(x0, out), y + 0.4, q + 0.3}, {0.7f * wall, 0.2});
    }
  }

  void shops() {
    const Paint fascia{any_colour(dice), 0.1, 0.05}, dim{mix(pane.colour, any_colour(dice), 0.3), 0.5, 0.2, 4};
    for (double z = std::max(z0 + 0.4, -2.0); z + 2.2 < z1; z += dice.in(2.6, 4)) {
      const double end = std::min(z + dice.in(1.6, 3), z1 - 0.3);
      on_facade(z, end, 0.35, shop - 0.9, 0.02, dim);
      if (dice.chance(0.25)) dummy((z + end) / 2);
    }
    on_facade(z0, z1, shop - 0.8, shop - 0.2, 0.05, fascia);
    if (!(z1 > 4 && dice.chance(0.35))) return;
    const double a = std::max(z0, 2.0), out = x0 - side * 1.2;  // an awning
    m.shell({{x0, shop - 0.5, a}, {x0, shop - 0.5, z1 - 0.5}, {out, shop - 1.1, z1 - 0.5}, {out, shop - 1.1, a}}, {x0, shop - 2, inside.z},
            {any_colour(dice), 0.05, 0.1});
  }

  // Somebody behind the glass, who is nobody.
  void dummy(double z) {
    const double s = dice.in(0.75, 1.0), x = x0 - side * 0.03;
    const Paint clothes{any_colour(dice), 0.15, 0.05}, head{any_colour(dice)};
    m.face({{x, 0.4, z - 0.2 * s}, {x, 0.4, z + 0.2 * s}, {x, 1.45 * s, z + 0.26 * s}, {x, 1.45 * s, z - 0.26 * s}}, clothes);
    m.ring({x, 1.62 * s, z}, {0, 1, 0}, {0, 0, 1}, 0.14 * s, 0, head);
  }

  // A door, a drain pipe, or a poster.
  void something_on_the_wall() {
    const double first = std::max(z0 + 0.5, 0.5), z = dice.in(first, std::max(z1 - 1.5, first + 0.1));
    const Paint p{any_colour(dice), 0.3, 0.1, 9};
    if (dice.chance(0.3)) {
      on_facade(z, z + 1, 0, 2.15, 0.035, p);
    } else if (dice.chance(0.5)) {
      const double x = x0 - side * 0.1;
      m.tube({x, 0, z}, {x, height - 0.2, z}, 0.05, 0.05, {0.7f * wall});
    } else {
      const double w = dice.in(0.8, 3), y = dice.in(0.6, 2.5), h = dice.in(1, 2), x = x0 - side * 0.045;
      on_facade(z, z + w, y, y + h, 0.035, p);
      m.face({{x, y + h * 0.2, z + w * 0.2}, {x, y + h * 0.2, z + w * 0.7}, {x, y + h * 0.8, z + w * 0.6}, {x, y + h * 0.6, z + w * 0.3}},
             {any_colour(dice), 0.2});
    }
  }
};

}  // namespace

void draw_building(const Surroundings& at, double side, double front, double z0, double z1, double height, Dice dice) {
  Building{at, Model(at.stage, {0, 0, 0}, at.street.yaw, stuff::building), dice, side, front, z0, z1, height}.draw();
}

}  // namespace mr::scenes
