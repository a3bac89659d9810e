#include "tensor/gpu/emulated/arena.h"

#include <cstring>

#include "tensor/gpu/emulated/block.h"

namespace mr::gpu::emulated {
namespace {

std::string element(const SharedSpan& a, int64_t i) { return str("shared array ", a.number, ", element ", i, " of ", a.count); }

}  // namespace

Arena::Arena() : memory_(most_bytes / sizeof(Line)) {}

void Arena::begin(size_t limit) {
  if (epoch_ > 0xfff00000u) {  // once in four thousand million barriers
    cells_.clear();
    epoch_ = 0;
  }
  limit_ = limit;
  used_ = used_cells_ = 0;
  arrays_.clear();
  visits_.clear();
  block_epoch_ = ++epoch_;
}

void Arena::barrier() {
  ++epoch_;
  visits_.clear();
}

const SharedSpan& Arena::carve(Thread& t, int64_t count, int element_bytes, size_t align, const Location& at) {
  const int number = t.arrays++;
  if (static_cast<size_t>(number) < arrays_.size()) {
    const SharedSpan& a = arrays_[static_cast<size_t>(number)];
    if (a.count != count || a.element != element_bytes)
      fail_in(t, at, "shared array ", number, ": every thread must carve the same, ", a.count, " elements of ", a.element, " bytes, got ",
              count, " of ", element_bytes);
    return a;
  }
  if (count < 1) fail_in(t, at, "shared array ", number, ": expected one element or more, got ", count);
  const size_t offset = (used_ + align - 1) / align * align, bytes = static_cast<size_t>(count) * static_cast<size_t>(element_bytes);
  if (offset + bytes > limit_)
    fail_in(t, at, "shared array ", number, ": the launch gave ", limit_, " bytes of shared memory, got ", bytes, " more after ", offset);
  used_ = offset + bytes;
  std::memset(reinterpret_cast<std::byte*>(memory_.data()) + offset, poison, bytes);
  arrays_.push_back({number, count, element_bytes, offset, used_cells_});
  used_cells_ += static_cast<size_t>(count);
  if (cells_.size() < used_cells_) cells_.resize(used_cells_);
  return arrays_.back();
}

void Arena::check_range(const Thread& t, const SharedSpan& a, int64_t i, int n, const Location& at) const {
  if (i < 0 || i + n > a.count) [[unlikely]] {
    if (n == 1) fail_in(t, at, "shared array ", a.number, ": index must be in [0, ", a.count, "), got ", i);
    fail_in(t, at, "shared array ", a.number, ": elements must be in [0, ", a.count, "), got [", i, ", ", i + n, ")");
  }
}

void Arena::check_landed(const Thread& t, const SharedSpan& a, int64_t i, const Cell& c, const Location& at) const {
  if (c.in_flight && c.write_epoch >= block_epoch_) [[unlikely]]
    fail_in(t, at, element(a, i), ": expected cp_async_wait first, got the element while the cp_async of ",
            t.block->describe_thread(c.writer), " at ", place(c.written_at), " is under way to it");
}

void Arena::check_initialised(const Thread& t, const SharedSpan& a, int64_t i, const Cell& c, const Location& at) const {
  if (c.write_epoch < block_epoch_) [[unlikely]]
    fail_in(t, at, element(a, i), ": expected a value written before, got memory that is not initialised");
}

void Arena::after_write(const Thread& t, const SharedSpan& a, int64_t i, const Cell& c, const char* what, const Location& at) const {
  if (c.write_epoch != epoch_ || c.writer == t.number || t.block->ordered(c.writer, c.write_stamp, t)) return;
  fail_in(t, at, element(a, i), ": race: expected a barrier before this ", what, ", got the write of ", t.block->describe_thread(c.writer),
          " at ", place(c.written_at), " without one between");
}

void Arena::after_visits(const Thread& t, const SharedSpan& a, int64_t i, const Cell& c, Which which, const char* what,
                         const Location& at) const {
  if (c.visit_epoch != epoch_) return;
  for (int32_t v = c.visits; v >= 0; v = visits_[static_cast<size_t>(v)].next) {
    const Visit& visit = visits_[static_cast<size_t>(v)];
    if (which != Which::all && visit.atomic != (which == Which::atomics)) continue;
    if (visit.thread == t.number || t.block->ordered(visit.thread, visit.stamp, t)) continue;
    fail_in(t, at, element(a, i), ": race: expected a barrier before this ", what, ", got the ", visit.atomic ? "atomic" : "read", " of ",
            t.block->describe_thread(visit.thread), " at ", place(visit.at), " without one between");
  }
}

// Threads run from barrier to barrier, so a thread that comes again soon finds its last visit on top.
void Arena::visit(const Thread& t, Cell& c, bool atomic, const Location& at) {
  if (c.visit_epoch != epoch_) {
    c.visit_epoch = epoch_;
    c.visits = -1;
  }
  if (atomic) c.atomic_epoch = epoch_;
  if (c.visits >= 0) {
    Visit& top = visits_[static_cast<size_t>(c.visits)];
    if (top.thread == t.number && top.atomic == atomic) {
      top.stamp = t.stamp;
      top.at = at;
      return;
    }
  }
  visits_.push_back({at, t.stamp, c.visits, static_cast<uint16_t>(t.number), atomic});
  c.visits = static_cast<int32_t>(visits_.size()) - 1;
}

// What came before is ordered before this write, so whoever is ordered after the write is ordered after that too.
void Arena::set_written(const Thread& t, Cell& c, const Location& at) {
  c.written_at = at;
  c.write_epoch = epoch_;
  c.write_stamp = t.stamp;
  c.writer = static_cast<uint16_t>(t.number);
  c.visit_epoch = 0;
  c.atomic_epoch = 0;
}

void Arena::read(Thread& t, const SharedSpan& a, int64_t i, int n, const Location& at) {
  check_range(t, a, i, n, at);
  for (int64_t k = i; k < i + n; ++k) {
    Cell& c = cell(a, k);
    check_landed(t, a, k, c, at);
    check_initialised(t, a, k, c, at);
    after_write(t, a, k, c, "read", at);
    if (c.atomic_epoch == epoch_) after_visits(t, a, k, c, Which::atomics, "read", at);
    visit(t, c, false, at);
  }
}

void Arena::write(Thread& t, const SharedSpan& a, int64_t i, int n, const Location& at) {
  check_range(t, a, i, n, at);
  for (int64_t k = i; k < i + n; ++k) {
    Cell& c = cell(a, k);
    check_landed(t, a, k, c, at);
    after_write(t, a, k, c, "write", at);
    after_visits(t, a, k, c, Which::all, "write", at);
    set_written(t, c, at);
    c.in_flight = false;  // of a block before
  }
}

void Arena::update(Thread& t, const SharedSpan& a, int64_t i, const Location& at) {
  check_range(t, a, i, 1, at);
  Cell& c = cell(a, i);
  check_landed(t, a, i, c, at);
  check_initialised(t, a, i, c, at);
  after_write(t, a, i, c, "atomic", at);
  after_visits(t, a, i, c, Which::reads, "atomic", at);
  visit(t, c, true, at);
}

// The bytes may arrive at any moment from now on, so the elements must be free now; they are there at the wait.
void Arena::begin_copy(Thread& t, const SharedSpan& a, int64_t i, int n, const Location& at) {
  write(t, a, i, n, at);
  for (int64_t k = i; k < i + n; ++k) cell(a, k).in_flight = true;
}

void Arena::land_copy(Thread& t, const PendingCopy& copy) {
  const size_t bytes = static_cast<size_t>(copy.elements) * static_cast<size_t>(copy.to->element);
  if (copy.from)
    std::memcpy(data(*copy.to, copy.first), copy.from, bytes);
  else
    std::memset(data(*copy.to, copy.first), 0, bytes);
  for (int64_t k = copy.first; k < copy.first + copy.elements; ++k) {
    Cell& c = cell(*copy.to, k);
    set_written(t, c, copy.at);
    c.in_flight = false;
  }
}

}  // namespace mr::gpu::emulated
