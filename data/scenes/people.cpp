#include <algorithm>

#include "data/scenes/objects.h"

namespace mr::scenes {

namespace {

// What somebody wears.
struct Outfit {
  Paint skin, hair, top, legs, shoes, extra;
  double build = 1;  // of limbs and trunk
  int coat = 0;      // 0 jacket, 1 long coat, 2 skirt
  bool sleeves = true, shorts = false, long_hair = false;
};

Outfit outfit(Dice& dice) {
  static constexpr Colour skins[] = {
      {0.87f, 0.69f, 0.58f}, {0.78f, 0.58f, 0.45f}, {0.6f, 0.42f, 0.31f}, {0.4f, 0.27f, 0.2f}, {0.9f, 0.75f, 0.66f}};
  static constexpr Colour hairs[] = {
      {0.1f, 0.08f, 0.07f}, {0.25f, 0.16f, 0.1f}, {0.5f, 0.36f, 0.2f}, {0.6f, 0.58f, 0.55f}, {0.16f, 0.12f, 0.1f}};
  Outfit o;
  o.skin = {dice.one_of(skins), 0.03, 0.08};
  o.hair = {dice.one_of(hairs), 0.1, 0.1, 30};
  o.top = {any_colour(dice), 0.1, 0.12, 25};
  o.legs = {dice.chance(0.5) ? Colour{0.16f, 0.2f, 0.3f} : any_colour(dice), 0.1, 0.12, 25};
  o.shoes = {any_colour(dice), 0.05, 0.05};
  o.extra = {any_colour(dice), 0.1, 0.12, 25};
  o.build = dice.in(0.9, 1.3);
  static constexpr double coats[] = {6, 2, 1.5};
  o.coat = dice.weighted(coats, 3);
  o.sleeves = dice.chance(0.75);
  o.shorts = dice.chance(0.15);
  o.long_hair = dice.chance(0.4);
  return o;
}

// The joint between a and b for limbs of lengths p and q, bent towards `side`.
V3 bend(V3 a, V3 b, double p, double q, V3 side) {
  const V3 d = b - a;
  const double n = std::max(length(d), 1e-6), reach = std::min(n, (p + q) * 0.999);
  const double along = (p * p - q * q + reach * reach) / (2 * reach), off = std::sqrt(std::max(p * p - along * along, 0.0));
  const V3 axis = 1 / n * d;
  return a + along * axis + off * unit(side - dot(side, axis) * axis);
}

struct Limbs {
  Model& m;
  const Outfit& o;
  double h;  // of the whole body

  void leg(V3 hip, V3 foot, V3 towards, V3 toe) const {
    const V3 knee = bend(hip, foot, 0.245 * h, 0.245 * h, towards);
    const double t = 0.048 * h * o.build, k = 0.036 * h * o.build, a = 0.025 * h * o.build;
    m.tube(hip, knee, t, k, o.legs);
    m.tube(knee, foot, k * 0.95, a, o.shorts || o.coat == 2 ? o.skin : o.legs);
    m.tube(foot + V3{0, -0.012 * h, 0}, foot + 0.085 * h * toe + V3{0, -0.02 * h, 0}, 0.024 * h, 0.018 * h, o.shoes);
  }
  void arm(V3 shoulder, V3 hand, V3 towards) const {
    const V3 elbow = bend(shoulder, hand, 0.165 * h, 0.15 * h, towards);
    const double s = 0.032 * h * o.build, e = 0.026 * h * o.build;
    m.tube(shoulder, elbow, s, e, o.top);
    m.tube(elbow, hand, e, 0.019 * h * o.build, o.sleeves ? o.top : o.skin);
    m.hull({{hand, 0.022 * h}}, o.skin);
  }
  // `forward`: where the face looks. Hair covers the top and the back.
  void head(V3 neck, V3 up, V3 forward, bool helmet, bool full) const {
    const V3 c = neck + 0.083 * h * up;
    const double r = 0.058 * h;
    m.tube(neck - 0.05 * h * up, c, 0.034 * h, 0.03 * h, o.skin);
    m.hull({{c + 0.018 * h * up, r}, {c - 0.03 * h * up, r * 0.72}}, o.skin);
    const Paint& cover = helmet ? o.extra : o.hair;
    m.shift(0.012);
    m.hull({{c + 0.03 * h * up - 0.008 * h * forward, r * 1.04},
            {c - 0.022 * h * forward - (o.long_hair && !helmet ? 0.05 * h : 0.005 * h) * up, r * 0.86}},
           cover);
    if (full) m.hull({{c, r * 1.15}, {c - 0.03 * h * up, r}, {c + 0.02 * h * forward, r}}, cover);
    const V3 eye = unit(m.camera() - c);
    if (full) {
      m.shift(0.03 + 0.1 * dot(eye, forward));
      m.hull({{c + 0.05 * h * forward + V3{0.035 * h, 0, 0}, 0.02 * h}, {c + 0.05 * h * forward - V3{0.035 * h, 0, 0}, 0.02 * h}},
             {{0.1f, 0.1f, 0.12f}, 0.1, 0.4});
    } else if (dot(eye, forward) > -0.2) {  // the face, in front of the hair
      m.shift(0.02 + 0.06 * dot(eye, forward));
      m.hull({{c + 0.026 * h * forward + 0.002 * h * up, r * 0.68}, {c + 0.02 * h * forward - 0.028 * h * up, r * 0.62}}, o.skin);
    }
    m.shift(0);
  }
};

// Shoulders, belly and hips; `up` runs along the spine.
void trunk(Model& m, const Outfit& o, double h, V3 chest, V3 pelvis, double sw, double hw, V3 up) {
  m.hull({{chest + V3{-sw * 0.8, -0.015 * h, 0}, 0.038 * h},
          {chest + V3{sw * 0.8, -0.015 * h, 0}, 0.038 * h},
          {chest - 0.11 * h * up, 0.076 * h * o.build},
          {pelvis + V3{-hw * 0.75, 0, 0}, 0.057 * h * o.build},
          {pelvis + V3{hw * 0.75, 0, 0}, 0.057 * h * o.build}},
         o.top);
}

void rucksack(Model& m, const Outfit& o, double h, V3 chest, V3 up) {
  std::vector<Ball> balls;
  for (const double x : {-0.05 * h, 0.05 * h}) {
    balls.push_back({chest + V3{x, -0.02 * h, -0.085 * h}, 0.04 * h});
    balls.push_back({chest - 0.2 * h * up + V3{x, 0, -0.1 * h}, 0.045 * h});
  }
  m.hull(balls, o.extra);
}

}  // namespace

namespace {

struct Person {
  Model& m;
  double h;
  Dice& dice;
  Outfit o = outfit(dice);
  Limbs limbs{m, o, h};
  bool walking = dice.chance(0.65);
  double phase = dice.in(0, 2 * pi), stride = walking ? dice.in(0.1, 0.2) * h : dice.in(0, 0.03) * h;
  double sw = 0.105 * h * o.build, hw = 0.055 * h * o.build,
         bob = walking ? 0.012 * h * cosine(2 * phase) : 0;  // half shoulders, half hips
  V3 chest{0, 0.815 * h + bob, walking ? 0.02 * h : dice.in(-0.01, 0.02) * h}, pelvis{0, 0.51 * h + bob, 0};

  void draw() {
    legs();
    trunk(m, o, h, chest, pelvis, sw, hw, {0, 1, 0});
    if (o.coat > 0) skirts();
    arms();
    if (dice.chance(0.25)) rucksack(m, o, h, chest, {0, 1, 0});
    const V3 look = unit({dice.in(-0.5, 0.5), 0, 1});
    limbs.head(chest + V3{0, 0.035 * h, 0.005 * h}, {0, 1, 0}, look, dice.chance(0.12), false);
    m.draw_far_to_near();
  }

  void legs() {
    const double apart = walking ? 1 : dice.in(1, 1.8);
    for (const double side : {-1.0, 1.0}) {
      const double lift = walking ? std::max(0.0, cosine(phase) * side) * 0.06 * h : 0;
      const V3 foot{side * hw * apart, 0.045 * h + lift, stride * sine(phase) * side};
      limbs.leg(pelvis + V3{side * hw, 0, 0}, foot, {side * 0.15, 0, 1}, unit({side * 0.2, 0, 1}));
    }
  }

  void skirts() {  // of a long coat, or a skirt
    const double hem = dice.in(0.26, 0.36) * h, flare = dice.in(0.09, 0.14) * h * (o.coat == 2 ? 1.15 : 1),
                 reach = flare * 0.8 + stride * 0.3;
    m.shift(0.02);
    m.hull({{pelvis + V3{0, 0.06 * h, 0}, 0.07 * h * o.build},
            {{-flare, hem, 0}, 0.012 * h},
            {{flare, hem, 0}, 0.012 * h},
            {{0, hem, reach}, 0.012 * h},
            {{0, hem, -reach}, 0.012 * h}},
           o.coat == 1 ? o.top : o.extra);
    m.shift(0);
  }

  void arms() {
    enum { swinging, telephone, pockets, holding, pointing, shopping };
    const int gesture = dice.below(6);
    for (const double side : {-1.0, 1.0}) {
      const V3 shoulder = chest + V3{side * sw, -0.01 * h, 0};
      V3 hand = shoulder + V3{side * 0.045 * h, -0.29 * h, -stride * 0.9 * sine(phase) * side + 0.02 * h};
      if (gesture == telephone && side > 0) hand = chest + V3{0.07 * h, 0.06 * h, 0.09 * h};
      if (gesture == pockets) hand = pelvis + V3{side * 0.085 * h, 0.03 * h, 0.03 * h};
      if (gesture == holding) hand = chest + V3{side * 0.04 * h, -0.16 * h, 0.17 * h};
      if (gesture == pointing && side < 0) hand = shoulder + h * V3{side * dice.in(0.1, 0.25), dice.in(-0.1, 0.15), 0.15};
      limbs.arm(shoulder, hand, {side * 0.6, -0.1, -0.6});
      const V3 bag = hand + V3{0, -0.05 * h, 0};
      if (gesture == shopping && side > 0)
        m.hull({{bag + V3{0, 0, -0.06 * h}, 0.012 * h},
                {bag + V3{0, 0, 0.06 * h}, 0.012 * h},
                {bag + V3{0, -0.14 * h, 0.07 * h}, 0.012 * h},
                {bag + V3{0, -0.14 * h, -0.07 * h}, 0.012 * h}},
               o.extra);
    }
    if (gesture == holding)
      m.hull({{chest + V3{0, -0.16 * h, 0.19 * h}, 0.05 * h}, {chest + V3{0, -0.1 * h, 0.18 * h}, 0.04 * h}}, o.extra);
  }
};

}  // namespace

void draw_person(Model& m, double h, Dice& dice) { Person{m, h, dice}.draw(); }

void draw_rider(Model& m, const Saddle& s, Dice& dice) {
  const Outfit o = outfit(dice);
  const double h = dice.in(1.62, 1.88);
  const Limbs limbs{m, o, h};
  const double sw = 0.1 * h * o.build, hw = 0.05 * h * o.build;
  const V3 up = unit({0, 1, s.lean}), chest = s.hip + 0.31 * h * up;
  for (const double side : {-1.0, 1.0})
    limbs.leg(s.hip + V3{side * hw, 0, 0}, side < 0 ? s.left_foot : s.right_foot, {side * 0.25, 0.4, 1}, unit({side * 0.1, -0.05, 1}));
  trunk(m, o, h, chest, s.hip, sw, hw, up);
  for (const double side : {-1.0, 1.0})
    limbs.arm(chest + V3{side * sw, -0.01 * h, 0}, s.hands + V3{side * 0.25, 0, 0}, {side * 0.7, -0.6, -0.2});
  if (dice.chance(0.3)) rucksack(m, o, h, chest, up);
  const V3 look = unit({dice.in(-0.3, 0.3), 0, 1});
  limbs.head(chest + 0.035 * h * up, unit({0, 1, 0.15}), look, s.helmet || dice.chance(0.4), s.helmet);
}

}  // namespace mr::scenes
