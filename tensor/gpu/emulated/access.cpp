#include "tensor/gpu/emulated/access.h"

#include <algorithm>
#include <array>
#include <map>

#include "tensor/gpu/dim.h"
#include "tensor/rng.h"

namespace mr::gpu::emulated {
namespace {

// One instruction: the addresses of the lanes that take part.
struct WarpAccess {
  std::array<uint64_t, warp_size> address{};
  uint32_t lanes = 0;
  int bytes = 0;
  Space space = Space::none;

  void add(int lane, const Access& a) {
    if (a.space == Space::none) return;
    address[static_cast<size_t>(lane)] = a.address;
    lanes |= 1u << lane;
    bytes = a.bytes;
    space = a.space;
  }
};

constexpr uint64_t bank_bytes = 4, banks = 32, sector_bytes = 32;

// At most a warp's worth of numbers: accesses are aligned to their size, so that lanes touch one sector each and, in a pass, 32 words.
class Numbers {
 public:
  void add(uint64_t v) { v_[n_++] = v; }
  std::span<const uint64_t> distinct() {
    const auto all = std::span(v_).first(n_);
    if (!std::ranges::is_sorted(all)) std::ranges::sort(all);
    return all.first(static_cast<size_t>(std::unique(all.begin(), all.end()) - all.begin()));
  }

 private:
  std::array<uint64_t, warp_size> v_{};
  size_t n_ = 0;
};

// The hardware serves 128 bytes a pass: all lanes for accesses of up to 4 bytes, half a warp for 8, a quarter for 16. Lanes that want the
// same word share it; lanes that want different words of one bank wait for each other.
void count_shared(const WarpAccess& w, LaunchStats& stats) {
  const int lanes_a_pass = w.bytes <= 4 ? warp_size : w.bytes <= 8 ? warp_size / 2 : warp_size / 4;
  ++stats.shared_accesses;
  for (int first = 0; first < warp_size; first += lanes_a_pass) {
    Numbers words;
    for (int lane = first; lane < first + lanes_a_pass; ++lane) {
      if (!(w.lanes >> lane & 1)) continue;
      const uint64_t begin = w.address[static_cast<size_t>(lane)], end = begin + static_cast<uint64_t>(w.bytes);
      for (uint64_t word = begin / bank_bytes; word * bank_bytes < end; ++word) words.add(word);
    }
    std::array<int, banks> in_bank{};
    for (const uint64_t word : words.distinct()) ++in_bank[word % banks];
    stats.bank_conflicts += std::max(std::ranges::max(in_bank) - 1, 0);
  }
}

void count_global(const WarpAccess& w, LaunchStats& stats) {
  Numbers sectors, addresses;
  for (int lane = 0; lane < warp_size; ++lane) {
    if (!(w.lanes >> lane & 1)) continue;
    addresses.add(w.address[static_cast<size_t>(lane)]);
    sectors.add(w.address[static_cast<size_t>(lane)] / sector_bytes);
  }
  const auto bytes = static_cast<int64_t>(addresses.distinct().size()) * w.bytes;
  ++stats.global_accesses;
  stats.sectors += static_cast<int64_t>(sectors.distinct().size());
  stats.ideal_sectors += (bytes + static_cast<int64_t>(sector_bytes) - 1) / static_cast<int64_t>(sector_bytes);
}

void count(const WarpAccess& w, LaunchStats& stats) {
  if (w.space == Space::shared) count_shared(w, stats);
  if (w.space == Space::global) count_global(w, stats);
}

// All lanes that did anything did the same in the same order.
bool in_step(std::span<const Log* const> lanes) {
  const Log* first = nullptr;
  for (const Log* log : lanes) {
    if (log->accesses().empty()) continue;
    if (!first) {
      first = log;
      continue;
    }
    const auto same = [](const Access& a, const Access& b) { return a.site == b.site; };
    if (!std::ranges::equal(first->accesses(), log->accesses(), same)) return false;
  }
  return true;
}

}  // namespace

void Log::add(const Location& at, bool writes, Space space, uint64_t address, int bytes) {
  if (accesses_.size() == most) {
    complete_ = false;
    return;
  }
  const uint64_t place = reinterpret_cast<uintptr_t>(at.file_name()) + (uint64_t{at.line()} << 20) + (uint64_t{at.column()} << 44);
  accesses_.push_back({mix64(place * 2 + (writes ? 1 : 0)), address, static_cast<uint16_t>(bytes), space});
}

void count_warp(std::span<const Log* const> lanes, LaunchStats& stats) {
  size_t longest = 0;
  for (const Log* log : lanes) {
    longest = std::max(longest, log->accesses().size());
    stats.complete = stats.complete && log->complete();
  }
  if (longest == 0) return;
  if (in_step(lanes)) {
    for (size_t k = 0; k < longest; ++k) {
      WarpAccess w;
      for (size_t lane = 0; lane < lanes.size(); ++lane)
        if (!lanes[lane]->accesses().empty()) w.add(static_cast<int>(lane), lanes[lane]->accesses()[k]);
      count(w, stats);
    }
    return;
  }
  std::map<std::pair<uint64_t, int>, WarpAccess> by_place;  // (place, how often the lane has been there)
  for (size_t lane = 0; lane < lanes.size(); ++lane) {
    std::map<uint64_t, int> visits;
    for (const Access& a : lanes[lane]->accesses()) by_place[{a.site, visits[a.site]++}].add(static_cast<int>(lane), a);
  }
  for (const auto& [place, w] : by_place) count(w, stats);
}

}  // namespace mr::gpu::emulated
