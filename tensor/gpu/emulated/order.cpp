#include "tensor/gpu/emulated/order.h"

#include <algorithm>

#include "base/check.h"
#include "tensor/gpu/emulated/device.h"

namespace mr::gpu::emulated {
namespace {

constexpr std::array all = {Touch::read, Touch::write, Touch::update, Touch::free};
constexpr const char* does[] = {"reads", "writes", "updates", "frees"};
constexpr const char* done[] = {"read", "written", "updated", "freed"};

bool conflict(Touch a, Touch b) { return a != b || a == Touch::write || a == Touch::free; }

}  // namespace

uint64_t Clock::tick(size_t stream) {
  if (count_.size() <= stream) count_.resize(stream + 1);
  return ++count_[stream];
}

void Clock::join(const Clock& o) {
  if (count_.size() < o.count_.size()) count_.resize(o.count_.size());
  for (size_t i = 0; i < o.count_.size(); ++i) count_[i] = std::max(count_[i], o.count_[i]);
}

void Ranges::add(const void* p, size_t bytes) {
  const auto* begin = static_cast<const std::byte*>(p);
  if (!ranges_.empty() && ranges_.back().end == begin)
    ranges_.back().end += bytes;
  else
    ranges_.push_back({begin, begin + bytes});
  if (ranges_.size() > 2 * settled_ + 4096) settle();
}

void Ranges::add(const Ranges& o) {
  ranges_.insert(ranges_.end(), o.ranges_.begin(), o.ranges_.end());
  if (ranges_.size() > 2 * settled_ + 4096) settle();
}

void Ranges::settle() {
  std::ranges::sort(ranges_, {}, &Range::begin);
  size_t kept = 0;
  for (const Range& r : ranges_) {
    if (kept > 0 && r.begin <= ranges_[kept - 1].end)
      ranges_[kept - 1].end = std::max(ranges_[kept - 1].end, r.end);
    else
      ranges_[kept++] = r;
  }
  ranges_.resize(kept);
  settled_ = kept;
}

const void* Ranges::in_common(const Ranges& o) const {
  for (auto a = ranges_.begin(), b = o.ranges_.begin(); a != ranges_.end() && b != o.ranges_.end();) {
    const std::byte* begin = std::max(a->begin, b->begin);
    if (begin < std::min(a->end, b->end)) return begin;
    if (a->end < b->end)
      ++a;
    else
      ++b;
  }
  return nullptr;
}

void Touched::add(const Touched& o) {
  for (const Touch how : all) (*this)[how].add(o[how]);
}
void Touched::settle() {
  for (Ranges& r : ranges_) r.settle();
}

// Where `now` meets what `before` did, in words; empty: nowhere that it should not.
std::string History::meeting(const Entry& before, const Entry& now, bool ordered) {
  for (const Touch a : all)
    for (const Touch b : all) {
      if (!conflict(a, b) || (ordered && b != Touch::free)) continue;
      const void* p = now.touched[a].in_common(before.touched[b]);
      if (!p) continue;
      return str(now.op, ordered ? ": it " : ": missing event: it ", does[static_cast<size_t>(a)], ' ', Device::get().describe(p), ", ",
                 done[static_cast<size_t>(b)], " by ", before.op,
                 ordered ? " before" : " on another stream; expected an event that orders the two, got none");
    }
  return {};
}

void History::add(Entry entry, const Clock& clock) {
  entry.touched.settle();
  std::string complaint;
  for (const Entry& before : entries_)
    if (complaint.empty()) complaint = meeting(before, entry, clock.holds(before.stream, before.number));
  entries_.push_back(std::move(entry));
  if (!complaint.empty()) throw GpuError(entries_.back().op, "emulated", complaint);
}

std::vector<void*> History::forget(const std::vector<Clock>& clocks) {
  std::vector<void*> freed;
  std::erase_if(entries_, [&](const Entry& e) {
    if (!std::ranges::all_of(clocks, [&e](const Clock& c) { return c.holds(e.stream, e.number); })) return false;
    if (e.frees) freed.push_back(e.frees);
    return true;
  });
  return freed;
}

}  // namespace mr::gpu::emulated
