#include "ops/boxes/sampler.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "ops/boxes/box_tensor.h"
#include "ops/boxes/boxes_gpu.h"
#include "ops/boxes/matcher.h"
#include "tensor/gpu/built.h"

namespace mr {
namespace {

// The first steps of a Fisher–Yates shuffle.
std::vector<int32_t> draw(std::vector<int32_t> from, size_t count, Rng& rng) {
  if (count >= from.size()) return from;
  for (size_t i = 0; i < count; ++i) std::swap(from[i], from[i + rng.below(from.size() - i)]);
  from.resize(count);
  std::ranges::sort(from);
  return from;
}

}  // namespace

Tensor generator_streams(std::span<const Rng> rngs) {
  const auto n = static_cast<int64_t>(rngs.size());
  const Tensor words = Tensor::empty({n, stream_words}, DType::i32, Device{});
  for (int64_t i = 0; i < n; ++i)
    std::memcpy(words.data<int32_t>() + i * stream_words, &rngs[static_cast<size_t>(i)].stream(), sizeof(Philox));
  return words;
}

Tensor sample_balanced(const Tensor& match, int64_t count, double positive_fraction, const Tensor& streams) {
  const char* op = "sample_balanced";
  check(count >= 0, op, ": count must not be negative, got ", count);
  check(positive_fraction >= 0 && positive_fraction <= 1, op, ": positive_fraction must be in [0, 1], got ", positive_fraction);
  check(match.defined() && match.rank() == 2, op, ": match must be [N,B] i32, got ", match.defined() ? match.shape() : Shape{});
  const int64_t N = match.size(0), B = match.size(1), most_positive = static_cast<int64_t>(static_cast<double>(count) * positive_fraction);
  const Operands of(op, match.device());
  const auto *m = of.as<int32_t>(match, "match", {N, B}), *words = of.as<int32_t>(streams, "streams", {N, stream_words});
  const Tensor index = Tensor::empty({N, count}, DType::i32, match.device());
  if constexpr (gpu::exists) {
    if (match.on_gpu()) {
      gpu::sample_balanced(m, words, B, most_positive, index);
      return index;
    }
  }
  index.fill_(-1);
  for (int64_t n = 0; n < N; ++n) {
    std::vector<int32_t> positive, negative;
    for (int32_t place = 0; place < B; ++place) {
      const int32_t object = m[n * B + place];
      if (object >= 0)
        positive.push_back(place);
      else if (object == Match::background)
        negative.push_back(place);
    }
    Philox stream;
    std::memcpy(&stream, words + n * stream_words, sizeof stream);
    Rng rng(stream);
    positive = draw(std::move(positive), static_cast<size_t>(most_positive), rng);
    negative = draw(std::move(negative), static_cast<size_t>(count) - positive.size(), rng);
    std::ranges::copy(negative, std::ranges::copy(positive, index.data<int32_t>() + n * count).out);
  }
  return index;
}

}  // namespace mr
