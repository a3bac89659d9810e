#include "tensor/gpu/emulated/block.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <span>
#include <utility>

#include "tensor/rng.h"

namespace mr::gpu::emulated {

// Thread

Thread& thread() {
  check(running != nullptr, "emulated device: expected a kernel to be running, got a call from outside one");
  return *running;
}
const Index3& thread_index() { return thread().index; }
const Index3& block_index() { return thread().block->index(); }
const Index3& block_extent() { return thread().block->extent(); }
const Index3& grid_extent() { return thread().block->grid(); }

bool same_place(const Location& a, const Location& b) {
  return a.line() == b.line() && a.column() == b.column() &&
         (a.file_name() == b.file_name() || std::strcmp(a.file_name(), b.file_name()) == 0);
}

// The name from the project's root on. The compiler was given this file's name as it was given the kernel's, absolute or
// relative to the build folder, so this one tells what comes before the root.
std::string file_of(const Location& at) {
  constexpr std::string_view own = __FILE__, from_root = "tensor/gpu/emulated/block.cpp";
  static_assert(own.ends_with(from_root));
  constexpr std::string_view root = own.substr(0, own.size() - from_root.size());
  std::string_view name = at.file_name();
  if (name.starts_with(root)) name.remove_prefix(root.size());
  return std::string(name);
}

std::string place(const Location& at) { return str(file_of(at), ':', at.line()); }

std::string hex(uint32_t v) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", v);
  return text;
}

std::string hex(const void* p) {
  char text[32];
  std::snprintf(text, sizeof text, "%p", p);
  return text;
}

std::string describe(const Thread& t) { return str("thread (", t.index.x, ", ", t.index.y, ", ", t.index.z, ')'); }

void fail_at(const Thread& t, const Location& at, const std::string& message) {
  const Index3& b = t.block->index();
  const std::string& kernel = t.block->launch().kernel;
  throw KernelError({kernel, {b.x, b.y, b.z}, {t.index.x, t.index.y, t.index.z}, file_of(at), at.line()},
                    str(kernel, ": block (", b.x, ", ", b.y, ", ", b.z, "), ", describe(t), ", ", place(at), ": ", message));
}

// Block

Block& Block::of_this_processor_thread() {
  thread_local Block block;
  return block;
}

Block::~Block() = default;

void Block::begin(const Launch& launch, int64_t number) {
  launch_ = &launch;
  const auto index_of = [](int64_t i, const Dim3& d) {
    return Index3{static_cast<unsigned>(i % d.x), static_cast<unsigned>(i / d.x % d.y), static_cast<unsigned>(i / d.x / d.y)};
  };
  const auto extent_of = [](const Dim3& d) {
    return Index3{static_cast<unsigned>(d.x), static_cast<unsigned>(d.y), static_cast<unsigned>(d.z)};
  };
  index_ = index_of(number, launch.grid);
  extent_ = extent_of(launch.block);
  grid_ = extent_of(launch.grid);
  size_ = static_cast<int>(launch.block.x * launch.block.y * launch.block.z);
  if (threads_.size() < static_cast<size_t>(size_)) threads_.resize(static_cast<size_t>(size_));
  ready_.resize(static_cast<size_t>(size_));
  head_ = 0;
  for (int i = 0; i < size_; ++i) {
    Thread& t = threads_[static_cast<size_t>(i)];
    t.block = this;
    t.index = index_of(i, launch.block);
    t.number = i;
    t.warp = i / warp_size;
    t.lane = i % warp_size;
    t.state = State::fresh;
    t.fibre = nullptr;
    t.stamp = 1;
    t.copies.clear();
    t.groups = 0;
    t.arrays = 0;
    t.log.clear();
    ready_[static_cast<size_t>(i)] = i;
  }
  const size_t warps = static_cast<size_t>((size_ + warp_size - 1) / warp_size);
  if (warps_.size() < warps) warps_.resize(warps);
  for (size_t w = 0; w < warps; ++w)
    if (warps_[w].used) warps_[w] = {};
  arena_.begin(launch.shared_bytes);
  random_ = mix64(launch.seed + mix64(static_cast<uint64_t>(number) + 1));
  done_ = 0;
  drawn_ = -1;
  cancelled_ = false;
  stats_ = {};
  touched_ = {};
}

void Block::run(const Launch& launch, int64_t number, LaunchStats& stats) {
  begin(launch, number);
  try {
    schedule();
  } catch (...) {
    error_ = std::current_exception();
  }
  running = nullptr;
  if (error_) {
    cancel();
    std::rethrow_exception(std::exchange(error_, nullptr));
  }
  count();
  stats_.blocks = 1;
  stats_.threads = size_;
  stats += stats_;
}

void Block::schedule() {
  while (!error_) {
    const int number = drawn_ >= 0 ? std::exchange(drawn_, -1) : draw();
    if (number < 0) {
      if (done_ == size_) return;
      if (!release_barrier()) report_stuck();
      continue;
    }
    Thread& t = threads_[static_cast<size_t>(number)];
    current_ = t.fibre;
    if (!current_) {
      if (idle_.empty()) {
        fibres_.push_back(std::make_unique<Fibre>([this] { run_threads(); }));
        idle_.push_back(fibres_.back().get());
      }
      current_ = idle_.back();
      idle_.pop_back();
      next_ = &t;
    }
    running = &t;
    current_->enter();
    running = nullptr;
  }
}

// The next thread to run, at random; -1 where all wait.
int Block::draw() {
  if (head_ == ready_.size()) {
    ready_.clear();
    head_ = 0;
    return -1;
  }
  if (head_ > 4096 && 2 * head_ > ready_.size()) {  // kernels with many collectives never run empty
    ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
  if (launch_->seed != 0) {
    random_ = random_ * 6364136223846793005u + 1442695040888963407u;
    const size_t pick = head_ + static_cast<size_t>(((random_ >> 32) * (ready_.size() - head_)) >> 32);
    std::swap(ready_[head_], ready_[pick]);
  }
  return ready_[head_++];
}

void Block::run_threads() {
  Fibre* const mine = current_;
  Thread* t = next_;
  for (;;) {
    t->fibre = mine;
    t->state = State::running;
    running = t;
    try {
      launch_->body();
      if (!t->copies.empty())
        fail_in(*t, t->copies.front().at, "cp_async: expected cp_async_wait before the thread returns, got a copy still under way");
    } catch (const Cancelled&) {
    } catch (...) {
      if (!error_) error_ = std::current_exception();
    }
    t->state = State::done;
    t->fibre = nullptr;
    ++done_;
    if (error_) break;
    const int number = draw();
    if (number < 0) break;
    t = &threads_[static_cast<size_t>(number)];
    if (t->state != State::fresh) {  // it has a fibre of its own
      drawn_ = number;
      break;
    }
  }
  idle_.push_back(mine);
}

void Block::suspend(Thread& t, State state) {
  t.state = state;
  t.fibre->leave();
  t.state = State::running;
  if (cancelled_) throw Cancelled{};
}

// After an error every thread that waits is unwound, so that its fibre can be used again.
void Block::cancel() {
  cancelled_ = true;
  for (int i = 0; i < size_; ++i) {
    Thread& t = threads_[static_cast<size_t>(i)];
    if (!t.fibre || t.state == State::done) continue;
    running = &t;
    t.fibre->enter();
  }
  running = nullptr;
}

// Both wait for the same collective: of the same name, at the same place, with the same mask.
bool Block::same_wait(const Thread& a, const Thread& b) {
  return a.state == b.state && a.wait.mask == b.wait.mask && std::strcmp(a.wait.name, b.wait.name) == 0 && same_place(a.wait.at, b.wait.at);
}

int Block::barrier(Thread& t, const char* name, bool vote, const Location& at) {
  int votes = vote ? 1 : 0;
  t.wait = {name, 0, &votes, at};
  suspend(t, State::at_barrier);
  return votes;
}

bool Block::release_barrier() {
  const auto all = std::span(threads_).first(static_cast<size_t>(size_));
  int votes = 0;
  for (const Thread& t : all) {
    if (t.state != State::at_barrier || !same_wait(t, all.front())) return false;
    votes += *static_cast<const int*>(t.wait.slot);
  }
  count();
  arena_.barrier();
  ++stats_.barriers;
  for (Thread& t : all) {
    *static_cast<int*>(t.wait.slot) = votes;
    t.state = State::running;
    ready_.push_back(t.number);
  }
  return true;
}

void Block::meet(Thread& t, const char* name, uint32_t mask, void* slot, Work work, const Location& at) {
  if (!(mask >> t.lane & 1)) fail_in(t, at, name, ": the mask must hold the calling lane, got lane ", t.lane, " and the mask ", hex(mask));
  t.wait = {name, mask, slot, at};
  t.state = State::at_warp;
  bool whole = true;
  for (int l = 0; l < warp_size; ++l) {
    if (!(mask >> l & 1)) continue;
    if (t.warp * warp_size + l >= size_)
      fail_in(t, at, name, ": the mask must name lanes that there are, got lane ", l, " in ", hex(mask), " and a block of ", size_,
              " threads");
    const Thread& o = lane(t.warp, l);
    if (o.state == State::done)
      fail_in(t, at, name, ": every lane of the mask ", hex(mask), " must come, got lane ", l, ": ", whereabouts(o));
    whole = whole && same_wait(o, t);
  }
  if (!whole) {
    suspend(t, State::at_warp);
    return;
  }
  work(*this, t.warp, mask);
  for (int l = 0; l < warp_size; ++l) {
    if (!(mask >> l & 1) || l == t.lane) continue;
    Thread& o = lane(t.warp, l);
    o.state = State::running;
    ready_.push_back(o.number);
  }
  t.state = State::running;
}

void Block::sync_warp(int warp, uint32_t mask) {
  Warp& w = warps_[static_cast<size_t>(warp)];
  w.used = true;
  std::array<uint32_t, warp_size> joined{};
  for (int l = 0; l < warp_size; ++l) {
    if (!(mask >> l & 1)) continue;
    w.seen[l][l] = lane(warp, l).stamp;
    for (size_t o = 0; o < warp_size; ++o) joined[o] = std::max(joined[o], w.seen[l][o]);
  }
  for (int l = 0; l < warp_size; ++l) {
    if (!(mask >> l & 1)) continue;
    std::copy(joined.begin(), joined.end(), w.seen[l]);
    ++lane(warp, l).stamp;
  }
}

bool Block::ordered(int other, uint32_t stamp, const Thread& t) const {
  if (other / warp_size != t.warp) return false;
  return warps_[static_cast<size_t>(t.warp)].seen[t.lane][other % warp_size] >= stamp;
}

std::string Block::whereabouts(const Thread& t) const {
  if (t.state == State::done) return str(describe(t), " has returned");
  if (t.state == State::at_barrier) return str(describe(t), " waits at the ", t.wait.name, " at ", place(t.wait.at));
  return str(describe(t), " waits at the ", t.wait.name, " with mask ", hex(t.wait.mask), " at ", place(t.wait.at));
}

void Block::report_stuck() const {
  for (int i = 0; i < size_; ++i) {
    const Thread& t = threads_[static_cast<size_t>(i)];
    if (t.state != State::at_warp) continue;
    for (int l = 0; l < warp_size; ++l) {
      if (!(t.wait.mask >> l & 1)) continue;
      const Thread& o = threads_[static_cast<size_t>(t.warp) * warp_size + static_cast<size_t>(l)];
      if (same_wait(o, t)) continue;
      fail_in(t, t.wait.at, t.wait.name, ": every lane of the mask ", hex(t.wait.mask), " must come, got lane ", l, ": ", whereabouts(o));
    }
  }
  const auto all = std::span(threads_).first(static_cast<size_t>(size_));
  const auto waits = std::ranges::find_if(all, [](const Thread& t) { return t.state == State::at_barrier; });
  const auto other = std::ranges::find_if(all, [&](const Thread& t) { return !same_wait(t, *waits); });
  fail_in(*waits, waits->wait.at, waits->wait.name, ": every thread of the block must come, got ", whereabouts(*other));
}

void Block::count() {
  if (!counts()) return;
  std::array<const Log*, warp_size> logs{};
  for (int first = 0; first < size_; first += warp_size) {
    const int lanes = std::min(warp_size, size_ - first);
    for (int l = 0; l < lanes; ++l) logs[static_cast<size_t>(l)] = &lane(first / warp_size, l).log;
    count_warp(std::span(logs).first(static_cast<size_t>(lanes)), stats_);
    for (int l = 0; l < lanes; ++l) lane(first / warp_size, l).log.clear();
  }
}

}  // namespace mr::gpu::emulated
