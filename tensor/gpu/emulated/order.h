// Which queued work is ordered before which, and what no order protects.
//
// Work is numbered along its stream. A clock says of every stream up to which number its work comes before this point. A stream's own clock
// counts its work; an event takes the clock of the point that it records, and a stream that waits for it joins that to its own; the host, where
// it waits, joins what it waited for to the clock that all it queues from then on begins with. Two pieces of work of which neither is in the
// other's clock may run at the same time, in whichever order they ran here. If they touch the same byte, and not both only read it, an event
// is missing.
//
// Source: Mattern, Virtual Time and Global States of Distributed Systems, 1988 (vector clocks).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mr::gpu::emulated {

class Clock {
 public:
  bool holds(size_t stream, uint64_t number) const { return stream < count_.size() && number <= count_[stream]; }
  uint64_t tick(size_t stream);  // the number of the stream's next work
  void join(const Clock& o);     // the greater of both, stream by stream

 private:
  std::vector<uint64_t> count_;
};

// A set of bytes.
class Ranges {
 public:
  void add(const void* p, size_t bytes);
  void add(const Ranges& o);
  void settle();                                 // sorts the ranges and merges those that touch; wanted before what follows
  const void* in_common(const Ranges& o) const;  // the first byte of both, or null

 private:
  struct Range {
    const std::byte *begin, *end;
  };
  std::vector<Range> ranges_;
  size_t settled_ = 0;  // how many there were when they were settled last
};

enum class Touch : uint8_t { read, write, update, free };  // update: by atomics, which may meet each other

// The bytes that a piece of work touched, one set a Touch.
class Touched {
 public:
  void add(Touch how, const void* p, size_t bytes) { (*this)[how].add(p, bytes); }
  void add(const Touched& o);
  void settle();
  Ranges& operator[](Touch how) { return ranges_[static_cast<size_t>(how)]; }
  const Ranges& operator[](Touch how) const { return ranges_[static_cast<size_t>(how)]; }

 private:
  std::array<Ranges, 4> ranges_;
};

// The work that ran, as long as work may come that is not ordered after it.
class History {
 public:
  struct Entry {
    std::string op;
    size_t stream = 0;
    uint64_t number = 0;
    Touched touched = {};
    void* frees = nullptr;  // memory to give back once the entry is forgotten: until then work may come that should not, but does, use it
  };
  // Errors (GpuError): an event is missing between this work and earlier work; it uses memory that was freed.
  void add(Entry entry, const Clock& clock);
  // Drops what all of the clocks hold: the least that work to come is ordered after. → the memory to give back
  std::vector<void*> forget(const std::vector<Clock>& clocks);
  bool empty() const { return entries_.empty(); }

 private:
  static std::string meeting(const Entry& before, const Entry& now, bool ordered);
  std::vector<Entry> entries_;
};

}  // namespace mr::gpu::emulated
