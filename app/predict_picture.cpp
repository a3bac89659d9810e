#include "app/predict_picture.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/memory.h"
#include "data/image/canvas.h"
#include "data/image/stated_size.h"
#include "data/transforms/transforms.h"

namespace mr::app {
namespace {

constexpr int64_t kWhole = int64_t{1} << 25, kSeen = int64_t{1} << 24;
constexpr double kDrawn = 1 << 27, kDrawnMasks = 1 << 28;

int64_t pixels(PixelSize s) { return int64_t{s.height} * s.width; }

int reduction_of(PixelSize whole, const Preprocess& p) {
  if (pixels(whole) <= kWhole) return 1;
  int factor = spare_reduction(whole.height, whole.width, p);
  const auto seen = [&] {
    const PixelSize read = image::reduced(whole, factor);
    return pixels(predicted_size(read.height, read.width, p));
  };
  while (seen() > kSeen) ++factor;
  return factor;
}

// From the whole picture to the image that is drawn on.
Box placed(const Box& b, const Reduction& r) {
  const auto x = [&r](float v) { return static_cast<float>((v - r.x0) / r.fx); };
  const auto y = [&r](float v) { return static_cast<float>((v - r.y0) / r.fy); };
  return {x(b.x1), y(b.y1), x(b.x2), y(b.y2)};
}

void rescale(Image& image, Reduction& r, double factor) {
  const auto side = [factor](int n) { return std::max(static_cast<int>(std::lround(n * factor)), 1); };
  const int height = side(image.height), width = side(image.width);
  if (height == image.height && width == image.width) return;
  r.fy *= static_cast<double>(image.height) / height;
  r.fx *= static_cast<double>(image.width) / width;
  image = resized(image, height, width);
}

// As much of `scale` as the limits of a drawing allow.
double allowed_scale(double scale, const Picture& picture, const FoundObjects& found) {
  double masks = 0;
  if (found.m > 0)
    for (const Detection& d : found.objects) masks += placed(d.box, picture.notes.reduction).area();
  const double image = static_cast<double>(pixels({picture.image.height, picture.image.width}));
  if (masks > 0) scale = std::min(scale, std::sqrt(kDrawnMasks / masks));
  return std::min(scale, std::sqrt(kDrawn / image));
}

}  // namespace

Picture read_picture(const std::string& path, const Detector& detector, bool whole, std::optional<PixelSize> stated) {
  const ImageHeader header = read_image_header(path);
  ImageOptions options;
  options.orient = !stated || !means_stored(path, header, *stated);
  const PixelSize size = options.orient ? header.upright() : header.stored;
  if (!whole) options.reduce = reduction_of(size, detector.recipe.preprocess);
  const auto file_bytes = static_cast<int64_t>(std::filesystem::file_size(path));
  const int64_t need =
      decoding_bytes(header, file_bytes, options.reduce) + least_network_bytes(detector, image::reduced(size, options.reduce));
  const int64_t left = available_memory();
  constexpr int64_t mega = 1'000'000;
  if (need > left)
    throw ImageError(
        ImageFault::too_large, path,
        str(size.width, "×", size.height, " pixels take ", need / mega, " MB of memory or more, and ", left / mega, " MB are free"));
  Picture picture;
  picture.image = read_image(path, options, &picture.notes);
  return picture;
}

DrawnPicture drawing(Picture picture, const FoundObjects& found, const Classes& classes, DrawOptions options) {
  DrawnPicture result;
  Image& image = result.image;
  Reduction r = picture.notes.reduction;
  const double scale = options.scale > 0 ? options.scale : drawing_scale({picture.image.height, picture.image.width});
  const double allowed = allowed_scale(scale, picture, found);
  image = std::move(picture.image);
  rescale(image, r, allowed);
  result.size = {image.height, image.width};
  std::vector<DrawnDetection> drawn;
  for (size_t i = 0; i < found.objects.size(); ++i) {
    const Detection& d = found.objects[i];
    drawn.push_back({placed(d.box, r), d.label, d.score, {}});
    if (found.m > 0) drawn.back().mask = found.mask(i, drawn.back().box, result.size);  // finer than the picture's own pixels
  }
  options.scale = 1;
  options.colour_by_instance = classes.size() == 1;
  draw_detections(image, std::move(drawn), classes.names, options);
  return result;
}

}  // namespace mr::app
