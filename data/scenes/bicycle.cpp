#include <cmath>

#include "data/scenes/vehicle_parts.h"

namespace mr::scenes {

namespace {

// Two wheels with spokes, a diamond or step-through frame, handlebar, saddle, chain and pedals. Added part by part, so that far_to_near
// order can put a rider's limbs between them.
struct Bicycle {
  Model& m;
  Dice& dice;
  Paint frame{any_colour(dice), 0.04, 0.15}, grey{steel, 0.03, 0.1}, dark{near_black, 0.05, 0.1};
  double R = dice.in(0.31, 0.36), base = dice.in(1.0, 1.1), tyre = dice.in(0.045, 0.065), t = dice.in(0.02, 0.028);
  V3 rear{0, R, -base * 0.45}, front{0, R, base * 0.55}, crank{0, R - 0.03, -0.02};
  V3 seat{0, dice.in(0.88, 0.98), -0.24}, seat_low{0, 0.72, -0.17};
  V3 head_top{0, dice.in(0.92, 1.0), base * 0.55 - 0.17}, head_low{0, 0.7, base * 0.55 - 0.1}, bar = head_top + V3{0, 0.06, 0.03};
  double grip_back = dice.in(-0.18, 0.1);
  V3 pedals[2] = {};  // left, right

  Saddle draw() {
    const double steer = dice.in(-0.25, 0.25);
    wheel(rear, 0);
    wheel(front, steer);
    tubes();
    handlebar();
    paired_hull(m, {{seat + V3{0, 0.03, -0.1}, 0.07, 0.03}, {seat + V3{0, 0.03, 0.13}, 0, 0.025}}, dark);
    drive();
    extras();
    m.hull({{head_top + V3{0, -0.08, 0.1}, 0.035}}, {{0.9f, 0.9f, 0.85f}});  // lamp
    Saddle s;
    s.hip = seat + V3{0, 0.1, -0.02};
    s.hands = bar + V3{0, 0.05, (grip_back + 0.02) / 2};
    s.left_foot = pedals[0] + V3{0, 0.07, -0.03};
    s.right_foot = pedals[1] + V3{0, 0.07, -0.03};
    s.lean = dice.in(0.15, 0.7);
    return s;
  }

 private:
  // In a plane that holds the axis of the bicycle, turned by `steer` about the vertical. Seen along that plane the ring is a line:
  // the tyre's own width is then all there is.
  void wheel(V3 c, double steer) {
    constexpr int spokes = 12, pieces = 16;
    const V3 along{sine(steer), 0, cosine(steer)}, up{0, 1, 0}, axle = cross(up, along);
    const auto at = [&](double radius, double a) { return c + (radius * cosine(a)) * along + (radius * sine(a)) * up; };
    const double turn = dice.in(0, 1);
    for (int i = 0; i < spokes; ++i) m.tube(c, at(R, 2 * pi * (i + turn) / spokes), 0.006, 0.006, {steel, 0, 0.1});
    const Paint paint{rubber, 0.05, 0.1};
    if (std::abs(dot(unit(m.camera() - c), axle)) < 0.55) {
      const double r = R - tyre / 2;
      for (int i = 0; i < pieces; ++i) m.tube(at(r, 2 * pi * i / pieces), at(r, 2 * pi * (i + 1) / pieces), tyre / 2, tyre / 2, paint);
    } else {
      std::vector<V3> rim;
      for (int i = 0; i < pieces; ++i) rim.push_back(at(R - tyre, 2 * pi * i / pieces));
      m.opening(rim);
      m.ring(c, along, up, R, R - tyre, paint);
      m.ring(c, along, up, R - tyre, R - 1.4 * tyre, {steel, 0, 0.1});
    }
    m.tube(c - 0.05 * axle, c + 0.05 * axle, 0.04, 0.04, {steel, 0, 0.1});
  }

  void tubes() {
    m.opening({crank, seat_low, mix(head_low, head_top, 0.5), head_low});
    m.opening({crank, seat_low, rear});
    for (const double x : {-0.06, 0.06}) {
      m.tube(rear + V3{x * 0.6, 0, 0}, crank, t * 0.7, t * 0.7, frame);
      m.tube(rear + V3{x * 0.6, 0, 0}, seat_low, t * 0.7, t * 0.7, frame);
      m.tube(head_low, front + V3{x, 0, 0}, t * 0.8, t * 0.7, frame);
    }
    m.tube(crank, seat_low, t, t, frame);
    m.tube(seat_low, seat, t * 0.8, t * 0.8, grey);
    m.tube(crank, head_low, t, t, frame);
    m.tube(head_low, head_top, t * 1.1, t * 1.1, frame);
    if (dice.chance(0.35)) {  // step-through
      m.tube(mix(crank, seat_low, 0.45), mix(head_low, head_top, 0.1), t, t, frame);
    } else {
      m.tube(seat_low, mix(head_low, head_top, 0.5), t, t, frame);
    }
  }

  void handlebar() {
    const double half = dice.in(0.22, 0.31);
    m.tube(head_top, bar, t * 0.8, t * 0.8, grey);
    for (const double side : {-1.0, 1.0}) {
      const V3 bend = bar + V3{side * half * 0.7, 0.03, 0.02};
      m.tube(bar, bend, t * 0.7, t * 0.7, grey);
      m.tube(bend, bar + V3{side * half, 0.03, grip_back}, t, t, dark);
    }
  }

  void drive() {
    m.ring(crank + V3{0.05, 0, 0}, {0, 0, 1}, {0, 1, 0}, 0.1, 0.06, grey);
    m.tube(crank + V3{0.05, -0.09, 0}, rear + V3{0.05, -0.04, 0}, 0.01, 0.01, dark);
    const double turn = dice.in(0, 2 * pi);
    for (const int k : {0, 1}) {
      const double side = k == 0 ? -1 : 1;
      pedals[k] = crank + V3{side * 0.12, side * 0.17 * sine(turn), side * 0.17 * cosine(turn)};
      m.tube(crank + V3{side * 0.08, 0, 0}, pedals[k], 0.016, 0.016, grey);
      m.hull({{pedals[k] + V3{0, 0, -0.05}, 0.025}, {pedals[k] + V3{side * 0.06, 0, 0.05}, 0.025}}, dark);
    }
  }

  // Mudguards, a carrier with or without a bag, a basket.
  void extras() {
    if (dice.chance(0.5))
      for (int i = 1; i < 6; ++i) {
        const auto at = [&](double a) { return rear + V3{0, (R + 0.03) * sine(a), (R + 0.03) * cosine(a)}; };
        const double a = pi * 0.35 + 0.3 * i;
        m.tube(at(a), at(a + 0.3), 0.02, 0.02, frame);
      }
    if (dice.chance(0.4)) {
      const V3 carrier = rear + V3{0, R + 0.12, 0}, bag = carrier + V3{0.12, 0, 0};
      m.tube(carrier + V3{0, 0, -0.2}, carrier + V3{0, 0, 0.25}, 0.02, 0.02, dark);
      m.tube(carrier + V3{0.05, 0, -0.15}, rear, 0.01, 0.01, dark);
      if (dice.chance(0.5))
        m.hull({{bag + V3{0, -0.03, -0.16}, 0.05},
                {bag + V3{0, -0.03, 0.14}, 0.05},
                {bag + V3{0, -0.28, -0.14}, 0.05},
                {bag + V3{0, -0.28, 0.12}, 0.05}},
               {any_colour(dice), 0.1, 0.1});
    }
    if (dice.chance(0.2))
      paired_hull(m,
                  {{bar + V3{0, -0.02, 0.12}, 0.15, 0.02}, {bar + V3{0, -0.22, 0.14}, 0.12, 0.02}, {bar + V3{0, -0.02, 0.36}, 0.15, 0.02}},
                  {{0.45f, 0.35f, 0.22f}, 0.3, 0.1, 40});
  }
};

}  // namespace

Saddle draw_bicycle(Model& m, Dice& dice) { return Bicycle{m, dice}.draw(); }

}  // namespace mr::scenes
