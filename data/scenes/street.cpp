#include "data/scenes/street.h"

#include <algorithm>

namespace mr::scenes {

namespace {

std::vector<V2> project_ground(const Camera& camera, const std::vector<V3>& p) {
  constexpr double near_plane = 0.4;
  std::vector<V2> out;
  for (size_t i = 0; i < p.size(); ++i) {
    const V3 a = p[i], b = p[i + 1 < p.size() ? i + 1 : 0];
    if (a.z >= near_plane) out.push_back(camera.project(a));
    if ((a.z >= near_plane) != (b.z >= near_plane)) out.push_back(camera.project(mix(a, b, (near_plane - a.z) / (b.z - a.z))));
  }
  return out;
}

struct Ground {
  Stage& stage;
  const Street& street;
  Dice& dice;
  double tone = dice.in(0.27, 0.46), warm = dice.in(-0.02, 0.03), light = dice.in(0.42, 0.64);
  Colour asphalt{static_cast<float>(tone + warm), static_cast<float>(tone), static_cast<float>(tone - warm)};
  Colour paving{static_cast<float>(light + 0.02 + warm), static_cast<float>(light), static_cast<float>(light - warm)};
  uint16_t shift = static_cast<uint16_t>(dice.below(65536));
  uint16_t mark = material({0.78f, 0.78f, 0.76f}, dice.in(0.1, 0.4), 9, 1, stuff::road);
  uint16_t patch = material(dice.in(0.75, 0.9) * asphalt, 0.16, 5, 1, stuff::road);
  bool crossing = street.cross_half > 0;
  double c0 = street.cross - street.cross_half, c1 = street.cross + street.cross_half;

  void draw() {
    surfaces();
    lane_marks();
    rails();
    if (dice.chance(0.5)) zebra();
    for (int i = dice.below(3); i > 0; --i) arrow_or_cover();
  }

 private:
  static constexpr double far = 400, near = -6, wide = 120;

  uint16_t material(Colour c, double grain, double texels, double stretch, uint16_t owner) {
    Surface s;
    s.kind = Surface::Kind::ground;
    s.a = s.b = stage.lit(c, {0, 1, 0}, 0);
    s.grain = static_cast<float>(grain);
    s.step = static_cast<float>(texels);
    s.stretch = static_cast<float>(stretch);
    s.owner = owner;
    s.shift = shift = static_cast<uint16_t>(shift * 25173 + 13849);
    return stage.canvas.add(s);
  }
  void quad(double x0, double x1, double z0, double z1, uint16_t surface) const {
    const std::vector<V2> p =
        project_ground(stage.camera, {street.place(x0, z0), street.place(x1, z0), street.place(x1, z1), street.place(x0, z1)});
    if (p.size() >= 3) stage.canvas.fill(p, surface);
  }
  bool clear(double z) const { return !crossing || z < c0 - 1 || z > c1; }

  void surfaces() {
    const bool grass = dice.chance(0.3), terrain = grass || dice.chance(0.3);
    const double slab = dice.in(4, 9), slab_stretch = dice.in(0.5, 1.5), coarse = dice.in(3, 8), coarse_stretch = dice.in(0.15, 0.6);
    const uint16_t earth =
        material(grass ? Colour{0.28f, 0.36f, 0.17f} : 0.9 * paving, 0.25, 6, 1, terrain ? stuff::terrain : stuff::sidewalk);
    const uint16_t walk = material(paving, 0.13, slab, slab_stretch, stuff::sidewalk),
                   joint = material(0.85 * paving, 0.1, 6, 1, stuff::sidewalk);
    const uint16_t road = material(asphalt, 0.16, coarse, coarse_stretch, stuff::road),
                   kerb = material(1.12 * paving, 0.1, 6, 1, stuff::sidewalk);
    quad(-300, 300, near, far, earth);
    quad(street.left_front - 1, street.right_front + 1, near, far, walk);
    for (int i = 0; i < 30; ++i) {  // between the slabs
      const double z = 3 + i * 1.5;
      quad(street.left_front, street.left, z, z + 0.04, joint);
      quad(street.right, street.right_front, z, z + 0.04, joint);
    }
    quad(street.left - 0.16, street.right + 0.16, near, far, kerb);
    quad(street.left, street.right, near, far, road);
    for (int i = dice.below(5); i > 0; --i) {  // mended places
      const double x = dice.in(street.left, street.right - 1), z = dice.in(3, 30), w = dice.in(0.5, 2), l = dice.in(0.6, 5);
      quad(x, std::min(x + w, street.right), z, z + l, patch);
    }
    if (!crossing) return;
    quad(-wide, wide, c0 - 3.2, c1 + 3.2, walk);
    quad(-wide, wide, c0 - 0.15, c1 + 0.15, kerb);
    quad(street.left, street.right, c0 - 3.4, c1 + 3.4, road);
    quad(-wide, wide, c0, c1, road);
  }

  void lane_marks() {
    const double dash = dice.in(2, 4), space = dice.in(3, 6), start = dice.in(0, 6);
    const bool divided = dice.chance(0.4), edges = dice.chance(0.5);
    const auto whole_line = [&](double x) {
      quad(x - 0.07, x + 0.07, near, crossing ? c0 - 1 : far, mark);
      if (crossing) quad(x - 0.07, x + 0.07, c1 + 1, far, mark);
    };
    for (const Lane& l : street.lanes)
      for (const Lane& k : street.lanes) {
        if (k.x <= l.x || k.x > l.x + 3.9) continue;
        const double x = (l.x + k.x) / 2;
        if (divided && l.towards != k.towards) {
          whole_line(x);
          continue;
        }
        for (double z = start; z < 90; z += dash + space)
          if (clear(z)) quad(x - 0.065, x + 0.065, z, z + dash, mark);
      }
    if (edges)
      for (const double x : {street.left + 0.35, street.right - 0.35}) whole_line(x);
    for (double x = -60; crossing && x < 60; x += 5)
      if (x < street.left - 2 || x > street.right + 1) quad(x, x + 2.2, street.cross - 0.07, street.cross + 0.07, mark);
  }

  void rails() {
    const bool bright = dice.chance(0.5);
    const uint16_t rail = material(bright ? Colour{0.6f, 0.6f, 0.62f} : Colour{0.16f, 0.15f, 0.15f}, 0.05, 6, 1, stuff::road);
    constexpr double half_gauge = 0.72;
    for (const double side : {-half_gauge, half_gauge}) {
      for (const Lane& l : street.lanes)
        if (l.tracks) quad(l.x + side - 0.05, l.x + side + 0.05, near, far, rail);
      if (street.cross_tracks) quad(-wide, wide, street.cross + side - 0.05, street.cross + side + 0.05, rail);
    }
  }

  void zebra() {  // and its stop line
    const double z = crossing ? c0 - 3.4 : dice.in(7, 25), d = dice.in(0.45, 0.6);
    for (double x = street.left + 0.3; x + d < street.right; x += 2 * d) quad(x, x + d, z, z + 2.8, mark);
    quad((street.left + street.right) / 2, street.right - 0.2, z - 1.4, z - 1.05, mark);
  }

  void arrow_or_cover() {
    const double x = street.lanes[static_cast<size_t>(dice.below(static_cast<int>(street.lanes.size())))].x, z = dice.in(5, 18);
    const bool arrow = dice.chance(0.5);
    if (!clear(z)) return;
    if (!arrow) {
      quad(x - 0.32, x + 0.32, z, z + 0.64, patch);
      return;
    }
    quad(x - 0.08, x + 0.08, z, z + 2.2, mark);
    const std::vector<V2> tip =
        project_ground(stage.camera, {street.place(x - 0.35, z + 2.2), street.place(x + 0.35, z + 2.2), street.place(x, z + 3.4)});
    if (tip.size() >= 3) stage.canvas.fill(tip, mark);
  }
};

}  // namespace

Street plan_street(Dice& dice, bool wants_tracks) {
  Street s;
  s.yaw = dice.chance(0.6) ? dice.in(-0.12, 0.12) : dice.in(-0.4, 0.4);
  const double lane = dice.in(3.0, 3.5);
  const int own = 1 + dice.below(2), other = 1 + dice.below(2);
  const double sway = dice.in(-0.3, 0.3),
               at = sway + (dice.chance(0.25) ? lane * dice.sign() : 0);  // the camera is not always in the middle of a lane
  const double divide = -lane * 0.5 + at - (own == 2 && dice.chance(0.5) ? lane : 0);
  for (int i = 0; i < own; ++i) s.lanes.push_back({divide + (i + 0.5) * lane, false, false});
  for (int i = 0; i < other; ++i) s.lanes.push_back({divide - (i + 0.5) * lane, true, false});
  s.left = divide - other * lane - dice.in(0, 2.2);
  s.right = divide + own * lane + dice.in(0, 2.2);
  s.left_front = s.left - dice.in(2.2, 6);
  s.right_front = s.right + dice.in(2.2, 6);
  if (wants_tracks || dice.chance(0.12)) {
    const bool inside = dice.chance(0.6);
    for (Lane& l : s.lanes)
      if (inside && (l.x == divide + 0.5 * lane || l.x == divide - 0.5 * lane) && std::abs(l.x) > 1.2) l.tracks = true;
    if (!inside) {  // beside the road, on their own bed
      const double side = dice.sign();
      double& edge = side > 0 ? s.right : s.left;
      double& front = side > 0 ? s.right_front : s.left_front;
      s.lanes.push_back({edge + side * 2, dice.chance(0.5), true});
      front += side * 4;
      edge += side * 3.7;
    }
  }
  if (dice.chance(0.45)) {
    s.cross = dice.in(14, 34);
    s.cross_half = dice.in(3.2, 6.5);
    s.cross_tracks = wants_tracks && dice.chance(0.5);
  }
  return s;
}

Weather plan_weather(Dice& dice) {
  Weather w;
  w.cloud = dice.in(0, 1);
  w.evening = dice.chance(0.3) ? dice.in(0.3, 1) : dice.in(0, 0.3);
  w.haze = dice.chance(0.2) ? dice.in(0.006, 0.014) : dice.in(0.0008, 0.005);
  return w;
}

Light plan_light(const Weather& w, Dice& dice) {
  Light l;
  const double height = dice.in(0.5, 1.3) * (1 - 0.7 * w.evening), round = dice.in(0, 2 * pi);
  l.to_sun = unit({cosine(round), height, sine(round)});
  const double direct = 1.15 * (1 - w.cloud) * (1 - 0.45 * w.evening), around = 0.76 + 0.2 * w.cloud - 0.24 * w.evening;
  l.sun = direct * mix(Colour{0.78f, 0.74f, 0.66f}, Colour{0.85f, 0.58f, 0.34f}, w.evening);
  l.sky = around * mix(Colour{0.95f, 1.0f, 1.08f}, Colour{0.98f, 0.96f, 1.06f}, w.evening);
  l.haze = (1 - 0.35 * w.evening) * mix(mix(Colour{0.72f, 0.8f, 0.9f}, Colour{0.78f, 0.79f, 0.8f}, w.cloud), Colour{0.95f, 0.74f, 0.56f},
                                        w.evening * (1 - 0.6 * w.cloud));
  l.haze_per_metre = w.haze;
  return l;
}

void draw_sky(Stage& stage, const Weather& w, Dice& dice) {
  Surface s;
  s.kind = Surface::Kind::cloud;
  s.a = (1 - 0.45 * w.evening) * mix(Colour{0.34f, 0.54f, 0.84f}, Colour{0.66f, 0.69f, 0.73f}, w.cloud);
  s.b = stage.light.haze;
  s.gy = static_cast<float>(1 / std::max(stage.camera.horizon, 1.0));
  s.grain = static_cast<float>((0.3 + 1.6 * w.cloud * (1 - w.cloud) * 2) * (1 - 0.6 * w.evening));
  s.step = static_cast<float>(18.0 / stage.canvas.width() * dice.in(0.7, 1.6));
  s.stretch = static_cast<float>(dice.in(2, 4));
  s.owner = stuff::sky;
  s.shift = static_cast<uint16_t>(dice.below(65536));
  stage.canvas.add(s);  // surface 0: what the canvas is full of
}

void draw_ground(Stage& stage, const Street& street, Dice& dice) { Ground{stage, street, dice}.draw(); }

// The shadow of a box: the hull of its footprint and of its top, moved along the light.
void cast_shadow(Stage& stage, V3 place, double heading, double half_width, double half_length, double height) {
  const V3 sun = stage.light.to_sun;
  const double direct = (stage.light.sun.r + stage.light.sun.g + stage.light.sun.b) / 3,
               around = (stage.light.sky.r + stage.light.sky.g + stage.light.sky.b) / 3;
  const double dark = direct * sun.y / (direct * sun.y + 1.15 * around);
  if (dark < 0.03) return;
  Item foot;
  place_footprint(foot, place, heading, half_width, half_length);
  const double run = std::min(height / std::max(sun.y, 0.08), 60.0);
  std::vector<V2> plan;
  for (const V2& c : foot.corners) {
    plan.push_back(c);
    plan.push_back({c.x - run * sun.x, c.y - run * sun.z});
  }
  std::vector<V3> outline;
  for (const V2& p : convex_hull(plan)) outline.push_back({p.x, 0, p.y});
  const std::vector<V2> shape = project_ground(stage.camera, outline);
  if (shape.size() >= 3) stage.canvas.shade(shape, dark);
}

}  // namespace mr::scenes
