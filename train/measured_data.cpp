#include "train/measured_data.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "data/dataset_tools/share.h"

namespace mr {

MeasuredData measure(const Dataset& dataset) {
  MeasuredData m;
  for (int64_t i = 0; i < dataset.size(); ++i) {
    const ImageInfo info = dataset.info(i);
    m.image_ids.push_back(info.image_id);
    m.short_sides.push_back(std::min(info.height, info.width));
    m.long_sides.push_back(std::max(info.height, info.width));
    std::vector<int>& labels = m.labels.emplace_back();
    for (const Instance& x : dataset.instances(i)) {
      if (x.crowd) continue;
      labels.push_back(x.label);
      m.sizes.push_back(std::sqrt(static_cast<double>(x.box.width()) * x.box.height()));
      m.ratios.push_back(static_cast<double>(x.box.height()) / x.box.width());
    }
    m.per_image.push_back(static_cast<double>(labels.size()));
  }
  return m;
}

double percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(std::llround(share * static_cast<double>(values.size() - 1)))];
}

Sizing choose_sizing(const MeasuredData& data, const WantedSize& wanted) {
  const double object = percentile(data.sizes, 0.5), image = percentile(data.short_sides, 0.5);
  Sizing s;
  if (object < 0.08 * image && image >= 256) {
    s.crops = true;
    s.side = object < 48 ? 256 : 384;
    s.scale = std::clamp(std::round(4 * wanted.in_crops / object) / 4, 1.0, 2.0);
    return s;
  }
  const double side = image * std::clamp(wanted.in_whole / object, 0.25, 2.0);
  s.side = std::clamp<int64_t>(std::llround(side / 32) * 32, 256, 800);
  s.scale = static_cast<double>(s.side) / image;
  return s;
}

std::vector<double> choose_anchor_sizes(const MeasuredData& data, double scale) {
  const double low = std::max(percentile(data.sizes, 0.1) * scale, 8.0), high = percentile(data.sizes, 0.95) * scale;
  const double step = std::clamp(std::pow(high / low, 0.25), 1.4, 2.2);
  std::vector<double> sizes;
  for (int i = 0; i < 5; ++i) sizes.push_back(std::round(low * std::pow(step, i)));
  return sizes;
}

std::vector<double> choose_anchor_ratios(const MeasuredData& data) {
  constexpr double alike = 1.25, round = 1.1;
  const auto rounded = [](double v) { return std::clamp(std::round(v * 20) / 20, 0.2, 5.0); };
  double median = rounded(percentile(data.ratios, 0.5));
  if (std::max(median, 1 / median) < round) median = 1;
  const double low = rounded(percentile(data.ratios, 0.15)), high = rounded(percentile(data.ratios, 0.85));
  std::vector<double> ratios = {median};
  if (median / low >= alike) ratios.insert(ratios.begin(), low);
  if (high / median >= alike) ratios.push_back(high);
  return ratios;
}

SetApart choose_apart(const MeasuredData& data, double share) {
  const std::vector<uint64_t> keys(data.image_ids.begin(), data.image_ids.end());
  std::map<int, int64_t> images_with;  // each label
  for (const std::vector<int>& labels : data.labels)
    for (const int label : std::set<int>(labels.begin(), labels.end())) ++images_with[label];
  std::set<int> wanted;
  for (const auto& [label, images] : images_with)
    if (images >= 2) wanted.insert(label);
  SetApart first;
  for (int64_t seed = 0; seed < 100; ++seed) {
    const std::vector<bool> apart = draw_share(keys, share, static_cast<uint64_t>(seed));
    SetApart s{seed, std::count(apart.begin(), apart.end(), true), 0};
    std::set<int> learnt;
    for (size_t i = 0; i < apart.size(); ++i) {
      if (apart[i])
        s.objects += static_cast<int64_t>(data.labels[i].size());
      else
        learnt.insert(data.labels[i].begin(), data.labels[i].end());
    }
    if (seed == 0) first = s;
    if (s.objects > 0 && std::ranges::includes(learnt, wanted)) return s;
  }
  return first;
}

}  // namespace mr
