#include "data/draw/label_places.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"

namespace mr {

namespace {

bool meet(const PixelBox& a, const PixelBox& b) { return a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1; }

PixelBox common(const PixelBox& a, const PixelBox& b) {
  return {std::max(a.x0, b.x0), std::max(a.y0, b.y0), std::min(a.x1, b.x1), std::min(a.y1, b.y1)};
}

int64_t area(const PixelBox& b) { return int64_t{std::max(b.x1 - b.x0, 0)} * std::max(b.y1 - b.y0, 0); }

// A box that reaches far out of the picture is cut there.
PixelBox on_pixels(const Box& b, PixelSize picture) {
  const auto column = [&](float x) { return static_cast<int>(std::lround(std::clamp(x, 0.0f, static_cast<float>(picture.width)))); };
  const auto row = [&](float y) { return static_cast<int>(std::lround(std::clamp(y, 0.0f, static_cast<float>(picture.height)))); };
  return {column(b.x1), row(b.y1), column(b.x2), row(b.y2)};
}

// What is to be seen of an object, and how much of it labels may still cover.
class Seen {
 public:
  Seen(const LabelledObject& object, PixelSize picture, double share) : extent_(on_pixels(object.box, picture)) {
    if (object.mask && !object.mask->bits.pixels.empty()) {
      mask_ = object.mask;
      extent_ = {mask_->x0, mask_->y0, mask_->x0 + mask_->bits.width, mask_->y0 + mask_->bits.height};
    }
    left_ = static_cast<int64_t>(std::floor(share * static_cast<double>(pixels(extent_))));
  }

  // Its pixels that lie in `at`.
  int64_t pixels(const PixelBox& at) const {
    if (!meet(at, extent_)) return 0;
    const PixelBox part = common(at, extent_);
    if (!mask_) return area(part);
    int64_t sum = 0;
    for (int y = part.y0; y < part.y1; ++y) {
      const uint8_t* row = &mask_->bits.pixels[static_cast<size_t>(y - mask_->y0) * static_cast<size_t>(mask_->bits.width)];
      sum = std::accumulate(row + (part.x0 - mask_->x0), row + (part.x1 - mask_->x0), sum,
                            [](int64_t n, uint8_t on) { return n + (on != 0); });
    }
    return sum;
  }
  int64_t left() const { return left_; }
  void cover(const PixelBox& at) { left_ -= pixels(at); }

 private:
  PixelBox extent_;
  const CroppedMask* mask_ = nullptr;
  int64_t left_ = 0;
};

// The places of a label at a box, the usual ones first. Those that would reach out of the picture are moved into it.
std::vector<PixelBox> places(const PixelBox& box, PixelSize label, PixelSize picture) {
  std::vector<PixelBox> all;
  const auto add = [&](int x, int y) {
    x = std::clamp(x, 0, picture.width - label.width);
    y = std::clamp(y, 0, picture.height - label.height);
    all.push_back({x, y, x + label.width, y + label.height});
  };
  const int right = box.x1 - label.width, bottom = box.y1 - label.height;  // where a label ends with the box
  const auto along = [](int from, int to, int quarters) { return from + (to - from) * quarters / 4; };
  for (const bool usual : {true, false})
    for (const int quarters : usual ? std::vector{0, 4, 2} : std::vector{1, 3}) {
      const int x = along(box.x0, right, quarters), y = along(box.y0, bottom, quarters);
      add(x, box.y0 - label.height);
      add(x, box.y1);
      add(box.x1, y);
      add(box.x0 - label.width, y);
    }
  for (const int y : {box.y0, bottom})
    for (const int x : {box.x0, right}) add(x, y);
  return all;
}

}  // namespace

std::vector<std::optional<PixelBox>> place_labels(PixelSize picture, std::span<const LabelledObject> objects, double share) {
  check(share >= 0 && share <= 1, "place_labels: share must be 0 … 1, got ", share);
  std::vector<Seen> seen;
  for (const LabelledObject& o : objects) seen.emplace_back(o, picture, share);
  std::vector<PixelBox> taken;
  // How many pixels of objects a label there covers; nothing where it may not be.
  const auto covered = [&](const PixelBox& at) -> std::optional<int64_t> {
    if (std::any_of(taken.begin(), taken.end(), [&](const PixelBox& t) { return meet(at, t); })) return {};
    int64_t sum = 0;
    for (const Seen& s : seen) {
      const int64_t pixels = s.pixels(at);
      if (pixels > s.left()) return {};
      sum += pixels;
    }
    return sum;
  };
  std::vector<std::optional<PixelBox>> result;
  for (const LabelledObject& o : objects) {
    std::optional<PixelBox> best;
    std::optional<int64_t> least;
    const bool fits = area({0, 0, o.label.width, o.label.height}) > 0 && o.label.width <= picture.width && o.label.height <= picture.height;
    if (fits)
      for (const PixelBox& at : places(on_pixels(o.box, picture), o.label, picture))
        if (const auto pixels = covered(at); pixels && (!least || *pixels < *least)) best = at, least = pixels;
    if (best) {
      taken.push_back(*best);
      for (Seen& s : seen) s.cover(*best);
    }
    result.push_back(best);
  }
  return result;
}

}  // namespace mr
