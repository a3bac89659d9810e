#include "data/draw/detections.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "base/check.h"
#include "data/draw/font.h"

namespace mr {

namespace {

// Hue in turns, lightness and colourfulness from 0 to 1.
Rgb from_hue(double hue, double lightness, double colourfulness) {
  const double chroma = (1 - std::abs(2 * lightness - 1)) * colourfulness;
  const auto channel = [&](double shift) {
    const double t = (hue + shift - std::floor(hue + shift)) * 6;
    const double level = std::clamp(std::abs(t - 3) - 1, 0.0, 1.0);
    return static_cast<uint8_t>(std::lround(255 * (lightness + chroma * (level - 0.5))));
  };
  return {channel(0), channel(2.0 / 3), channel(1.0 / 3)};
}

double luminance(Rgb c) { return (0.299 * c.r + 0.587 * c.g + 0.114 * c.b) / 255; }

double shared_area(const Box& a, const Box& b) {
  const double w = std::min(a.x2, b.x2) - std::max(a.x1, b.x1), h = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
  return w > 0 && h > 0 ? w * h : 0;
}

// The first place of a label that is inside the image and free; failing that, the one that covers least of the others.
Box place_label(const Box& box, float w, float h, const Image& image, const std::vector<Box>& taken) {
  const float right = static_cast<float>(image.width), bottom = static_cast<float>(image.height);
  const float xs[] = {box.x1, box.x2 - w, (box.x1 + box.x2 - w) / 2}, ys[] = {box.y1 - h, box.y1, box.y2, box.y2 - h};
  Box best;
  double least = 1e18;
  const auto consider = [&](float x, float y) {
    x = std::round(std::clamp(x, 0.0f, std::max(right - w, 0.0f)));
    y = std::round(std::clamp(y, 0.0f, std::max(bottom - h, 0.0f)));
    const Box at{x, y, x + w, y + h};
    double covered = 0;
    for (const Box& t : taken) covered += shared_area(at, t);
    if (covered < least) {
      least = covered;
      best = at;
    }
  };
  for (const float y : ys)
    for (const float x : xs)
      if (least > 0) consider(x, y);
  for (int step = 1; step <= 8 && least > 0; ++step)  // then up and down along the box's left edge
    for (const float sign : {-1.0f, 1.0f}) consider(box.x1, box.y1 + sign * static_cast<float>(step) * h);
  return best;
}

}  // namespace

// Ten hues told apart at a glance, then any number of them, a golden section apart.
Rgb class_colour(int label, int instance) {
  static constexpr double hues[] = {0.6, 0.23, 0.91, 0.5, 0.11, 0.73, 0.38, 0.02, 0.16, 0.82};
  static constexpr double shades[] = {0.56, 0.68, 0.47, 0.62, 0.52, 0.74, 0.43, 0.65};
  const double hue = label >= 1 && label <= 10 ? hues[label - 1] : 0.02 + 0.61803398875 * static_cast<double>(label);
  return from_hue(hue, shades[static_cast<unsigned>(instance) % 8], 0.85);
}

std::vector<DrawnDetection> drawn(const std::vector<Instance>& instances) {
  std::vector<DrawnDetection> out;
  for (const Instance& i : instances) out.push_back({i.box, i.label, -1, i.mask});
  return out;
}

void draw_detections(Image& image, std::span<const DrawnDetection> detections, const std::vector<std::string>& class_names,
                     const DrawOptions& options) {
  for (const DrawnDetection& d : detections)
    check(d.label >= 1 && d.label <= static_cast<int>(class_names.size()), "draw_detections: label must be from 1 to ", class_names.size(),
          ", got ", d.label);
  for (const DrawnDetection& d : detections) {
    const Box& b = d.box;
    check(std::isfinite(b.x1) && std::isfinite(b.y1) && std::isfinite(b.x2) && std::isfinite(b.y2),
          "draw_detections: box must be finite, got ", b.x1, " ", b.y1, " ", b.x2, " ", b.y2);
  }
  const int scale =
      options.scale > 0 ? options.scale : std::max(1, static_cast<int>(std::lround(std::min(image.height, image.width) / 450.0)));
  const size_t n = detections.size();
  std::vector<size_t> order(n);
  for (size_t i = 0; i < n; ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return detections[a].score < detections[b].score; });
  std::vector<Rgb> colours(n);
  std::map<int, int> seen;
  for (size_t i = 0; i < n; ++i) {
    const int k = seen[options.colour_by_instance ? 0 : detections[i].label]++;
    colours[i] = options.colour_by_instance ? class_colour(k + 1) : class_colour(detections[i].label, k);
  }
  for (const size_t i : order) {
    const DrawnDetection& d = detections[i];
    if (options.masks) fill_mask(image, d.mask, colours[i], options.mask_alpha);
    if (options.contours) draw_contour(image, d.mask, scale, colours[i]);
  }
  if (options.boxes)
    for (const size_t i : order) draw_rectangle(image, detections[i].box, scale, colours[i], 0.9);
  if (!options.labels) return;
  std::vector<Box> taken;
  for (size_t k = n; k-- > 0;) {  // the surest choose their places first
    const size_t i = order[k];
    const DrawnDetection& d = detections[i];
    std::string text = class_names[static_cast<size_t>(d.label - 1)];
    if (options.scores && d.score >= 0) {
      char score[16];
      std::snprintf(score, sizeof score, " %.2f", static_cast<double>(d.score));
      text += score;
    }
    const int pad = 2 * scale, w = text_width(text, scale) + 2 * pad, h = text_height(scale) + pad;
    const Box at = place_label(d.box, static_cast<float>(w), static_cast<float>(h), image, taken);
    taken.push_back(at);
    const Rgb c = colours[i];
    fill_rectangle(image, at, c, 0.92);
    draw_text(image, static_cast<int>(at.y1) + pad - scale / 2, static_cast<int>(at.x1) + pad, text,
              luminance(c) > 0.5 ? Rgb{12, 12, 16} : Rgb{255, 255, 255}, scale);
  }
}

}  // namespace mr
