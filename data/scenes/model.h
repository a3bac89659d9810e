// Solid things put together from faces, tubes, hulls and rings in their own frame (metres; x right, y up, z forward), then drawn on
// a Canvas through the camera. A part is projected when it is added; `draw` paints the parts in the order added or far to near.
#pragma once

#include <initializer_list>
#include <vector>

#include "data/scenes/canvas.h"
#include "data/scenes/space.h"

namespace mr::scenes {

struct Light {
  V3 to_sun{0.3, 0.8, -0.5};
  Colour sun{0.6f, 0.58f, 0.52f}, sky{0.5f, 0.52f, 0.56f};  // direct light, and light from everywhere
  Colour haze{0.8f, 0.84f, 0.88f};
  double haze_per_metre = 0.002;
};

struct Stage {
  Camera camera;
  Light light;
  Canvas canvas;

  // The colour of a matt face with this normal at this distance, the air between included.
  Colour lit(Colour c, V3 normal, double distance) const;
  Colour through_air(Colour c, double distance) const;
};

struct Paint {
  Colour colour;
  double grain = 0.08;
  double gloss = 0.1;  // how much lighter a part is at its top than at its bottom
  double texels = 12;  // texels a metre
};

// A point of a hull: a ball.
struct Ball {
  V3 at;
  double radius = 0;
};

class Model {
 public:
  // `place` lies in the camera frame; heading 0 looks away from the camera, π/2 to the right.
  Model(Stage& stage, V3 place, double heading, uint16_t owner);

  void owner(uint16_t o) { owner_ = o; }
  uint16_t owner() const { return owner_; }
  void shift(double bias) { bias_ = bias; }  // metres nearer to the camera, in the order of drawing
  V3 world(V3 local) const;
  std::vector<V3> world(const std::vector<V3>& local) const;
  double distance(V3 local) const;
  V3 camera() const;  // the camera's place in the object's frame

  void face(const std::vector<V3>& points, const Paint& paint);              // a flat polygon seen from both sides
  void shell(const std::vector<V3>& points, V3 inside, const Paint& paint);  // seen only from the side away from `inside`
  void box(V3 low, V3 high, const Paint& paint);
  void prism(const std::vector<V2>& profile, double half_width, const Paint& sides, const Paint& rim);  // (z, y) profile along x
  void tube(V3 a, V3 b, double radius_a, double radius_b, const Paint& paint);
  void hull(std::initializer_list<Ball> balls, const Paint& paint);
  void hull(const std::vector<Ball>& balls, const Paint& paint);
  void ring(V3 centre, V3 u, V3 v, double outer, double inner, const Paint& paint);  // inner = 0: a disc
  void opening(const std::vector<V3>& points);  // a flat polygon that one sees through; it is the object's all the same
  void outline(const std::vector<V2>& pixels, V3 at, const Paint& paint);  // any shape, already in pixels

  void draw_in_order();
  void draw_far_to_near();

 private:
  struct Part {
    int first_end, contours;
    double depth;
    uint16_t surface;  // of an opening: its owner
    bool opening = false;
  };
  void add_part(const std::vector<V2>& points, double depth, uint16_t surface);
  uint16_t surface(const Paint& paint, V3 normal, double distance, const std::vector<V2>& points);
  std::vector<V2> project_clipped(const std::vector<V3>& world) const;
  void draw_part(const Part& p);

  Stage& stage_;
  V3 place_;
  double sine_, cosine_;
  uint16_t owner_;
  double bias_ = 0;
  uint32_t texture_ = 0;
  std::vector<V2> points_;
  std::vector<int> ends_;
  std::vector<Part> parts_;
};

std::vector<V2> convex_hull(std::vector<V2> points);

}  // namespace mr::scenes
