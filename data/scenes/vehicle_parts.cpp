#include "data/scenes/vehicle_parts.h"

#include <algorithm>

namespace mr::scenes {

Colour any_colour(Dice& dice) {
  static constexpr Colour list[] = {{0.85f, 0.85f, 0.84f}, {0.9f, 0.9f, 0.9f},    {0.62f, 0.63f, 0.65f}, {0.45f, 0.46f, 0.48f},
                                    {0.3f, 0.31f, 0.33f},  {0.17f, 0.17f, 0.19f}, {0.12f, 0.12f, 0.13f}, {0.55f, 0.12f, 0.11f},
                                    {0.72f, 0.2f, 0.16f},  {0.16f, 0.25f, 0.45f}, {0.3f, 0.45f, 0.65f},  {0.12f, 0.16f, 0.28f},
                                    {0.2f, 0.36f, 0.24f},  {0.36f, 0.42f, 0.28f}, {0.55f, 0.45f, 0.33f}, {0.72f, 0.62f, 0.48f},
                                    {0.82f, 0.66f, 0.22f}, {0.8f, 0.45f, 0.18f},  {0.5f, 0.3f, 0.22f},   {0.66f, 0.55f, 0.5f},
                                    {0.35f, 0.25f, 0.32f}, {0.25f, 0.45f, 0.47f}};
  const Colour c = dice.one_of(list);
  const auto vary = [&](float v) {
    const double times = dice.in(0.85, 1.15), plus = dice.in(-0.02, 0.02);
    return static_cast<float>(std::clamp(v * times + plus, 0.03, 0.95));
  };
  const float r = vary(c.r), g = vary(c.g), b = vary(c.b);
  return {r, g, b};
}

Paint glass(Dice& dice) {
  const double v = dice.in(0.1, 0.34);
  return {{static_cast<float>(v), static_cast<float>(v * 1.08), static_cast<float>(v * 1.16)}, 0.14, 0.4, 3};
}

void patch_z(Model& m, double z, double x0, double x1, double y0, double y1, const Paint& p) {
  m.shell({{x0, y0, z}, {x1, y0, z}, {x1, y1, z}, {x0, y1, z}}, {0, y0, 0}, p);
}

void patch_x(Model& m, double x, double z0, double z1, double y0, double y1, const Paint& p) {
  m.shell({{x, y0, z0}, {x, y0, z1}, {x, y1, z1}, {x, y1, z0}}, {0, y0, (z0 + z1) / 2}, p);
}

void both_lamps(Model& m, double z, double inner, double outer, double y0, double y1, const Paint& p) {
  for (const double side : {-1.0, 1.0}) patch_z(m, z, side * inner, side * outer, y0, y1, p);
}

void long_box(Model& m, double w, double y0, double y1, double z0, double z1, const Paint& p) { m.box({-w, y0, z0}, {w, y1, z1}, p); }

void paired_hull(Model& m, std::initializer_list<Pair> pairs, const Paint& p) {
  std::vector<Ball> balls;
  for (const Pair& k : pairs)
    for (const double side : {-1.0, 1.0}) balls.push_back({k.middle + V3{side * k.half, 0, 0}, k.radius});
  m.hull(balls, p);
}

void add_arch(std::vector<V2>& profile, double z, double radius, double sill, double axle) {
  for (int i = 0; i <= 6; ++i) {
    const double a = pi - pi * i / 6;
    profile.push_back({z + radius * cosine(a), std::max(sill, axle + radius * sine(a))});
  }
}

void Wheels::tyres(Model& m) const {
  for (const double side : {-1.0, 1.0})
    for (const double z : axles) {
      std::vector<Ball> rims;
      for (int i = 0; i < 12; ++i)
        for (const double at : {x, x - width})
          rims.push_back({{side * at, radius + radius * sine(2 * pi * i / 12), z + radius * cosine(2 * pi * i / 12)}, 0});
      m.hull(rims, {rubber, 0.1, 0.15, 20});
    }
}

void Wheels::faces(Model& m, Dice& dice) const {
  const int spokes = 5 + dice.below(3);
  for (const double side : {-1.0, 1.0}) {
    if ((m.camera().x - side * x) * side <= 0) continue;
    for (const double z : axles) {
      const V3 c{side * x, radius, z};
      const double turn = dice.in(0, 1);
      m.ring(c, {0, 1, 0}, {0, 0, 1}, radius, 0, {rubber, 0.1, 0.15, 20});
      m.ring(c, {0, 1, 0}, {0, 0, 1}, radius * 0.64, 0, {rim, 0.05, 0.15, 20});
      for (int i = 0; i < spokes; ++i) {  // the gaps between the spokes
        const double a = 2 * pi * (i + turn) / spokes, half = pi / spokes * 0.55;
        const auto at = [&](double r, double angle) { return c + V3{0, r * radius * sine(angle), r * radius * cosine(angle)}; };
        m.face({at(0.2, a), at(0.54, a - half), at(0.54, a + half)}, {near_black, 0.05, 0});
      }
    }
  }
}

}  // namespace mr::scenes
