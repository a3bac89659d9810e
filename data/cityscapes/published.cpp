#include "data/cityscapes/published.h"

#include <array>
#include <utility>

#include "data/cityscapes/dataset.h"
#include "data/cityscapes/labels.h"
#include "data/dataset_tools/stats.h"

namespace mr {

int64_t cityscapes_published_images(const std::string& split) {
  constexpr std::array<std::pair<const char*, int64_t>, 4> known = {
      {{"train", 2975}, {"val", 500}, {"test", 1525}, {"train_extra", 19998}}};
  for (const auto& [name, images] : known)
    if (split == name) return images;
  return 0;
}

int64_t cityscapes_published_instances(int label) {
  constexpr std::array<int64_t, cityscapes_classes.size()> counts = {17900, 1800, 26900, 500, 400, 200, 700, 3700};
  const int k = cityscapes_class(label);
  return k < 0 ? 0 : counts[static_cast<size_t>(k)];
}

void add_published(const CityscapesDataset& dataset, DatasetStats& stats) {
  if (dataset.coarse() || dataset.splits() != std::vector<std::string>{"train"}) return;
  for (DatasetStats::Class& c : stats.classes) c.published = cityscapes_published_instances(static_cast<int>(c.category_id));
}

}  // namespace mr
