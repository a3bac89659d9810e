// Weights and an image that tests and scripts/golden_*.py draw for themselves, from a hash of names
// (scripts/golden_noise.py): a golden file holds results alone.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "models/parameters.h"
#include "tensor/rng.h"
#include "tests/catch.h"

namespace mr::test {

// n numbers in [−1, 1), as the script draws them.
inline std::vector<float> noise(const std::string& name, int64_t n) {
  std::vector<float> v(static_cast<size_t>(n));
  const uint64_t h = hash64(name);
  for (size_t i = 0; i < v.size(); ++i) v[i] = static_cast<float>(static_cast<double>(mix64(h + i) >> 40) * 0x1p-23 - 1);
  return v;
}

inline bool ends_with(const std::string& s, const std::string& tail) {
  return s.size() >= tail.size() && s.substr(s.size() - tail.size()) == tail;
}
inline bool has(const std::string& s, const std::string& part) { return s.find(part) != std::string::npos; }

// The value of a parameter in file order, as the script scales it.
inline std::vector<float> golden_weights(const Parameter& p) {
  const Shape& s = p.var.shape();
  std::vector<float> v = noise(p.name, s.numel());
  const bool norm = has(p.name, "bn") || has(p.name, "downsample.1");
  float factor = 1, shift = 0;
  if (ends_with(p.name, "running_var"))
    factor = 0.25f, shift = 1;
  else if (ends_with(p.name, "running_mean"))
    factor = 0.1f;
  else if (norm)
    factor = 0.25f, shift = ends_with(p.name, "weight") ? 0.75f : 0;
  else if (ends_with(p.name, "bias"))
    factor = 0.1f;
  else {
    const double fan = has(p.name, "conv5_mask") ? static_cast<double>(s[0]) : static_cast<double>(s.numel() / s[0]);
    factor = static_cast<float>((has(p.name, "cls_score") || has(p.name, "cls_logits") ? 4 : 1.7) / std::sqrt(fan));
  }
  for (float& x : v) x = x * factor + shift;
  return v;
}

// Where element i of our layout lies in the file's.
inline int64_t file_index(const Parameter& p, int64_t i) {
  const Shape& s = p.var.shape();
  switch (p.layout) {
    case FileLayout::same:
      return i;
    case FileLayout::conv: {  // ours [O,kh,kw,I], the file's [O,I,kh,kw]
      const int64_t in = i % s[3], kw = i / s[3] % s[2], kh = i / s[3] / s[2] % s[1], out = i / s[3] / s[2] / s[1];
      return ((out * s[3] + in) * s[1] + kh) * s[2] + kw;
    }
    case FileLayout::deconv: {  // ours [I,kh,kw,O], the file's [I,O,kh,kw]
      const int64_t out = i % s[3], kw = i / s[3] % s[2], kh = i / s[3] / s[2] % s[1], in = i / s[3] / s[2] / s[1];
      return ((in * s[3] + out) * s[1] + kh) * s[2] + kw;
    }
    case FileLayout::fc_of_map: {  // ours [N, H·W·C], the file's [N, C·H·W]
      const int64_t cells = int64_t{p.map_h} * p.map_w, C = s[1] / cells, k = i % s[1];
      return i / s[1] * s[1] + k % C * cells + k / C;
    }
  }
  return i;
}

inline void set_golden_weights(Parameters& parameters) {
  for (const Parameter& p : parameters.all()) {
    const std::vector<float> file = golden_weights(p);
    const auto w = p.var.value().values<float>();
    for (size_t i = 0; i < w.size(); ++i) w[i] = file[static_cast<size_t>(file_index(p, static_cast<int64_t>(i)))];
  }
  parameters.changed();
}

// The scripts' image [1,H,W,3]: noise smoothed by a 5×5 mean (zeros outside count), times 4.
inline Tensor golden_image(int H, int W) {
  const std::vector<float> chw = noise("image", int64_t{3} * H * W);
  Tensor x = Tensor::empty({1, H, W, 3});
  for (int c = 0; c < 3; ++c)
    for (int i = 0; i < H; ++i)
      for (int j = 0; j < W; ++j) {
        double sum = 0;
        for (int a = std::max(i - 2, 0); a <= std::min(i + 2, H - 1); ++a)
          for (int b = std::max(j - 2, 0); b <= std::min(j + 2, W - 1); ++b) sum += chw[static_cast<size_t>((c * H + a) * W + b)];
        x.data<float>()[(i * W + j) * 3 + c] = static_cast<float>(sum / 25 * 4);
      }
  return x;
}

// ‖∂L/∂w‖₂ of each parameter named, after a backward pass.
inline void check_gradient_norms(Parameters& parameters, const std::vector<std::pair<std::string, double>>& norms) {
  for (const auto& [name, norm] : norms) {
    const Parameter* p = parameters.find(name);
    INFO(name);
    REQUIRE(p != nullptr);
    double squares = 0;
    for (const float g : p->var.grad().values<float>()) squares += double{g} * g;
    CHECK(std::sqrt(squares) == Approx(norm).epsilon(1e-3));
  }
}

}  // namespace mr::test
