#include "data/convert/named.h"

#include <iterator>

#include "base/check.h"

namespace mr::convert {
namespace {

void join(NamedObject& whole, NamedObject part) {
  std::move(part.polygons.begin(), part.polygons.end(), std::back_inserter(whole.polygons));
  if (part.pixels) whole.pixels = whole.pixels ? rle_merge(std::vector<Rle>{*whole.pixels, *part.pixels}) : std::move(*part.pixels);
  whole.box = whole.box && part.box;
  whole.line = whole.line || part.line;
}

}  // namespace

void Groups::add(NamedObject shape, const std::string& group) {
  if (!group.empty()) {
    const auto [at, fresh] = places_.emplace(std::pair{shape.name, group}, objects_.size());
    if (!fresh) return join(objects_[at->second], std::move(shape));
  }
  objects_.push_back(std::move(shape));
}

std::string FirstThree::list(const char* between) const {
  std::string all;
  for (const std::string& one : first_) all += str(all.empty() ? "" : between, one);
  return count_ > static_cast<int64_t>(first_.size()) ? str(all, between, "...") : all;
}

void Faults::leave_out(const std::string& file, const std::string& record, const std::string& text) {
  const std::string line = str(file, ": ", record, record.empty() ? "" : ": ", text);
  check(!stop_, line, " (--faulty drop leaves such out)");
  lines_.add(line);
}

}  // namespace mr::convert
