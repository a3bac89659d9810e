#include "data/cityscapes/depth.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <vector>

#include "base/check.h"
#include "base/files.h"
#include "data/cityscapes/folders.h"
#include "data/cityscapes/instance_map.h"
#include "data/convert/json_values.h"

namespace mr {
namespace {

namespace fs = std::filesystem;

// Metres times pixels of disparity.
double depth_factor(const std::string& file) {
  const std::string text = read_text_file(file);
  convert::JsonValues json(text, file);
  double baseline = 0, fx = 0;
  json.object("", [&](std::string_view part) {
    const bool extrinsic = part == "extrinsic";
    if (!extrinsic && part != "intrinsic") return json.reader.skip();
    json.object(part, [&](std::string_view key) {
      if (extrinsic && key == "baseline")
        baseline = json.number(key);
      else if (!extrinsic && key == "fx")
        fx = json.number(key);
      else
        json.reader.skip();
    });
  });
  json.reader.end();
  for (const auto& [name, value] : {std::pair{"extrinsic.baseline", baseline}, std::pair{"intrinsic.fx", fx}})
    check(std::isfinite(value) && value > 0, file, ": ", name, ": expected a number above 0, got ", value);
  return baseline * fx;
}

// The mean of the two in the middle, where their number is even.
double median_depth(std::vector<uint16_t>& disparities, double factor) {
  const auto depth = [factor](uint16_t p) { return p == 1 ? INFINITY : factor / ((p - 1) / 256.0); };
  const auto middle = disparities.begin() + static_cast<std::ptrdiff_t>(disparities.size() / 2);
  std::nth_element(disparities.begin(), middle, disparities.end());
  if (disparities.size() % 2 == 1) return depth(*middle);
  return (depth(*middle) + depth(*std::max_element(disparities.begin(), middle))) / 2;
}

}  // namespace

std::optional<CityscapesDepthFiles> cityscapes_depth_files(const std::string& truth) {
  const fs::path file = truth, city = file.parent_path(), split = city.parent_path(), root = split.parent_path().parent_path();
  const std::string name = cityscapes_name(file.filename().string());
  const auto beside = [&](const char* top, const char* ending) {
    return (root / top / split.filename() / city.filename() / str(name, ending)).string();
  };
  CityscapesDepthFiles files{beside("disparity", "_disparity.png"), beside("camera", "_camera.json")};
  if (!is_there(files.disparity) || !is_there(files.camera)) return {};
  return files;
}

std::map<uint16_t, CityscapesDistance> cityscapes_distances(const Bitmap16& ids, const CityscapesDepthFiles& files) {
  const double factor = depth_factor(files.camera);
  const Bitmap16 disparity = read_cityscapes_numbers(files.disparity, "disparities");
  if (disparity.height != ids.height || disparity.width != ids.width)
    throw ImageError(
        ImageFault::other_size, files.disparity,
        str("expected ", ids.height, "x", ids.width, " pixels, as the instance ids have, got ", disparity.height, "x", disparity.width));
  struct Region {
    int64_t pixels = 0;
    std::vector<uint16_t> known;
  };
  std::map<uint16_t, Region> regions;
  Region* region = nullptr;
  for (size_t p = 0; p < ids.pixels.size(); ++p) {
    if (region == nullptr || ids.pixels[p] != ids.pixels[p - 1]) region = &regions[ids.pixels[p]];
    ++region->pixels;
    if (disparity.pixels[p] > 0) region->known.push_back(disparity.pixels[p]);
  }
  std::map<uint16_t, CityscapesDistance> out;
  for (auto& [id, r] : regions)
    if (!r.known.empty()) out[id] = {median_depth(r.known, factor), static_cast<double>(r.known.size()) / static_cast<double>(r.pixels)};
  return out;
}

}  // namespace mr
