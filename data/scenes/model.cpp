#include "data/scenes/model.h"

#include <algorithm>

namespace mr::scenes {

namespace {

constexpr double near_plane = 0.3;

V3 newell(const std::vector<V3>& p) {
  V3 n;
  for (size_t i = 0; i < p.size(); ++i) n = n + cross(p[i], p[i + 1 < p.size() ? i + 1 : 0]);
  return n;
}

V3 centre_of(const std::vector<V3>& p) {
  V3 c;
  for (const V3& q : p) c = c + q;
  return 1.0 / static_cast<double>(p.size()) * c;
}

}  // namespace

Colour Stage::through_air(Colour c, double distance) const {
  const double d = distance * light.haze_per_metre;
  return mix(c, light.haze, d / (1 + d));
}

Colour Stage::lit(Colour c, V3 normal, double distance) const {
  const double facing = std::max(0.0, dot(unit(normal), light.to_sun));
  const double up = 0.5 + 0.5 * unit(normal).y;  // the sky lights what looks up, the street the rest
  return through_air(c * (facing * light.sun + (0.65 + 0.5 * up) * light.sky), distance);
}

std::vector<V2> convex_hull(std::vector<V2> p) {
  std::sort(p.begin(), p.end(), [](V2 a, V2 b) { return a.x < b.x || (a.x == b.x && a.y < b.y); });
  const size_t n = p.size();
  if (n < 3) return p;
  std::vector<V2> h(2 * n);
  size_t k = 0;
  for (size_t i = 0; i < n; ++i) {
    while (k >= 2 && cross(h[k - 1] - h[k - 2], p[i] - h[k - 2]) <= 0) --k;
    h[k++] = p[i];
  }
  for (size_t i = n - 1, low = k + 1; i-- > 0;) {
    while (k >= low && cross(h[k - 1] - h[k - 2], p[i] - h[k - 2]) <= 0) --k;
    h[k++] = p[i];
  }
  h.resize(k - 1);
  return h;
}

Model::Model(Stage& stage, V3 place, double heading, uint16_t owner)
    : stage_(stage), place_(place), sine_(sine(heading)), cosine_(cosine(heading)), owner_(owner) {
  texture_ = static_cast<uint32_t>(mix64(static_cast<uint64_t>(place.x * 1000) ^ static_cast<uint64_t>(place.z * 7000)));
}

V3 Model::world(V3 p) const { return {place_.x + p.x * cosine_ + p.z * sine_, place_.y + p.y, place_.z - p.x * sine_ + p.z * cosine_}; }

std::vector<V3> Model::world(const std::vector<V3>& points) const {
  std::vector<V3> w(points.size());
  for (size_t i = 0; i < points.size(); ++i) w[i] = world(points[i]);
  return w;
}

V3 Model::camera() const {
  const double dx = -place_.x, dz = -place_.z;
  return {dx * cosine_ - dz * sine_, stage_.camera.height - place_.y, dx * sine_ + dz * cosine_};
}

double Model::distance(V3 local) const { return length(world(local) - V3{0, stage_.camera.height, 0}); }

std::vector<V2> Model::project_clipped(const std::vector<V3>& p) const {
  std::vector<V2> out;
  out.reserve(p.size() + 2);
  for (size_t i = 0; i < p.size(); ++i) {
    const V3 a = p[i], b = p[i + 1 < p.size() ? i + 1 : 0];
    if (a.z >= near_plane) out.push_back(stage_.camera.project(a));
    if ((a.z >= near_plane) != (b.z >= near_plane)) out.push_back(stage_.camera.project(mix(a, b, (near_plane - a.z) / (b.z - a.z))));
  }
  return out;
}

// Lighter at the top than at the bottom of the part: light from the sky, and dirt from the street.
uint16_t Model::surface(const Paint& paint, V3 normal, double distance, const std::vector<V2>& points) {
  double top = 1e9, bottom = -1e9;
  for (const V2& p : points) top = std::min(top, p.y), bottom = std::max(bottom, p.y);
  const Colour c = stage_.lit(paint.colour, normal, distance);
  Surface s;
  s.a = (1 + paint.gloss) * c;
  s.b = (1 - paint.gloss) * c;
  s.gy = static_cast<float>(1 / std::max(bottom - top, 1.0));
  s.g0 = static_cast<float>(-top) * s.gy;
  s.grain = static_cast<float>(paint.grain);
  s.step = static_cast<float>(std::clamp(paint.texels * distance / stage_.camera.f, 0.3, 3.0));
  s.owner = owner_;
  s.shift = static_cast<uint16_t>(texture_ = texture_ * 1664525u + 1013904223u);
  return stage_.canvas.add(s);
}

void Model::add_part(const std::vector<V2>& points, double depth, uint16_t surface) {
  points_.insert(points_.end(), points.begin(), points.end());
  ends_.push_back(static_cast<int>(points_.size()));
  parts_.push_back({static_cast<int>(ends_.size()) - 1, 1, depth - bias_, surface});
}

void Model::face(const std::vector<V3>& points, const Paint& paint) {
  const std::vector<V3> w = world(points);
  const std::vector<V2> p = project_clipped(w);
  if (p.size() < 3) return;
  const V3 c = centre_of(w), eye{0, stage_.camera.height, 0};
  V3 n = newell(w);
  if (dot(n, eye - c) < 0) n = -1 * n;
  const double d = length(c - eye);
  add_part(p, d, surface(paint, n, d, p));
}

void Model::shell(const std::vector<V3>& points, V3 inside, const Paint& paint) {
  const std::vector<V3> w = world(points);
  const V3 c = centre_of(w), eye{0, stage_.camera.height, 0};
  V3 n = newell(w);
  if (dot(n, c - world(inside)) < 0) n = -1 * n;
  if (dot(n, eye - w[0]) <= 0) return;
  const std::vector<V2> p = project_clipped(w);
  if (p.size() < 3) return;
  const double d = length(c - eye);
  add_part(p, d, surface(paint, n, d, p));
}

void Model::box(V3 a, V3 b, const Paint& paint) {
  const V3 m = mix(a, b, 0.5);
  shell({{a.x, a.y, a.z}, {b.x, a.y, a.z}, {b.x, b.y, a.z}, {a.x, b.y, a.z}}, m, paint);
  shell({{a.x, a.y, b.z}, {b.x, a.y, b.z}, {b.x, b.y, b.z}, {a.x, b.y, b.z}}, m, paint);
  shell({{a.x, a.y, a.z}, {a.x, a.y, b.z}, {a.x, b.y, b.z}, {a.x, b.y, a.z}}, m, paint);
  shell({{b.x, a.y, a.z}, {b.x, a.y, b.z}, {b.x, b.y, b.z}, {b.x, b.y, a.z}}, m, paint);
  shell({{a.x, b.y, a.z}, {b.x, b.y, a.z}, {b.x, b.y, b.z}, {a.x, b.y, b.z}}, m, paint);
}

// The profile runs counter-clockwise in (z to the right, y up), so that the outside lies to the right of each edge.
void Model::prism(const std::vector<V2>& profile, double w, const Paint& sides, const Paint& rim) {
  for (size_t i = 0; i < profile.size(); ++i) {
    const V2 a = profile[i], b = profile[i + 1 < profile.size() ? i + 1 : 0];
    const V2 out{b.y - a.y, a.x - b.x};
    const V3 inside{0, (a.y + b.y) / 2 - out.y, (a.x + b.x) / 2 - out.x};
    shell({{-w, a.y, a.x}, {w, a.y, a.x}, {w, b.y, b.x}, {-w, b.y, b.x}}, inside, rim);
  }
  std::vector<V3> side(profile.size());
  for (const double s : {-1.0, 1.0}) {
    for (size_t i = 0; i < profile.size(); ++i) side[i] = {s * w, profile[i].y, profile[i].x};
    shell(side, {0, profile[0].y, profile[0].x}, sides);
  }
}

// Seen from anywhere a tube is the hull of two circles; thin ones keep a third of a pixel, so that they do not flicker away.
void Model::tube(V3 a, V3 b, double ra, double rb, const Paint& paint) {
  V3 p = world(a), q = world(b);
  if (p.z < near_plane || q.z < near_plane) return;
  const double f = stage_.camera.f;
  const double sa = std::max(ra * f / p.z, 0.17), sb = std::max(rb * f / q.z, 0.17);
  const V2 u = stage_.camera.project(p), v = stage_.camera.project(q);
  V2 along = v - u;
  const double n = length(along);
  along = n > 1e-9 ? 1 / n * along : V2{1, 0};
  const V2 across{-along.y, along.x};
  std::vector<V2> shape;
  if (std::max(sa, sb) < 0.8) {
    shape = {u + sa * across, u - sa * across, v - sb * across, v + sb * across};
  } else {
    static constexpr double cs[] = {0, 0.5, 0.8660254, 1, 0.8660254, 0.5, 0}, sn[] = {1, 0.8660254, 0.5, 0, -0.5, -0.8660254, -1};
    for (int i = 0; i < 7; ++i) shape.push_back(u + (-sa * cs[i]) * along + (sa * sn[i]) * across);
    for (int i = 6; i >= 0; --i) shape.push_back(v + (sb * cs[i]) * along + (sb * sn[i]) * across);
  }
  const V3 c = mix(p, q, 0.5), eye{0, stage_.camera.height, 0};
  const double d = length(c - eye);
  // Light falls off across the tube, from its sunny side.
  const V3 to_eye = unit(eye - c);
  Colour base = stage_.lit(paint.colour, to_eye + 0.5 * stage_.light.to_sun, d);
  Surface s;
  const double side = stage_.light.to_sun.x * across.x - stage_.light.to_sun.y * across.y >= 0 ? 1 : -1;
  const double width = 2 * std::max({sa, sb, 0.5});
  s.a = (1 + 1.5 * paint.gloss) * base;
  s.b = (1 - 2 * paint.gloss) * base;
  s.gx = static_cast<float>(-side * across.x / width);
  s.gy = static_cast<float>(-side * across.y / width);
  const V2 mid = 0.5 * (u + v);
  s.g0 = 0.5f - s.gx * static_cast<float>(mid.x) - s.gy * static_cast<float>(mid.y);
  s.grain = static_cast<float>(paint.grain);
  s.step = static_cast<float>(std::clamp(paint.texels * d / f, 0.3, 3.0));
  s.owner = owner_;
  s.shift = static_cast<uint16_t>(texture_ = texture_ * 1664525u + 1013904223u);
  add_part(shape, d, stage_.canvas.add(s));
}

void Model::hull(std::initializer_list<Ball> balls, const Paint& paint) { hull(std::vector<Ball>(balls), paint); }

void Model::hull(const std::vector<Ball>& balls, const Paint& paint) {
  static constexpr int corners = 10;
  std::vector<V2> p;
  V3 c;
  for (const Ball& ball : balls) {
    const V3 w = world(ball.at);
    if (w.z < near_plane) return;
    const V2 at = stage_.camera.project(w);
    const double r = ball.radius * stage_.camera.f / w.z;
    if (r < 0.1) {
      p.push_back(at);
    } else {
      for (int i = 0; i < corners; ++i) p.push_back(at + r * V2{cosine(2 * pi * i / corners), sine(2 * pi * i / corners)});
    }
    c = c + w;
  }
  c = 1.0 / static_cast<double>(balls.size()) * c;
  p = convex_hull(std::move(p));
  if (p.size() < 3) return;
  const V3 eye{0, stage_.camera.height, 0};
  const double d = length(c - eye);
  add_part(p, d, surface(paint, unit(eye - c) + 0.6 * stage_.light.to_sun, d, p));
}

void Model::ring(V3 centre, V3 u, V3 v, double outer, double inner, const Paint& paint) {
  const V3 c = world(centre), eye{0, stage_.camera.height, 0};
  if (c.z - outer < near_plane) return;
  const double size = outer * stage_.camera.f / c.z;
  const int corners = size < 3 ? 10 : size < 12 ? 16 : 28;
  std::vector<V2> p;
  for (const double radius : {outer, inner}) {
    if (radius <= 0) break;
    for (int i = 0; i < corners; ++i) {
      const double a = 2 * pi * i / corners;
      p.push_back(stage_.camera.project(world(centre + (radius * cosine(a)) * u + (radius * sine(a)) * v)));
    }
  }
  const double d = length(c - eye);
  V3 n = cross(world(centre + u) - c, world(centre + v) - c);
  if (dot(n, eye - c) < 0) n = -1 * n;
  const uint16_t s = surface(paint, n, d, p);
  const int before = static_cast<int>(points_.size());
  points_.insert(points_.end(), p.begin(), p.end());
  const int first = static_cast<int>(ends_.size());
  ends_.push_back(before + corners);
  if (inner > 0) ends_.push_back(before + 2 * corners);
  parts_.push_back({first, static_cast<int>(ends_.size()) - first, d - bias_, s});
}

void Model::opening(const std::vector<V3>& points) {
  const std::vector<V3> w = world(points);
  const std::vector<V2> p = project_clipped(w);
  if (p.size() < 3) return;
  add_part(p, length(centre_of(w) - V3{0, stage_.camera.height, 0}), owner_);
  parts_.back().opening = true;
}

void Model::outline(const std::vector<V2>& pixels, V3 at, const Paint& paint) {
  const double d = distance(at);
  add_part(pixels, d, surface(paint, {0, 0.5, -1}, d, pixels));
}

void Model::draw_part(const Part& p) {
  const int begin = p.first_end > 0 ? ends_[static_cast<size_t>(p.first_end) - 1] : 0;
  if (p.opening) return stage_.canvas.claim(points_.data() + begin, ends_[static_cast<size_t>(p.first_end)] - begin, p.surface);
  int ends[2] = {ends_[static_cast<size_t>(p.first_end)] - begin, 0};
  if (p.contours == 2) ends[1] = ends_[static_cast<size_t>(p.first_end) + 1] - begin;
  stage_.canvas.fill(points_.data() + begin, ends, p.contours, p.surface);
}

void Model::draw_in_order() {
  for (const Part& p : parts_) draw_part(p);
  parts_.clear();
  ends_.clear();
  points_.clear();
}

void Model::draw_far_to_near() {
  std::stable_sort(parts_.begin(), parts_.end(), [](const Part& a, const Part& b) { return a.depth > b.depth; });
  draw_in_order();
}

}  // namespace mr::scenes
