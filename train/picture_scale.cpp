#include "train/picture_scale.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"

namespace mr {
namespace {

constexpr double tolerance = 1.25;

bool is_alike(const PictureScale& s) { return s.prediction * tolerance >= s.least && s.prediction <= s.most * tolerance; }

std::string range_of(const PictureScale& s) {
  return s.least == s.most ? rounded(s.least) : str(rounded(s.least), " to ", rounded(s.most));
}

}  // namespace

PictureScale picture_scale(const Recipe& r, PixelSize picture) {
  const TransformOptions& t = r.augment;
  PictureScale s;
  s.prediction = static_cast<double>(predicted_size(picture.height, picture.width, r.preprocess).width) / picture.width;
  const auto reduce = static_cast<double>(r.data.reduce);  // what training holds of the picture is that much smaller
  picture = {std::max(static_cast<int>(picture.height / r.data.reduce), 1), std::max(static_cast<int>(picture.width / r.data.reduce), 1)};
  if (t.crop_size > 0) {  // whose square is no longer than the picture
    s.least = std::max(t.scale_min, static_cast<double>(t.crop_size) / std::min(picture.height, picture.width));
    s.most = std::max(t.scale_max, s.least);
  } else if (!t.min_sides.empty()) {
    const auto scale = [&](int64_t side) {
      return static_cast<double>(resized_extent(picture.height, picture.width, side, t.max_side).width) / picture.width;
    };
    const auto [least, most] = std::ranges::minmax(t.min_sides);
    s.least = scale(least);
    s.most = scale(most);
  }
  s.least /= reduce, s.most /= reduce;
  return s;
}

std::string scale_fault(const Recipe& r, const Dataset& pictures) {
  int64_t unlike = 0;
  PictureScale one;
  for (int64_t i = 0; i < pictures.size(); ++i) {
    const ImageInfo info = pictures.info(i);
    const PictureScale s = picture_scale(r, {info.height, info.width});
    if (is_alike(s)) continue;
    ++unlike;
    one = s;
  }
  if (2 * unlike <= pictures.size()) return {};
  const bool crops = r.augment.crop_size > 0;
  return str("training sees pictures at ", range_of(one), " times their size (",
             crops ? "augment.crop_size, scale_min, scale_max" : "augment.min_sides, max_side", "), prediction at ",
             rounded(one.prediction), " (", r.preprocess.min_side > 0 ? "preprocess.min_side, max_side" : "preprocess.enlarge",
             "): what is learnt at one size is not found at another; set both alike");
}

}  // namespace mr
