// What the vehicles have in common. z runs along a vehicle, its front at +z.
#pragma once

#include "data/scenes/objects.h"

namespace mr::scenes {

inline constexpr Colour rubber{0.1f, 0.1f, 0.1f}, near_black{0.07f, 0.07f, 0.08f}, steel{0.55f, 0.56f, 0.58f};
inline constexpr Colour number_plate{0.9f, 0.9f, 0.86f}, head_lamp{0.95f, 0.94f, 0.85f}, tail_lamp{0.6f, 0.1f, 0.08f};

Paint glass(Dice& dice);

// A flat patch on a plane of constant z (front, rear) or constant x (sides), seen from outside only. Bounds in any order.
void patch_z(Model& m, double z, double x0, double x1, double y0, double y1, const Paint& p);
void patch_x(Model& m, double x, double z0, double z1, double y0, double y1, const Paint& p);
void both_lamps(Model& m, double z, double inner, double outer, double y0, double y1,
                const Paint& p);  // left and right, |x| from inner to outer
void long_box(Model& m, double half_width, double y0, double y1, double z0, double z1, const Paint& p);

// The hull of balls that stand in pairs, `half` metres to either side of the middle.
struct Pair {
  V3 middle;
  double half = 0, radius = 0.05;
};
void paired_hull(Model& m, std::initializer_list<Pair> pairs, const Paint& p);

// The arch over a wheel as points of a profile, from rear to front, for a sill at y.
void add_arch(std::vector<V2>& profile, double z, double radius, double sill, double axle);

// Wheels are drawn in two steps with the body between them: the tyre it stands over, then the face that shows in its arch.
struct Wheels {
  double x = 0, radius = 0.33, width = 0.2;  // of the outer face
  std::vector<double> axles;
  Colour rim = steel;

  void tyres(Model& m) const;
  void faces(Model& m, Dice& dice) const;
};

inline bool front_is_nearer(const Model& m) { return m.camera().z > 0; }
inline bool near_side(const Model& m, double x) { return (m.camera().x > 0) == (x > 0); }

}  // namespace mr::scenes
