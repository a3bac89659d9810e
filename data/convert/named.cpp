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

void Faults::leave_out(const std::string& file, const std::string& record, const std::string& text) {
  const std::string line = str(file, ": ", record, record.empty() ? "" : ": ", text);
  check(!stop_, line, " (--faulty drop leaves such out)");
  if (count_++ < 3) first_.push_back(line);
}

}  // namespace mr::convert
