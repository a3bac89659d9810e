// Counter-based random numbers (Philox 4×32-10, Salmon et al. 2011): a stream is a pure function of its key, so that work done in
// any order, by any number of threads, draws the same numbers.
//
//   Rng r(seed, "flip", epoch, sample);        if (r.uniform() < 0.5f) …
//   Rng w(seed, "init/" + parameter_name);     initial weights: switching one head leaves every other stream alone
#pragma once

#include <cstdint>
#include <string_view>

#include "tensor/hd.h"

namespace mr {

// Philox 4×32-10: block i of a stream is four words, for either device.
struct Philox {
  uint32_t key[2], counter[4];

  MR_HD void block(uint64_t i, uint32_t (&c)[4]) const {
    const uint64_t place = (uint64_t{counter[1]} << 32 | counter[0]) + i;
    c[0] = static_cast<uint32_t>(place);
    c[1] = static_cast<uint32_t>(place >> 32);
    c[2] = counter[2];
    c[3] = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; ++round) {
      const uint64_t p0 = uint64_t{0xD2511F53u} * c[0], p1 = uint64_t{0xCD9E8D57u} * c[2];
      const uint32_t n0 = static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0, n2 = static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1;
      c[1] = static_cast<uint32_t>(p1);
      c[3] = static_cast<uint32_t>(p0);
      c[0] = n0;
      c[2] = n2;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
  }
};

class Rng {
 public:
  explicit Rng(uint64_t seed, std::string_view purpose = "", uint64_t epoch = 0, uint64_t sample = 0);
  explicit Rng(const Philox& stream) : stream_(stream) {}  // from its first word on

  uint32_t next();                       // uniform over 2^32
  uint64_t below(uint64_t n);            // uniform over [0, n), n ≥ 1, without bias
  float uniform();                       // [0, 1), 24 bits
  double uniform(double lo, double hi);  // [lo, hi)
  double normal();                       // N(0, 1), Box–Muller

  // The whole stream; word w of a new Rng is word w % 4 of block w / 4.
  const Philox& stream() const { return stream_; }
  // 64 bits x, the first of two words in its upper half, are used for a number below n if x < fair_below(n); it is x % n then.
  MR_HD static uint64_t fair_below(uint64_t n) { return UINT64_MAX - UINT64_MAX % n; }  // the largest multiple of n that fits

 private:
  Philox stream_;
  uint64_t next_block_ = 0;
  uint32_t block_[4];
  int used_ = 4;
  double spare_ = 0;
  bool has_spare_ = false;
};

// A 64-bit hash with good avalanche (splitmix64's finaliser), and FNV-1a of a text.
uint64_t mix64(uint64_t x);
uint64_t hash64(std::string_view text);

}  // namespace mr
