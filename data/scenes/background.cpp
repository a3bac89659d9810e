#include <algorithm>

#include "data/scenes/objects.h"
#include "data/scenes/street.h"

namespace mr::scenes {

namespace {

struct Builder {
  Stage& stage;
  const Street& street;
  const Weather& weather;

  Model at_street(uint16_t owner) const { return Model(stage, {0, 0, 0}, street.yaw, owner); }
  Model at(double x, double z, double heading, uint16_t owner) const {
    return Model(stage, street.place(x, z), street.yaw + heading, owner);
  }

  void building(double side, double front, double z0, double z1, double height, Dice dice) const;
  void tree(double x, double z, Dice dice) const;
  void lamp(double x, double z, Dice dice) const;
  void sign(double x, double z, Dice dice) const;
  void traffic_light(double x, double z, Dice dice) const;
  void clutter(double x, double z, Dice dice) const;
  void backdrop(Dice dice) const;
};

Colour wall_colour(Dice& dice) {
  if (dice.chance(0.35)) return any_colour(dice);
  static constexpr Colour walls[] = {{0.74f, 0.68f, 0.58f}, {0.66f, 0.58f, 0.48f}, {0.8f, 0.77f, 0.7f},  {0.55f, 0.36f, 0.28f},
                                     {0.62f, 0.6f, 0.57f},  {0.7f, 0.62f, 0.44f},  {0.48f, 0.44f, 0.42f}};
  return dice.in(0.85, 1.1) * dice.one_of(walls);
}

// A house: facade along the street at x = side · front, windows floor by floor, a shop below, the end wall towards the camera.
void Builder::building(double side, double front, double z0, double z1, double height, Dice dice) const {
  Model m = at_street(stuff::building);
  const double x0 = front, x1 = front + side * dice.in(9, 14), mid = (z0 + z1) / 2;
  const Colour wall = wall_colour(dice);
  const Paint plaster{wall, dice.in(0.06, 0.16), 0.08, dice.in(2, 7)};
  const V3 inside{(x0 + x1) / 2, height / 2, mid};
  m.shell({{x0, 0, z0}, {x1, 0, z0}, {x1, height, z0}, {x0, height, z0}}, inside, plaster);
  m.shell({{x0, 0, z1}, {x1, 0, z1}, {x1, height, z1}, {x0, height, z1}}, inside, plaster);
  m.shell({{x0, 0, z0}, {x0, 0, z1}, {x0, height, z1}, {x0, height, z0}}, inside, plaster);
  if (dice.chance(0.6)) {  // a pitched roof
    const double top = height + dice.in(1.2, 3.2);
    const Paint tiles{dice.chance(0.6) ? Colour{0.45f, 0.24f, 0.18f} : Colour{0.28f, 0.28f, 0.3f}, 0.15, 0.1, 8};
    const double ridge = x0 + side * std::abs(x1 - x0) / 2;
    m.shell({{x0 - side * 0.3, height - 0.1, z0}, {x0 - side * 0.3, height - 0.1, z1}, {ridge, top, z1}, {ridge, top, z0}}, inside, tiles);
    m.shell({{x0, height, z0}, {x1, height, z0}, {ridge, top, z0}}, inside, plaster);
  } else {
    m.box({std::min(x0 - side * 0.2, x0), height - 0.35, z0}, {std::max(x0 - side * 0.2, x0), height, z1}, {0.85f * wall});
  }
  const double near_z = std::max(z0, 1.0), px_per_m = stage.camera.f / std::max(near_z, 4.0);
  const double shop = dice.chance(0.45) ? dice.in(3.2, 4.2) : 1.0, storey = dice.in(2.7, 3.5), bay = dice.in(1.5, 2.8),
               w = bay * dice.in(0.4, 0.62), h = storey * dice.in(0.45, 0.62);
  const double dark = dice.in(0.12, 0.3);
  const Paint pane{mix(Colour{static_cast<float>(dark), static_cast<float>(dark * 1.05), static_cast<float>(dark * 1.12)}, stage.light.haze,
                       dice.in(0, 0.25)),
                   0.3, 0.15, 2};
  const Paint lit{{1.0f, 0.82f, 0.5f}, 0.15, 0.05}, frame{dice.chance(0.5) ? 1.15 * wall : Colour{0.8f, 0.8f, 0.78f}, 0.03, 0.02};
  const bool frames = dice.chance(0.6), balconies = dice.chance(0.2), evening = weather.evening > 0.55;
  const auto window_row = [&](bool facade, double y) {
    const double a = facade ? z0 + 0.5 : std::min(x0, x1) + 0.8, b = facade ? z1 - 0.5 : std::max(x0, x1) - 0.8;
    const auto pane_at = [&](double p, double q, double low, double high, double out, const Paint& paint) {
      if (facade) {
        m.shell({{x0 - side * out, low, p}, {x0 - side * out, low, q}, {x0 - side * out, high, q}, {x0 - side * out, high, p}}, inside,
                paint);
      } else {
        m.shell({{p, low, z0 - out}, {q, low, z0 - out}, {q, high, z0 - out}, {p, high, z0 - out}}, inside, paint);
      }
    };
    const bool fine = (facade ? stage.camera.f * std::abs(front) / (near_z * near_z + 20) : px_per_m) * bay > 1.6;
    if (!fine) {
      pane_at(a, b, y, y + h, 0.01, {mix(pane.colour, wall, 0.4)});
      return;
    }
    const int n = static_cast<int>((b - a) / bay);
    for (int i = 0; i < n; ++i) {
      const double p = a + (i + 0.5) * (b - a) / n - w / 2;
      if (facade && p + w < 0.3) continue;
      if (frames) pane_at(p - 0.1, p + w + 0.1, y - 0.12, y + h + 0.1, 0.012, frame);
      pane_at(p, p + w, y, y + h, 0.02, evening && dice.chance(0.35) ? lit : pane);
      if (frames && px_per_m > 12) pane_at(p + w / 2 - 0.03, p + w / 2 + 0.03, y, y + h, 0.025, frame);
      if (balconies && facade && i % 2 == 0)
        m.box({std::min(x0, x0 - side * 0.7), y - 0.5, p - 0.3}, {std::max(x0, x0 - side * 0.7), y + 0.4, p + w + 0.3}, {0.7f * wall, 0.2});
    }
  };
  for (double y = shop + storey * 0.25; y + h < height - 0.4; y += storey) {
    window_row(true, y);
    if (z0 > 2) window_row(false, y);
  }
  if (shop > 2) {  // shop windows, a fascia, perhaps an awning
    const Paint fascia{any_colour(dice), 0.1, 0.05}, dim{mix(pane.colour, any_colour(dice), 0.3), 0.5, 0.2, 4};
    for (double z = std::max(z0 + 0.4, -2.0); z + 2.2 < z1; z += dice.in(2.6, 4)) {
      const double e = std::min(z + dice.in(1.6, 3), z1 - 0.3);
      m.shell(
          {{x0 - side * 0.02, 0.35, z}, {x0 - side * 0.02, 0.35, e}, {x0 - side * 0.02, shop - 0.9, e}, {x0 - side * 0.02, shop - 0.9, z}},
          inside, dim);
      if (dice.chance(0.25)) {  // a dummy or a poster of somebody behind the glass
        const double c = (z + e) / 2, s = dice.in(0.75, 1.0);
        const Paint figure{any_colour(dice), 0.15, 0.05};
        const double x = x0 - side * 0.03;
        m.face({{x, 0.4, c - 0.2 * s}, {x, 0.4, c + 0.2 * s}, {x, 1.45 * s, c + 0.26 * s}, {x, 1.45 * s, c - 0.26 * s}}, figure);
        m.ring({x, 1.62 * s, c}, {0, 1, 0}, {0, 0, 1}, 0.14 * s, 0, {any_colour(dice)});
      }
    }
    m.shell({{x0 - side * 0.05, shop - 0.8, z0},
             {x0 - side * 0.05, shop - 0.8, z1},
             {x0 - side * 0.05, shop - 0.2, z1},
             {x0 - side * 0.05, shop - 0.2, z0}},
            inside, fascia);
    if (dice.chance(0.35) && z1 > 4) {
      const double a = std::max(z0, 2.0);
      m.shell({{x0, shop - 0.5, a}, {x0, shop - 0.5, z1 - 0.5}, {x0 - side * 1.2, shop - 1.1, z1 - 0.5}, {x0 - side * 1.2, shop - 1.1, a}},
              {x0, shop - 2, mid}, {any_colour(dice), 0.05, 0.1});
    }
  }
  for (int i = dice.below(3); i > 0; --i) {  // a door, a drain pipe, a poster, a painted wall
    const double z = dice.in(std::max(z0 + 0.5, 0.5), std::max(z1 - 1.5, std::max(z0 + 0.5, 0.5) + 0.1)), x = x0 - side * 0.035;
    const Paint p{any_colour(dice), 0.3, 0.1, 9};
    if (dice.chance(0.3)) {
      m.shell({{x, 0, z}, {x, 0, z + 1}, {x, 2.15, z + 1}, {x, 2.15, z}}, inside, p);
    } else if (dice.chance(0.5)) {
      m.tube({x - side * 0.06, 0, z}, {x - side * 0.06, height - 0.2, z}, 0.05, 0.05, {0.7f * wall});
    } else {
      const double w2 = dice.in(0.8, 3), y = dice.in(0.6, 2.5), h2 = dice.in(1, 2);
      m.shell({{x, y, z}, {x, y, z + w2}, {x, y + h2, z + w2}, {x, y + h2, z}}, inside, p);
      m.face({{x - side * 0.01, y + h2 * 0.2, z + w2 * 0.2},
              {x - side * 0.01, y + h2 * 0.2, z + w2 * 0.7},
              {x - side * 0.01, y + h2 * 0.8, z + w2 * 0.6},
              {x - side * 0.01, y + h2 * 0.6, z + w2 * 0.3}},
             {any_colour(dice), 0.2});
    }
  }
  m.draw_in_order();
}

void Builder::tree(double x, double z, Dice dice) const {
  Model m = at(x, z, 0, stuff::vegetation);
  const double trunk = dice.in(1.8, 3.2), size = dice.in(1.1, 2.3);
  const Paint bark{dice.in(0.7, 1.2) * Colour{0.3f, 0.24f, 0.18f}, 0.3, 0.2, 20};
  m.tube({0, 0, 0}, {dice.in(-0.15, 0.15), trunk + size * 0.5, 0}, dice.in(0.1, 0.2), 0.08, bark);
  if (dice.chance(0.25)) {  // bare
    for (int i = 0; i < 9; ++i) {
      const double a = dice.in(0, 2 * pi), lean = dice.in(0.3, 1);
      const V3 from{0, trunk * dice.in(0.75, 1.1), 0}, to = from + size * V3{lean * cosine(a), dice.in(0.6, 1.3), lean * sine(a)};
      m.tube(from, to, 0.06, 0.02, bark);
      for (int k = 0; k < 4; ++k) {
        const V3 fork = mix(from, to, dice.in(0.35, 0.95));
        m.tube(fork, fork + size * V3{dice.in(-0.5, 0.5), dice.in(0.1, 0.55), dice.in(-0.5, 0.5)}, 0.03, 0.012, bark);
      }
    }
    m.draw_far_to_near();
    return;
  }
  const double autumn = dice.chance(0.2) ? dice.in(0.3, 1) : 0;
  const Colour leaf = dice.in(0.8, 1.15) * mix(Colour{0.24f, 0.36f, 0.14f}, Colour{0.6f, 0.4f, 0.12f}, autumn);
  const V3 place = street.place(x, z);
  const double px = stage.camera.f / place.z;
  for (int i = 0; i < 22; ++i) {  // lumps of leaves, the lit ones last
    const double t = i / 21.0, a = dice.in(0, 2 * pi), out = size * dice.in(0.1, 0.75);
    const V3 c{out * cosine(a), trunk + size * (0.25 + 1.1 * t * dice.in(0.6, 1)) + 0.3, out * sine(a)};
    const double r = size * dice.in(0.38, 0.62) * (1 - 0.45 * t);
    const V2 at_px = stage.camera.project(m.world(c));
    std::vector<V2> shape;
    const int corners = 16;
    for (int k = 0; k < corners; ++k) {
      const double reach = r * px * dice.in(0.72, 1.2), b = 2 * pi * k / corners;
      shape.push_back(at_px + reach * V2{cosine(b), 0.85 * sine(b)});
    }
    m.outline(shape, c, {(0.62 + 0.5 * t) * leaf, 0.42, 0.15, 7});
  }
  m.draw_in_order();
}

void Builder::lamp(double x, double z, Dice dice) const {
  Model m = at(x, z, 0, stuff::pole);
  const double h = dice.in(5, 8), arm = (x > 0 ? -1 : 1) * dice.in(0.8, 2);
  const Paint p{dice.chance(0.5) ? Colour{0.4f, 0.42f, 0.42f} : Colour{0.18f, 0.22f, 0.2f}, 0.05, 0.15};
  m.tube({0, 0, 0}, {0, 1, 0}, 0.1, 0.09, p);
  m.tube({0, 1, 0}, {0, h, 0}, 0.07, 0.05, p);
  if (dice.chance(0.7)) {
    m.tube({0, h, 0}, {arm, h + 0.3, 0}, 0.04, 0.03, p);
    m.hull({{{arm, h + 0.28, 0}, 0.06}, {{arm * 1.35, h + 0.3, 0}, 0.08}}, p);
  } else {
    m.hull({{{0, h, 0}, 0.12}, {{0, h + 0.4, 0}, 0.18}}, {{0.9f, 0.9f, 0.82f}, 0.05});
  }
  m.draw_in_order();
}

void Builder::sign(double x, double z, Dice dice) const {
  Model m = at(x, z, dice.in(-0.4, 0.4), stuff::pole);
  const double h = dice.in(1.9, 2.6), r = dice.in(0.28, 0.38);
  m.tube({0, 0, 0}, {0, h + r, 0}, 0.035, 0.035, {{0.5f, 0.51f, 0.52f}, 0.05, 0.15});
  m.owner(stuff::traffic_sign);
  const V3 c{0, h, -0.05}, in{0, h, 0.05};
  const Paint red{{0.72f, 0.1f, 0.1f}, 0.05, 0.05}, white{{0.88f, 0.88f, 0.86f}, 0.05, 0.05}, blue{{0.12f, 0.25f, 0.6f}, 0.05, 0.05},
      yellow{{0.9f, 0.75f, 0.15f}, 0.05, 0.05};
  switch (dice.below(5)) {
    case 0:
      m.ring(c, {1, 0, 0}, {0, 1, 0}, r, 0, red);
      m.ring(c - V3{0, 0, 0.01}, {1, 0, 0}, {0, 1, 0}, r * 0.72, 0, white);
      break;
    case 1:
      m.face({{-r, h - r * 0.8, -0.05}, {r, h - r * 0.8, -0.05}, {0, h + r * 0.9, -0.05}}, red);
      m.face({{-r * 0.6, h - r * 0.55, -0.06}, {r * 0.6, h - r * 0.55, -0.06}, {0, h + r * 0.5, -0.06}}, white);
      break;
    case 2:
      m.ring(c, {1, 0, 0}, {0, 1, 0}, r, 0, blue);
      break;
    case 3:
      m.shell({{-r, h - r, -0.05}, {r, h - r, -0.05}, {r, h + r, -0.05}, {-r, h + r, -0.05}}, in, blue);
      break;
    default:
      m.shell({{-r * 2, h - r * 0.6, -0.05}, {r * 2, h - r * 0.6, -0.05}, {r * 2, h + r * 0.6, -0.05}, {-r * 2, h + r * 0.6, -0.05}}, in,
              yellow);
      m.shell(
          {{-r * 1.7, h - r * 0.1, -0.06}, {r * 1.2, h - r * 0.1, -0.06}, {r * 1.2, h + r * 0.2, -0.06}, {-r * 1.7, h + r * 0.2, -0.06}},
          in, {{0.15f, 0.15f, 0.15f}});
  }
  m.draw_in_order();
}

void Builder::traffic_light(double x, double z, Dice dice) const {
  Model m = at(x, z, dice.in(-0.2, 0.2), stuff::pole);
  const double h = dice.in(2.4, 3.2);
  const Paint grey{{0.3f, 0.32f, 0.32f}, 0.05, 0.15}, black{{0.1f, 0.11f, 0.1f}, 0.05, 0.1};
  m.tube({0, 0, 0}, {0, h + 0.9, 0}, 0.06, 0.05, grey);
  m.owner(stuff::traffic_light);
  m.box({-0.17, h, -0.28}, {0.17, h + 0.95, -0.06}, black);
  const int on = dice.below(3);
  const Colour lamps[3] = {{0.2f, 0.95f, 0.45f}, {1.0f, 0.75f, 0.2f}, {1.0f, 0.22f, 0.16f}};
  for (int i = 0; i < 3; ++i)
    m.ring({0, h + 0.17 + 0.3 * i, -0.29}, {1, 0, 0}, {0, 1, 0}, 0.11, 0, {i == on ? 1.25 * lamps[i] : 0.22 * lamps[i], 0.02, 0});
  m.draw_in_order();
}

// Small things, some of which are nearly something else: pillars and bins as tall as people, boxes like vans, hoops like wheels.
void Builder::clutter(double x, double z, Dice dice) const {
  Model m = at(x, z, dice.in(-0.5, 0.5), stuff::static_thing);
  const Paint p{any_colour(dice), 0.12, 0.12}, metal{{0.45f, 0.46f, 0.47f}, 0.05, 0.15}, dark{{0.12f, 0.12f, 0.13f}, 0.08, 0.1};
  switch (dice.below(9)) {
    case 0:  // a bin on a post, or a letter box: trunk and head
      m.box({-0.22, 0, -0.2}, {0.22, dice.in(0.9, 1.3), 0.2}, p);
      m.hull({{{-0.14, 1.25, 0}, 0.1}, {{0.14, 1.25, 0}, 0.1}, {{0, 1.4, 0}, 0.1}}, {any_colour(dice), 0.1});
      break;
    case 1:  // an advertising pillar
      m.owner(stuff::static_thing);
      m.hull({{{0, 0.4, 0}, 0.35}, {{0, 2.3, 0}, 0.35}}, p);
      m.hull({{{0, 2.6, 0}, 0.45}, {{0, 2.75, 0}, 0.3}}, dark);
      break;
    case 2:  // a switch box
      m.box({-0.5, 0, -0.2}, {0.5, dice.in(1.0, 1.5), 0.2}, p);
      break;
    case 3:  // hoops for bicycles, empty
      m.owner(stuff::pole);
      for (int i = 0; i < 4; ++i) m.ring({0, 0.4, 0.6 * i - 0.9}, {1, 0, 0}, {0, 1, 0}, 0.36, 0.31, metal);
      break;
    case 4:  // a bench
      for (const double s : {-0.7, 0.7})
        for (const double d : {-0.2, 0.2}) m.tube({s, 0, d}, {s, 0.45, d}, 0.03, 0.03, dark);
      for (int i = 0; i < 3; ++i) m.tube({-0.85, 0.46, 0.15 * (i - 1)}, {0.85, 0.46, 0.15 * (i - 1)}, 0.04, 0.04, p);
      for (int i = 0; i < 2; ++i) m.tube({-0.85, 0.65 + 0.16 * i, 0.28}, {0.85, 0.65 + 0.16 * i, 0.28}, 0.04, 0.04, p);
      break;
    case 5:  // a skip or container, as large as a van
      m.prism({{-1.4, 0.1}, {1.4, 0.1}, {1.7, 1.4}, {-1.7, 1.4}}, 0.9, p, p);
      for (const double c : {-0.8, 0.0, 0.8}) m.box({-0.93, 0.15, c}, {0.93, 1.4, c + 0.1}, {0.75f * p.colour});
      break;
    case 6: {  // a barrier of red and white boards
      m.owner(stuff::fence);
      for (int i = 0; i < 6; ++i)
        m.face({{-1 + i / 3.0, 0.8, 0}, {-1 + (i + 1) / 3.0, 0.8, 0}, {-1 + (i + 1) / 3.0, 1.05, 0}, {-1 + i / 3.0, 1.05, 0}},
               {i % 2 ? Colour{0.8f, 0.8f, 0.78f} : Colour{0.75f, 0.15f, 0.1f}, 0.05});
      for (const double s : {-0.8, 0.8}) m.tube({s, 0, 0}, {s, 1.1, 0}, 0.03, 0.03, dark);
      break;
    }
    case 7:  // a board with a painted figure
      m.face({{-0.45, 0.15, 0}, {0.45, 0.15, 0}, {0.45, 1.75, 0}, {-0.45, 1.75, 0}}, p);
      m.shift(0.05);
      m.face({{-0.2, 0.25, -0.01}, {0.2, 0.25, -0.01}, {0.25, 1.2, -0.01}, {-0.25, 1.2, -0.01}}, {any_colour(dice), 0.1});
      m.ring({0, 1.4, -0.01}, {1, 0, 0}, {0, 1, 0}, 0.15, 0, {any_colour(dice)});
      break;
    default:  // bollards
      m.owner(stuff::pole);
      for (int i = 0; i < 3; ++i) m.hull({{{0, 0.05, i * 1.3}, 0.07}, {{0, 0.85, i * 1.3}, 0.07}}, metal);
  }
  m.draw_far_to_near();
}

// What closes the view: hills of trees and far blocks, in the haze.
void Builder::backdrop(Dice dice) const {
  for (int layer = 0; layer < 2; ++layer) {
    const double z = layer == 0 ? 190 : 120;
    for (double x = -z * 0.75; x < z * 0.75; x += dice.in(8, 22)) {
      const bool wood = dice.chance(0.5);
      Model m(stage, {x, 0, z}, 0, wood ? stuff::vegetation : stuff::building);
      const double w = dice.in(6, 15), h = (layer == 0 ? 1.2 : 1) * dice.in(6, wood ? 13 : 24);
      if (wood) {
        std::vector<V2> shape;
        const V2 c = stage.camera.project({x, 0, z});
        const double px = stage.camera.f / z;
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

}  // namespace

void add_background(Stage& stage, const Street& street, const Weather& weather, double clutter, uint64_t seed, uint64_t index,
                    std::vector<Item>& items) {
  Builder b{stage, street, weather};
  b.backdrop(Dice(seed, "scene/backdrop", index));
  Dice dice(seed, "scene/background", index);
  uint64_t part = 0;
  const auto own = [&] { return Dice(seed, "scene/thing", index, ++part); };
  const auto add = [&](double x, double z, double half_width, double half_length, double shadow, auto draw) {
    Item item;
    place_footprint(item, street.place(x, z), street.yaw, half_width, half_length);
    if (shadow > 0) cast_shadow(stage, street.place(x, z), street.yaw, half_width, half_length, shadow, 1);
    item.draw = std::move(draw);
    items.push_back(std::move(item));
  };
  const double c0 = street.cross - street.cross_half - 3, c1 = street.cross + street.cross_half + 3;
  const bool crossing = street.cross_half > 0;
  const auto on_cross = [&](double z0, double z1) { return crossing && z1 > c0 && z0 < c1; };
  for (const double side : {-1.0, 1.0}) {
    const double front = side > 0 ? street.right_front : street.left_front;
    const bool park = dice.chance(0.15);
    for (double z = dice.in(-16, -8); z < 110;) {
      const double length = dice.in(8, 20), end = z + length, height = dice.chance(0.2) ? dice.in(15, 28) : dice.in(6, 15);
      const double inset = dice.chance(0.3) ? dice.in(0, 2) : 0;
      if (!on_cross(z, end) && !(park && z > 4) && dice.chance(0.92) && end > 0.5) {
        const Dice d = own();
        add(front + side * (6 + inset), (z + end) / 2, 6, length / 2, height,
            [b, side, front, inset, z, end, height, d] { b.building(side, front + side * inset, z, end, height, d); });
      }
      z = end + (on_cross(z, end) ? 0.5 : dice.chance(0.25) ? dice.in(1, 6) : 0);
    }
    const double kerb = side > 0 ? street.right + 0.7 : street.left - 0.7;
    const double spacing = dice.in(7, 14), rows = dice.chance(park ? 1.0 : 0.55) ? 1 : 0;
    for (double z = dice.in(5, 14); z < 70 && rows > 0; z += spacing * dice.in(0.8, 1.3))
      if (!on_cross(z - 1, z + 1)) {
        const Dice d = own();
        const double x = kerb + side * dice.in(0, 0.5) + (park ? side * dice.in(0, 5) : 0);
        add(x, z, 0.2, 0.2, 4, [b, x, z, d] { b.tree(x, z, d); });
      }
    for (double z = dice.in(4, 18); z < 80; z += dice.in(16, 28))
      if (!on_cross(z - 1, z + 1)) {
        const Dice d = own();
        const double x = kerb - side * 0.2;
        add(x, z, 0.1, 0.1, 6, [b, x, z, d] { b.lamp(x, z, d); });
      }
    const int signs = dice.below(3);
    for (int i = 0; i < signs; ++i) {
      const Dice d = own();
      const double x = kerb - side * 0.3, z = dice.in(5, 40);
      if (!on_cross(z, z)) add(x, z, 0.1, 0.1, 2.5, [b, x, z, d] { b.sign(x, z, d); });
    }
    if (crossing && dice.chance(0.7)) {
      const Dice d = own();
      const double x = kerb - side * 0.2, z = c0 + 0.3;
      add(x, z, 0.2, 0.2, 3.5, [b, x, z, d] { b.traffic_light(x, z, d); });
    }
    const int things = static_cast<int>(clutter * dice.in(0, 5));
    for (int i = 0; i < things; ++i) {
      const Dice d = own();
      const double edge = side > 0 ? street.right : street.left;
      const double x = edge + (front - edge) * dice.in(0.2, 0.9), z = dice.in(4, 34);
      if (!on_cross(z - 1, z + 1)) add(x, z, 0.5, 0.5, 1.2, [b, x, z, d] { b.clutter(x, z, d); });
    }
  }
}

}  // namespace mr::scenes
