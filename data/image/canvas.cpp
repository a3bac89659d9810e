#include "data/image/canvas.h"

#include <algorithm>
#include <cstring>

namespace mr::image {

PixelSize reduced(PixelSize whole, int factor) {
  const auto blocks = [factor](int side) { return (side + factor - 1) / factor; };
  return {blocks(whole.height), blocks(whole.width)};
}

Canvas::Canvas(const Source& s, int height, int width)
    : height_(height), width_(width), factor_(s.options.reduce), row_(size_t{3} * static_cast<size_t>(width)) {
  check(factor_ >= 1 && factor_ <= 1024, "read_image: reduce must be in 1 ... 1024, got ", factor_);
  const PixelSize blocks = reduced({height, width}, factor_);
  image_ = Image(blocks.height, blocks.width);
  if (factor_ > 1) sums_.assign(image_.rgb.size(), 0);
}

void Canvas::put(int y, int x, int n, const uint8_t* rgb) {
  if (factor_ == 1) {
    std::memcpy(image_.at(y, x), rgb, size_t{3} * static_cast<size_t>(n));
    return;
  }
  uint32_t* sum = sums_.data() + static_cast<size_t>(image_.at(y / factor_, x / factor_) - image_.rgb.data());
  for (int left = factor_ - x % factor_; n > 0; n -= left, left = factor_, sum += 3) {
    uint32_t r = 0, g = 0, b = 0;
    left = std::min(left, n);
    for (int i = 0; i < left; ++i, rgb += 3) r += rgb[0], g += rgb[1], b += rgb[2];
    sum[0] += r, sum[1] += g, sum[2] += b;
  }
}

Image Canvas::finish(ImageNotes& notes) {
  notes.reduction.whole = {height_, width_};
  if (factor_ == 1) return std::move(image_);
  const auto covered = [&](int block, int side) { return static_cast<uint32_t>(std::min(factor_, side - block * factor_)); };
  for (int y = 0; y < image_.height; ++y)
    for (int x = 0; x < image_.width; ++x) {
      const uint32_t pixels = covered(y, height_) * covered(x, width_);
      const size_t at = static_cast<size_t>(image_.at(y, x) - image_.rgb.data());
      for (size_t c = 0; c < 3; ++c) image_.rgb[at + c] = static_cast<uint8_t>((sums_[at + c] + pixels / 2) / pixels);
    }
  notes.reduction.fy = notes.reduction.fx = factor_;
  return std::move(image_);
}

}  // namespace mr::image
