#include <algorithm>

#include "data/scenes/objects.h"

namespace mr::scenes {

namespace {

constexpr Colour rubber{0.1f, 0.1f, 0.1f}, steel{0.55f, 0.56f, 0.58f}, black{0.08f, 0.08f, 0.09f};

// A wheel whose plane holds the vehicle's axis, turned by `steer` about the vertical.
void spoked_wheel(Model& m, V3 c, double radius, double tyre, double steer, int spokes, double spoke, Dice& dice) {
  const V3 along{sine(steer), 0, cosine(steer)}, up{0, 1, 0};
  // From straight ahead the ring is edge-on: the tyre's own width is then all there is.
  const double turn = dice.in(0, 1);
  for (int i = 0; i < spokes; ++i) {
    const double a = 2 * pi * (i + turn) / spokes;
    m.tube(c, c + (radius * cosine(a)) * along + (radius * sine(a)) * up, spoke, spoke, {steel, 0, 0.1});
  }
  const Paint paint{rubber, 0.05, 0.1};
  const V3 side = cross(up, along);
  const double edge_on = std::abs(dot(unit(m.camera() - c), side));
  if (edge_on < 0.55) {
    const int n = 16;
    for (int i = 0; i < n; ++i) {
      const double a = 2 * pi * i / n, b = 2 * pi * (i + 1) / n, r = radius - tyre / 2;
      m.tube(c + (r * cosine(a)) * along + (r * sine(a)) * up, c + (r * cosine(b)) * along + (r * sine(b)) * up, tyre / 2, tyre / 2, paint);
    }
  } else {
    m.ring(c, along, up, radius, radius - tyre, paint);
    m.ring(c, along, up, radius - tyre, radius - 1.4 * tyre, {steel, 0, 0.1});
  }
  m.tube(c - 0.05 * side, c + 0.05 * side, 0.04, 0.04, {steel, 0, 0.1});
}

}  // namespace

Saddle draw_bicycle(Model& m, Dice& dice) {
  const Paint frame{any_colour(dice), 0.04, 0.15}, grey{steel, 0.03, 0.1}, dark{black, 0.05, 0.1};
  const double R = dice.in(0.31, 0.36), base = dice.in(1.0, 1.1), tyre = dice.in(0.045, 0.065), t = dice.in(0.02, 0.028),
               steer = dice.in(-0.25, 0.25);
  const V3 rear{0, R, -base * 0.45}, front{0, R, base * 0.55}, crank{0, R - 0.03, -0.02};
  const double seat_y = dice.in(0.88, 0.98);
  const V3 seat{0, seat_y, -0.24}, seat_low{0, 0.72, -0.17}, head_top{0, dice.in(0.92, 1.0), base * 0.55 - 0.17},
      head_low{0, 0.7, base * 0.55 - 0.1};
  const bool step_through = dice.chance(0.35);
  spoked_wheel(m, rear, R, tyre, 0, 12, 0.006, dice);
  spoked_wheel(m, front, R, tyre, steer, 12, 0.006, dice);
  for (const double x : {-0.06, 0.06}) {
    m.tube({x * 0.6, rear.y, rear.z}, crank, t * 0.7, t * 0.7, frame);
    m.tube({x * 0.6, rear.y, rear.z}, seat_low, t * 0.7, t * 0.7, frame);
    m.tube(head_low, front + V3{x, 0, 0}, t * 0.8, t * 0.7, frame);
  }
  m.tube(crank, seat_low, t, t, frame);
  m.tube(seat_low, seat, t * 0.8, t * 0.8, grey);
  m.tube(crank, head_low, t, t, frame);
  m.tube(step_through ? mix(crank, seat_low, 0.45) : seat_low, mix(head_low, head_top, step_through ? 0.1 : 0.5), t, t, frame);
  m.tube(head_low, head_top, t * 1.1, t * 1.1, frame);
  // Handlebar, saddle, cranks.
  const V3 bar = head_top + V3{0, 0.06, 0.03};
  const double half = dice.in(0.22, 0.31), back = dice.in(-0.18, 0.1);
  m.tube(head_top, bar, t * 0.8, t * 0.8, grey);
  for (const double x : {-1.0, 1.0}) {
    m.tube(bar, bar + V3{x * half * 0.7, 0.03, 0.02}, t * 0.7, t * 0.7, grey);
    m.tube(bar + V3{x * half * 0.7, 0.03, 0.02}, bar + V3{x * half, 0.03, back}, t, t, dark);
  }
  m.hull({{seat + V3{-0.07, 0.03, -0.1}, 0.03}, {seat + V3{0.07, 0.03, -0.1}, 0.03}, {seat + V3{0, 0.03, 0.13}, 0.025}}, dark);
  m.ring(crank + V3{0.05, 0, 0}, {0, 0, 1}, {0, 1, 0}, 0.1, 0.06, grey);
  m.tube(crank + V3{0.05, -0.09, 0}, rear + V3{0.05, -0.04, 0}, 0.01, 0.01, dark);
  const double turn = dice.in(0, 2 * pi);
  const V3 pedal{0, 0.17 * sine(turn), 0.17 * cosine(turn)};
  const V3 right = crank + V3{0.12, 0, 0} + pedal, left = crank + V3{-0.12, 0, 0} - pedal;
  m.tube(crank + V3{0.08, 0, 0}, right, 0.016, 0.016, grey);
  m.tube(crank - V3{0.08, 0, 0}, left, 0.016, 0.016, grey);
  m.hull({{right + V3{0, 0, -0.05}, 0.025}, {right + V3{0.06, 0, 0.05}, 0.025}}, dark);
  m.hull({{left + V3{0, 0, -0.05}, 0.025}, {left + V3{-0.06, 0, 0.05}, 0.025}}, dark);
  if (dice.chance(0.5)) {  // mudguards
    for (int i = 1; i < 6; ++i) {
      const auto at = [&](V3 c, double a) { return c + V3{0, (R + 0.03) * sine(a), (R + 0.03) * cosine(a)}; };
      const double a = pi * 0.35 + 0.3 * i, b = a + 0.3;
      m.tube(at(rear, a), at(rear, b), 0.02, 0.02, frame);
    }
  }
  if (dice.chance(0.4)) {  // a carrier, perhaps with a bag or a basket
    const V3 carrier = rear + V3{0, R + 0.12, 0};
    m.tube(carrier + V3{0, 0, -0.2}, carrier + V3{0, 0, 0.25}, 0.02, 0.02, dark);
    m.tube(carrier + V3{0.05, 0, -0.15}, rear, 0.01, 0.01, dark);
    if (dice.chance(0.5))
      m.hull({{carrier + V3{0.12, -0.03, -0.16}, 0.05},
              {carrier + V3{0.12, -0.03, 0.14}, 0.05},
              {carrier + V3{0.12, -0.28, -0.14}, 0.05},
              {carrier + V3{0.12, -0.28, 0.12}, 0.05}},
             {any_colour(dice), 0.1, 0.1});
  }
  if (dice.chance(0.2))
    m.hull({{bar + V3{-0.15, -0.02, 0.12}, 0.02},
            {bar + V3{0.15, -0.02, 0.12}, 0.02},
            {bar + V3{-0.12, -0.22, 0.14}, 0.02},
            {bar + V3{0.12, -0.22, 0.14}, 0.02},
            {bar + V3{0.15, -0.02, 0.36}, 0.02},
            {bar + V3{-0.15, -0.02, 0.36}, 0.02}},
           {{0.45f, 0.35f, 0.22f}, 0.3, 0.1, 40});
  m.hull({{head_top + V3{0, -0.08, 0.1}, 0.035}}, {{0.9f, 0.9f, 0.85f}});
  Saddle s;
  s.hip = seat + V3{0, 0.1, -0.02};
  s.hands = bar + V3{0, 0.05, (back + 0.02) / 2};
  s.left_foot = left + V3{0, 0.07, -0.03};
  s.right_foot = right + V3{0, 0.07, -0.03};
  s.lean = dice.in(0.15, 0.7);
  return s;
}

// A scooter (closed front, flat floor) or a motorcycle (engine and tank between open wheels).
Saddle draw_motorcycle(Model& m, Dice& dice) {
  const Paint paint{any_colour(dice), 0.04, 0.2}, grey{steel, 0.05, 0.15}, dark{black, 0.08, 0.1};
  const bool scooter = dice.chance(0.4);
  const double steer = dice.in(-0.25, 0.25), base = scooter ? dice.in(1.2, 1.3) : dice.in(1.35, 1.5),
               R = scooter ? 0.24 : dice.in(0.31, 0.34);
  const V3 rear{0, R, -base / 2}, front{0, R, base / 2};
  const auto thick_wheel = [&](V3 c, double turn, double tyre) {
    const V3 along{sine(turn), 0, cosine(turn)}, side{cosine(turn), 0, -sine(turn)};
    const double half = tyre * 0.55;
    const double edge_on = std::abs(dot(unit(m.camera() - c), side));
    if (edge_on < 0.45) {
      std::vector<Ball> shape;
      for (int i = 0; i < 12; ++i)
        for (const double x : {-half, half})
          shape.push_back({c + x * side + (R * cosine(2 * pi * i / 12)) * along + V3{0, R * sine(2 * pi * i / 12), 0}, 0});
      m.hull(shape, {rubber, 0.08, 0.15});
      return;
    }
    for (int i = 0; i < 6; ++i) {
      const double a = 2 * pi * (i + 0.3) / 6;
      m.tube(c, c + (R * 0.8 * cosine(a)) * along + V3{0, R * 0.8 * sine(a), 0}, 0.018, 0.018, grey);
    }
    for (const double x : {-half, half}) m.ring(c + x * side, along, {0, 1, 0}, R, R - tyre, {rubber, 0.08, 0.1});
    m.ring(c, along, {0, 1, 0}, R * 0.35, 0, grey);
  };
  thick_wheel(rear, 0, scooter ? 0.1 : 0.12);
  thick_wheel(front, steer, scooter ? 0.1 : 0.1);
  const V3 head{0, scooter ? 0.85 : 0.88, base / 2 - (scooter ? 0.2 : 0.34)};
  for (const double x : {-0.09, 0.09}) m.tube(head + V3{x, 0, 0}, front + V3{x, 0, 0}, 0.03, 0.03, grey);
  const V3 seat{0, scooter ? 0.76 : dice.in(0.76, 0.82), scooter ? -0.3 : -0.22};
  if (scooter) {
    m.hull({{rear + V3{-0.1, 0.22, -0.15}, 0.08},
            {rear + V3{0.1, 0.22, -0.15}, 0.08},
            {seat + V3{-0.1, -0.1, 0.2}, 0.08},
            {seat + V3{0.1, -0.1, 0.2}, 0.08},
            {{-0.1, 0.32, -0.15}, 0.08},
            {{0.1, 0.32, -0.15}, 0.08}},
           paint);
    m.hull({{{-0.12, 0.26, -0.2}, 0.05}, {{0.12, 0.26, -0.2}, 0.05}, {{-0.12, 0.26, 0.3}, 0.05}, {{0.12, 0.26, 0.3}, 0.05}}, dark);
    m.hull({{{-0.16, 0.32, 0.3}, 0.04}, {{0.16, 0.32, 0.3}, 0.04}, {head + V3{-0.12, 0, -0.02}, 0.05}, {head + V3{0.12, 0, -0.02}, 0.05}},
           paint);
    m.hull({{front + V3{0, 0.22, 0.12}, 0.06}, {front + V3{0, 0.24, -0.16}, 0.06}}, paint);
  } else {
    m.hull({{{-0.13, 0.34, -0.16}, 0.08},
            {{0.13, 0.34, 0.2}, 0.08},
            {{0.13, 0.34, -0.16}, 0.08},
            {{-0.13, 0.34, 0.2}, 0.08},
            {{0, 0.58, 0.1}, 0.1}},
           {{0.3f, 0.3f, 0.31f}, 0.35, 0.2, 30});
    m.hull({{{-0.07, 0.82, 0.02}, 0.1}, {{0.07, 0.82, 0.02}, 0.1}, {{0, 0.86, 0.28}, 0.11}, {{0, 0.72, 0.3}, 0.1}}, paint);
    m.tube({0, 0.6, -0.1}, {0, 0.74, -0.62}, 0.05, 0.06, dark);
    m.hull({{rear + V3{0, 0.42, -0.18}, 0.07}, {rear + V3{0, 0.46, 0.2}, 0.08}}, paint);
    for (const double x : {-0.1, 0.1}) m.tube({x, 0.45, -0.12}, rear + V3{x, 0, 0}, 0.03, 0.03, grey);
    m.tube({0.17, 0.3, 0.05}, {0.19, 0.36, -0.75}, 0.035, 0.06, grey);
    m.tube(rear + V3{0.1, 0.02, 0.05}, seat + V3{0.1, -0.12, -0.1}, 0.03, 0.03, grey);
    m.hull({{front + V3{0, R + 0.05, 0.14}, 0.05}, {front + V3{0, R + 0.04, -0.14}, 0.05}}, paint);
    if (dice.chance(0.4))
      m.hull({{head + V3{-0.14, 0.02, 0.12}, 0.06},
              {head + V3{0.14, 0.02, 0.12}, 0.06},
              {head + V3{0, 0.26, 0.0}, 0.1},
              {head + V3{0, -0.2, 0.1}, 0.08}},
             paint);  // fairing
  }
  m.hull({{seat + V3{-0.09, 0, -0.25}, 0.06},
          {seat + V3{0.09, 0, -0.25}, 0.06},
          {seat + V3{-0.07, 0.0, 0.22}, 0.05},
          {seat + V3{0.07, 0, 0.22}, 0.05}},
         dark);
  const V3 bar = head + V3{0, 0.14, -0.06};
  m.tube(head, bar, 0.03, 0.03, dark);
  for (const double x : {-1.0, 1.0}) {
    m.tube(bar, bar + V3{x * 0.3, 0.04, -0.08}, 0.02, 0.02, grey);
    m.tube(bar + V3{x * 0.28, 0.04, -0.07}, bar + V3{x * 0.38, 0.03, -0.12}, 0.025, 0.025, dark);
    m.tube(bar + V3{x * 0.22, 0.04, -0.05}, bar + V3{x * 0.3, 0.2, 0}, 0.01, 0.01, dark);
    m.hull({{bar + V3{x * 0.28, 0.22, 0}, 0.045}, {bar + V3{x * 0.36, 0.22, 0}, 0.04}}, dark);
  }
  m.hull({{head + V3{0, 0.05, 0.12}, 0.085}}, {{0.93f, 0.92f, 0.85f}});
  m.hull({{rear + V3{-0.05, 0.44, -0.27}, 0.03}, {rear + V3{0.05, 0.44, -0.27}, 0.03}}, {{0.65f, 0.1f, 0.08f}});
  if (dice.chance(0.25))
    m.hull({{rear + V3{-0.15, 0.6, -0.3}, 0.05},
            {rear + V3{0.15, 0.6, -0.3}, 0.05},
            {rear + V3{-0.15, 0.85, -0.3}, 0.05},
            {rear + V3{0.15, 0.85, -0.3}, 0.05},
            {rear + V3{0.15, 0.6, 0.0}, 0.05},
            {rear + V3{-0.15, 0.6, 0.0}, 0.05}},
           dark);
  Saddle s;
  s.hip = seat + V3{0, 0.14, 0.02};
  s.hands = bar + V3{0, 0.05, -0.1};
  const double foot_z = scooter ? 0.2 : dice.in(-0.1, 0.25);
  s.left_foot = {-0.2, 0.33, foot_z};
  s.right_foot = {0.2, 0.33, foot_z};
  s.lean = scooter ? 0.1 : dice.in(0.15, 0.6);
  s.helmet = dice.chance(0.9);
  return s;
}

}  // namespace mr::scenes
