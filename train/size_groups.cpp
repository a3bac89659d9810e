#include "train/size_groups.h"

#include <algorithm>

#include "base/check.h"

namespace mr {

SizeGroups::SizeGroups(int64_t batch, Preprocess preprocess) : batch_(static_cast<size_t>(batch)), preprocess_(std::move(preprocess)) {
  check(batch >= 1, "size groups: a batch holds at least one image, got ", batch);
}

std::vector<IndexedImage> SizeGroups::take(Waiting::iterator of) {
  std::vector<IndexedImage> batch = std::move(of->second);
  waiting_.erase(of);
  held_ -= batch.size();
  return batch;
}

std::vector<IndexedImage> SizeGroups::add(int64_t index, Image image, std::vector<ProposedBox> proposals) {
  const PixelSize seen = predicted_size(image.height, image.width, preprocess_);
  const auto padded = [d = preprocess_.size_divisor](int64_t side) { return (side + d - 1) / d * d; };
  const auto at = waiting_.try_emplace({padded(seen.height), padded(seen.width)}).first;
  at->second.push_back({index, std::move(image), std::move(proposals)});
  ++held_;
  if (at->second.size() == batch_) return take(at);
  if (held_ < 4 * batch_) return {};
  return take(std::ranges::max_element(waiting_, {}, [](const auto& group) { return group.second.size(); }));
}

std::vector<IndexedImage> SizeGroups::rest() {
  if (waiting_.empty()) return {};
  return take(waiting_.begin());
}

}  // namespace mr
