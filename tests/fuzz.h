// Files damaged at random, the same ones every run: each must be read, or refused with an mr::Error; the sanitizer builds watch the rest.
// MR_FUZZ=N runs N times as many.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <iterator>
#include <string>

#include "base/check.h"
#include "tensor/rng.h"
#include "tests/catch.h"

namespace mr::test {

inline int64_t fuzz_rounds(int64_t normally) {
  const char* times = std::getenv("MR_FUZZ");
  return normally * (times ? std::max(1, std::atoi(times)) : 1);
}

// One to four changes: a bit, a byte, a number at its extremes, a piece cut out, doubled or put elsewhere, the end cut off. Half of them fall
// on the first `head` bytes.
inline std::string damaged(std::string s, Rng& rng, size_t head) {
  for (uint64_t n = 1 + rng.below(4); n > 0 && !s.empty(); --n) {
    const size_t at = rng.below(rng.below(2) ? s.size() : std::min(head, s.size()));
    const size_t length = std::min<size_t>(1 + rng.below(16), s.size() - at);
    switch (rng.below(8)) {
      case 0:
      case 1:
        s[at] = static_cast<char>(s[at] ^ (1 << rng.below(8)));
        break;
      case 2:
        s[at] = static_cast<char>(rng.next());
        break;
      case 3: {
        constexpr uint64_t extremes[] = {0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, UINT64_MAX};
        const uint64_t number = extremes[rng.below(std::size(extremes))];
        const size_t bytes = std::min<size_t>(size_t{1} << rng.below(4), s.size() - at);
        const bool big = rng.below(2);
        for (size_t i = 0; i < bytes; ++i) s[at + (big ? bytes - 1 - i : i)] = static_cast<char>(number >> 8 * i);
        break;
      }
      case 4:
        s.erase(at, length);
        break;
      case 5:
        s.insert(at, s.substr(at, length));
        break;
      case 6:
        s.insert(rng.below(s.size()), s.substr(at, length));
        break;
      default:
        if (rng.below(4) == 0) s.resize(at);
        break;
    }
  }
  return s;
}

struct FuzzRun {
  int64_t inputs = 0, read = 0, foreign = 0;  // foreign: ended by another exception, which a check should have kept from happening
  double slowest = 0;                         // seconds of work for one input, however busy the machine is
};

// read(rng) makes an input and reads it.
template <class Read> FuzzRun fuzz(int64_t rounds, const char* purpose, const Read& read) {
  FuzzRun r;
  for (; r.inputs < rounds; ++r.inputs) {
    Rng rng(7, purpose, 0, static_cast<uint64_t>(r.inputs));
    const std::clock_t begin = std::clock();
    try {
      read(rng);
      ++r.read;
    } catch (const Error&) {
    } catch (const std::exception&) {
      ++r.foreign;
    }
    r.slowest = std::max(r.slowest, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
  }
  INFO(purpose << ": " << r.inputs << " inputs, " << r.read << " read, the slowest took " << r.slowest << " s");
  CHECK(r.foreign == 0);
  CHECK(r.slowest < 1);
  CHECK(r.read > 0);  // some damage does no harm: the rest did reach the reader
  CHECK(r.read < r.inputs);
  return r;
}

}  // namespace mr::test
