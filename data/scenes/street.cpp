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

struct GroundPainter {
  Stage& stage;
  const Street& street;

  uint16_t material(Colour c, double grain, double texels, double stretch, uint16_t owner, uint16_t shift) const {
    Surface s;
    s.kind = Surface::Kind::ground;
    s.a = s.b = stage.lit(c, {0, 1, 0}, 0);
    s.grain = static_cast<float>(grain);
    s.step = static_cast<float>(texels);
    s.stretch = static_cast<float>(stretch);
    s.owner = owner;
    s.shift = shift;
    return stage.canvas.add(s);
  }
  void quad(double x0, double x1, double z0, double z1, uint16_t surface) const {
    if (x0 > x1) std::swap(x0, x1);
    const std::vector<V2> p =
        project_ground(stage.camera, {street.place(x0, z0), street.place(x1, z0), street.place(x1, z1), street.place(x0, z1)});
    if (p.size() >= 3) stage.canvas.fill(p, surface);
  }
};

double reach(const Item& item, V2 n, bool largest) {
  double best = largest ? -1e18 : 1e18;
  for (const V2& c : item.corners) {
    const double v = n.x * c.x + n.y * c.y;
    best = largest ? std::max(best, v) : std::min(best, v);
  }
  return best;
}

// Looks for an edge of `a` with all of b beyond it. Then whichever is on the eye's side can only hide, never be hidden:
// +1 when that is a, −1 when it is b, 0 when no edge of a divides them.
int divided_by_edge_of(const Item& a, const Item& b) {
  for (int i = 0; i < 4; ++i) {
    const V2 p = a.corners[i], q = a.corners[(i + 1) % 4];
    V2 n{q.y - p.y, p.x - q.x};
    double d = n.x * p.x + n.y * p.y;
    const V2 other = a.corners[(i + 2) % 4];
    if (n.x * other.x + n.y * other.y > d) n = -1 * n, d = -d;
    if (reach(b, n, false) >= d - 1e-9) return 0 < d ? 1 : -1;
  }
  return 0;
}

double centre_distance(const Item& i) {
  const V2 c = 0.25 * (i.corners[0] + i.corners[1] + i.corners[2] + i.corners[3]);
  return length(c);
}

bool in_front(const Item& a, const Item& b) {
  if (const int s = divided_by_edge_of(a, b)) return s > 0;
  if (const int s = divided_by_edge_of(b, a)) return s < 0;
  return centre_distance(a) < centre_distance(b);
}

}  // namespace

void place_footprint(Item& item, V3 place, double heading, double half_width, double half_length) {
  const double s = sine(heading), c = cosine(heading);
  const double signs[4][2] = {{-1, -1}, {1, -1}, {1, 1}, {-1, 1}};
  for (int i = 0; i < 4; ++i) {
    const double x = signs[i][0] * half_width, z = signs[i][1] * half_length;
    item.corners[i] = {place.x + x * c + z * s, place.z - x * s + z * c};
  }
}

bool overlap(const Item& a, const Item& b) { return divided_by_edge_of(a, b) == 0 && divided_by_edge_of(b, a) == 0; }

std::vector<int> painters_order(const std::vector<Item>& items) {
  const int n = static_cast<int>(items.size());
  std::vector<int> hides(static_cast<size_t>(n));  // how many undrawn items lie behind each
  std::vector<char> front(static_cast<size_t>(n) * static_cast<size_t>(n)), done(static_cast<size_t>(n));
  std::vector<double> far(static_cast<size_t>(n));
  const auto at = [n](int i, int j) { return static_cast<size_t>(i) * static_cast<size_t>(n) + static_cast<size_t>(j); };
  for (int i = 0; i < n; ++i) far[static_cast<size_t>(i)] = centre_distance(items[static_cast<size_t>(i)]);
  for (int i = 0; i < n; ++i)
    for (int j = i + 1; j < n; ++j) {
      const bool f = in_front(items[static_cast<size_t>(i)], items[static_cast<size_t>(j)]);
      front[f ? at(i, j) : at(j, i)] = 1;
      ++hides[static_cast<size_t>(f ? i : j)];
    }
  std::vector<int> order;
  while (static_cast<int>(order.size()) < n) {
    int best = -1;  // nothing behind it; a cycle is cut at its fewest, farthest
    for (int i = 0; i < n; ++i) {
      if (done[static_cast<size_t>(i)]) continue;
      if (best < 0 || hides[static_cast<size_t>(i)] < hides[static_cast<size_t>(best)] ||
          (hides[static_cast<size_t>(i)] == hides[static_cast<size_t>(best)] &&
           far[static_cast<size_t>(i)] > far[static_cast<size_t>(best)]))
        best = i;
    }
    done[static_cast<size_t>(best)] = 1;
    order.push_back(best);
    for (int i = 0; i < n; ++i)
      if (front[at(i, best)]) --hides[static_cast<size_t>(i)];
  }
  return order;
}

Street plan_street(Dice& dice, bool wants_tracks) {
  Street s;
  s.yaw = dice.chance(0.6) ? dice.in(-0.12, 0.12) : dice.in(-0.4, 0.4);
  const double lane = dice.in(3.0, 3.5);
  const int own = 1 + dice.below(2), other = 1 + dice.below(2);
  const double at = dice.in(-0.3, 0.3) + (dice.chance(0.25) ? lane * dice.sign() : 0);  // the camera is not always in the middle of a lane
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

void draw_ground(Stage& stage, const Street& st, Dice& dice) {
  const GroundPainter g{stage, st};
  constexpr double far = 400, near = -6;
  const auto shift = [&] { return static_cast<uint16_t>(dice.below(65536)); };
  const double tone = dice.in(0.27, 0.46), warm = dice.in(-0.02, 0.03);
  const Colour asphalt{static_cast<float>(tone + warm), static_cast<float>(tone), static_cast<float>(tone - warm)};
  const double light = dice.in(0.42, 0.64);
  const Colour paving{static_cast<float>(light + 0.02 + warm), static_cast<float>(light), static_cast<float>(light - warm)};
  const Colour kerb = 1.12 * paving, white{0.78f, 0.78f, 0.76f};
  const Colour verge = dice.chance(0.3) ? Colour{0.28f, 0.36f, 0.17f} : 0.9 * paving;
  const uint16_t earth = g.material(verge, 0.25, 6, 1, dice.chance(0.5) ? stuff::terrain : stuff::sidewalk, shift());
  const uint16_t walk = g.material(paving, 0.13, dice.in(4, 9), dice.in(0.5, 1.5), stuff::sidewalk, shift());
  const uint16_t road = g.material(asphalt, 0.16, dice.in(3, 8), dice.in(0.15, 0.6), stuff::road, shift());
  const uint16_t edge = g.material(kerb, 0.1, 6, 1, stuff::sidewalk, shift());
  const uint16_t mark = g.material(white, dice.in(0.1, 0.4), 9, 1, stuff::road, shift());
  const uint16_t rail =
      g.material(dice.chance(0.5) ? Colour{0.6f, 0.6f, 0.62f} : Colour{0.16f, 0.15f, 0.15f}, 0.05, 6, 1, stuff::road, shift());
  const uint16_t patch = g.material(dice.in(0.75, 0.9) * asphalt, 0.16, 5, 1, stuff::road, shift());

  g.quad(-300, 300, near, far, earth);
  g.quad(st.left_front - 1, st.right_front + 1, near, far, walk);
  for (int i = 0; i < 30; ++i) {  // joints of the slabs across the pavements
    const double z = 3 + i * 1.5;
    const uint16_t joint = i == 0 ? g.material(0.85 * paving, 0.1, 6, 1, stuff::sidewalk, 0) : static_cast<uint16_t>(patch + 1);
    g.quad(st.left_front, st.left, z, z + 0.04, joint);
    g.quad(st.right, st.right_front, z, z + 0.04, joint);
  }
  g.quad(st.left - 0.16, st.right + 0.16, near, far, edge);
  g.quad(st.left, st.right, near, far, road);
  for (int i = dice.below(5); i > 0; --i) {  // mended places
    const double x = dice.in(st.left, st.right - 1), z = dice.in(3, 30);
    g.quad(x, std::min(x + dice.in(0.5, 2), st.right), z, z + dice.in(0.6, 5), patch);
  }
  const double c0 = st.cross - st.cross_half, c1 = st.cross + st.cross_half;
  const bool crossing = st.cross_half > 0;
  if (crossing) {
    g.quad(-120, 120, c0 - 3.2, c1 + 3.2, walk);
    g.quad(-120, 120, c0 - 0.15, c1 + 0.15, edge);
    g.quad(st.left, st.right, c0 - 3.4, c1 + 3.4, road);
    g.quad(-120, 120, c0, c1, road);
    for (double x = -60; x < 60; x += 5)
      if (x < st.left - 2 || x > st.right + 1) g.quad(x, x + 2.2, st.cross - 0.07, st.cross + 0.07, mark);
  }
  const auto clear = [&](double z) { return !crossing || z < c0 - 1 || z > c1; };
  const double dash = dice.in(2, 4), space = dice.in(3, 6), start = dice.in(0, 6);
  for (const Lane& l : st.lanes)
    for (const Lane& k : st.lanes) {
      if (k.x <= l.x || k.x > l.x + 3.9) continue;
      const double x = (l.x + k.x) / 2;
      const bool divide = l.towards != k.towards;
      if (divide && dice.chance(0.4)) {
        if (crossing) {
          g.quad(x - 0.07, x + 0.07, near, c0 - 1, mark);
          g.quad(x - 0.07, x + 0.07, c1 + 1, far, mark);
        } else {
          g.quad(x - 0.07, x + 0.07, near, far, mark);
        }
      } else {
        for (double z = start; z < 90; z += dash + space)
          if (clear(z)) g.quad(x - 0.065, x + 0.065, z, z + dash, mark);
      }
    }
  if (dice.chance(0.5))
    for (const double x : {st.left + 0.35, st.right - 0.35}) g.quad(x - 0.06, x + 0.06, near, crossing ? c0 - 1 : far, mark);
  for (const Lane& l : st.lanes)
    if (l.tracks)
      for (const double x : {l.x - 0.72, l.x + 0.72}) g.quad(x - 0.05, x + 0.05, near, far, rail);
  if (st.cross_tracks)
    for (const double z : {st.cross - 0.72, st.cross + 0.72}) g.quad(-120, 120, z - 0.05, z + 0.05, rail);
  if (dice.chance(0.5)) {  // a zebra crossing and its stop line
    const double z = crossing ? c0 - 3.4 : dice.in(7, 25), d = dice.in(0.45, 0.6);
    for (double x = st.left + 0.3; x + d < st.right; x += 2 * d) g.quad(x, x + d, z, z + 2.8, mark);
    g.quad((st.left + st.right) / 2, st.right - 0.2, z - 1.4, z - 1.05, mark);
  }
  for (int i = dice.below(3); i > 0; --i) {  // an arrow's shaft, a cover
    const double x = st.lanes[static_cast<size_t>(dice.below(static_cast<int>(st.lanes.size())))].x, z = dice.in(5, 18);
    if (!clear(z)) continue;
    if (dice.chance(0.5)) {
      g.quad(x - 0.08, x + 0.08, z, z + 2.2, mark);
      const std::vector<V2> tip =
          project_ground(stage.camera, {st.place(x - 0.35, z + 2.2), st.place(x + 0.35, z + 2.2), st.place(x, z + 3.4)});
      if (tip.size() >= 3) stage.canvas.fill(tip, mark);
    } else {
      g.quad(x - 0.32, x + 0.32, z, z + 0.64, patch);
    }
  }
}

// The shadow of a box: the hull of its footprint and of its top, moved along the light.
void cast_shadow(Stage& stage, V3 place, double heading, double half_width, double half_length, double height, double strength) {
  const V3 sun = stage.light.to_sun;
  const double direct = (stage.light.sun.r + stage.light.sun.g + stage.light.sun.b) / 3,
               around = (stage.light.sky.r + stage.light.sky.g + stage.light.sky.b) / 3;
  const double dark = strength * direct * sun.y / (direct * sun.y + 1.15 * around);
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
