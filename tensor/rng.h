// Counter-based random numbers (Philox 4×32-10, Salmon et al. 2011): a stream is a pure function of its key, so that work done in
// any order, by any number of threads, draws the same numbers.
//
//   Rng r(seed, "flip", epoch, sample);        if (r.uniform() < 0.5f) …
//   Rng w(seed, "init/" + parameter_name);     initial weights: switching one head leaves every other stream alone
#pragma once

#include <cstdint>
#include <string_view>

namespace mr {

class Rng {
 public:
  explicit Rng(uint64_t seed, std::string_view purpose = "", uint64_t epoch = 0, uint64_t sample = 0);

  uint32_t next();                       // uniform over 2^32
  uint64_t below(uint64_t n);            // uniform over [0, n), n ≥ 1, without bias
  float uniform();                       // [0, 1), 24 bits
  double uniform(double lo, double hi);  // [lo, hi)
  double normal();                       // N(0, 1), Box–Muller

 private:
  uint32_t key_[2];
  uint32_t counter_[4];
  uint32_t block_[4];
  int used_ = 4;
  double spare_ = 0;
  bool has_spare_ = false;
};

// A 64-bit hash with good avalanche (splitmix64's finaliser), and FNV-1a of a text.
uint64_t mix64(uint64_t x);
uint64_t hash64(std::string_view text);

}  // namespace mr
