// What is drawn, before it has colours. Every pixel holds a grid of 4×4 samples, every sample the number of the surface seen there:
// painting far to near leaves exact visibility. From the samples come
//   owners   the owner (an object, or a kind of background) of most of a pixel's samples; of equals the one drawn nearest
//   image    the mean of the colours of its samples' surfaces, each evaluated once a pixel: anti-aliased without halos
#pragma once

#include <cstdint>
#include <vector>

#include "data/dataset.h"
#include "data/scenes/space.h"

namespace mr::scenes {

// The colour of a surface at pixel (x, y): mix(near, far, clamp(g·(x, y, 1))) · (1 + grain · texture).
struct Surface {
  enum class Kind : uint8_t { plain, ground, cloud };

  Colour a, b;
  float gx = 0, gy = 0, g0 = 0;
  float grain = 0;    // strength of the texture
  float step = 1;     // texels a pixel (plain, cloud) or a metre (ground)
  float stretch = 1;  // step along y = stretch · step
  uint16_t owner = 0;
  uint16_t shift = 0;  // where in the texture
  Kind kind = Kind::plain;
};

// The light on the ground and in the air, and the sensor: what `image` needs beside the surfaces.
struct Look {
  Camera camera;
  Colour haze;
  double haze_per_metre = 0;
  double noise = 0.01;      // standard deviation at mid grey
  Colour balance{1, 1, 1};  // exposure and white balance
  double vignette = 0.1, contrast = 0.5;
  uint64_t seed = 0;
  double yaw_sine = 0, yaw_cosine = 1;  // of the street against the camera: the ground's texture follows the street
};

class Canvas {
 public:
  static constexpr int grid = 4;  // samples along a side of a pixel

  Canvas(int height, int width);  // full of surface 0, which the caller adds first
  int height() const { return height_; }
  int width() const { return width_; }

  uint16_t add(const Surface& s);
  // The inside of closed contours (even–odd rule), in pixels. ends[k] is one past contour k's last point.
  void fill(const V2* points, const int* ends, int contours, uint16_t surface);
  void fill(const std::vector<V2>& points, uint16_t surface);

  // What is seen inside keeps its colours but belongs to `owner` from now on: an object has no holes, as Cityscapes' annotators see it.
  void claim(const V2* points, int count, uint16_t owner);

  // Multiplies the light on `ground` surfaces by 1 − strength inside the contour.
  void shade(const std::vector<V2>& points, double strength);
  // The same under a soft ellipse on the ground: full in its middle, none at its rim. Axes u, v in metres.
  void shade_soft(const Camera& camera, V3 centre, V3 u, V3 v, double strength);

  // owners [H, W]; the image only where a look is given.
  void resolve(const Look* look, std::vector<uint16_t>& owners, Image& image) const;

 private:
  template <class Span> void scan(const V2* points, const int* ends, int contours, double scale, int rows, int columns, Span&& span);

  int height_, width_;
  std::vector<uint16_t> samples_;  // [4H, 4W]
  std::vector<Surface> surfaces_;
  std::vector<float> light_;             // [H, W] on the ground; empty while there is no shadow
  std::vector<int> crossings_, counts_;  // scan's columns of the edges of each row
};

}  // namespace mr::scenes
