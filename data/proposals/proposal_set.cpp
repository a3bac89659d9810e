#include "data/proposals/proposal_set.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/text.h"
#include "data/view.h"
#include "tensor/rng.h"

namespace mr {
namespace {

class WithProposals final : public View {
 public:
  WithProposals(std::shared_ptr<const Dataset> from, std::shared_ptr<const ProposalSet> set)
      : View(std::move(from)), set_(std::move(set)) {}

  std::vector<ProposedBox> proposals(int64_t i) const override {
    const std::span<const ProposedBox> boxes = set_->of(info(i).image_id);
    return {boxes.begin(), boxes.end()};
  }
  Sample sample(int64_t i) const override {
    Sample s = View::sample(i);
    s.proposals = proposals(i);
    return s;
  }

 private:
  std::shared_ptr<const ProposalSet> set_;
};

std::string size_text(PixelSize s) { return str(s.width, "×", s.height); }

// Of one picture of the dataset.
void check_picture(const ProposalSet& set, const ImageInfo& info, const std::string& where) {
  const std::optional<PixelSize> stated = set.size_of(info.image_id);
  const PixelSize size{info.height, info.width};
  check(!stated || *stated == size, where, ": image ", info.image_id, ": the proposals are of a picture of ",
        stated ? size_text(*stated) : std::string(), ", and it is ", size_text(size));
  const auto width = static_cast<float>(info.width), height = static_cast<float>(info.height);
  for (const ProposedBox& p : set.of(info.image_id))
    check(p.box.x1 >= -1 && p.box.y1 >= -1 && p.box.x2 <= width + 1 && p.box.y2 <= height + 1, where, ": image ", info.image_id,
          ": the box [", p.box.x1, ", ", p.box.y1, ", ", p.box.x2, ", ", p.box.y2, "] is not within the picture of ", size_text(size),
          ": are these the proposals of other pictures, or of these in another size?");
}

std::string hexadecimal(uint64_t v) {
  std::string digits(16, '0');
  for (size_t i = 16; i-- > 0; v >>= 4) digits[i] = "0123456789abcdef"[v & 15];
  return digits;
}

}  // namespace

void ProposalSet::add(int64_t image_id, std::vector<ProposedBox> boxes, std::optional<PixelSize> size) {
  check(!has(image_id), source_, ": image ", image_id, ": has proposals in two places");
  for (size_t i = 0; i < boxes.size(); ++i) {
    const Box& b = boxes[i].box;
    const bool finite = std::isfinite(b.x1) && std::isfinite(b.y1) && std::isfinite(b.x2) && std::isfinite(b.y2);
    check(finite && std::isfinite(boxes[i].score), source_, ": image ", image_id, ": proposal ", i, ": expected finite numbers, got [",
          b.x1, ", ", b.y1, ", ", b.x2, ", ", b.y2, "], score ", boxes[i].score);
    check(b.x2 > b.x1 && b.y2 > b.y1, source_, ": image ", image_id, ": proposal ", i, ": expected a box with an extent, got [", b.x1, ", ",
          b.y1, ", ", b.x2, ", ", b.y2, "]");
  }
  std::ranges::stable_sort(boxes, std::ranges::greater{}, &ProposedBox::score);
  of_image_[image_id] = {boxes_.size(), boxes_.size() + boxes.size(), size};
  boxes_.insert(boxes_.end(), boxes.begin(), boxes.end());
}

std::vector<int64_t> ProposalSet::image_ids() const {
  std::vector<int64_t> ids;
  for (const auto& [id, entry] : of_image_) ids.push_back(id);
  return ids;
}

std::span<const ProposedBox> ProposalSet::of(int64_t image_id) const {
  const auto at = of_image_.find(image_id);
  if (at == of_image_.end()) return {};
  return std::span(boxes_).subspan(at->second.begin, at->second.end - at->second.begin);
}

std::optional<PixelSize> ProposalSet::size_of(int64_t image_id) const {
  const auto at = of_image_.find(image_id);
  return at == of_image_.end() ? std::nullopt : at->second.size;
}

std::string ProposalSet::hash() const {
  uint64_t h = 0;
  const auto add = [&h](const void* bytes, size_t n) { h = mix64(h ^ hash64({static_cast<const char*>(bytes), n})); };
  for (const auto& [id, entry] : of_image_) {
    const std::span<const ProposedBox> boxes = of(id);
    add(&id, sizeof id);
    static_assert(sizeof(ProposedBox) == 5 * sizeof(float));
    add(boxes.data(), boxes.size_bytes());
  }
  return hexadecimal(h);
}

std::shared_ptr<const Dataset> with_proposals(std::shared_ptr<const Dataset> dataset, std::shared_ptr<const ProposalSet> proposals,
                                              const std::string& key) {
  if (proposals == nullptr) return dataset;
  const std::string where = str(key, ": ", proposals->source());
  int64_t without = 0, first = 0;
  for (int64_t i = 0; i < dataset->size(); ++i) {
    const ImageInfo info = dataset->info(i);
    if (proposals->has(info.image_id))
      check_picture(*proposals, info, where);
    else if (without++ == 0)
      first = info.image_id;
  }
  check(without == 0, where, ": has no proposals of ", without, " of the ", counted(dataset->size(), "image"), ", the first of them ",
        first, "; it holds those of ", counted(proposals->images(), "image"), ": mrcnn proposals makes a file for these");
  return std::make_shared<WithProposals>(std::move(dataset), std::move(proposals));
}

double recall(const Dataset& dataset, const ProposalSet& proposals, double least, int64_t most) {
  int64_t objects = 0, covered = 0;
  for (int64_t i = 0; i < dataset.size(); ++i) {
    const std::span<const ProposedBox> all = proposals.of(dataset.info(i).image_id);
    const std::span<const ProposedBox> boxes = all.first(std::min(all.size(), static_cast<size_t>(most)));
    for (const Instance& o : dataset.instances(i)) {
      if (o.crowd) continue;
      ++objects;
      covered += std::ranges::any_of(boxes, [&](const ProposedBox& p) { return iou(p.box, o.box) >= least; });
    }
  }
  return objects > 0 ? static_cast<double>(covered) / static_cast<double>(objects) : 0;
}

}  // namespace mr
