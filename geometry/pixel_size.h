// The sides of a picture, in pixels.
#pragma once

namespace mr {

struct PixelSize {
  int height = 0, width = 0;
  bool operator==(const PixelSize&) const = default;
};

}  // namespace mr
