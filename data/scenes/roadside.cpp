#include "data/scenes/roadside.h"

#include "data/scenes/objects.h"

namespace mr::scenes {

void draw_tree(const Surroundings& at, double x, double z, Dice dice) {
  Model m = at.model(x, z, 0, stuff::vegetation);
  const double trunk = dice.in(1.8, 3.2), size = dice.in(1.1, 2.3);
  const Paint bark{dice.in(0.7, 1.2) * Colour{0.3f, 0.24f, 0.18f}, 0.3, 0.2, 20};
  const double crooked = dice.in(-0.15, 0.15), thick = dice.in(0.1, 0.2);
  m.tube({0, 0, 0}, {crooked, trunk + size * 0.5, 0}, thick, 0.08, bark);
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
  const V3 place = at.street.place(x, z);
  const double px = at.stage.camera.f / place.z;
  for (int i = 0; i < 22; ++i) {  // lumps of leaves, the lit ones last
    const double t = i / 21.0, a = dice.in(0, 2 * pi), out = size * dice.in(0.1, 0.75);
    const V3 c{out * cosine(a), trunk + size * (0.25 + 1.1 * t * dice.in(0.6, 1)) + 0.3, out * sine(a)};
    const double r = size * dice.in(0.38, 0.62) * (1 - 0.45 * t);
    const V2 at_px = at.stage.camera.project(m.world(c));
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

void draw_lamp(const Surroundings& at, double x, double z, Dice dice) {
  Model m = at.model(x, z, 0, stuff::pole);
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

void draw_sign(const Surroundings& at, double x, double z, Dice dice) {
  Model m = at.model(x, z, dice.in(-0.4, 0.4), stuff::pole);
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

void draw_traffic_light(const Surroundings& at, double x, double z, Dice dice) {
  Model m = at.model(x, z, dice.in(-0.2, 0.2), stuff::pole);
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

void draw_clutter(const Surroundings& at, double x, double z, Dice dice) {
  Model m = at.model(x, z, dice.in(-0.5, 0.5), stuff::static_thing);
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

}  // namespace mr::scenes
