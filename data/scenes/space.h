// The small geometry that drawing needs: points, colours, a camera. Sine and cosine are polynomials in double arithmetic, so that
// a scene has the same bits whatever the C library.
#pragma once

#include <cmath>
#include <cstdint>

#include "tensor/rng.h"

namespace mr::scenes {

struct V2 {
  double x = 0, y = 0;
};
inline V2 operator+(V2 a, V2 b) { return {a.x + b.x, a.y + b.y}; }
inline V2 operator-(V2 a, V2 b) { return {a.x - b.x, a.y - b.y}; }
inline V2 operator*(double s, V2 a) { return {s * a.x, s * a.y}; }
inline double cross(V2 a, V2 b) { return a.x * b.y - a.y * b.x; }
inline double length(V2 a) { return std::sqrt(a.x * a.x + a.y * a.y); }

// Metres. Camera frame: x to the right, y up from the ground, z away. Object frame: x to its right, y up, z forward.
struct V3 {
  double x = 0, y = 0, z = 0;
};
inline V3 operator+(V3 a, V3 b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
inline V3 operator-(V3 a, V3 b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
inline V3 operator*(double s, V3 a) { return {s * a.x, s * a.y, s * a.z}; }
inline double dot(V3 a, V3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
inline V3 cross(V3 a, V3 b) { return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x}; }
inline double length(V3 a) { return std::sqrt(dot(a, a)); }
inline V3 unit(V3 a) {
  const double n = length(a);
  return n > 0 ? 1 / n * a : a;
}
inline V3 mix(V3 a, V3 b, double t) { return a + t * (b - a); }

struct Colour {
  float r = 0, g = 0, b = 0;
};
inline Colour operator+(Colour a, Colour b) { return {a.r + b.r, a.g + b.g, a.b + b.b}; }
inline Colour operator*(double s, Colour a) {
  const float f = static_cast<float>(s);
  return {f * a.r, f * a.g, f * a.b};
}
inline Colour operator*(Colour a, Colour b) { return {a.r * b.r, a.g * b.g, a.b * b.b}; }
inline Colour mix(Colour a, Colour b, double t) { return (1 - t) * a + t * b; }

inline constexpr double pi = 3.14159265358979323846;

inline double sine(double x) {
  x -= 2 * pi * std::floor(x / (2 * pi) + 0.5);  // [−π, π]
  if (x > pi / 2) x = pi - x;
  if (x < -pi / 2) x = -pi - x;
  const double q = x * x;
  return x * (1 + q * (-1.0 / 6 + q * (1.0 / 120 + q * (-1.0 / 5040 + q * (1.0 / 362880 - q / 39916800)))));
}
inline double cosine(double x) { return sine(x + pi / 2); }

// A pinhole camera `height` above the ground that looks along z; pitch is a shifted horizon, so that verticals stay vertical.
struct Camera {
  double f = 1, cx = 0, horizon = 0, height = 1.4;
  V2 project(V3 p) const { return {cx + f * p.x / p.z, horizon + f * (height - p.y) / p.z}; }
};

// A stream of random choices.
class Dice {
 public:
  Dice(uint64_t seed, const char* purpose, uint64_t index, uint64_t part = 0) : rng_(seed, purpose, part, index) {}
  double in(double lo, double hi) { return rng_.uniform(lo, hi); }
  bool chance(double p) { return rng_.uniform(0, 1) < p; }
  int below(int n) { return static_cast<int>(rng_.below(static_cast<uint64_t>(n))); }
  double sign() { return chance(0.5) ? 1 : -1; }
  double bell(double mean, double spread) { return mean + spread * (in(-1, 1) + in(-1, 1) + in(-1, 1)); }  // standard deviation = spread
  template <class T, int N> const T& one_of(const T (&list)[N]) { return list[below(N)]; }
  int weighted(const double* weights, int n) {
    double total = 0;
    for (int i = 0; i < n; ++i) total += weights[i];
    double at = in(0, total);
    for (int i = 0; i < n; ++i)
      if ((at -= weights[i]) < 0) return i;
    return n - 1;
  }

 private:
  Rng rng_;
};

}  // namespace mr::scenes
