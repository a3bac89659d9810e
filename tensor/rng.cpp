#include "tensor/rng.h"

#include <cmath>
#include <numbers>

namespace mr {

uint64_t mix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

uint64_t hash64(std::string_view text) {
  uint64_t h = 0xcbf29ce484222325u;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return h;
}

// The key holds the seed and the purpose, the counter the epoch, the sample and, in its first word, the index of the block.
Rng::Rng(uint64_t seed, std::string_view purpose, uint64_t epoch, uint64_t sample) {
  const uint64_t key = mix64(seed ^ mix64(hash64(purpose)));
  const uint64_t place = mix64(mix64(epoch) ^ sample);
  stream_ = {{static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)},
             {0, 0, static_cast<uint32_t>(place), static_cast<uint32_t>(place >> 32)}};
}

uint32_t Rng::next() {
  if (used_ == 4) {
    stream_.block(next_block_++, block_);
    used_ = 0;
  }
  return block_[used_++];
}

uint64_t Rng::below(uint64_t n) {
  const uint64_t limit = fair_below(n);
  for (;;) {
    const uint64_t high = next();
    const uint64_t x = high << 32 | next();
    if (x < limit) return x % n;
  }
}

float Rng::uniform() { return static_cast<float>(next() >> 8) * 0x1p-24f; }
double Rng::uniform(double lo, double hi) { return lo + (hi - lo) * (static_cast<double>(next()) * 0x1p-32); }

double Rng::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  const double u = (static_cast<double>(next()) + 1) * 0x1p-32;  // (0, 1]: the logarithm stays finite
  const double v = static_cast<double>(next()) * 0x1p-32;
  const double radius = std::sqrt(-2 * std::log(u)), angle = 2 * std::numbers::pi * v;
  spare_ = radius * std::sin(angle);
  has_spare_ = true;
  return radius * std::cos(angle);
}

}  // namespace mr
