#include <algorithm>

#include "data/scenes/objects.h"

namespace mr::scenes {

namespace {

constexpr Colour rubber{0.09f, 0.09f, 0.1f}, dark{0.07f, 0.07f, 0.08f}, plate{0.9f, 0.9f, 0.86f}, lamp{0.95f, 0.94f, 0.85f};

Paint glass(Dice& dice) {
  const double v = dice.in(0.1, 0.34);
  return {{static_cast<float>(v), static_cast<float>(v * 1.08), static_cast<float>(v * 1.16)}, 0.14, 0.4, 3};
}

// A flat patch on a plane of constant z (front, rear) or constant x (sides), seen from outside only.
void patch_z(Model& m, double z, double x0, double x1, double y0, double y1, const Paint& p) {
  m.shell({{x0, y0, z}, {x1, y0, z}, {x1, y1, z}, {x0, y1, z}}, {0, y0, 0}, p);
}
void patch_x(Model& m, double x, double z0, double z1, double y0, double y1, const Paint& p) {
  m.shell({{x, y0, z0}, {x, y0, z1}, {x, y1, z1}, {x, y1, z0}}, {0, y0, (z0 + z1) / 2}, p);
}

// The arch over a wheel as points of a profile, from rear to front, for a sill at y.
void arch(std::vector<V2>& profile, double z, double radius, double sill, double axle) {
  for (int i = 0; i <= 6; ++i) {
    const double a = pi - pi * i / 6;
    profile.push_back({z + radius * cosine(a), std::max(sill, axle + radius * sine(a))});
  }
}

void box_z(Model& m, double w, double y0, double y1, double z0, double z1, const Paint& p) { m.box({-w, y0, z0}, {w, y1, z1}, p); }

// Which of two sections of a long vehicle is drawn first: the one behind.
bool front_is_nearer(const Model& m) { return m.camera().z > 0; }

// A wheel on the far side is hidden by what stands on it, one on the near side hides it.
bool near_side(const Model& m, double x) { return (m.camera().x > 0) == (x > 0); }

}  // namespace

Colour any_colour(Dice& dice) {
  static constexpr Colour list[] = {{0.85f, 0.85f, 0.84f}, {0.9f, 0.9f, 0.9f},    {0.62f, 0.63f, 0.65f}, {0.45f, 0.46f, 0.48f},
                                    {0.3f, 0.31f, 0.33f},  {0.17f, 0.17f, 0.19f}, {0.12f, 0.12f, 0.13f}, {0.55f, 0.12f, 0.11f},
                                    {0.72f, 0.2f, 0.16f},  {0.16f, 0.25f, 0.45f}, {0.3f, 0.45f, 0.65f},  {0.12f, 0.16f, 0.28f},
                                    {0.2f, 0.36f, 0.24f},  {0.36f, 0.42f, 0.28f}, {0.55f, 0.45f, 0.33f}, {0.72f, 0.62f, 0.48f},
                                    {0.82f, 0.66f, 0.22f}, {0.8f, 0.45f, 0.18f},  {0.5f, 0.3f, 0.22f},   {0.66f, 0.55f, 0.5f},
                                    {0.35f, 0.25f, 0.32f}, {0.25f, 0.45f, 0.47f}};
  const Colour c = dice.one_of(list);
  const auto vary = [&](float v) { return static_cast<float>(std::clamp(v * dice.in(0.85, 1.15) + dice.in(-0.02, 0.02), 0.03, 0.95)); };
  const float r = vary(c.r), g = vary(c.g), b = vary(c.b);
  return {r, g, b};
}

// In two steps, so that the body is drawn between them: the tyre it stands over, then the face that shows in its arch.
void tyre(Model& m, V3 c, double radius, double width) {
  const V3 inner = c - V3{(c.x > 0 ? 1 : -1) * width, 0, 0};
  std::vector<Ball> rims;
  for (int i = 0; i < 12; ++i) {
    const V3 d{0, radius * sine(2 * pi * i / 12), radius * cosine(2 * pi * i / 12)};
    rims.push_back({c + d, 0});
    rims.push_back({inner + d, 0});
  }
  m.hull(rims, {rubber, 0.1, 0.15, 20});
}

void wheel_face(Model& m, V3 c, double radius, Colour rim, Dice& dice) {
  const int spokes = 5 + dice.below(3);
  const double turn = dice.in(0, 1);
  if ((m.camera().x - c.x) * c.x <= 0) return;
  m.ring(c, {0, 1, 0}, {0, 0, 1}, radius, 0, {rubber, 0.1, 0.15, 20});
  m.ring(c, {0, 1, 0}, {0, 0, 1}, radius * 0.64, 0, {rim, 0.05, 0.15, 20});
  for (int i = 0; i < spokes; ++i) {  // the gaps between the spokes
    const double a = 2 * pi * (i + turn) / spokes, half = pi / spokes * 0.55;
    const auto at = [&](double r, double angle) { return c + V3{0, r * radius * sine(angle), r * radius * cosine(angle)}; };
    m.face({at(0.2, a), at(0.54, a - half), at(0.54, a + half)}, {dark, 0.05, 0});
  }
}

Size car_size(Dice& dice) { return {dice.in(1.8, 2.4), dice.in(0.84, 0.94), dice.chance(0.3) ? dice.in(1.62, 1.95) : dice.in(1.38, 1.55)}; }

void draw_car(Model& m, Size s, Dice& dice) {
  const double L = s.half_length, W = s.half_width, H = s.height;
  const Colour colour = any_colour(dice);
  const Paint body{colour, 0.05, dice.in(0.1, 0.25), 10}, window = glass(dice), black{dark, 0.1, 0.1};
  const Colour rim = dice.chance(0.7) ? Colour{0.6f, 0.61f, 0.63f} : Colour{0.2f, 0.2f, 0.22f};
  const double R = dice.in(0.3, 0.36), front = L - dice.in(0.72, 0.88), rear = -L + dice.in(0.68, 0.9);
  const double belt = H * dice.in(0.58, 0.64), sill = 0.22, nose = belt * dice.in(0.74, 0.86);
  // Saloon, hatchback, estate or van: where the cabin begins and ends at the belt and at the roof.
  const int shape = H > 1.75 ? 3 : dice.below(3);
  const double cowl = shape == 3 ? L * 0.62 : L * dice.in(0.36, 0.46), deck = shape == 0 ? -L + dice.in(0.45, 0.7) : -L + 0.08;
  const double roof_front = cowl - dice.in(0.55, 0.8), roof_rear = shape == 0   ? deck + 0.7
                                                                   : shape == 1 ? deck + dice.in(0.35, 0.6)
                                                                                : deck + 0.2;
  const double boot = shape == 0 ? belt * dice.in(0.94, 1.0) : belt;

  for (const double x : {-W + 0.02, W - 0.02})
    for (const double z : {rear, front}) tyre(m, {x, R, z}, R, 0.2);
  box_z(m, W - 0.12, sill - 0.04, belt - 0.1, -L + 0.25, L - 0.25, black);
  std::vector<V2> profile;
  profile.push_back({-L + 0.06, sill + 0.03});
  arch(profile, rear, R * 1.14, sill, R);
  arch(profile, front, R * 1.14, sill, R);
  for (const V2 p : {V2{L - 0.05, sill}, V2{L, sill + 0.16}, V2{L - 0.02, nose * 0.85}, V2{L - 0.14, nose}, V2{cowl, belt}, V2{deck, boot},
                     V2{-L + 0.04, boot - 0.06}, V2{-L, sill + 0.2}})
    profile.push_back(p);
  m.prism(profile, W, body, body);
  // The cabin narrows towards the roof.
  const double wb = W - 0.03, wr = W - dice.in(0.18, 0.26);
  const V3 inside{0, (belt + H) / 2, (cowl + deck) / 2};
  m.shell({{-wb, belt, cowl}, {wb, belt, cowl}, {wr, H, roof_front}, {-wr, H, roof_front}}, inside, body);
  m.shell({{-wb, boot, deck}, {wb, boot, deck}, {wr, H, roof_rear}, {-wr, H, roof_rear}}, inside, body);
  m.shell({{-wr, H, roof_front}, {wr, H, roof_front}, {wr, H, roof_rear}, {-wr, H, roof_rear}}, inside, body);
  for (const double x : {-1.0, 1.0})
    m.shell({{x * wb, belt, cowl}, {x * wb, boot, deck}, {x * wr, H, roof_rear}, {x * wr, H, roof_front}}, inside, body);
  const auto pane = [&](double z_low, double z_high, double inset) {  // windscreen and rear window
    const auto at = [&](double x, double v) { return V3{x * (wb + (wr - wb) * v), belt + (H - belt) * v, z_low + (z_high - z_low) * v}; };
    m.shell({at(-1 + inset, 0.08), at(1 - inset, 0.08), at(1 - inset, 0.9), at(-1 + inset, 0.9)}, inside, window);
  };
  pane(cowl, roof_front, 0.1);
  pane(deck, roof_rear, 0.14);
  const bool panel_van = shape == 3 && dice.chance(0.5);
  for (const double x : {-1.0, 1.0}) {
    const auto at = [&](double u, double v) {  // u from rear to front along the cabin's side
      const double low = deck + (cowl - deck) * u, high = roof_rear + (roof_front - roof_rear) * u;
      return V3{x * (wb + (wr - wb) * v), belt + (H - belt) * v, low + (high - low) * v};
    };
    const double split = dice.in(0.46, 0.52);
    if (!panel_van) m.shell({at(0.08, 0.14), at(split - 0.02, 0.14), at(split - 0.02, 0.86), at(0.08, 0.86)}, inside, window);
    m.shell({at(split + 0.02, 0.14), at(0.94, 0.14), at(0.94, 0.86), at(split + 0.02, 0.86)}, inside, window);
    if (near_side(m, x * W)) {
      const double door = deck + (cowl - deck) * split;
      patch_x(m, x * (W + 0.003), door - 0.012, door + 0.012, sill + 0.1, belt, black);
      patch_x(m, x * (W + 0.003), door - 0.25, door - 0.1, belt - 0.14, belt - 0.1, black);
    }
  }
  patch_z(m, L + 0.005, -W * 0.5, W * 0.5, nose * 0.62, nose * 0.85, black);
  patch_z(m, L + 0.005, -W * 0.85, W * 0.85, sill + 0.02, sill + 0.14, black);
  patch_z(m, L + 0.01, -0.26, 0.26, sill + 0.16, sill + 0.27, {plate});
  patch_z(m, -L - 0.01, -0.26, 0.26, belt * 0.62, belt * 0.62 + 0.11, {plate});
  patch_z(m, -L - 0.005, -W * 0.9, W * 0.9, sill, sill + 0.14, black);
  const Colour tail = dice.chance(0.3) ? Colour{0.95f, 0.15f, 0.1f} : Colour{0.6f, 0.08f, 0.07f};
  for (const double x : {-1.0, 1.0}) {
    const double a = x * W * 0.58, b = x * W * 0.95;
    patch_z(m, L + 0.006, std::min(a, b), std::max(a, b), nose * 0.7, nose * 0.9, {lamp, 0.05, 0.1});
    patch_z(m, -L - 0.006, std::min(x * W * 0.66, b), std::max(x * W * 0.66, b), belt * 0.68, belt * 0.92, {tail, 0.05, 0.1});
  }
  for (const double x : {-W + 0.02, W - 0.02})
    for (const double z : {rear, front}) wheel_face(m, {x, R, z}, R, rim, dice);
  for (const double x : {-1.0, 1.0})
    m.hull({{{x * (W + 0.05), belt + 0.08, cowl - 0.3}, 0.07}, {{x * (W + 0.15), belt + 0.09, cowl - 0.32}, 0.07}}, body);
  if (dice.chance(0.12)) {  // roof rack, taxi sign
    if (dice.chance(0.5)) {
      box_z(m, 0.25, H, H + 0.14, roof_front - 0.6, roof_front - 0.4, {{0.9f, 0.8f, 0.3f}});
    } else {
      box_z(m, wr * 0.8, H + 0.05, H + 0.3, roof_rear + 0.2, roof_front - 0.3, black);
    }
  }
  m.draw_in_order();
}

Size truck_size(Dice& dice) { return {dice.in(2.9, 4.6), dice.in(1.05, 1.25), dice.in(2.7, 3.7)}; }

// A cab, a gap, and a load: closed box, curtain, tank, tipper or timber; the cab is lower or narrower than the load.
void draw_truck(Model& m, Size s, Dice& dice) {
  const double L = s.half_length, W = s.half_width, H = s.height, R = dice.in(0.42, 0.5);
  const Paint cab{any_colour(dice), 0.05, 0.15, 8}, load{any_colour(dice), 0.08, 0.08, 6}, black{dark, 0.1, 0.1}, window = glass(dice);
  const Colour rim{0.5f, 0.5f, 0.5f};
  const double cab_length = dice.in(1.6, 2.1), cab_height = std::min(H, dice.in(2.3, 3.0)), floor = dice.in(0.95, 1.15);
  const double back = L - cab_length, gap = dice.in(0.15, 0.4), slope = dice.in(0.1, 0.5);
  std::vector<double> axles{L - 0.9, -L + dice.in(0.9, 1.5)};
  if (L > 3.8) axles.push_back(axles[1] + 2 * R + 0.15);
  const int type = dice.below(5);
  const auto draw_cab = [&] {
    m.prism(
        {{back, 0.45}, {L, 0.4}, {L, cab_height * 0.5}, {L - slope * 0.4, cab_height - 0.12}, {L - slope, cab_height}, {back, cab_height}},
        W - 0.05, cab, cab);
    const double x = W - 0.17, y0 = cab_height * 0.56, y1 = cab_height * 0.88;
    const double z0 = L - slope * 0.4 * (y0 - cab_height * 0.5) / (cab_height * 0.5 - 0.12),
                 z1 = L - slope * 0.4 * (y1 - cab_height * 0.5) / (cab_height * 0.5 - 0.12);
    m.shell({{-x, y0, z0 + 0.01}, {x, y0, z0 + 0.01}, {x, y1, z1 + 0.01}, {-x, y1, z1 + 0.01}}, {0, y0, 0}, window);
    for (const double side : {-1.0, 1.0}) {
      patch_x(m, side * (W - 0.045), back + 0.45, L - slope * 0.4 - 0.15, y0, y1, window);
      patch_x(m, side * (W - 0.044), back + 0.4, back + 0.43, 0.6, y1, black);
      const double a = side * W * 0.55, b = side * W * 0.88;
      patch_z(m, L + 0.006, std::min(a, b), std::max(a, b), 0.68, 0.86, {lamp});
      m.hull({{{side * (W + 0.12), y0, L - 0.15}, 0.06},
              {{side * (W + 0.12), y1, L - 0.15}, 0.06},
              {{side * (W + 0.2), (y0 + y1) / 2, L - 0.17}, 0.1}},
             black);
    }
    patch_z(m, L + 0.005, -W * 0.7, W * 0.7, 0.95, cab_height * 0.48, black);
    patch_z(m, L + 0.007, -W * 0.92, W * 0.92, 0.42, 0.62, black);
    patch_z(m, L + 0.01, -0.26, 0.26, 0.5, 0.61, {plate});
  };
  const auto draw_load = [&] {
    const double z1 = back - gap, side = W;
    box_z(m, W * 0.5, 0.6, floor, -L, back, black);
    if (type <= 1) {  // box; curtain with straps
      box_z(m, side, floor, H, -L, z1, load);
      const Paint stripe{any_colour(dice), 0.05, 0.05};
      for (const double x : {-side - 0.005, side + 0.005}) {
        if (type == 0 && dice.chance(0.6))
          patch_x(m, x, -L * dice.in(0.5, 0.9), z1 * dice.in(0.1, 0.8), floor + (H - floor) * 0.35, floor + (H - floor) * 0.7, stripe);
        if (type == 1)
          for (double z = -L + 0.5; z < z1 - 0.2; z += 0.6) patch_x(m, x, z, z + 0.05, floor, H - 0.1, {0.6f * load.colour});
      }
      patch_z(m, -L - 0.005, -0.02, 0.02, floor, H, black);
      for (const double x : {-0.5, 0.5}) patch_z(m, -L - 0.006, x - 0.02, x + 0.02, floor, H, {0.7f * load.colour});
    } else if (type == 2) {  // tank
      std::vector<Ball> tank;
      const double r = (H - floor) / 2 * 0.95;
      for (int i = 0; i < 12; ++i)
        for (const double z : {-L + 0.1, z1})
          tank.push_back({{W * 0.97 * cosine(2 * pi * i / 12), floor + r + r * sine(2 * pi * i / 12), z}, 0});
      m.hull(tank, {load.colour, 0.05, 0.3, 6});
      for (double z = -L + 0.8; z < z1; z += 1.2)
        m.ring({0, floor + r, z}, {W * 0.98 / r, 0, 0}, {0, 1, 0}, r * 1.01, r * 0.97, {0.5f * load.colour});
    } else if (type == 3) {  // tipper, heaped
      const double y1 = floor + (H - floor) * 0.6;
      m.hull({{{-W * 0.8, y1, -L + 0.3}, 0.1},
              {{W * 0.8, y1, -L + 0.3}, 0.1},
              {{-W * 0.8, y1, z1 - 0.2}, 0.1},
              {{W * 0.8, y1, z1 - 0.2}, 0.1},
              {{0, y1 + (H - floor) * 0.3, -L * 0.3}, 0.3}},
             {{0.45f, 0.38f, 0.3f}, 0.3, 0.2, 12});
      m.prism({{-L, floor + 0.2}, {-L + 0.25, floor}, {z1, floor}, {z1 + 0.1, y1}, {-L - 0.05, y1}}, W, load, load);
      for (double z = -L + 0.6; z < z1; z += 0.8)
        for (const double x : {-W - 0.01, W + 0.01}) patch_x(m, x, z, z + 0.09, floor, y1, {0.7f * load.colour});
    } else {  // a flat bed with a railing and crates
      box_z(m, W, floor, floor + 0.18, -L, z1, load);
      const double first = dice.in(0.4, 0.9);
      box_z(m, W * 0.8, floor + 0.18, floor + 0.18 + first, -L + 0.2, -L * 0.2, {any_colour(dice), 0.12});
      box_z(m, W * 0.7, floor + 0.18, H * dice.in(0.7, 0.95), -L * 0.12, z1 - 0.5, {any_colour(dice), 0.12});
      for (const double x : {-W, W})
        for (double z = -L; z <= z1; z += 0.7) m.tube({x, floor, z}, {x, floor + 0.6, z}, 0.03, 0.03, black);
    }
    for (const double x : {-1.0, 1.0}) {
      const double a = x * W * 0.6, b = x * W * 0.9;
      patch_z(m, -L - 0.01, std::min(a, b), std::max(a, b), floor - 0.2, floor - 0.06, {{0.6f, 0.1f, 0.08f}});
    }
    patch_z(m, -L - 0.01, -0.26, 0.26, floor - 0.2, floor - 0.09, {plate});
  };
  for (const double x : {-W + 0.03, W - 0.03})
    for (const double z : axles) tyre(m, {x, R, z}, R, 0.32);
  if (front_is_nearer(m)) {
    draw_load();
    draw_cab();
  } else {
    draw_cab();
    draw_load();
  }
  for (const double x : {-W + 0.03, W - 0.03})
    for (const double z : axles) wheel_face(m, {x, R, z}, R, rim, dice);
  m.draw_in_order();
}

Size bus_size(Dice& dice) { return {dice.in(4.6, 6.4), dice.in(1.2, 1.3), dice.chance(0.15) ? dice.in(3.9, 4.3) : dice.in(2.9, 3.3)}; }

void draw_bus(Model& m, Size s, Dice& dice) {
  const double L = s.half_length, W = s.half_width, H = s.height, R = 0.47, floor = 0.3;
  const Paint body{any_colour(dice), 0.05, 0.12, 6}, trim{any_colour(dice), 0.05, 0.1, 6}, black{dark, 0.1, 0.1}, window = glass(dice);
  const double front = L - dice.in(2.2, 2.7), rear = -L + dice.in(2.6, 3.2);
  const auto mirrors = [&] {
    for (const double x : {-1.0, 1.0}) {
      m.tube({x * (W - 0.1), H - 0.35, L - 0.05}, {x * (W + 0.18), H - 0.6, L + 0.25}, 0.035, 0.035, black);
      m.hull({{{x * (W + 0.18), H - 0.6, L + 0.25}, 0.09}, {{x * (W + 0.18), H - 1.05, L + 0.25}, 0.09}}, black);
    }
  };
  if (!front_is_nearer(m)) mirrors();
  const Colour rim{0.5f, 0.5f, 0.5f};
  for (const double x : {-W + 0.03, W - 0.03})
    for (const double z : {rear, front}) tyre(m, {x, R, z}, R, 0.3);
  box_z(m, W - 0.2, floor, 1.2, -L + 0.4, L - 0.4, black);
  std::vector<V2> profile{{-L, floor + 0.1}};
  arch(profile, rear, R * 1.12, floor, R);
  arch(profile, front, R * 1.12, floor, R);
  for (const V2 p : {V2{L, floor}, V2{L, 1.2}, V2{L - 0.08, H - 0.25}, V2{L - 0.3, H}, V2{-L + 0.2, H}, V2{-L, H - 0.2}})
    profile.push_back(p);
  m.prism(profile, W, body, body);
  const int decks = H > 3.6 ? 2 : 1;
  const bool band = dice.chance(0.6);
  const double pitch = dice.in(1.2, 1.7);
  for (const double x : {-W - 0.005, W + 0.005}) {
    if (!near_side(m, x)) continue;
    if (dice.chance(0.6)) patch_x(m, x, -L, L - 0.02, floor + 0.25, floor + dice.in(0.45, 0.75), trim);
    for (int deck = 0; deck < decks; ++deck) {
      const double y0 = deck == 0 ? 1.15 : 2.6, y1 = deck == 0 ? (decks == 2 ? 2.1 : H - 0.55) : H - 0.4;
      if (band) patch_x(m, x, -L + 0.15, L - 0.1, y0, y1, window);
      for (double z = -L + 0.3; z + pitch - 0.12 < L - 0.2; z += pitch) {
        if (band) {
          patch_x(m, x, z - 0.06, z, y0, y1, {0.7f * body.colour});
        } else {
          patch_x(m, x, z, z + pitch - 0.14, y0, y1, window);
        }
      }
    }
    if (x > 0)  // doors on the kerb's side
      for (const double z : {L - 1.5, dice.in(-1.2, 0.4)}) {
        patch_x(m, x + 0.002, z, z + 1.25, floor + 0.08, 2.35, {0.6f * trim.colour});
        patch_x(m, x + 0.004, z + 0.08, z + 0.6, floor + 0.2, 2.25, window);
        patch_x(m, x + 0.004, z + 0.66, z + 1.18, floor + 0.2, 2.25, window);
      }
  }
  const auto leaning = [&](double y) { return L + 0.01 - 0.08 * std::max(0.0, y - 1.2) / (H - 1.45); };
  m.shell({{-W + 0.12, 1.05, leaning(1.05)},
           {W - 0.12, 1.05, leaning(1.05)},
           {W - 0.12, H - 0.62, leaning(H - 0.62)},
           {-W + 0.12, H - 0.62, leaning(H - 0.62)}},
          {0, 1, 0}, window);
  m.shell({{-W * 0.7, H - 0.55, leaning(H - 0.55)},
           {W * 0.7, H - 0.55, leaning(H - 0.55)},
           {W * 0.7, H - 0.28, leaning(H - 0.28)},
           {-W * 0.7, H - 0.28, leaning(H - 0.28)}},
          {0, 1, 0}, dice.chance(0.6) ? Paint{{0.85f, 0.6f, 0.15f}, 0.4, 0.1, 20} : black);
  patch_z(m, L + 0.012, -W * 0.95, W * 0.95, floor, floor + 0.2, black);
  patch_z(m, -L - 0.005, -W + 0.2, W - 0.2, 1.4, H - 0.6, window);
  patch_z(m, -L - 0.005, -W * 0.6, W * 0.6, 0.6, 1.1, black);
  patch_z(m, L + 0.014, -0.26, 0.26, 0.42, 0.53, {plate});
  patch_z(m, -L - 0.01, -0.26, 0.26, 0.42, 0.53, {plate});
  for (const double x : {-1.0, 1.0}) {
    const double a = x * W * 0.62, b = x * W * 0.92;
    patch_z(m, L + 0.012, std::min(a, b), std::max(a, b), 0.58, 0.8, {lamp});
    patch_z(m, -L - 0.012, std::min(a, b), std::max(a, b), 0.7, 1.2, {{0.6f, 0.1f, 0.08f}});
  }
  for (const double x : {-W + 0.03, W - 0.03})
    for (const double z : {rear, front}) wheel_face(m, {x, R, z}, R, rim, dice);
  if (front_is_nearer(m)) mirrors();
  m.draw_in_order();
}

Size train_size(Dice& dice) { return {dice.in(7, 14), dice.in(1.18, 1.32), dice.in(3.3, 3.7)}; }

// A tram or light train: sections joined by bellows, skirts over the wheels, sloping ends, a pantograph.
void draw_train(Model& m, Size s, Dice& dice) {
  const double L = s.half_length, W = s.half_width, H = s.height;
  const Paint body{any_colour(dice), 0.05, 0.1, 5}, trim{any_colour(dice), 0.05, 0.08, 5}, black{dark, 0.1, 0.1},
      grey{{0.33f, 0.33f, 0.34f}, 0.1, 0.1};
  const Paint window = glass(dice);
  const int sections = std::max(2, static_cast<int>(2 * L / dice.in(5.5, 8)));
  const double length = 2 * L / sections, slope = dice.in(0.5, 1.3), skirt = dice.in(0.18, 0.4), pitch = dice.in(1.0, 1.6);
  const bool two_tone = dice.chance(0.6);
  const auto section = [&](int k) {
    const double z0 = -L + k * length + (k > 0 ? 0.22 : 0), z1 = -L + (k + 1) * length - (k + 1 < sections ? 0.22 : 0);
    const bool head = k + 1 == sections, tail = k == 0;
    box_z(m, W - 0.35, 0.05, skirt + 0.1, z0 + 0.8, z1 - 0.8, black);
    std::vector<V2> p{{z0 + (tail ? 0.15 : 0.0), skirt}, {z1 - (head ? 0.15 : 0.0), skirt}};
    if (head) p.insert(p.end(), {{z1, 0.75}, {z1 - 0.1, 1.2}, {z1 - slope, H - 0.15}, {z1 - slope - 0.3, H}});
    if (!head) p.insert(p.end(), {{z1, H - 0.1}, {z1 - 0.1, H}});
    if (tail) p.insert(p.end(), {{z0 + slope + 0.3, H}, {z0 + slope, H - 0.15}, {z0 + 0.1, 1.2}, {z0, 0.75}});
    if (!tail) p.insert(p.end(), {{z0 + 0.1, H}, {z0, H - 0.1}});
    m.prism(p, W, body, body);
    for (const double x : {-W - 0.005, W + 0.005}) {
      if (!near_side(m, x)) continue;
      const double a = z0 + (tail ? slope * 0.5 + 0.1 : 0.0), b = z1 - (head ? slope * 0.5 + 0.1 : 0.0);
      if (two_tone) patch_x(m, x, a, b, skirt + 0.1, 1.0, trim);
      for (double z = a + 0.25; z + pitch < b - 0.1; z += pitch) patch_x(m, x, z, z + pitch - 0.12, 1.25, H - 0.75, window);
      const double door = (a + b) / 2 - 0.65;
      patch_x(m, x * 1.001, door, door + 1.3, skirt + 0.05, H - 0.65, {0.8f * trim.colour, 0.05, 0.05});
      patch_x(m, x * 1.002, door + 0.1, door + 0.6, skirt + 0.5, H - 0.8, window);
      patch_x(m, x * 1.002, door + 0.7, door + 1.2, skirt + 0.5, H - 0.8, window);
    }
    for (const double end : {1.0, -1.0}) {
      if (end > 0 ? !head : !tail) continue;
      const double z = end * L;
      const auto at = [&](double x, double y) { return V3{x, y, z - end * (0.1 + (slope - 0.1) * (y - 1.2) / (H - 1.35) - 0.015)}; };
      m.shell({at(-W + 0.15, 1.3), at(W - 0.15, 1.3), at(W - 0.25, H - 0.65), at(-W + 0.25, H - 0.65)}, {0, 1, 0}, window);
      m.shell({at(-W * 0.6, H - 0.55), at(W * 0.6, H - 0.55), at(W * 0.6, H - 0.28), at(-W * 0.6, H - 0.28)}, {0, 1, 0},
              {{0.8f, 0.55f, 0.15f}, 0.4, 0.1, 20});
      const Colour light = end > 0 ? lamp : Colour{0.6f, 0.1f, 0.08f};
      for (const double x : {-0.85, 0.85}) patch_z(m, z * 1.0005, x * W - 0.17, x * W + 0.17, 0.78, 0.95, {light});
      m.hull({{{-0.15, 0.5, z}, 0.1}, {{0.15, 0.5, z}, 0.1}, {{0, 0.5, z + end * 0.3}, 0.08}}, black);
    }
    box_z(m, W * 0.6, H, H + 0.22, z0 + length * 0.3, z1 - length * 0.35, grey);
  };
  const auto bellows = [&](int k) {
    box_z(m, W - 0.12, skirt + 0.1, H - 0.15, -L + k * length - 0.22, -L + k * length + 0.22, {{0.15f, 0.15f, 0.16f}, 0.3, 0.1, 15});
  };
  const double eye = m.camera().z;
  const int nearest = std::clamp(static_cast<int>((eye + L) / length), 0, sections - 1);
  for (int k = 0; k < nearest; ++k) {
    section(k);
    bellows(k + 1);
  }
  for (int k = sections - 1; k > nearest; --k) {
    section(k);
    bellows(k);
  }
  section(nearest);
  const double z = -L + length * 1.2;
  const Paint rod{{0.25f, 0.25f, 0.26f}, 0.05, 0.1};
  m.tube({0, H + 0.2, z - 0.7}, {0, H + 0.75, z + 0.5}, 0.04, 0.04, rod);
  m.tube({0, H + 0.75, z + 0.5}, {0, H + 1.3, z - 0.4}, 0.035, 0.035, rod);
  m.tube({-0.8, H + 1.3, z - 0.4}, {0.8, H + 1.3, z - 0.4}, 0.04, 0.04, rod);
  m.draw_in_order();
}

}  // namespace mr::scenes
