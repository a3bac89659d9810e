// From samples to owners and colours.
#include <algorithm>
#include <array>
#include <cstring>

#include "data/scenes/canvas.h"

namespace mr::scenes {

namespace {

// A tile of 256×256 texels in [−1, 1]: three octaves of value noise and one of single texels, seamless. A constant.
const std::array<float, 65536>& texture() {
  static const std::array<float, 65536> tile = [] {
    std::array<float, 65536> t{};
    const auto lattice = [](int octave, int x, int y) {
      const uint64_t h = mix64(static_cast<uint64_t>(octave) << 40 ^ static_cast<uint64_t>(y) << 20 ^ static_cast<uint64_t>(x));
      return static_cast<double>(h >> 40) * (2.0 / 16777216) - 1;
    };
    const int cells[] = {8, 32, 96 / 3 * 2, 256};
    const double weights[] = {0.45, 0.35, 0.3, 0.35};
    for (int octave = 0; octave < 4; ++octave) {
      const int n = cells[octave];
      for (int y = 0; y < 256; ++y) {
        for (int x = 0; x < 256; ++x) {
          const double u = x * n / 256.0, v = y * n / 256.0;
          const int i = static_cast<int>(u), j = static_cast<int>(v);
          const double s = u - i, r = v - j, p = s * s * (3 - 2 * s), q = r * r * (3 - 2 * r);
          const double top = lattice(octave, i, j) * (1 - p) + lattice(octave, (i + 1) % n, j) * p;
          const double low = lattice(octave, i, (j + 1) % n) * (1 - p) + lattice(octave, (i + 1) % n, (j + 1) % n) * p;
          t[static_cast<size_t>(y) * 256 + static_cast<size_t>(x)] += static_cast<float>(weights[octave] * (top * (1 - q) + low * q));
        }
      }
    }
    return t;
  }();
  return tile;
}

const float* texture_row(int v) { return texture().data() + (static_cast<size_t>(v & 255) << 8); }
int whole(float v) { return static_cast<int>(v + 65536.0f) - 65536; }  // floor for |v| < 65536, without a library call

struct Texture {
  const float* tile = texture().data();
  float at(int u, int v) const { return tile[(v & 255) << 8 | (u & 255)]; }
  float smooth(float u, float v) const {
    const int i = whole(u), j = whole(v);
    const float p = u - static_cast<float>(i), q = v - static_cast<float>(j);
    return (at(i, j) * (1 - p) + at(i + 1, j) * p) * (1 - q) + (at(i, j + 1) * (1 - p) + at(i + 1, j + 1) * p) * q;
  }
};

// What a row of the ground has in common.
struct GroundRow {
  float z = 0, metres = 0, haze = 0, fade = 0;  // distance, metres a pixel, share of haze, strength left to the texture
};

GroundRow ground_row(const Look& look, int y) {
  const double below = y + 0.5 - look.camera.horizon;
  const double z = look.camera.f * look.camera.height / std::max(below, 0.25);
  const double haze = z * look.haze_per_metre / (1 + z * look.haze_per_metre);
  return {static_cast<float>(z), static_cast<float>(z / look.camera.f), static_cast<float>(haze), static_cast<float>(1 / (1 + z / 14))};
}

// Adds weight · the colour of surface s to pixels [from, to) of row y. `rgb` is the row's.
struct Shader {
  const Look& look;
  int y;
  GroundRow row;
  const float* light;  // of the row; null where the ground has no shadow
  Texture texture;

  void add(const Surface& s, int from, int to, float weight, float* rgb) const {
    switch (s.kind) {
      case Surface::Kind::plain:
        return plain(s, from, to, weight, rgb);
      case Surface::Kind::cloud:
        return cloud(s, from, to, weight, rgb);
      case Surface::Kind::ground:
        return ground(s, from, to, weight, rgb);
    }
  }

 private:
  static float blend(const Surface& s, float x, float row_part) { return std::min(std::max(s.gx * x + row_part, 0.0f), 1.0f); }

  void plain(const Surface& s, int from, int to, float weight, float* rgb) const {
    const float py = static_cast<float>(y), du = static_cast<float>(s.shift & 255),
                v = py * s.step * s.stretch + static_cast<float>(s.shift >> 8);
    if (s.step < 0.7f) {  // texels wider than pixels
      textured(s, from, to, weight, rgb, [&](float px) { return texture.smooth(px * s.step + du, v); });
    } else {
      const float* texels = texture_row(static_cast<int>(v));
      textured(s, from, to, weight, rgb, [&](float px) { return texels[static_cast<int>(px * s.step + du) & 255]; });
    }
  }
  template <class Texel> void textured(const Surface& s, int from, int to, float weight, float* rgb, Texel texel) const {
    const float part = s.gy * static_cast<float>(y) + s.g0;
    for (int x = from; x < to; ++x) {
      const float px = static_cast<float>(x), t = blend(s, px, part);
      const float g = weight * (1 + s.grain * texel(px));
      rgb[3 * x] += g * (s.a.r + t * (s.b.r - s.a.r));
      rgb[3 * x + 1] += g * (s.a.g + t * (s.b.g - s.a.g));
      rgb[3 * x + 2] += g * (s.a.b + t * (s.b.b - s.a.b));
    }
  }
  void cloud(const Surface& s, int from, int to, float weight, float* rgb) const {
    const float py = static_cast<float>(y), part = s.gy * py + s.g0, du = static_cast<float>(s.shift & 255),
                dv = static_cast<float>(s.shift >> 8);
    for (int x = from; x < to; ++x) {
      const float px = static_cast<float>(x), t = blend(s, px, part);
      const float n = texture.smooth(px * s.step + du, py * s.step * s.stretch + dv);
      const float k = std::min(std::max((n - 0.05f) * s.grain, 0.0f), 0.9f);
      const Colour c{s.a.r + t * (s.b.r - s.a.r), s.a.g + t * (s.b.g - s.a.g), s.a.b + t * (s.b.b - s.a.b)};
      rgb[3 * x] += weight * (c.r + k * (0.93f - c.r));
      rgb[3 * x + 1] += weight * (c.g + k * (0.94f - c.g));
      rgb[3 * x + 2] += weight * (c.b + k * (0.95f - c.b));
    }
  }
  void ground(const Surface& s, int from, int to, float weight, float* rgb) const {
    const float cosine = static_cast<float>(look.yaw_cosine), sine = static_cast<float>(look.yaw_sine),
                cx = static_cast<float>(look.camera.cx);
    const float du = static_cast<float>(s.shift & 255), dv = static_cast<float>(s.shift >> 8);
    const float grain = s.grain * row.fade, keep = 1 - row.haze;
    for (int x = from; x < to; ++x) {
      const float gx = (static_cast<float>(x) - cx) * row.metres, gz = row.z;
      const float u = (gx * cosine - gz * sine) * s.step + du, v = (gx * sine + gz * cosine) * s.step * s.stretch + dv;
      const float n = texture.smooth(u, v) + 0.5f * texture.at(whole(u * 5), whole(v * 5));
      const float g = (1 + grain * n) * (light ? light[x] : 1.0f) * keep;
      rgb[3 * x] += weight * (s.a.r * g + look.haze.r * row.haze);
      rgb[3 * x + 1] += weight * (s.a.g * g + look.haze.g * row.haze);
      rgb[3 * x + 2] += weight * (s.a.b * g + look.haze.b * row.haze);
    }
  }
};

uint64_t load64(const uint16_t* p) {
  uint64_t v;
  std::memcpy(&v, p, 8);
  return v;
}

// The 16 samples of a pixel, and whether they are all the same.
struct Samples {
  uint64_t rows[4];
  Samples(const uint16_t* p, size_t stride) : rows{load64(p), load64(p + stride), load64(p + 2 * stride), load64(p + 3 * stride)} {}
  bool uniform() const { return all((rows[0] & 0xffff) * 0x0001000100010001u); }
  bool all(uint64_t four) const { return ((rows[0] ^ four) | (rows[1] ^ four) | (rows[2] ^ four) | (rows[3] ^ four)) == 0; }
  uint16_t first() const { return static_cast<uint16_t>(rows[0] & 0xffff); }
};

// The distinct values among a pixel's samples and how often each occurs.
struct Tally {
  uint16_t values[16] = {};
  int counts[16] = {};
  int n = 0;
  void add(uint16_t v, int times) {
    int i = 0;
    while (i < n && values[i] != v) ++i;
    if (i == n) {
      values[n] = v;
      counts[n++] = 0;
    }
    counts[i] += times;
  }
};

Tally tally(const Samples& s) {
  Tally t;
  for (uint64_t row : s.rows) {
    const uint64_t first = row & 0xffff;
    if (row == first * 0x0001000100010001u) {
      t.add(static_cast<uint16_t>(first), 4);
      continue;
    }
    for (int k = 0; k < 4; ++k, row >>= 16) t.add(static_cast<uint16_t>(row & 0xffff), 1);
  }
  return t;
}

uint16_t majority(const Tally& seen, const std::vector<Surface>& surfaces) {
  Tally owner;
  for (int i = 0; i < seen.n; ++i) owner.add(surfaces[seen.values[i]].owner, seen.counts[i]);
  int best = 0;
  for (int i = 1; i < owner.n; ++i)
    if (owner.counts[i] > owner.counts[best] || (owner.counts[i] == owner.counts[best] && owner.values[i] > owner.values[best])) best = i;
  return owner.values[best];
}

// Vignette, white balance, contrast, noise, eight bits. Sums of ten-bit uniforms, two a channel: triangles of standard deviation 0.408;
// darker pixels are noisier, as in cameras; most of the noise is shared by the channels.
void expose(const float* rgb, int y, int height, int width, const Look& look, uint8_t* out) {
  const float dy = static_cast<float>(y) / static_cast<float>(height) - 0.5f, per_column = 1 / static_cast<float>(width);
  const uint64_t seed = look.seed + static_cast<uint64_t>(y) * 0x10001u;
  const float vignette = 2 * static_cast<float>(look.vignette), strength = static_cast<float>(look.noise) * 2.45f / 1023;
  const float contrast = static_cast<float>(look.contrast);
  const auto tone = [contrast](float v) {  // an S: darker shadows, lights that do not clip at once
    v = std::min(v, 1.25f) * 0.96f;
    return v + contrast * v * (v - 0.42f) * (1.2f - v);
  };
  const auto quantise = [](float v) { return static_cast<uint8_t>(std::min(std::max(v * 255 + 0.5f, 0.0f), 255.0f)); };
  for (int x = 0; x < width; ++x) {
    const float dx = static_cast<float>(x) * per_column - 0.5f, gain = 1 - vignette * (dx * dx + dy * dy);
    const float r = tone(rgb[3 * x] * gain * look.balance.r), g = tone(rgb[3 * x + 1] * gain * look.balance.g);
    const float b = tone(rgb[3 * x + 2] * gain * look.balance.b);
    const uint64_t h = mix64(seed + static_cast<uint64_t>(x) * 0x9e3779b1u);
    const auto draw = [h](int k) {
      return static_cast<float>(static_cast<int>((h >> (20 * k) & 1023) + (h >> (20 * k + 10) & 1023)) - 1023);
    };
    const float sigma = strength * (1.4f - 0.8f * std::min((r + g + b) * (1.0f / 3), 1.0f)), shared = 0.7f * draw(0);
    out[3 * x] = quantise(r + sigma * (shared + 0.5f * draw(1)));
    out[3 * x + 1] = quantise(g + sigma * shared);
    out[3 * x + 2] = quantise(b + sigma * (shared + 0.5f * draw(2)));
  }
}

}  // namespace

void Canvas::resolve(const Look* look, std::vector<uint16_t>& owners, Image& image) const {
  owners.resize(static_cast<size_t>(height_) * static_cast<size_t>(width_));
  if (look) image = Image(height_, width_);
  const size_t stride = static_cast<size_t>(width_) * grid;
  const Look used = look ? *look : Look();
  std::vector<float> rgb(static_cast<size_t>(width_) * 3);
  for (int y = 0; y < height_; ++y) {
    const uint16_t* row = samples_.data() + static_cast<size_t>(y) * grid * stride;
    uint16_t* owner = owners.data() + static_cast<size_t>(y) * static_cast<size_t>(width_);
    const float* light = light_.empty() ? nullptr : light_.data() + static_cast<size_t>(y) * static_cast<size_t>(width_);
    const Shader shader{used, y, ground_row(used, y), light, Texture()};
    std::fill(rgb.begin(), rgb.end(), 0.0f);
    for (int x = 0; x < width_;) {
      const Samples s(row + static_cast<size_t>(x) * grid, stride);
      if (s.uniform()) {
        int to = x + 1;
        while (to < width_ && Samples(row + static_cast<size_t>(to) * grid, stride).all(s.rows[0])) ++to;
        const Surface& surface = surfaces_[s.first()];
        std::fill(owner + x, owner + to, surface.owner);
        if (look) shader.add(surface, x, to, 1, rgb.data());
        x = to;
      } else {
        const Tally seen = tally(s);
        owner[x] = majority(seen, surfaces_);
        if (look)
          for (int i = 0; i < seen.n; ++i)
            shader.add(surfaces_[seen.values[i]], x, x + 1, static_cast<float>(seen.counts[i]) * (1.0f / 16), rgb.data());
        ++x;
      }
    }
    if (look) expose(rgb.data(), y, height_, width_, *look, image.at(y, 0));
  }
}

}  // namespace mr::scenes
