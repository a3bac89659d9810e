#include <cmath>

#include "data/scenes/vehicle_parts.h"

namespace mr::scenes {

namespace {

// A scooter (closed front, flat floor) or a motorcycle (engine and tank between open wheels).
struct Motorcycle {
  Model& m;
  Dice& dice;
  bool scooter = dice.chance(0.4);
  Paint paint{any_colour(dice), 0.04, 0.2}, grey{steel, 0.05, 0.15}, dark{near_black, 0.08, 0.1};
  double base = scooter ? dice.in(1.2, 1.3) : dice.in(1.35, 1.5), R = scooter ? 0.24 : dice.in(0.31, 0.34);
  V3 rear{0, R, -base / 2}, front{0, R, base / 2}, head{0, scooter ? 0.85 : 0.88, base / 2 - (scooter ? 0.2 : 0.34)};
  V3 seat{0, scooter ? 0.76 : dice.in(0.76, 0.82), scooter ? -0.3 : -0.22}, bar = head + V3{0, 0.14, -0.06};

  Saddle draw() {
    const double steer = dice.in(-0.25, 0.25);
    wheel(rear, 0, scooter ? 0.1 : 0.12);
    wheel(front, steer, 0.1);
    for (const double x : {-0.09, 0.09}) m.tube(head + V3{x, 0, 0}, front + V3{x, 0, 0}, 0.03, 0.03, grey);
    scooter ? scooter_body() : motorcycle_body();
    paired_hull(m, {{seat + V3{0, 0, -0.25}, 0.09, 0.06}, {seat + V3{0, 0, 0.22}, 0.07, 0.05}}, dark);
    handlebar();
    m.hull({{head + V3{0, 0.05, 0.12}, 0.085}}, {{0.93f, 0.92f, 0.85f}});
    paired_hull(m, {{rear + V3{0, 0.44, -0.27}, 0.05, 0.03}}, {tail_lamp});
    if (dice.chance(0.25)) {  // a top case
      const V3 c = rear + V3{0, 0.6, 0};
      paired_hull(m, {{c + V3{0, 0, -0.3}, 0.15, 0.05}, {c + V3{0, 0.25, -0.3}, 0.15, 0.05}, {c, 0.15, 0.05}}, dark);
    }
    Saddle s;
    s.hip = seat + V3{0, 0.14, 0.02};
    s.hands = bar + V3{0, 0.05, -0.1};
    const double foot = scooter ? 0.2 : dice.in(-0.1, 0.25);
    s.left_foot = {-0.2, 0.33, foot};
    s.right_foot = {0.2, 0.33, foot};
    s.lean = scooter ? 0.1 : dice.in(0.15, 0.6);
    s.helmet = dice.chance(0.9);
    return s;
  }

 private:
  // Open between the spokes; seen along its plane, the hull of the tyre.
  void wheel(V3 c, double steer, double tyre) {
    const V3 along{sine(steer), 0, cosine(steer)}, up{0, 1, 0}, axle{cosine(steer), 0, -sine(steer)};
    const auto at = [&](double radius, double a) { return c + (radius * cosine(a)) * along + (radius * sine(a)) * up; };
    const double half = tyre * 0.55;
    const Paint black{rubber, 0.08, 0.15};
    if (std::abs(dot(unit(m.camera() - c), axle)) < 0.45) {
      std::vector<Ball> rims;
      for (int i = 0; i < 12; ++i)
        for (const double x : {-half, half}) rims.push_back({at(R, 2 * pi * i / 12) + x * axle, 0});
      m.hull(rims, black);
      return;
    }
    std::vector<V3> rim;
    for (int i = 0; i < 12; ++i) rim.push_back(at(R, 2 * pi * i / 12));
    m.opening(rim);
    for (int i = 0; i < 6; ++i) m.tube(c, at(R * 0.8, 2 * pi * (i + 0.3) / 6), 0.018, 0.018, grey);
    for (const double x : {-half, half}) m.ring(c + x * axle, along, up, R, R - tyre, black);
    m.ring(c, along, up, R * 0.35, 0, grey);
  }

  void scooter_body() {
    paired_hull(m, {{rear + V3{0, 0.22, -0.15}, 0.1, 0.08}, {seat + V3{0, -0.1, 0.2}, 0.1, 0.08}, {{0, 0.32, -0.15}, 0.1, 0.08}}, paint);
    paired_hull(m, {{{0, 0.26, -0.2}, 0.12, 0.05}, {{0, 0.26, 0.3}, 0.12, 0.05}}, dark);
    paired_hull(m, {{{0, 0.32, 0.3}, 0.16, 0.04}, {head + V3{0, 0, -0.02}, 0.12, 0.05}}, paint);
    m.hull({{front + V3{0, 0.22, 0.12}, 0.06}, {front + V3{0, 0.24, -0.16}, 0.06}}, paint);
  }

  void motorcycle_body() {
    paired_hull(m, {{{0, 0.34, -0.16}, 0.13, 0.08}, {{0, 0.34, 0.2}, 0.13, 0.08}, {{0, 0.58, 0.1}, 0, 0.1}},
                {{0.3f, 0.3f, 0.31f}, 0.35, 0.2, 30});                                                            // engine
    paired_hull(m, {{{0, 0.82, 0.02}, 0.07, 0.1}, {{0, 0.86, 0.28}, 0, 0.11}, {{0, 0.72, 0.3}, 0, 0.1}}, paint);  // tank
    m.tube({0, 0.6, -0.1}, {0, 0.74, -0.62}, 0.05, 0.06, dark);
    m.hull({{rear + V3{0, 0.42, -0.18}, 0.07}, {rear + V3{0, 0.46, 0.2}, 0.08}}, paint);
    for (const double x : {-0.1, 0.1}) m.tube({x, 0.45, -0.12}, rear + V3{x, 0, 0}, 0.03, 0.03, grey);
    m.tube({0.17, 0.3, 0.05}, {0.19, 0.36, -0.75}, 0.035, 0.06, grey);  // exhaust
    m.tube(rear + V3{0.1, 0.02, 0.05}, seat + V3{0.1, -0.12, -0.1}, 0.03, 0.03, grey);
    m.hull({{front + V3{0, R + 0.05, 0.14}, 0.05}, {front + V3{0, R + 0.04, -0.14}, 0.05}}, paint);
    if (dice.chance(0.4))
      paired_hull(m, {{head + V3{0, 0.02, 0.12}, 0.14, 0.06}, {head + V3{0, 0.26, 0}, 0, 0.1}, {head + V3{0, -0.2, 0.1}, 0, 0.08}},
                  paint);  // fairing
  }

  void handlebar() {
    m.tube(head, bar, 0.03, 0.03, dark);
    for (const double x : {-1.0, 1.0}) {
      m.tube(bar, bar + V3{x * 0.3, 0.04, -0.08}, 0.02, 0.02, grey);
      m.tube(bar + V3{x * 0.28, 0.04, -0.07}, bar + V3{x * 0.38, 0.03, -0.12}, 0.025, 0.025, dark);
      m.tube(bar + V3{x * 0.22, 0.04, -0.05}, bar + V3{x * 0.3, 0.2, 0}, 0.01, 0.01, dark);  // mirrors
      m.hull({{bar + V3{x * 0.28, 0.22, 0}, 0.045}, {bar + V3{x * 0.36, 0.22, 0}, 0.04}}, dark);
    }
  }
};

}  // namespace

Saddle draw_motorcycle(Model& m, Dice& dice) { return Motorcycle{m, dice}.draw(); }

}  // namespace mr::scenes
